//! The facade: providers built from configuration, and errors that name table and setting but never a value.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use biller_core::{ErrorKind, Execution, MemoryRecords, Order, Rupiah, Wiring};
use biller_sandbox::Sandbox;
use billers::Billers;

/// A configuration of every provider, with the sandbox's credentials: setting, and what the sandbox calls it.
fn configuration(sandbox: &Sandbox) -> BTreeMap<&'static str, String> {
    let same = |names: &[&'static str]| names.iter().map(|name| (*name, *name)).collect::<Vec<_>>();
    [
        ("biller-v2", "biller-v2", same(&["api_key", "api_secret"])),
        ("klikoo", "klikoo", {
            let mut settings = same(&["client_id", "client_secret"]);
            settings.push(("private_key", "private_key_pem"));
            settings
        }),
        ("mmbc-pulsa", "mmbc", same(&["username", "password"])),
        ("pln-prepaid", "pln", {
            same(&["merchant_id", "merchant_outlet_id", "merchant_outlet_username", "jwt_secret", "api_secret"])
        }),
        ("sidompul", "sidompul", same(&["client_id", "client_secret", "api_id", "api_key", "pin"])),
    ]
    .into_iter()
    .map(|(name, path, settings)| {
        let given = sandbox.credentials(path).unwrap();
        let mut table = format!("[{name}]\nbase_url = \"http://127.0.0.1/{path}\"\n");
        for (setting, credential) in settings {
            table.push_str(&format!("{setting} = {}\n", given[credential]));
        }
        (name, table)
    })
    .collect()
}

#[tokio::test]
async fn configured_providers_sell_through_one_face() {
    let sandbox = Sandbox::new();
    let text: String = configuration(&sandbox).into_values().collect();
    let billers = Billers::from_toml_over(&text, &Wiring::over(sandbox.transport())).unwrap();
    let records = MemoryRecords::default();
    let order = Order::new("FACADE-1", "S10", "081200000001").unwrap().with_expected_price(Rupiah::new(10_450));
    let klikoo = billers.get("klikoo").unwrap();
    let mut attempt = klikoo.prepare(order).await.unwrap();
    assert_eq!(klikoo.pay(&mut attempt, &records).await.word(), "succeeded");
    assert_eq!(sandbox.charges().len(), 1);
    for (name, biller) in billers.iter() {
        assert_eq!(name, biller.provider());
    }
}

#[test]
fn what_is_wrong_is_named() {
    let sandbox = Sandbox::new();
    let klikoo = configuration(&sandbox).remove("klikoo").unwrap();
    for (text, expected) in [
        ("[klikoo".to_owned(), "not a TOML text with one table per provider"),
        ("[kliko]".to_owned(), "unknown provider kliko; with the features that are on: "),
        ("klikoo = 1".to_owned(), "klikoo configuration: unusable setting: is no table"),
        (
            format!("{klikoo}client_sekret = \"x\""),
            "klikoo configuration: unusable setting: unknown setting client_sekret; known: base_url, ",
        ),
        (format!("{klikoo}timeout = 1.5"), "timeout is neither text, whole number nor true or false"),
        (format!("{klikoo}timeout = -1"), "timeout is not usable; expected a whole number of seconds"),
        (klikoo.replace("base_url = \"http://", "base_url = \""), "base_url: "),
        (klikoo.replace("client_id", "#"), "client_id is missing"),
        (klikoo.replace("BEGIN PRIVATE KEY", "BEGIN KEY"), "private_key: not usable; expected an unencrypted RSA key"),
    ] {
        let error = Billers::from_toml_over(&text, &Wiring::over(sandbox.transport())).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.execution(), Execution::NotExecuted);
        assert!(!error.to_string().contains("test0client1secret"), "{error}");
    }
    let error = Billers::from_toml_over("", &Wiring::over(sandbox.transport())).unwrap().get("klikoo").err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

#[test]
fn each_provider_comes_with_http_of_its_own() {
    let tables = configuration(&Sandbox::new());
    let text: String = tables.values().map(String::as_str).collect();
    let billers = Billers::from_toml(&text).unwrap();
    assert!(billers.iter().map(|(name, _)| name).eq(tables.keys().copied()));
}
