//! The facade: providers built from configuration, and errors that name table and setting but never a value.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use biller_core::{
    Biller, Claim, Clock as _, ErrorKind, Execution, Hint, MemoryRecords, Order, Outcome, Rupiah, Stage, SystemClock,
    Wiring,
};
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

/// What each sells at once: product, customer, price, and the amount where the product leaves it open.
fn order(name: &str) -> Order {
    let order = |product, customer| Order::new("FACADE-1", product, customer).unwrap();
    match name {
        "biller-v2" => order("SBTV01", "123223341").with_expected_price(Rupiah::new(747_250)),
        "klikoo" => order("S10", "081200000001").with_expected_price(Rupiah::new(10_450)),
        "mmbc-pulsa" => order("TEL5", "081234567891").with_expected_price(Rupiah::new(5_630)),
        "pln-prepaid" => order("PLNPR20", "86034655976").with_expected_price(Rupiah::new(20_500)),
        "sidompul" => order("W2P", "6287700000011").with_amount(Rupiah::new(5_000)),
        other => panic!("an order is missing for {other}"),
    }
}

/// One application that knows no provider by its type.
#[tokio::test]
async fn configured_providers_sell_through_one_face() {
    let sandbox = Sandbox::new();
    let text: String = configuration(&sandbox).into_values().collect();
    let billers = Billers::from_toml_over(&text, &Wiring::over(sandbox.transport())).unwrap();
    let records = MemoryRecords::default();
    let shelf: Vec<(&str, Arc<dyn Biller>)> = billers.iter().map(|(name, biller)| (name, Arc::clone(biller))).collect();
    assert_eq!(shelf.len(), 5);
    for (sold, (name, biller)) in shelf.iter().enumerate() {
        assert_eq!(*name, biller.provider());
        let mut attempt = biller.prepare(order(name)).await.unwrap();
        assert_eq!(biller.pay(&mut attempt, &records).await.word(), "succeeded", "{name}");
        assert_eq!(biller.resolve(&mut attempt, &records).await.word(), "succeeded", "{name}");
        assert_eq!(sandbox.charges().len(), sold + 1, "{name}");
        let listed = biller.history(SystemClock.now().wib_day()).await;
        match (biller.capabilities().history, listed) {
            (true, Ok(entries)) => {
                let sold: Vec<_> = entries.iter().filter(|entry| entry.is_for_customer_of(attempt.order())).collect();
                assert_eq!(sold.len(), 1, "{name}");
                assert_eq!(sold[0].stage, Some(Stage::Succeeded), "{name}");
            }
            (false, Err(error)) => assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}"),
            (_, listed) => panic!("{name}: {listed:?}"),
        }
    }
}

/// There is nothing to ask about what was never sent, and a callback does not change that.
#[tokio::test]
async fn what_was_never_sent_is_answered_without_asking() {
    let sandbox = Sandbox::new();
    let text: String = configuration(&sandbox).into_values().collect();
    let billers = Billers::from_toml_over(&text, &Wiring::over(sandbox.transport())).unwrap();
    let records = MemoryRecords::default();
    for (name, biller) in billers.iter() {
        let mut attempt = biller.prepare(order(name)).await.unwrap();
        let asked = sandbox.requests().len();
        let hint = Hint::new("FACADE-1", Claim::Succeeded);
        for outcome in
            [biller.resolve(&mut attempt, &records).await, biller.confirm(&mut attempt, &hint, &records).await]
        {
            let Outcome::Unknown(error) = outcome else { panic!("{name}: {outcome:?}") };
            assert_eq!((error.kind(), error.reference()), (ErrorKind::Unproven, Some("FACADE-1")), "{name}");
        }
        assert_eq!((attempt.stage(), attempt.looks()), (Stage::Prepared, 0), "{name}");
        assert_eq!(sandbox.requests().len(), asked, "{name} asked the provider");
        assert_eq!(biller.pay(&mut attempt, &records).await.word(), "succeeded", "{name}");
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
