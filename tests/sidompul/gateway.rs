use std::time::Duration;

use biller_core::{ErrorKind, Execution, Outcome, RetryPolicy, Rupiah, Wiring};
use biller_tests::{Invented, Tape, reply, sandbox, shared_clock};
use sidompul_client::codes::{Call, GATEWAY, gateway_verdict};
use sidompul_client::{Client, ReloadPulsa};

use crate::{Bench, ORDERS, config, credential, pulsa};

/// Every code of the table, as JSON and as XML, executed and not: the outcome is what the table says, and never contradicts the
/// ledger.
#[tokio::test]
async fn every_gateway_code_at_a_purchase() {
    let codes = GATEWAY.iter().flat_map(|row| [*row.codes.start(), *row.codes.end()]);
    for code in codes.chain([101_503, 101_504]) {
        for (digit, charges) in [(0, 0), (8, 0)] {
            let bench = Bench::new();
            let (_, paid) = bench.buy(pulsa("G-1", &format!("62877{code}{digit}"))).await;
            let verdict = gateway_verdict(code, false, Call::Purchase);
            let expected = if matches!(verdict, biller_core::Verdict::Failed(_)) { "failed" } else { "unknown" };
            assert_eq!(paid.word(), expected, "{code} {digit}");
            assert_eq!(bench.sandbox.charges().len(), charges, "{code} {digit}");
            let (shown, known) = match &paid {
                Outcome::Failed(refusal) => (refusal.to_string(), refusal.code()),
                Outcome::Unknown(error) => (error.to_string(), error.code()),
                other => panic!("{other:?}"),
            };
            assert_eq!(known, Some(code.to_string().as_str()));
            assert!(shown.contains(sidompul_client::codes::gateway_meaning(code, false)), "{shown}");
        }
    }
}

/// A gateway that lost the backend's reply: the purchase was executed, the outcome is unknown, and the history finds it.
#[tokio::test]
async fn executed_behind_a_gateway_fault() {
    for code in [101_000, 101_503, 101_504, 101_599, 102_511, 303_000, 303_002] {
        for (kind, order) in ORDERS {
            let bench = Bench::new();
            let (mut attempt, paid) = bench.buy(order("G-2", &format!("62877{code}9"))).await;
            assert_eq!(paid.word(), "unknown", "{code} {kind}");
            assert_eq!(bench.resolve(&mut attempt).await.word(), "succeeded", "{code} {kind}");
            assert_eq!((bench.sandbox.charges().len(), bench.purchases()), (1, 1));
        }
    }
}

/// Quirk: an expired token is renewed once and the purchase sent once more; a second refusal is final.
#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let bench = Bench::new();
    bench.client().dompul_balance().await.unwrap();
    let expire = || biller_sandbox::Fault::new("sidompul", biller_sandbox::FaultKind::ExpireToken);
    bench.sandbox.arm(expire().on(biller_sandbox::Operation::Payment)).unwrap();
    let (_, paid) = bench.buy(pulsa("K-1", "6287700000011")).await;
    assert_eq!(paid.word(), "succeeded");
    assert_eq!((bench.tape.count("/post-w2p"), bench.tape.count("/token")), (2, 2));

    let (_, paid) = bench.buy(pulsa("K-2", "628779009010")).await;
    let Outcome::Failed(refusal) = paid else { panic!("{paid:?}") };
    assert_eq!(refusal.kind(), ErrorKind::TokenRefused);
    assert_eq!(bench.tape.count("/post-w2p"), 4, "sent once more, and never a third time");
    assert_eq!(bench.sandbox.charges().len(), 1);
}

/// An hour later the token has run out by our own clock: it is replaced before it is refused.
#[tokio::test]
async fn a_token_is_replaced_before_it_expires() {
    let bench = Bench::new();
    bench.client().dompul_balance().await.unwrap();
    bench.clock.advance(Duration::from_secs(3_539));
    bench.client().dompul_balance().await.unwrap();
    assert_eq!(bench.tape.count("/token"), 1);
    bench.clock.advance(Duration::from_secs(61));
    bench.client().dompul_balance().await.unwrap();
    assert_eq!(bench.tape.count("/token"), 2);
    assert!(bench.sandbox.requests().iter().all(|request| request.status == Some(200)));
}

/// A client whose reads meet these replies in turn, and then the sandbox; with how long it waited.
async fn waited(replies: Vec<http::Response<bytes::Bytes>>) -> (Result<Rupiah, biller_core::Error>, Duration, usize) {
    let clock = shared_clock();
    let replies = std::sync::Mutex::new(replies.into_iter());
    let invented = Invented(move |request: &http::Request<bytes::Bytes>| {
        let read = request.uri().path().ends_with("-balance");
        read.then(|| replies.lock().unwrap().next().map(Ok)).flatten()
    });
    let tape = Tape::new(invented.over(sandbox(&clock).transport()));
    let wiring = Wiring::over(tape.clone()).with_clock(clock).with_retry(RetryPolicy::default());
    let client = Client::with_wiring(config("http://127.0.0.1/sidompul"), wiring);
    let start = tokio::time::Instant::now();
    let balance = client.dompul_balance().await;
    (balance, start.elapsed(), tape.count("-balance"))
}

fn throttled(code: u32, header: Option<&str>, next: Option<&str>) -> http::Response<bytes::Bytes> {
    let next = next.map(|at| format!(r#", "nextAccessTime": "{at}""#)).unwrap_or_default();
    let mut reply = reply(429, format!(r#"{{"fault": {{"code": {code}, "message": "throttled"{next}}}}}"#));
    reply.headers_mut().insert("date", "Wed, 07 Feb 2024 03:28:35 GMT".parse().unwrap());
    if let Some(header) = header {
        reply.headers_mut().insert("retry-after", header.parse().unwrap());
    }
    reply
}

/// Throttled reads wait as they are told: by `Retry-After`, or by the fault's own time; too long a wait is passed on.
#[tokio::test(start_paused = true)]
async fn throttled_reads_wait_as_told() {
    for code in 900_800..=900_807 {
        let (balance, wait, reads) = waited(vec![throttled(code, Some("17"), None)]).await;
        assert_eq!((balance.unwrap().get(), wait, reads), (2_500_000, Duration::from_secs(17), 2), "{code}");
        let next = throttled(code, None, Some("2024-Feb-07 03:28:58+0000 UTC"));
        let (balance, wait, reads) = waited(vec![next]).await;
        assert_eq!((balance.unwrap().get(), wait, reads), (2_500_000, Duration::from_secs(23), 2), "{code}");
    }
    let (balance, wait, reads) = waited(vec![throttled(900_803, Some("300"), None)]).await;
    let error = balance.unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Throttled, Some(Duration::from_secs(300))));
    assert_eq!((wait, reads), (Duration::ZERO, 1));
    let suspended = reply(503, r#"{"fault": {"code": 303001, "message": "suspended"}}"#);
    let (balance, wait, _) = waited(vec![suspended]).await;
    assert_eq!((balance.unwrap().get(), wait), (2_500_000, Duration::from_secs(30)));
}

/// HTTP 503 without JSON: a read is repeated; a purchase is unknown and is not.
#[tokio::test(start_paused = true)]
async fn trouble_without_json() {
    let (balance, _, reads) = waited(vec![reply(503, "<html>503</html>"), reply(503, "")]).await;
    assert_eq!((balance.unwrap().get(), reads), (2_500_000, 3));

    let clock = shared_clock();
    let invented = Invented(|request: &http::Request<bytes::Bytes>| {
        request.uri().path().ends_with("/post-w2p").then(|| Ok(reply(503, "<html>503</html>")))
    });
    let tape = Tape::new(invented.over(sandbox(&clock).transport()));
    let wiring = Wiring::over(tape.clone()).with_clock(clock).with_retry(RetryPolicy::default());
    let client = Client::with_wiring(config("http://127.0.0.1/sidompul"), wiring);
    let error = client.reload_pulsa(&ReloadPulsa::new("6287700000011", Rupiah::new(5_000)).unwrap()).await.unwrap_err();
    assert_eq!((error.execution(), error.status().map(|status| status.as_u16())), (Execution::Unknown, Some(503)));
    assert_eq!(tape.count("/post-w2p"), 1);
}

/// Wrong credentials of each kind are named, and cost nothing.
#[tokio::test]
async fn wrong_credentials_are_named() {
    use biller_core::{BaseUrl, Secret};
    use sidompul_client::{Config, Pin};
    for (spoilt, expected) in [
        ("client_secret", "check client_id and client_secret"),
        ("api_key", "check apiid and apikey"),
        ("pin", "unlisted answer"),
    ] {
        let value = |name: &str| if name == spoilt { "4321".to_owned() } else { credential(name) };
        let pin = Pin::Plain(Secret::new(value("pin")));
        let config =
            Config::new(value("client_id"), value("client_secret"), value("api_id"), value("api_key"), pin).unwrap();
        let config = config.with_base_url(BaseUrl::parse("http://127.0.0.1/sidompul").unwrap());
        let bench = Bench::with(|_| config);
        let error = bench.client().reload_pulsa(&ReloadPulsa::new("6287700000011", Rupiah::new(5_000)).unwrap()).await;
        let error = error.unwrap_err();
        assert!(error.to_string().contains(expected), "{spoilt}: {error}");
        let proven = if spoilt == "pin" { Execution::Unknown } else { Execution::NotExecuted };
        assert_eq!(error.execution(), proven, "{spoilt}");
        assert!(bench.sandbox.charges().is_empty());
    }
}
