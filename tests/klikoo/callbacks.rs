use biller_core::{Attempt, Biller, Claim, Hint, Rupiah};
use biller_sandbox::{Fault, FaultKind, Operation};
use bytes::Bytes;
use http::StatusCode;

use crate::{Bench, pulsa};

const SAMPLE: &str = include_str!("../fixtures/klikoo/callback.json");

fn post(body: impl Into<Bytes>) -> http::Request<Bytes> {
    http::Request::post("/callback").body(body.into()).unwrap()
}

#[test]
fn the_sample_is_read_and_answered() {
    let hint = klikoo::callback::parse(&post(SAMPLE)).unwrap();
    assert_eq!(hint.reference, "9d37f9ad-a7d0-41c7-92a6-285e2c8f845f");
    assert_eq!(hint.provider_id.as_deref(), Some("14430374"));
    assert_eq!((hint.customer.as_deref(), hint.product.as_deref()), (Some("081000000002"), Some("S10")));
    assert_eq!((hint.amount, hint.claim), (Some(Rupiah::new(15_000)), Claim::Succeeded));
    let answer = klikoo::callback::answer(Ok(&hint));
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.body().as_ref(), br#"{"response_code":"2000200","response_message":"Success"}"#);
}

#[test]
fn what_is_no_callback_is_refused() {
    for body in ["", "[]", "<html>", "{}", r#"{"partner_reference_id":"a","transaction_id":"1"}"#, "{\"a\":"] {
        let error = klikoo::callback::parse(&post(body)).unwrap_err();
        assert_eq!(klikoo::callback::answer(Err(&error)).status(), StatusCode::BAD_REQUEST, "{body}");
    }
    let unstored = biller_core::Error::new(biller_core::ErrorKind::NotRecorded, biller_core::Execution::Unknown);
    assert_eq!(klikoo::callback::answer(Err(&unstored)).status(), StatusCode::INTERNAL_SERVER_ERROR);
}

proptest::proptest! {
    #[test]
    fn no_body_panics(body in ".{0,200}") {
        let _ = klikoo::callback::parse(&post(body));
    }
}

/// A pending purchase, and the callback that settling it brings.
async fn pending(bench: &Bench, reference: &str, digit: char) -> (Attempt, Vec<Hint>) {
    bench.sandbox.send_callbacks_to("klikoo", "http://127.0.0.1/callback").unwrap();
    let mut attempt = bench.klikoo.prepare(pulsa(reference, &format!("08120000000{digit}"))).await.unwrap();
    bench.klikoo.pay(&mut attempt, &bench.records).await;
    bench.sandbox.settle();
    let hints = bench
        .sandbox
        .take_callbacks()
        .into_iter()
        .map(|callback| bench.klikoo.parse_callback(&post(callback.body)).unwrap())
        .collect();
    (attempt, hints)
}

#[tokio::test]
async fn a_callback_is_confirmed_before_it_counts_however_often_it_comes() {
    let bench = Bench::new();
    let (mut attempt, hints) = pending(&bench, "CB-1", '2').await;
    assert_eq!(hints.len(), 1);
    for _ in 0..3 {
        assert_eq!(bench.klikoo.confirm(&mut attempt, &hints[0], &bench.records).await.word(), "succeeded");
    }
    assert!(attempt.attention().is_empty());
}

#[tokio::test]
async fn a_callback_finds_the_purchase_whose_reply_was_lost() {
    let bench = Bench::new();
    bench.sandbox.arm(Fault::new("klikoo", FaultKind::LoseReply).on(Operation::Payment)).unwrap();
    let (mut attempt, hints) = pending(&bench, "CB-2", '1').await;
    assert_eq!(attempt.provider_id(), None);
    assert_eq!(bench.klikoo.confirm(&mut attempt, &hints[0], &bench.records).await.word(), "succeeded");
    assert_eq!(attempt.provider_id(), hints[0].provider_id.as_deref());
    assert_eq!(bench.tape.count("/transactions"), 0, "the id came from the callback");
}

#[tokio::test]
async fn a_conflicting_callback_changes_nothing() {
    let bench = Bench::new();
    bench.sandbox.arm(Fault::new("klikoo", FaultKind::CallbackConflicting)).unwrap();
    let (mut attempt, hints) = pending(&bench, "CB-3", '3').await;
    assert_eq!(hints[0].claim, Claim::Succeeded);
    assert_eq!(bench.klikoo.confirm(&mut attempt, &hints[0], &bench.records).await.word(), "failed");
}

#[tokio::test]
async fn forged_callbacks_change_nothing_and_are_reported() {
    let bench = Bench::new();
    let (mut attempt, hints) = pending(&bench, "CB-4", '3').await;
    let (other, _) = pending(&bench, "CB-5", '1').await;
    let real = &hints[0];

    let mut other_amount = real.clone();
    (other_amount.amount, other_amount.claim) = (Some(Rupiah::new(1)), Claim::Succeeded);
    let mut other_id = real.clone();
    other_id.provider_id = other.provider_id().map(str::to_owned);
    let mut unknown_id = real.clone();
    unknown_id.provider_id = Some("99999999".to_owned());

    for (forged, report) in [
        (&other_amount, "a callback names another amount"),
        (&other_id, "a callback names another transaction; it was dropped"),
        (&unknown_id, "a callback names another transaction; it was dropped"),
    ] {
        assert_eq!(bench.klikoo.confirm(&mut attempt, forged, &bench.records).await.word(), "failed");
        assert!(attempt.attention().iter().any(|attention| attention.reason == report), "{:?}", attempt.attention());
    }
    assert_eq!(attempt.provider_id(), real.provider_id.as_deref());
    assert_eq!(bench.sandbox.charges().len(), 2);
}

#[tokio::test]
async fn an_id_of_another_purchase_is_never_adopted() {
    let bench = Bench::new();
    bench.sandbox.arm(Fault::new("klikoo", FaultKind::LoseRequest).on(Operation::Payment)).unwrap();
    let (mut lost, _) = pending(&bench, "CB-6", '1').await;
    let (other, _) = pending(&bench, "CB-7", '1').await;
    let mut forged = Hint::new("CB-6", Claim::Succeeded);
    forged.provider_id = other.provider_id().map(str::to_owned);
    assert_eq!(bench.klikoo.confirm(&mut lost, &forged, &bench.records).await.word(), "unknown");
    assert_eq!(lost.provider_id(), None);
    assert_eq!(lost.attention()[0].reason, "a callback names a transaction of another purchase; it was dropped");
}
