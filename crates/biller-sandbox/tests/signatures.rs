//! What the request log says about a refused signature.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use biller_sandbox::{Clock as _, Verdict};
use common::{BALANCE, BUY, Call, Partner, SECRET, hex, order, rsa, sha256, timestamp, token_body};

const ORDER: &str = r#"{"amount":"10150","msidn":"081200000001","partner_reference_id":"r","product_code":"OVO10","selling_price":"10150","value":"081200000001"}"#;

type Slip = Box<dyn Fn(&mut Call)>;

async fn verdict(partner: &Partner, call: Call) -> Verdict {
    let answer = partner.try_call(call).await.unwrap();
    let verdict = partner.sandbox.requests()[0].verdict.clone();
    assert_eq!(answer.code() == "400016508", !verdict.accepted);
    verdict
}

#[tokio::test]
async fn accepted_forms_are_named() {
    let partner = Partner::new().await;
    let call = |path: &str, change: &dyn Fn(&mut Call)| {
        let mut call = partner.prepare("GET", path, "");
        change(&mut call);
        call
    };
    let history = "/v1/open-api/transactions?page=1&limit=5";
    for (call, variant) in [
        (call(BALANCE, &|_| {}), "method in upper case, path without query, body as received"),
        (
            call(BALANCE, &|c| c.signed_method = "get".into()),
            "method in lower case, path without query, body as received",
        ),
        (call(history, &|_| {}), "method in upper case, path without query, body as received"),
        (call(history, &|c| c.signed_path = history.into()), "method in upper case, path with query, body as received"),
    ] {
        assert_eq!(verdict(&partner, call).await.variant.as_deref(), Some(variant));
    }
    let loose = "{ \"value\": \"081200000001\", \"product_code\": \"OVO10\" }";
    for (signed, variant) in [
        (loose, "method in upper case, path without query, body as received"),
        (
            r#"{"value":"081200000001","product_code":"OVO10"}"#,
            "method in upper case, path without query, compact body",
        ),
        (
            r#"{"product_code":"OVO10","value":"081200000001"}"#,
            "method in upper case, path without query, compact and sorted body",
        ),
    ] {
        let mut call = partner.prepare("POST", BUY, loose);
        call.signed_hash = sha256(signed);
        assert_eq!(verdict(&partner, call).await.variant.as_deref(), Some(variant));
    }
}

#[tokio::test]
async fn every_usual_slip_is_found() {
    let partner = Partner::new().await;
    let earlier = partner.token();
    partner.clock.advance(Duration::from_millis(61_042));
    partner.log_in().await;
    let now = partner.clock.now();
    let wib = timestamp(now);
    assert_eq!(wib, "2024-02-07T10:29:36.042+07:00");
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(ORDER).unwrap()).unwrap();
    let documented = r#"{"msidn":"081200000001","amount":"10150","product_code":"OVO10","selling_price":"10150","value":"081200000001","partner_reference_id":"r"}"#;
    let token = partner.token();
    let slips: Vec<(&str, Slip)> = vec![
        ("method", Box::new(|c| c.signed_method = "Post".into())),
        ("method", Box::new(|c| c.signed_method = "GET".into())),
        ("method", Box::new(|c| c.signed_method = "put".into())),
        ("path", Box::new(|c| c.signed_path = format!("/klikoo{BUY}"))),
        ("path", Box::new(|c| c.signed_path = format!("http://sandbox.test/klikoo{BUY}"))),
        ("path", Box::new(|c| c.signed_path = format!("sandbox.test{BUY}"))),
        ("path", Box::new(|c| c.signed_path = common::INQUIRY.into())),
        ("path", Box::new(|c| c.signed_path = BUY[1..].into())),
        ("token", Box::new(|c| c.signed_token = format!("Bearer {}", c.token))),
        ("token", Box::new(|c| c.signed_token = String::new())),
        ("token", Box::new(move |c| c.signed_token = earlier.clone())),
        ("body", Box::new(|c| c.signed_hash = c.body.clone())),
        ("body", Box::new(move |c| c.signed_hash = sha256(&pretty))),
        ("body", Box::new(move |c| c.signed_hash = sha256(documented))),
        ("body", Box::new(|c| c.signed_hash = sha256(""))),
        ("body", Box::new(|c| c.signed_hash = String::new())),
        ("body", Box::new(|c| c.signed_hash = c.signed_hash.to_ascii_uppercase())),
        ("timestamp", Box::new(|c| c.signed_timestamp = "2024-02-07T10:29:36+07:00".into())),
        ("timestamp", Box::new(|c| c.signed_timestamp = "2024-02-07T03:29:36.042Z".into())),
        ("timestamp", Box::new(|c| c.signed_timestamp = "2024-02-07T03:29:36Z".into())),
        ("timestamp", Box::new(move |c| c.signed_timestamp = timestamp(now + Duration::from_millis(7)))),
        ("timestamp", Box::new(move |c| c.signed_timestamp = timestamp(now - Duration::from_secs(90)))),
        ("timestamp", Box::new(|c| c.signed_timestamp = String::new())),
        ("key", Box::new(|c| c.key = STANDARD.encode(SECRET).into())),
        ("key", Box::new(|c| c.key = hex(SECRET.as_bytes()).into())),
        ("key", Box::new(|c| c.key = common::CLIENT_ID.into())),
        ("key", Box::new(|c| c.key = STANDARD.decode(SECRET).unwrap())),
        ("signature", Box::new(|c| c.key = b"somebody else's".to_vec())),
        ("signature", Box::new(|c| c.signed_path = "/elsewhere".into())),
    ];
    for (number, (part, slip)) in slips.iter().enumerate() {
        let mut call = partner.prepare("POST", BUY, ORDER);
        slip(&mut call);
        let verdict = verdict(&partner, call).await;
        assert_eq!((verdict.accepted, verdict.part), (false, Some(*part)), "slip {number}: {verdict:?}");
        assert_eq!(verdict.variant, None);
        let explanation = verdict.explanation.unwrap();
        let signed = format!("`POST:{BUY}:eyJh…:{}:2024-02-07T10:29:36.042+07:00` with test…", sha256(ORDER));
        assert!(explanation.ends_with(&signed), "{explanation}");
        assert!(!explanation.contains(SECRET) && !explanation.contains(&token), "{explanation}");
    }
    assert!(partner.sandbox.charges().is_empty());
}

#[tokio::test]
async fn a_timestamp_without_milliseconds_may_have_been_signed_with_them() {
    let partner = Partner::new().await;
    let mut call = partner.prepare("GET", BALANCE, "");
    call.timestamp = "2024-02-07T10:28:35+07:00".into();
    assert_eq!(verdict(&partner, call).await.part, Some("timestamp"));
}

#[tokio::test]
async fn right_contents_in_another_dress_are_a_signature_fault() {
    let partner = Partner::new().await;
    let call = partner.prepare("POST", BUY, ORDER);
    let mac = call.mac(hmac::HMAC_SHA512);
    let mut seen = Vec::new();
    for signature in [
        hex(&mac),
        URL_SAFE.encode(&mac),
        STANDARD.encode(call.mac(hmac::HMAC_SHA256)),
        String::new(),
        "!".into(),
        "é".into(),
    ] {
        let answer = partner.send_signed(call.clone(), &signature).await.unwrap();
        assert_eq!(answer.code(), "400016508", "{signature}");
        let verdict = partner.sandbox.requests()[0].verdict.clone();
        assert_eq!(verdict.part, Some("signature"), "{signature}");
        seen.push(verdict.explanation.unwrap().split(';').next().unwrap().to_owned());
    }
    assert_eq!(
        seen,
        [
            "the signature is in hexadecimal in place of base64",
            "the signature is in URL-safe base64",
            "made with SHA-256 in place of SHA-512",
            "there is no Open-Api-Signature",
            "no usual slip explains it",
            "there is no Open-Api-Signature",
        ]
    );
}

#[tokio::test]
async fn slips_of_the_token_call_are_found() {
    let partner = Partner::new().await;
    let (id, now) = (common::CLIENT_ID, partner.timestamp());
    for (message, part) in [
        (format!("{id}|2024-02-07T10:28:35+07:00"), "timestamp"),
        (format!("{id}|2024-02-07T03:28:35.000Z"), "timestamp"),
        (format!("{SECRET}|{now}"), "key"),
        (format!("{id}:{now}"), "signature"),
        ("something else".into(), "signature"),
    ] {
        let answer = partner.ask_token(token_body(), &now, &rsa(&message)).await.unwrap();
        assert_eq!(answer.code(), "400016508");
        assert_eq!(partner.sandbox.requests()[0].verdict.part, Some(part), "{message}");
    }
    let hexadecimal = hex(&STANDARD.decode(rsa(&format!("{id}|{now}"))).unwrap());
    partner.ask_token(token_body(), &now, &hexadecimal).await.unwrap();
    let verdict = partner.sandbox.requests()[0].verdict.clone();
    assert!(verdict.explanation.unwrap().starts_with("the signature is in hexadecimal"));
}

#[tokio::test]
async fn bodies_that_nest_deeply_or_are_no_text_are_refused_calmly() {
    let partner = Partner::new().await;
    let deep = format!("{}{}", "[".repeat(300_000), "]".repeat(300_000));
    let mut call = partner.prepare("POST", BUY, &deep);
    assert_eq!(partner.try_call(call.clone()).await.unwrap().code(), "400026510");
    call.key = b"wrong".to_vec();
    assert_eq!(partner.try_call(call).await.unwrap().code(), "400016508");
    assert_eq!(partner.post(BUY, &order("r", "081200000001")).await.code(), "201022001");
}
