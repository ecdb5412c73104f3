//! Callbacks: hints that settle nothing.

use biller_core::{Attempt, Biller, Claim, Hint, Outcome, Stage};
use biller_sandbox::{ChargeState, Fault, FaultKind, Operation};
use bytes::Bytes;
use pln_prepaid::callback;
use serde_json::{Value, json};

use crate::samples::CALLBACK;
use crate::{Bench, CUSTOMER, LATER};

/// A callback about this attempt that claims `code`, with some members changed.
fn posted(attempt: &Attempt, code: &str, changed: &[(&str, Value)]) -> http::Request<Bytes> {
    let mut body: Value = serde_json::from_str(CALLBACK).unwrap();
    let reference = attempt.order().reference().to_string();
    body["responseCode"] = json!(code);
    body["partnerReferenceNo"] = json!(reference);
    body["result"]["partnerReferenceNo"] = json!(reference);
    body["result"]["referenceNo"] = json!(attempt.provider_id().unwrap());
    body["result"]["customerID"] = json!(attempt.order().customer());
    for (member, value) in changed {
        body["result"][*member] = value.clone();
    }
    http::Request::post("/callbacks/pln").body(Bytes::from(body.to_string())).unwrap()
}

/// What the receiver does: reads, answers, confirms.
async fn received(bench: &Bench, attempt: &mut Attempt, request: &http::Request<Bytes>) -> Outcome {
    let hint = bench.pln.parse_callback(request).unwrap();
    assert_eq!(bench.pln.answer_callback(Ok(&hint)).status(), 200);
    bench.pln.confirm(attempt, &hint, &bench.records).await
}

#[tokio::test]
async fn the_sandboxes_callback_is_confirmed_by_one_advice() {
    for (customer, expected) in [(LATER, "succeeded"), ("829374298303", "failed")] {
        let bench = Bench::new();
        bench.sandbox.send_callbacks_to("pln", "http://127.0.0.1/callback").unwrap();
        let (mut attempt, outcome) = bench.buy("B-1", customer).await;
        assert_eq!(outcome.word(), "pending");
        bench.sandbox.settle();
        let callbacks = bench.callbacks();
        assert_eq!(callbacks.len(), 1);
        for _ in 0..3 {
            assert_eq!(received(&bench, &mut attempt, &callbacks[0]).await.word(), expected, "repeats are welcome");
        }
        assert_eq!((bench.payments(), bench.advices()), (1, 3));
        assert!(attempt.attention().is_empty(), "{:?}", attempt.attention());
    }
}

#[tokio::test]
async fn a_callback_alone_settles_nothing_even_with_every_field_right() {
    let bench = Bench::new();
    let (mut attempt, _) = bench.buy("B-2", LATER).await;
    for code in ["00", "03", "02", "99"] {
        let request = posted(&attempt, code, &[]);
        assert_eq!(received(&bench, &mut attempt, &request).await.word(), "pending", "{code}");
    }
    assert_eq!(attempt.stage(), Stage::Pending);
    assert!(attempt.attention().is_empty(), "{:?}", attempt.attention());
}

#[tokio::test]
async fn forged_callbacks_are_answered_and_change_nothing() {
    let bench = Bench::new();
    let (mut attempt, _) = bench.buy("B-3", LATER).await;
    for (n, (member, value)) in [
        ("productPrice", json!(1)),
        ("customerID", json!("86034655977")),
        ("productCode", json!("PLNPR1000")),
        ("referenceNo", json!("DEV-220118-9999999")),
    ]
    .into_iter()
    .enumerate()
    {
        let request = posted(&attempt, "00", &[(member, value)]);
        assert_eq!(received(&bench, &mut attempt, &request).await.word(), "pending", "{member}");
        assert_eq!(attempt.attention().len(), n + 1, "{member} is reported: {:?}", attempt.attention());
    }
    assert_eq!(attempt.attention()[0].reason, "a callback names another amount");
    assert_eq!(bench.ledger(), [(20_500, ChargeState::Pending)]);
    assert_eq!(bench.payments(), 1);
}

#[tokio::test]
async fn a_callback_for_an_unknown_reference_finds_nothing() {
    let bench = Bench::new();
    let (mut attempt, _) = bench.buy("B-4", LATER).await;
    let before = serde_json::to_value(&attempt).unwrap();
    let stranger = http::Request::post("/").body(Bytes::from(CALLBACK)).unwrap();
    let hint = bench.pln.parse_callback(&stranger).unwrap();
    assert!(bench.records.get("pln-prepaid", &hint.reference).is_none());
    assert_eq!(bench.pln.answer_callback(Ok(&hint)).status(), 200);
    // Handed to the wrong purchase all the same, it is one more look and nothing else.
    assert_eq!(bench.pln.confirm(&mut attempt, &hint, &bench.records).await.word(), "pending");
    assert!(attempt.attention().is_empty());
    assert_eq!(serde_json::to_value(&attempt).unwrap()["facts"], before["facts"]);
}

#[tokio::test]
async fn success_claimed_for_a_failed_purchase_leaves_it_failed() {
    let bench = Bench::new();
    let (mut attempt, outcome) = bench.buy("B-5", "829374298403").await;
    assert_eq!(outcome.word(), "failed");
    let request = posted(&attempt, "00", &[]);
    assert_eq!(received(&bench, &mut attempt, &request).await.word(), "failed");
    assert_eq!(attempt.stage(), Stage::Failed);
    assert_eq!(bench.ledger(), [(20_500, ChargeState::Failed)]);
}

#[tokio::test]
async fn failure_claimed_for_a_successful_purchase_leaves_it_successful() {
    let bench = Bench::new();
    let (mut attempt, outcome) = bench.buy("B-6", CUSTOMER).await;
    assert_eq!(outcome.word(), "succeeded");
    let request = posted(&attempt, "03", &[]);
    assert_eq!(received(&bench, &mut attempt, &request).await.word(), "succeeded");
    assert!(attempt.attention().is_empty());
}

#[tokio::test]
async fn conflicting_early_doubled_and_lost_callbacks() {
    for (kind, customer, expected, count) in [
        (FaultKind::CallbackConflicting, LATER, "succeeded", 1),
        (FaultKind::CallbackConflicting, "829374298303", "failed", 1),
        (FaultKind::CallbackTwice, LATER, "succeeded", 2),
        (FaultKind::CallbackBeforeReply, LATER, "succeeded", 1),
        (FaultKind::CallbackLost, LATER, "succeeded", 0),
    ] {
        let bench = Bench::new();
        bench.sandbox.send_callbacks_to("pln", "http://127.0.0.1/callback").unwrap();
        bench.sandbox.arm(Fault::new("pln", kind).on(Operation::Callback)).unwrap();
        let (mut attempt, _) = bench.buy("B-7", customer).await;
        let early = bench.callbacks();
        for request in &early {
            assert_eq!(received(&bench, &mut attempt, request).await.word(), "pending", "{}", kind.name());
        }
        bench.sandbox.settle();
        let late = bench.callbacks();
        assert_eq!(early.len() + late.len(), count, "{}", kind.name());
        let mut outcome = bench.resolve(&mut attempt).await;
        for request in early.iter().chain(&late) {
            outcome = received(&bench, &mut attempt, request).await;
        }
        assert_eq!(outcome.word(), expected, "{}", kind.name());
        assert_eq!(bench.payments(), 1);
    }
}

#[tokio::test]
async fn the_receiver_answers_as_specified() {
    let now = biller_core::Timestamp::from_unix_millis(1_642_488_604_000);
    let request = |body: &str| http::Request::post("/").body(Bytes::from(body.to_owned())).unwrap();
    let stored = std::sync::Mutex::new(Vec::<Hint>::new());
    let store = |hint: Hint| {
        stored.lock().unwrap().push(hint);
        async { Ok::<(), std::io::Error>(()) }
    };
    for (body, status, code) in [
        (CALLBACK, 200, "00"),
        (r#"{"responseCode":"00"}"#, 200, "00"),
        ("[]", 400, "03"),
        ("\"00\"", 400, "03"),
        ("", 400, "03"),
        ("<html>", 400, "03"),
        (&CALLBACK[..100], 400, "03"),
    ] {
        let answer = callback::receive(&request(body), now, store).await;
        let told: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!((answer.status().as_u16(), told["responseCode"].as_str().unwrap()), (status, code), "{body}");
        assert_eq!((&told["result"], &told["responseDatetime"]), (&json!(""), &json!("2022-01-18T13:50:04+07:00")));
    }
    assert_eq!(stored.lock().unwrap().len(), 1, "what names no purchase is not stored");
    let failing = |_| async { Err::<(), _>("disk full") };
    let answer = callback::receive(&request(CALLBACK), now, failing).await;
    assert_eq!(answer.status(), 500);
}

#[test]
fn a_hint_shows_no_customer() {
    let request = http::Request::post("/").body(Bytes::from(CALLBACK)).unwrap();
    let hint = callback::parse(&request).unwrap();
    assert_eq!(hint.claim, Claim::Succeeded);
    let text = format!("{hint:?}");
    assert!(!text.contains("86034655976") && !text.contains("6156"), "{text}");
}

/// Reads one request from a socket and answers it through the receiver, as any server would.
async fn serve_one(listener: tokio::net::TcpListener) -> (http::Request<Bytes>, Hint) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut bytes = Vec::new();
    let (head, body) = loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.unwrap();
        assert!(count > 0, "the request broke off");
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
        if body.len() == length.unwrap().trim().parse::<usize>().unwrap() {
            break (head.to_owned(), body.to_owned());
        }
    };
    let mut lines = head.lines();
    let mut start = lines.next().unwrap().split(' ');
    let mut request = http::Request::builder().method(start.next().unwrap()).uri(start.next().unwrap());
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        request = request.header(name, value);
    }
    let request = request.body(Bytes::from(body)).unwrap();
    let (sender, mut hints) = tokio::sync::mpsc::channel(1);
    let now = biller_core::Timestamp::from_unix_millis(1_642_488_604_000);
    let answer = callback::receive(&request, now, |hint| async move { sender.send(hint).await }).await;
    let (status, body) = (answer.status(), answer.body());
    let text = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    (request, hints.recv().await.unwrap())
}

#[tokio::test]
async fn a_callback_over_http_leads_to_the_outcome() {
    use tokio::net::TcpListener;
    let sandbox = biller_sandbox::Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/pln", listener.local_addr().unwrap());
    let server = sandbox.clone();
    let serving = tokio::spawn(async move { server.serve(listener, std::future::pending()).await });
    let receiver = TcpListener::bind("127.0.0.1:0").await.unwrap();
    sandbox.send_callbacks_to("pln", &format!("http://{}/callbacks/pln", receiver.local_addr().unwrap())).unwrap();

    let pln = pln_prepaid::PlnPrepaid::new(pln_prepaid::Client::new(crate::config(&base_url)).unwrap());
    let records = biller_core::MemoryRecords::default();
    let mut attempt = pln.prepare(crate::token("H-1", LATER)).await.unwrap();
    assert_eq!(pln.pay(&mut attempt, &records).await.word(), "pending");
    let received = tokio::spawn(serve_one(receiver));
    sandbox.settle();
    let (request, hint) = received.await.unwrap();
    assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/callbacks/pln"));
    let time = request.headers()["x-timestamp"].to_str().unwrap();
    assert!(time.len() == 25 && time.ends_with("+07:00"), "{time}");
    assert!(!request.headers().contains_key("authorization") && !request.headers().contains_key("x-signature"));
    let Outcome::Succeeded(receipt) = pln.confirm(&mut attempt, &hint, &records).await else { panic!("not done") };
    assert!(receipt.stroom_token.is_some());
    serving.abort();
}

proptest::proptest! {
    #[test]
    fn no_body_makes_the_parser_panic(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let _ = callback::parse(&http::Request::post("/").body(Bytes::from(body)).unwrap());
    }
}
