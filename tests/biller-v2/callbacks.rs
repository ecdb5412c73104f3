use biller_core::{Attempt, Biller, Claim, Hint, Rupiah};
use biller_sandbox::{Fault, FaultKind, Operation};
use biller_v2::callback;
use bytes::Bytes;
use http::StatusCode;

use crate::{Bench, bill, order};

const SAMPLE: &str = r#"{"responseCode":0,"success":true,"message":{"ID":"Transaksi Anda Telah Berhasil","EN":"Your transaction was successful"},
 "data":{"refNumber":"BV0000000000000003","transactionId":221005,"accountNumber":"081200000009","amount":10500,"totalAdmin":0,"processingFee":0,"denom":"","productCode":"SBPULSA10",
  "productName":"Pulsa 10.000","category":"Pulsa","token":"SN0000019080",
  "customerDetails":[{"key":"Nama Pelanggan","value":"N/A"},{"key":"Tanggal & Waktu Pembayaran","value":"28 Dec 2022 | 14:20"},{"key":"Nomor HP","value":"081200000009"}],
  "billDetails":[],"productDetails":[{"key":"Serial Nomor","value":"SN0000019080"}],"extraFields":[]}}"#;

fn post(body: impl Into<Bytes>) -> http::Request<Bytes> {
    http::Request::post("/callback").body(body.into()).unwrap()
}

#[test]
fn the_sample_is_read_and_answered() {
    let hint = callback::parse(&post(SAMPLE)).unwrap();
    assert_eq!(hint.reference, "BV0000000000000003");
    assert_eq!((hint.customer.as_deref(), hint.product.as_deref()), (Some("081200000009"), Some("SBPULSA10")));
    assert_eq!((hint.amount, hint.claim), (Some(Rupiah::new(10_500)), Claim::Succeeded));
    assert!(!format!("{hint:?}").contains("SN0000019080"));
    let answer = callback::answer(Ok(&hint));
    assert_eq!((answer.status(), answer.body().as_ref()), (StatusCode::OK, b"OK".as_slice()));
    assert_eq!(answer.headers()["content-type"], "text/plain");
}

#[test]
fn claims_follow_the_code_alone() {
    for (code, claim) in [
        ("0", Claim::Succeeded),
        (r#""4""#, Claim::Succeeded),
        ("100", Claim::Failed),
        ("150", Claim::Failed),
        ("299", Claim::Pending),
        ("188", Claim::Unlisted),
        ("401", Claim::Unlisted),
        ("null", Claim::Unlisted),
        (r#""OK""#, Claim::Unlisted),
    ] {
        for success in [true, false] {
            let body = format!(r#"{{"responseCode":{code},"success":{success},"data":{{"refNumber":"R"}}}}"#);
            assert_eq!(callback::parse(&post(body)).unwrap().claim, claim, "{code}");
        }
    }
}

#[test]
fn what_is_no_callback_is_answered_with_400_and_what_could_not_be_stored_with_503() {
    let large = format!(r#"{{"responseCode":0,"data":{{"refNumber":"R","x":"{}"}}}}"#, "x".repeat(callback::MAX_BODY));
    for body in ["", "[]", "<html>", "{}", r#"{"responseCode":0}"#, r#"{"data":{"refNumber":""}}"#, "{\"a\":", &large] {
        let error = callback::parse(&post(body.to_owned())).unwrap_err();
        assert_eq!(callback::answer(Err(&error)).status(), StatusCode::BAD_REQUEST, "{}", body.len());
    }
    let unstored = biller_core::Error::new(biller_core::ErrorKind::NotRecorded, biller_core::Execution::Unknown);
    assert_eq!(callback::answer(Err(&unstored)).status(), StatusCode::SERVICE_UNAVAILABLE);
}

proptest::proptest! {
    #[test]
    fn no_body_panics(body in ".{0,200}") {
        let _ = callback::parse(&post(body));
    }
}

/// A purchase that has settled, and the callbacks that it brought.
async fn settled(bench: &Bench, reference: &str, account: &str) -> (Attempt, Vec<Hint>) {
    bench.sandbox.send_callbacks_to("biller-v2", "http://127.0.0.1/callback").unwrap();
    let (attempt, _) = bench.buy(bill(reference, account)).await;
    bench.sandbox.settle();
    let callbacks = bench.sandbox.take_callbacks().into_iter();
    (attempt, callbacks.map(|callback| bench.biller.parse_callback(&post(callback.body)).unwrap()).collect())
}

async fn confirm(bench: &Bench, attempt: &mut Attempt, hint: &Hint) -> &'static str {
    bench.biller.confirm(attempt, hint, &bench.records).await.word()
}

#[tokio::test]
async fn a_callback_is_confirmed_by_a_status_call_however_often_it_comes() {
    let bench = Bench::new();
    bench.sandbox.arm(Fault::new("biller-v2", FaultKind::CallbackTwice)).unwrap();
    let (mut attempt, hints) = settled(&bench, "CB-1", "123223342").await;
    assert_eq!(hints.len(), 2);
    for (n, hint) in hints.iter().enumerate() {
        assert_eq!(bench.tape.count("/bill/status"), n);
        assert_eq!(confirm(&bench, &mut attempt, hint).await, "succeeded");
    }
    assert!(attempt.attention().is_empty());
}

#[tokio::test]
async fn a_callback_finds_the_purchase_whose_reply_was_lost() {
    let bench = Bench::new();
    bench.sandbox.arm(Fault::new("biller-v2", FaultKind::LoseReply).on(Operation::Payment)).unwrap();
    let (mut attempt, hints) = settled(&bench, "CB-2", "123223341").await;
    assert_eq!(confirm(&bench, &mut attempt, &hints[0]).await, "succeeded");
    assert_eq!(bench.payments(), 1);
}

#[tokio::test]
async fn a_callback_may_come_before_the_reply() {
    let bench = Bench::new();
    bench.sandbox.arm(Fault::new("biller-v2", FaultKind::CallbackBeforeReply)).unwrap();
    bench.sandbox.send_callbacks_to("biller-v2", "http://127.0.0.1/callback").unwrap();
    let (mut attempt, outcome) = bench.buy(bill("CB-3", "123223343")).await;
    assert_eq!(outcome.word(), "pending");
    let early = bench.sandbox.take_callbacks().remove(0);
    assert!(early.before_reply);
    let hint = bench.biller.parse_callback(&post(early.body)).unwrap();
    assert_eq!(hint.claim, Claim::Failed);
    assert_eq!(confirm(&bench, &mut attempt, &hint).await, "pending", "only the status counts");
    bench.sandbox.settle();
    assert_eq!(confirm(&bench, &mut attempt, &hint).await, "failed");
}

#[tokio::test]
async fn a_conflicting_callback_changes_nothing() {
    let bench = Bench::new();
    bench.sandbox.arm(Fault::new("biller-v2", FaultKind::CallbackConflicting)).unwrap();
    let (mut attempt, hints) = settled(&bench, "CB-4", "123223343").await;
    assert_eq!(hints.iter().map(|hint| hint.claim).collect::<Vec<_>>(), [Claim::Succeeded, Claim::Failed]);
    for hint in &hints {
        assert_eq!(confirm(&bench, &mut attempt, hint).await, "failed");
    }
}

#[tokio::test]
async fn forged_callbacks_change_nothing_and_are_reported() {
    let bench = Bench::new();
    let (mut attempt, hints) = settled(&bench, "CB-5", "123223343").await;
    let mut amount = hints[0].clone();
    (amount.amount, amount.claim) = (Some(Rupiah::new(1)), Claim::Succeeded);
    let mut customer = hints[0].clone();
    (customer.customer, customer.claim) = (Some("999".to_owned()), Claim::Succeeded);
    let mut reference = hints[0].clone();
    (reference.reference, reference.claim) = ("CB-6".to_owned(), Claim::Succeeded);
    for (forged, report) in [
        (amount, "a callback names another amount"),
        (customer, "a callback names another accountNumber"),
        (reference, "a callback names another refNumber"),
    ] {
        assert_eq!(confirm(&bench, &mut attempt, &forged).await, "failed");
        assert_eq!(attempt.attention().last().unwrap().reason, report);
    }
    assert_eq!(bench.sandbox.charges().len(), 1);
}

/// Over real HTTP: the sandbox posts to the payment's own address until it is answered with 200.
#[tokio::test]
async fn callbacks_are_repeated_until_200() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let receiver = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/callback/8f14e45fceea", receiver.local_addr().unwrap());
    let (sandbox, base_url) = crate::scenarios::served().await;
    let config = crate::config(&base_url).with_callback_urls([url.as_str()]).unwrap();
    let biller = biller_v2::BillerV2::new(biller_v2::Client::new(config).unwrap());
    let records = biller_core::MemoryRecords::default();
    let mut attempt = biller.prepare(order("CB-7", "SBPULSA10", "081200000001")).await.unwrap();
    assert_eq!(biller.pay(&mut attempt, &records).await.word(), "succeeded");
    let mut hints = Vec::new();
    for stored in [false, true] {
        let (mut stream, _) = receiver.accept().await.unwrap();
        let mut text = String::new();
        let mut buffer = [0; 4096];
        while !text.ends_with("}}") {
            let count = stream.read(&mut buffer).await.unwrap();
            text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        }
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /callback/8f14e45fceea HTTP/1.1"), "{head}");
        let hint = biller.parse_callback(&post(body.to_owned())).unwrap();
        let unstored = biller_core::Error::new(biller_core::ErrorKind::NotRecorded, biller_core::Execution::Unknown);
        let answer = biller.answer_callback(if stored { Ok(&hint) } else { Err(&unstored) });
        let text = format!("HTTP/1.1 {}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", answer.status());
        stream.write_all(text.as_bytes()).await.unwrap();
        hints.push(hint);
    }
    assert_eq!(hints[0].reference, "CB-7");
    assert_eq!(hints[1].raw, hints[0].raw);
    assert_eq!(biller.confirm(&mut attempt, &hints[1], &records).await.word(), "succeeded");
    assert_eq!(sandbox.charges().len(), 1);
}
