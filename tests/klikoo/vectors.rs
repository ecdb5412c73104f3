use std::sync::Arc;

use biller_core::signing::{base64, hex, hmac_sha512, sha256};
use biller_core::{Secret, Timestamp};
use http::Method;
use klikoo::Config;
use klikoo::auth::{PrivateKey, RsaSigner, Signer, canonical_json};
use klikoo::operations::inquiry_reference;
use serde_json::Value;

const VECTORS: &str = include_str!("../fixtures/klikoo/signatures.json");

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

#[test]
fn every_vector_comes_out_in_every_step() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let pem = Secret::new(text(&vectors, "test_private_key_pem"));
    let mut seen = 0;
    for vector in vectors["vectors"].as_array().unwrap() {
        let (name, input, expected) = (text(vector, "name"), &vector["input"], &vector["expected"]);
        let minified = input["body_source"].as_str().map(|body| canonical_json(body).unwrap()).unwrap_or_default();
        if let Some(hash) = expected["body_sha256_hex"].as_str() {
            assert_eq!(minified, text(expected, "body_minified"), "{name}");
            assert_eq!(hex(&sha256(minified.as_bytes())), hash, "{name}");
        }
        let now = Timestamp::from_unix_millis(input["unix_ms"].as_i64().unwrap_or_default());
        let config = Config::new(
            "https://host.example",
            "3c0de7b2-1f5a-4d43-9d0c-6f2b8a4e7c10",
            input["client_secret"].as_str().unwrap_or("unused"),
            PrivateKey::from_pem(&pem).unwrap(),
        )
        .unwrap()
        .with_timestamp_millis(input["millis"].as_bool().unwrap_or(true))
        .with_signed_query(input["sign_query"].as_bool().unwrap_or(false));
        let signer = Signer::without_token(Arc::new(config));
        match text(input, "kind") {
            "access_token" => {
                let timestamp = signer.timestamp(now);
                assert_eq!(timestamp, text(expected, "timestamp"), "{name}");
                let signed = format!("{}|{timestamp}", text(input, "client_id"));
                assert_eq!(signed, text(expected, "string_to_sign"), "{name}");
                let signature = PrivateKey::from_pem(&pem).unwrap().sign(signed.as_bytes()).unwrap();
                assert_eq!(base64(&signature), text(expected, "signature"), "{name}");
            }
            "digital" => {
                let timestamp = signer.timestamp(now);
                assert_eq!(timestamp, text(expected, "timestamp"), "{name}");
                let method: Method = text(input, "method").parse().unwrap();
                let query = Some(text(input, "query")).filter(|query| !query.is_empty());
                let path = [Some(text(input, "path")), query].into_iter().flatten().collect::<Vec<_>>().join("?");
                let token = Secret::new(text(input, "token"));
                let signed = signer.string_to_sign(&method, &path, &token, minified.as_bytes(), &timestamp);
                assert_eq!(signed.expose(), text(expected, "string_to_sign"), "{name}");
                let mac = hmac_sha512(&Secret::new(text(input, "client_secret")), signed.expose().as_bytes());
                assert_eq!(hex(&mac), text(expected, "hmac_sha512_hex"), "{name}");
                assert_eq!(base64(&mac), text(expected, "signature"), "{name}");
            }
            "body_hash" => {
                assert!(text(expected, "body_sha256_hex").starts_with(text(input, "published_prefix")), "{name}");
            }
            other => panic!("{name}: unknown kind {other}"),
        }
        seen += 1;
    }
    assert_eq!(seen, vectors["vectors"].as_array().unwrap().len());
    assert!(seen >= 10, "only {seen} vectors");
}

#[test]
fn inquiry_references_are_uuids_of_the_purchase() {
    let reference = biller_core::Reference::parse("6d654219-d9b7-4e1a-8b51-99a5cafb11cb").unwrap();
    assert_eq!(inquiry_reference(&reference, 1).as_str(), "df791b82-d600-4a97-b922-0e52fda48c6b");
    assert_ne!(inquiry_reference(&reference, 2), inquiry_reference(&reference, 1));
}

#[test]
fn canonical_json_sorts_at_every_depth_and_keeps_numbers_and_arrays() {
    let text = r#" { "b" : [ {"z":1.10,"a":"\u00e9\/"} , 2e3 ], "a" : {} , "é":null, "Z":true } "#;
    assert_eq!(canonical_json(text).unwrap(), r#"{"Z":true,"a":{},"b":[{"a":"é/","z":1.10},2e3],"é":null}"#);
    assert!(canonical_json("{").is_err());
}

proptest::proptest! {
    #[test]
    fn canonical_json_is_stable_and_means_the_same(text in json()) {
        let once = canonical_json(&text).unwrap();
        assert_eq!(canonical_json(&once).unwrap(), once);
        assert_eq!(serde_json::from_str::<Value>(&once).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
    }
}

fn json() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".{0,6}", inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
    .prop_map(|value| serde_json::to_string_pretty(&value).unwrap())
}
