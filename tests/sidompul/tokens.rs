use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use biller_core::{RetryPolicy, Wiring};
use biller_tests::{Invented, reply, shared_clock};
use sidompul_client::Client;

use crate::{Bench, config};

/// Quirk: two hundred concurrent first calls make one token request.
#[tokio::test]
async fn two_hundred_first_calls_make_one_token_request() {
    let bench = Bench::new();
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let client = bench.client().clone();
            tokio::spawn(async move { client.dompul_balance().await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!((bench.tape.count("/token"), bench.tape.count("/get-dompul-balance")), (1, 200));
}

/// Quirk: a lifetime of 5 s works without a loop; one that cannot be read serves the call that waits for it and is not kept.
#[tokio::test]
async fn short_and_unreadable_lifetimes() {
    for (expires_in, fetches) in [("5", 1), ("\"5\"", 1), ("0", 3), ("-1", 3), ("null", 3), ("\"soon\"", 3)] {
        let counted = Arc::new(AtomicUsize::new(0));
        let (count, expires_in) = (Arc::clone(&counted), expires_in.to_owned());
        let transport = Invented(move |request: &http::Request<bytes::Bytes>| {
            if request.uri().path().ends_with("/token") {
                count.fetch_add(1, Ordering::SeqCst);
                return Some(Ok(reply(200, format!(r#"{{"access_token": "t", "expires_in": {expires_in}}}"#))));
            }
            Some(Ok(reply(200, r#"{"statusCode": 200, "result": {"errorCode": "00", "data": 7}}"#)))
        });
        let wiring = Wiring::over(transport).with_clock(shared_clock()).with_retry(RetryPolicy::never());
        let client = Client::with_wiring(config("http://127.0.0.1/sidompul"), wiring);
        for _ in 0..3 {
            client.dompul_balance().await.unwrap();
        }
        assert_eq!(counted.load(Ordering::SeqCst), fetches);
    }
}

/// A token that cannot be had fails the calls that waited for it, and is asked for anew by the next.
#[tokio::test]
async fn a_failed_fetch_is_not_kept() {
    let bench = Bench::new();
    let fault = biller_sandbox::Fault::new("sidompul", biller_sandbox::FaultKind::ErrorBefore);
    bench.sandbox.arm(fault.on(biller_sandbox::Operation::Token)).unwrap();
    let error = bench.client().dompul_balance().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.execution()),
        (biller_core::ErrorKind::NoToken, biller_core::Execution::NotExecuted)
    );
    bench.client().dompul_balance().await.unwrap();
}
