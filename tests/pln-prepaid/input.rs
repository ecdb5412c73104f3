//! What the caller gets wrong is refused before anything is sent, with field, shape and expectation.

use std::collections::BTreeMap;

use biller_core::{Biller, ErrorKind, Execution, Order, Rupiah, Secret, Settings};
use pln_prepaid::auth::{SelfSigned, Token};
use pln_prepaid::{Config, InquiryRequest};
use proptest::prelude::*;

use crate::{Bench, token};

#[tokio::test]
async fn orders_are_refused_before_anything_is_sent() {
    let bench = Bench::new();
    let order = || token("A-1", crate::CUSTOMER);
    for (order, expected) in [
        (
            token("A-1", "8603465597"),
            "customer: 10 characters (10 digits); expected a meter number of 11 digits or a customer id of 12",
        ),
        (
            token("A-1", "8603465597600"),
            "customer: 13 characters (13 digits); expected a meter number of 11 digits or a customer id of 12",
        ),
        (
            token("A-1", "8603465597x"),
            "customer: 11 characters (10 digits, 1 letter); expected a meter number of 11 digits or a customer id of 12",
        ),
        (order().with_amount(Rupiah::new(20_000)), "amount: present; expected none"),
        (order().with_expected_price(Rupiah::ZERO), "expected_price: Rp0; expected at least Rp1"),
    ] {
        let error = bench.pln.prepare(order).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!((error.kind(), error.execution()), (ErrorKind::InvalidInput, Execution::NotExecuted), "{error}");
        assert_eq!(error.reference(), Some("A-1"));
    }
    assert!(bench.tape.sent().is_empty());
}

#[test]
fn values_are_refused_with_the_field_and_what_was_expected() {
    for (result, expected) in [
        (InquiryRequest::new("", "PLNPR20", "86034655976"), "partner_reference_no: empty"),
        (InquiryRequest::new("A 1", "PLNPR20", "86034655976"), "partner_reference_no: 3 characters"),
        (InquiryRequest::new(&"x".repeat(65), "PLNPR20", "86034655976"), "partner_reference_no: 65 characters"),
        (InquiryRequest::new("A-1", "", "86034655976"), "product_code: empty"),
        (InquiryRequest::new("A-1", "VTS25", ""), "customer_id: empty; expected 1 to 64 printable ASCII characters"),
        (InquiryRequest::new("A-1", "VTS25", &"9".repeat(65)), "customer_id: 65 characters"),
        (InquiryRequest::new("A-1", "VTS25", "08\n12"), "customer_id: 5 characters"),
    ] {
        let text = result.unwrap_err().to_string();
        assert!(text.starts_with(expected), "{text}");
    }
    assert!(InquiryRequest::new("A-1", "VTS25", "0").is_ok(), "siblings have numbers of any length");
    assert!(InquiryRequest::new("A-1", "PLNPR20", "8603-4655 976").is_ok(), "blanks and - are dropped");
}

proptest! {
    #[test]
    fn a_meter_number_of_the_wrong_length_is_refused_with_the_right_ones(digits in "[0-9]{0,40}") {
        let result = InquiryRequest::new("A-1", "PLNPR100", &digits);
        match digits.len() {
            11 | 12 => prop_assert!(result.is_ok()),
            _ => {
                let text = result.unwrap_err().to_string();
                prop_assert!(text.contains("expected a meter number of 11 digits or a customer id of 12"), "{}", text);
                prop_assert!(digits.len() < 4 || !text.contains(&digits), "{}", text);
            }
        }
    }

    #[test]
    fn no_customer_panics(text in ".{0,70}") {
        let _ = InquiryRequest::new("A-1", "PLNPR20", &text);
        let _ = InquiryRequest::new("A-1", "VTS25", &text);
    }
}

fn settings(changed: &[(&str, &str)]) -> Result<Config, biller_core::Error> {
    let mut map: BTreeMap<String, String> = [
        ("base_url", "https://host.example/api/mybillsv2"),
        ("api_secret", "test-api-secret"),
        ("merchant_id", "5"),
        ("merchant_outlet_id", "896"),
        ("merchant_outlet_username", "00112233445566778899aabbccddeeff"),
        ("jwt_secret", "test-jwt-secret"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    for (name, value) in changed {
        assert!(Config::SETTINGS.contains(name), "{name}");
        map.insert((*name).to_owned(), (*value).to_owned());
    }
    Config::from_settings(&Settings::from_map(map))
}

#[test]
fn settings_by_name() {
    let config = settings(&[
        ("merchant_outlet_device_id", "TEST DEVICE 1"),
        ("jwt_lifetime", "900"),
        ("version", "v2.1"),
        ("signature_form", "sha256-hex"),
        ("authorization_scheme", "basic"),
        ("signed_path", "/{operation}"),
        ("connect_timeout", "1"),
        ("timeout", "2"),
        ("payment_timeout", "3"),
        ("decide_after", "4"),
        ("not_found_final_after", "5"),
    ])
    .unwrap();
    insta::assert_debug_snapshot!(config);
    // A token of the caller's needs none of the credentials that make one.
    let map = [("base_url", "https://host.example"), ("api_secret", "s"), ("token", "a.b.c")];
    let map = map.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert!(Config::from_settings(&Settings::from_map(map)).is_ok());
}

#[test]
fn configuration_is_refused_with_the_setting_named() {
    for (changed, expected) in [
        (("base_url", "host.example"), "base_url: "),
        (("base_url", "http://host.example"), "base_url: "),
        (("base_url", ""), "base_url is missing"),
        (("api_secret", ""), "api_secret is missing"),
        (("merchant_id", "five"), "merchant_id is not usable; expected a whole number"),
        (("merchant_outlet_id", ""), "merchant_outlet_id is missing"),
        (("merchant_outlet_username", ""), "merchant_outlet_username is missing"),
        (("jwt_secret", ""), "jwt_secret is missing"),
        (("jwt_lifetime", "15 min"), "jwt_lifetime is not usable"),
        (("version", "v2/0"), "version: "),
        (("signed_path", "{operation}"), "signed_path: "),
        (("signed_path", "/{version}"), "signed_path: "),
        (("signature_form", "md5"), "signature_form is not usable; expected sha512-base64"),
        (("authorization_scheme", "digest"), "authorization_scheme is not usable; expected bearer or basic"),
        (("timeout", "-1"), "timeout is not usable"),
    ] {
        let error = settings(&[changed]).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.execution(), Execution::NotExecuted);
    }
    let error = Config::new("https://host.example", "s", SelfSigned::new(5, 896, "", "s")).unwrap_err();
    assert!(error.to_string().contains("merchant_outlet_username is empty"), "{error}");
    let error = Config::new("https://host.example", "s", SelfSigned::new(5, 896, "u", "")).unwrap_err();
    assert!(error.to_string().contains("jwt_secret is empty"), "{error}");
    assert!(Config::new("https://host.example", "s", Token::supplied(Secret::new("t"))).is_ok());
}

#[tokio::test]
async fn an_order_with_blanks_in_its_meter_number_is_bought_for_the_bare_number() {
    let bench = Bench::new();
    let order = Order::new("A-2", "PLNPR20", "8603-4655 976").unwrap();
    let mut attempt = bench.pln.prepare(order).await.unwrap();
    assert_eq!(bench.pln.pay(&mut attempt, &bench.records).await.word(), "succeeded");
    assert_eq!(bench.sandbox.charges()[0].customer, "86034655976");
}
