use biller_core::{Biller, ErrorKind, Execution, Limits, Order, Rupiah, Secret, Wiring};
use biller_tests::{Invented, reply};
use bytes::Bytes;
use klikoo::auth::PrivateKey;
use klikoo::{Client, Config, Klikoo, Purchase};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use std::time::Duration;

use crate::{Bench, config, pulsa};

#[test]
fn values_are_refused_with_the_field_and_what_was_expected() {
    let price = Rupiah::new(10_450);
    for (result, expected) in [
        (Purchase::new("", "S10", "081200000001", price), "reference: "),
        (Purchase::new("A 1", "S10", "081200000001", price), "reference: "),
        (Purchase::new("A-1", "", "081200000001", price), "product_code: empty; expected 1 to 64 of"),
        (Purchase::new("A-1", "S<10", "081200000001", price), "product_code: 4 characters"),
        (Purchase::new("A-1", "S10", "", price), "value: empty; expected 1 to 32 of"),
        (Purchase::new("A-1", "S10", "0812 0000", price), "value: 9 characters"),
        (Purchase::new("A-1", "S10", &"9".repeat(33), price), "value: 33 characters"),
        (Purchase::new("A-1", "S10", "081200000001", Rupiah::ZERO), "amount: Rp0; expected at least Rp1"),
        (Purchase::new("A-1", "S10", "081200000001", Rupiah::new(-5)), "amount: -Rp5; expected at least Rp1"),
    ] {
        let text = result.unwrap_err().to_string();
        assert!(text.starts_with(expected), "{text}");
    }
    assert!(Rupiah::parse_machine("9223372036854775808").is_err());
    let phone = biller_core::Msisdn::parse("0211234567").unwrap_err();
    assert_eq!(phone.field(), "msisdn");
}

#[tokio::test]
async fn orders_are_refused_before_anything_is_sent() {
    let bench = Bench::new();
    let order = || Order::new("A-1", "S10", "081200000001").unwrap();
    for (order, expected) in [
        (order(), "expected_price: absent"),
        (order().with_expected_price(Rupiah::ZERO), "expected_price: Rp0; expected at least Rp1"),
        (order().with_amount(Rupiah::new(-1)), "amount: -Rp1; expected at least Rp1"),
        (
            order().with_amount(Rupiah::new(5)).with_expected_price(Rupiah::new(6)),
            "expected_price: Rp6 beside an amount of Rp5",
        ),
        (order().with_amount(Rupiah::new(5)).with_option("inquiry", "maybe"), "prepaid, postpaid or none"),
        (order().with_amount(Rupiah::new(5)).with_option("selling_price", "1.000"), "selling_price: "),
        (Order::new("A-1", "S10", "08 12").unwrap().with_amount(Rupiah::new(5)), "value: 5 characters"),
    ] {
        let error = bench.klikoo.prepare(order).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!((error.kind(), error.execution()), (ErrorKind::InvalidInput, Execution::NotExecuted), "{error}");
        assert_eq!(error.reference(), Some("A-1"));
    }
    assert!(bench.tape.sent().is_empty());
}

#[test]
fn configuration_is_refused_with_the_setting_named() {
    let key = || PrivateKey::from_pem(&Secret::new(crate::credential("private_key_pem"))).unwrap();
    for (result, expected) in [
        (Config::new("host.example", "id", "secret", key()), "base_url: "),
        (Config::new("http://host.example", "id", "secret", key()), "base_url: "),
        (Config::new("https://host.example", "", "secret", key()), "client_id is empty"),
        (Config::new("https://host.example", "id", "", key()), "client_secret is empty"),
    ] {
        let error = result.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.execution(), Execution::NotExecuted);
    }
}

#[test]
fn what_is_no_rsa_key_in_pem_is_refused() {
    let pem = crate::credential("private_key_pem");
    let public = pem.replace("PRIVATE", "PUBLIC");
    let cut = pem.replace("MIIE", "MIIF");
    let elliptic = aws_lc_rs::signature::EcdsaKeyPair::generate_pkcs8(
        &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        &aws_lc_rs::rand::SystemRandom::new(),
    )
    .unwrap();
    let elliptic = biller_core::signing::base64(elliptic.as_ref());
    let elliptic = format!("-----BEGIN PRIVATE KEY-----\n{elliptic}\n-----END PRIVATE KEY-----\n");
    for text in ["", "no key", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----", &public, &cut, &elliptic] {
        let error = PrivateKey::from_pem(&Secret::new(text)).unwrap_err().to_string();
        assert!(error.contains("private_key: not usable; expected an unencrypted RSA key"), "{error}");
    }
}

#[test]
fn a_pkcs1_key_is_taken_too() {
    use klikoo::auth::RsaSigner;
    let pem = crate::credential("private_key_pem");
    let pkcs8 = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    // Of a PKCS#8 key of this size, what follows the first 26 bytes is the PKCS#1 key.
    let pkcs1 = biller_core::signing::base64(&pkcs8.secret_der()[26..]);
    let pkcs1 = format!("-----BEGIN RSA PRIVATE KEY-----\n{pkcs1}\n-----END RSA PRIVATE KEY-----\n");
    let [one, other] = [pem, pkcs1].map(|pem| PrivateKey::from_pem(&Secret::new(pem)).unwrap().sign(b"x").unwrap());
    assert_eq!(one, other);
}

#[test]
fn settings_by_name() {
    let map = |pairs: &[(&str, &str)]| {
        biller_core::Settings::from_map(
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        )
    };
    let pem = crate::credential("private_key_pem");
    let full = [
        ("base_url", "https://host.example/b2b"),
        ("client_id", "id"),
        ("client_secret", "secret"),
        ("private_key", pem.as_str()),
    ];
    assert!(Config::from_settings(&map(&full)).is_ok());
    for missing in ["base_url", "client_id", "client_secret"] {
        let some: Vec<_> = full.iter().copied().filter(|(name, _)| *name != missing).collect();
        let error = Config::from_settings(&map(&some)).unwrap_err().to_string();
        assert!(error.contains(&format!("{missing} is missing")), "{error}");
    }
    for (name, value, expected) in [
        ("timestamp_millis", "yes", "timestamp_millis is not usable; expected true or false"),
        ("method_case", "camel", "method_case is not usable; expected upper or lower"),
        ("timeout", "30 s", "timeout is not usable; expected a whole number of seconds"),
        ("private_key_file", "/nowhere", "exactly one of private_key and private_key_file"),
    ] {
        let mut more = full.to_vec();
        more.push((name, value));
        let error = Config::from_settings(&map(&more)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_huge_reply_is_cut_off_and_unknown_for_a_purchase() {
    let sandbox = biller_sandbox::Sandbox::new();
    let transport = Invented(|request: &http::Request<Bytes>| {
        request.uri().path().ends_with("/buy").then(|| Ok(reply(200, vec![b' '; 200_000])))
    });
    let limits = Limits { timeout: Duration::from_secs(60), max_reply_bytes: 100_000 };
    let config = config("http://127.0.0.1/klikoo").with_buy_limits(limits);
    let klikoo = Klikoo::new(Client::with_wiring(config, Wiring::over(transport.over(sandbox.transport()))));
    let mut attempt = klikoo.prepare(pulsa("BIG-1", "081200000001")).await.unwrap();
    let outcome = klikoo.pay(&mut attempt, &biller_core::MemoryRecords::default()).await;
    let biller_core::Outcome::Unknown(error) = outcome else { panic!("{outcome:?}") };
    assert_eq!((error.kind(), error.execution()), (ErrorKind::ReplyTooLarge, Execution::Unknown));
}

#[tokio::test]
async fn a_callers_own_signer_signs_and_its_failure_sends_nothing() {
    struct Module(bool);
    impl klikoo::auth::RsaSigner for Module {
        fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
            if self.0 {
                PrivateKey::from_pem(&Secret::new(crate::credential("private_key_pem")))?.sign(message)
            } else {
                Err("the module is locked".into())
            }
        }
    }
    let sandbox = biller_sandbox::Sandbox::new();
    let client = |works| {
        let (id, secret) = (crate::credential("client_id"), crate::credential("client_secret"));
        let config = Config::new("http://127.0.0.1/klikoo", id, secret, Module(works)).unwrap();
        Client::with_wiring(config, Wiring::over(sandbox.transport()))
    };
    assert_eq!(client(true).balance().await.unwrap(), Rupiah::new(10_000_000));
    let before = sandbox.requests().len();
    let error = client(false).balance().await.unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::Signing, Execution::NotExecuted));
    assert!(error.to_string().contains("the module is locked"), "{error}");
    assert_eq!(sandbox.requests().len(), before);
}
