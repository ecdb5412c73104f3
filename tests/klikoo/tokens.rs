use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use biller_core::{Biller, Clock, ErrorKind, Execution, RetryPolicy, Wiring};
use biller_sandbox::{Fault, FaultKind, Operation};
use biller_tests::{Invented, Tape, reply, sandbox, shared_clock};
use klikoo::{Client, Klikoo};

use crate::{Bench, config, pulsa};

#[tokio::test]
async fn ten_thousand_first_calls_make_one_token_request() {
    let bench = Bench::new();
    let client = bench.klikoo.client().clone();
    let calls: Vec<_> = (0..10_000)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.balance().await.map(|rupiah| rupiah.get()) })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), 10_000_000);
    }
    assert_eq!(bench.tape.count("/access-token"), 1);
}

#[tokio::test]
async fn a_token_expired_at_the_provider_is_renewed_once_also_for_a_buy() {
    let bench = Bench::new();
    bench.klikoo.balance().await.unwrap();
    bench.sandbox.arm(Fault::new("klikoo", FaultKind::ExpireToken).on(Operation::Payment)).unwrap();
    let mut attempt = bench.klikoo.prepare(pulsa("T-1", "081200000001")).await.unwrap();
    let outcome = bench.klikoo.pay(&mut attempt, &bench.records).await;
    assert_eq!(outcome.word(), "succeeded");
    assert_eq!((bench.buys(), bench.tape.count("/access-token")), (2, 2));
    assert_eq!(bench.sandbox.charges().len(), 1);
}

#[tokio::test]
async fn a_second_refusal_is_final_and_nothing_was_bought() {
    let bench = Bench::new();
    bench.sandbox.arm(Fault::new("klikoo", FaultKind::ExpireToken).on(Operation::Payment).times(0)).unwrap();
    let mut attempt = bench.klikoo.prepare(pulsa("T-2", "081200000001")).await.unwrap();
    let outcome = bench.klikoo.pay(&mut attempt, &bench.records).await;
    assert_eq!(outcome.word(), "failed");
    assert_eq!((bench.buys(), bench.tape.count("/access-token")), (2, 2));
    assert!(bench.sandbox.charges().is_empty());
}

#[tokio::test]
async fn renewed_before_it_expires_and_kept_until_then() {
    let bench = Bench::new();
    bench.klikoo.balance().await.unwrap();
    bench.clock.advance(Duration::from_secs(839));
    bench.klikoo.balance().await.unwrap();
    assert_eq!(bench.tape.count("/access-token"), 1);
    bench.clock.advance(Duration::from_secs(1));
    bench.klikoo.balance().await.unwrap();
    assert_eq!(bench.tape.count("/access-token"), 2);
}

#[tokio::test]
async fn without_a_token_nothing_is_bought_and_the_next_call_tries_anew() {
    let bench = Bench::new();
    for fault in [FaultKind::LoseReply, FaultKind::GarbleReply, FaultKind::ErrorBefore] {
        bench.sandbox.arm(Fault::new("klikoo", fault).on(Operation::Token)).unwrap();
        let reference = format!("T-3-{}", fault.name());
        let mut attempt = bench.klikoo.prepare(pulsa(&reference, "081200000001")).await.unwrap();
        let outcome = bench.klikoo.pay(&mut attempt, &bench.records).await;
        assert_eq!(outcome.word(), "failed", "{}", fault.name());
    }
    assert_eq!(bench.buys(), 0);
    assert_eq!(bench.klikoo.balance().await.unwrap().get(), 10_000_000);
}

#[tokio::test]
async fn garbled_token_answers_are_clear_errors() {
    let answers: &[(&str, &str)] = &[
        ("", "empty body"),
        ("<html>", "HTML"),
        ("{", "unreadable reply"),
        ("[]", "unreadable reply"),
        ("{}", "response_code is missing"),
        (r#"{"response_code":"200012000"}"#, "data is missing"),
        (r#"{"response_code":"200012000","data":{}}"#, "unreadable reply"),
        (r#"{"response_code":"200012000","data":{"access_token":7}}"#, "unreadable reply"),
        (r#"{"response_code":"200012000","data":{"access_token":""}}"#, "access_token is empty"),
        (r#"{"response_code":"200012000","data":{"access_token":"a\nb"}}"#, "does not fit into a header"),
        (r#"{"response_code":"200012000","data":{"access_token":"t","expires_in":"soon"}}"#, "unreadable reply"),
    ];
    for (body, expected) in answers {
        let transport = Invented(move |_: &http::Request<bytes::Bytes>| Some(Ok(reply(200, *body))));
        let wiring = Wiring::over(transport).with_retry(RetryPolicy::never());
        let error = Client::with_wiring(config("https://host.example"), wiring).balance().await.unwrap_err();
        assert!(error.to_string().contains(expected), "{body}: {error}");
        assert_eq!((error.kind(), error.execution()), (ErrorKind::NoToken, Execution::NotExecuted), "{body}");
    }
}

#[tokio::test]
async fn a_cancelled_first_caller_does_not_block_the_others() {
    let clock = shared_clock();
    let sandbox = sandbox(&clock);
    let started = Arc::new(tokio::sync::Notify::new());
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let transport = Gated { inner: sandbox.transport(), started: Arc::clone(&started), gate: Arc::clone(&gate) };
    let tape = Tape::new(transport);
    let wiring = Wiring::over(tape.clone()).with_clock(clock.clone());
    let client = Client::with_wiring(config("http://127.0.0.1/klikoo"), wiring);
    let balance = |client: Client| async move { client.balance().await };
    let first = tokio::spawn(balance(client.clone()));
    started.notified().await;
    let second = tokio::spawn(balance(client.clone()));
    tokio::task::yield_now().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    gate.add_permits(1000);
    assert_eq!(second.await.unwrap().unwrap().get(), 10_000_000);
    assert_eq!(tape.count("/access-token"), 1);
}

struct Gated<T> {
    inner: T,
    started: Arc<tokio::sync::Notify>,
    gate: Arc<tokio::sync::Semaphore>,
}

impl<T: biller_core::Transport> biller_core::Transport for Gated<T> {
    fn send(
        &self,
        request: http::Request<bytes::Bytes>,
        limit: usize,
    ) -> biller_core::BoxFuture<'_, Result<http::Response<bytes::Bytes>, biller_core::TransportError>> {
        Box::pin(async move {
            self.started.notify_one();
            let _permit = self.gate.acquire().await.expect("the gate stays");
            self.inner.send(request, limit).await
        })
    }
}

#[tokio::test]
async fn a_late_refusal_of_an_old_token_does_not_fetch_twice() {
    let clock = shared_clock();
    let sandbox = sandbox(&clock);
    let refusals = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&refusals);
    // The first two balance calls are refused; both callers hold the same token by then.
    let transport = Invented(move |request: &http::Request<bytes::Bytes>| {
        let refuse = request.uri().path().ends_with("/balance") && counted.fetch_add(1, Ordering::SeqCst) < 2;
        refuse.then(|| Ok(reply(401, r#"{"response_code":"401016535","response_message":"expired"}"#)))
    });
    let tape = Tape::new(transport.over(sandbox.transport()));
    let wiring = Wiring::over(tape.clone()).with_clock(clock.clone());
    let klikoo = Klikoo::new(Client::with_wiring(config("http://127.0.0.1/klikoo"), wiring));
    clock.now();
    let (one, other) = tokio::join!(klikoo.balance(), klikoo.balance());
    assert_eq!(
        (one.unwrap(), other.unwrap()),
        (biller_core::Rupiah::new(10_000_000), biller_core::Rupiah::new(10_000_000))
    );
    assert_eq!(tape.count("/access-token"), 2);
}
