use biller_journal::{Cause, State};
use bytes::Bytes;
use http::StatusCode;

use crate::{Bench, pulsa, reference};

fn post(body: impl Into<Bytes>) -> http::Request<Bytes> {
    http::Request::post("/callback").body(body.into()).unwrap()
}

/// A pending purchase and the callback that settling it brings.
async fn pending(bench: &Bench, customer: &str) -> Bytes {
    bench.sandbox.send_callbacks_to("klikoo", "http://127.0.0.1/callback").unwrap();
    bench.journal.submit("klikoo", pulsa("A-1", customer)).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(bench.journal.get(&reference("A-1")).await.unwrap().unwrap().state, State::Pending);
    bench.sandbox.settle();
    bench.sandbox.take_callbacks().remove(0).body
}

#[tokio::test(start_paused = true)]
async fn a_callback_makes_the_provider_be_asked_once_however_often_it_comes() {
    let bench = Bench::new();
    let body = pending(&bench, "081200000002").await;
    for _ in 0..3 {
        assert_eq!(bench.journal.accept_callback("klikoo", &post(body.clone())).await.status(), StatusCode::OK);
    }
    let done = bench.journal.wait(&reference("A-1")).await.unwrap().unwrap();
    assert_eq!(done.state, State::Succeeded);
    let events = bench.journal.history(&reference("A-1")).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.cause == Cause::CallbackFollowed).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_forged_callback_changes_nothing_and_is_noted() {
    let bench = Bench::new();
    let body = pending(&bench, "081200000003").await;
    let forged = String::from_utf8(body.to_vec()).unwrap().replace("\"FAILED\"", "\"SUCCESS\"");
    assert_ne!(forged.as_bytes(), body.as_ref());
    bench.journal.accept_callback("klikoo", &post(forged)).await;
    let done = bench.journal.wait(&reference("A-1")).await.unwrap().unwrap();
    assert_eq!(done.state, State::Failed);
    assert!(bench.journal.receipt(&reference("A-1")).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_is_no_callback_of_ours_is_answered_and_dropped() {
    let bench = Bench::new();
    let body = pending(&bench, "081200000002").await;
    let text = String::from_utf8(body.to_vec()).unwrap();
    let other = text.replace("A-1", "NEVER-SEEN");
    for (provider, body, status) in [
        ("klikoo", other, StatusCode::OK),
        ("klikoo", "<html>".to_owned(), StatusCode::BAD_REQUEST),
        ("klikoo", " ".repeat(70_000), StatusCode::PAYLOAD_TOO_LARGE),
        ("nobody", text, StatusCode::NOT_FOUND),
    ] {
        assert_eq!(bench.journal.accept_callback(provider, &post(body)).await.status(), status);
    }
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(bench.journal.get(&reference("A-1")).await.unwrap().unwrap().state, State::Pending);
}
