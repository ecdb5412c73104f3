use biller_core::{Biller, ErrorKind, Execution, Limits, Order, Outcome, Rupiah, Settings};
use biller_tests::reply;
use mmbc_pulsa::model::StatusRequest;
use mmbc_pulsa::{Config, TopUp};
use std::time::Duration;

use crate::{Bench, pulsa};

#[test]
fn values_are_refused_with_the_field_and_what_was_expected() {
    for (result, expected) in [
        (TopUp::new("", "081234567891"), "product_code: empty; expected 1 to 64"),
        (TopUp::new("TEL 5", "081234567891"), "product_code: 5 characters"),
        (TopUp::new("TEL5", ""), "destination: empty; expected"),
        (TopUp::new("TEL5", "0211234567"), "destination: 10 characters (10 digits); expected a national mobile number"),
        (
            TopUp::new("TEL5", "081234567891").and_then(|top_up| top_up.with_repeat(0)),
            "repeat: 0; expected a number from 1",
        ),
    ] {
        let text = result.unwrap_err().to_string();
        assert!(text.starts_with(expected), "{text}");
    }
    for invoice in ["", " ", "TRX 1", "TRX\n1", &"9".repeat(65)] {
        assert_eq!(StatusRequest::new(invoice, "081234567891").unwrap_err().field(), "invoice");
    }
    assert_eq!(StatusRequest::new("TRX1", "0812").unwrap_err().field(), "destination");
}

#[tokio::test]
async fn orders_are_refused_before_anything_is_bought() {
    let bench = Bench::new();
    let order = || pulsa("A-1", "081234567891");
    for (order, kind, expected) in [
        (Order::new("A-1", "TEL5", "0812").unwrap(), ErrorKind::InvalidInput, "customer: 4 characters"),
        (
            Order::new("A-1", "NONE", "081234567891").unwrap(),
            ErrorKind::InvalidInput,
            "product: a code that the price list lacks",
        ),
        (Order::new("A-1", "TRI100", "081234567891").unwrap(), ErrorKind::Refused, "the product is not for sale"),
        (order().with_repeat(0), ErrorKind::InvalidInput, "repeat: 0"),
        (order().with_expected_price(Rupiah::ZERO), ErrorKind::InvalidInput, "expected_price: Rp0"),
        (
            order().with_amount(Rupiah::new(10_000)),
            ErrorKind::InvalidInput,
            "amount: Rp10.000; expected nothing, or the product's Rp5.000",
        ),
        (order().with_expected_price(Rupiah::new(5600)), ErrorKind::PriceChanged, "Rp5.630 instead of Rp5.600"),
    ] {
        let error = bench.mmbc.prepare(order).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!((error.kind(), error.execution()), (kind, Execution::NotExecuted), "{error}");
        assert_eq!(error.reference(), Some("A-1"));
    }
    assert_eq!(bench.top_ups(), 0);
    let fitting = order().with_amount(Rupiah::new(5000)).with_expected_price(Rupiah::new(5630));
    let attempt = bench.prepare(fitting).await;
    assert_eq!((attempt.price(), attempt.key()), (Some(Rupiah::new(5630)), "081234567891/TEL5/1/2024-02-07"));
}

#[tokio::test]
async fn a_list_that_was_not_read_whole_refuses_no_product() {
    let half =
        r#"[{"tipe":"PULSA","operator":"XL","kodeoperator":"XL5","nominal":5000,"harga":5850,"status":"Ready"},7]"#;
    let bench = Bench::answering("/daftarharga", &[(200, "[]"), (200, half), (200, half)]);
    for (lists, expected) in [(1, "not among 0 that could be read"), (3, "not among 1 that could be read")] {
        let error = bench.mmbc.prepare(pulsa("A-1", "081234567891")).await.unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::UnreadableReply, Execution::NotExecuted));
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(bench.tape.count("/daftarharga"), lists);
    }
    // What such a list has is sold from it, and what it lacks makes it be fetched again.
    bench.prepare(Order::new("A-2", "XL5", "081834567891").unwrap()).await;
    assert_eq!(bench.tape.count("/daftarharga"), 3);
    bench.prepare(pulsa("A-1", "081234567891")).await;
    assert_eq!(bench.tape.count("/daftarharga"), 4);
}

#[test]
fn configuration_is_refused_with_the_setting_named() {
    let base_url = |url: &str| Config::new("dummy", "dummy123").and_then(|config| config.with_base_url(url)).map(drop);
    for (result, expected) in [
        (Config::new("", "dummy123").map(drop), "username is empty"),
        (Config::new("dummy", "").map(drop), "password is empty"),
        (base_url("http://klikmbc.co.id"), "base_url: "),
        (base_url("klikmbc.co.id"), "base_url: "),
    ] {
        let error = result.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.execution(), Execution::NotExecuted);
    }
}

#[test]
fn settings_by_name() {
    let map = |pairs: &[(&str, &str)]| {
        Settings::from_map(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    };
    let full = [("username", "dummy"), ("password", "dummy123")];
    assert!(format!("{:?}", Config::from_settings(&map(&full)).unwrap()).contains("https://klikmbc.co.id"));
    for missing in ["username", "password"] {
        let some: Vec<_> = full.iter().copied().filter(|(name, _)| *name != missing).collect();
        let error = Config::from_settings(&map(&some)).unwrap_err().to_string();
        assert!(error.contains(&format!("{missing} is missing")), "{error}");
    }
    for (name, value, expected) in [
        ("base_url", "http://10.0.0.7", "base_url: "),
        ("guarded_resend", "yes", "guarded_resend is not usable; expected true or false"),
        ("timeout", "1m", "timeout is not usable; expected a whole number of seconds"),
    ] {
        let mut more = full.to_vec();
        more.push((name, value));
        let error = Config::from_settings(&map(&more)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let mut open = full.to_vec();
    open.extend([("base_url", "http://10.0.0.7"), ("allow_insecure_http", "true"), ("decide_after", "60")]);
    assert!(Config::from_settings(&map(&open)).is_ok());
}

/// HTTP statuses: the body decides below 500, and nothing above.
#[tokio::test]
async fn what_a_status_proves() {
    let refusal = crate::no("62");
    for (status, body, word) in [
        (400, refusal.as_str(), "failed"),
        (401, r#"{"result":"no","reason":"invalid login"}"#, "failed"),
        (403, "<html>", "unknown"),
        (404, "", "unknown"),
        (429, "", "unknown"),
        (302, refusal.as_str(), "unknown"),
        (500, refusal.as_str(), "unknown"),
        (503, "", "unknown"),
        (200, "[]", "unknown"),
        (200, r#"["no","62"]"#, "unknown"),
        (200, r#"{"reason_code":"62"}"#, "unknown"),
        (200, r#"{"result":"nope","reason_code":"62"}"#, "unknown"),
        (200, r#"{"result":"no","reason_code":{"a":62}}"#, "unknown"),
    ] {
        let bench = Bench::answering("/isipulsa", &[(status, body)]);
        let mut attempt = bench.prepare(pulsa("A-1", "081234567891")).await;
        assert_eq!(bench.pay(&mut attempt).await.word(), word, "{status} {body}");
    }
}

#[tokio::test]
async fn a_huge_reply_is_cut_off_and_unknown_for_a_purchase() {
    let huge = " ".repeat(200_000);
    let bench = Bench::build(
        |config| config.with_call_limits(Limits { timeout: Duration::from_secs(60), max_reply_bytes: 100_000 }),
        |sandbox| {
            let invented = biller_tests::Invented(move |request: &http::Request<bytes::Bytes>| {
                request.uri().path().ends_with("/isipulsa").then(|| Ok(reply(200, huge.clone())))
            });
            std::sync::Arc::new(invented.over(sandbox.transport()))
        },
    );
    let mut attempt = bench.prepare(pulsa("A-1", "081234567891")).await;
    let Outcome::Unknown(error) = bench.pay(&mut attempt).await else { panic!() };
    assert_eq!((error.kind(), error.execution()), (ErrorKind::ReplyTooLarge, Execution::Unknown));
}
