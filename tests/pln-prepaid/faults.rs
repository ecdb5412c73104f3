//! With every fault at every call, the outcome in the end is the ledger's, and there is one charge at most.

use std::time::Duration;

use biller_core::{Attempt, Biller, Outcome, Stage};
use biller_sandbox::{ChargeState, Fault, FaultKind, Operation};

use crate::{Bench, CUSTOMER, LATER, token};

const FAILS_LATER: &str = "829374298303";
const FAILS: &str = "829374298304";

/// Prepares, pays, and looks as often as the schedule says, until it is final or a day has passed.
async fn course(bench: &Bench, reference: &str, customer: &str) -> (Attempt, Outcome) {
    let mut attempt = match bench.pln.prepare(token(reference, customer)).await {
        Ok(attempt) => attempt,
        Err(_) => bench.pln.prepare(token(reference, customer)).await.unwrap(),
    };
    let mut outcome = bench.pln.pay(&mut attempt, &bench.records).await;
    let start = attempt.started_at();
    while let Some(next) = bench.pln.schedule().next_look(&attempt) {
        bench.clock.set(next);
        outcome = bench.resolve(&mut attempt).await;
        if next.since(start) > Duration::from_secs(25 * 3600) {
            break;
        }
    }
    (attempt, outcome)
}

#[tokio::test(start_paused = true)]
async fn the_outcome_is_the_ledgers_with_every_fault_at_every_call() {
    let mut armed = Vec::new();
    for kind in FaultKind::ALL {
        for operation in [Operation::Inquiry, Operation::Payment, Operation::Status, Operation::Callback] {
            for customer in [CUSTOMER, LATER, FAILS_LATER, FAILS] {
                let bench = Bench::new();
                let fault = Fault::new("pln", kind).on(operation).delay(Duration::from_secs(90));
                if bench.sandbox.arm(fault).is_err() {
                    continue;
                }
                let name = format!("{} at {} for {customer}", kind.name(), operation.name());
                bench.sandbox.send_callbacks_to("pln", "http://127.0.0.1/callback").unwrap();
                let (attempt, outcome) = course(&bench, "F-1", customer).await;
                let charges = bench.ledger();
                assert!(charges.len() <= 1, "{name}: {charges:?}");
                assert_eq!(charges.len().min(1), charges.len());
                match charges.first() {
                    Some((_, ChargeState::Succeeded)) => assert_eq!(outcome.word(), "succeeded", "{name}"),
                    Some((_, ChargeState::Failed)) => assert_eq!(outcome.word(), "failed", "{name}"),
                    Some((_, ChargeState::Pending)) => panic!("{name}: a day later still pending"),
                    None if outcome.word() == "failed" => {
                        assert_eq!(kind, FaultKind::ExpireToken, "{name}: only that proves that nothing ran");
                    }
                    None => {
                        assert_eq!((outcome.word(), attempt.stage()), ("unknown", Stage::Unknown), "{name}");
                        let reasons: Vec<_> = attempt.attention().iter().map(|a| a.reason.as_str()).collect();
                        assert_eq!(reasons, ["no final answer within 24 h"], "{name}");
                    }
                }
                let paid = bench.payments();
                assert_eq!(paid, 1, "{name}");
                armed.push((kind, operation));
            }
        }
    }
    armed.dedup();
    let at =
        |operation| armed.iter().filter(|(_, at)| *at == operation).map(|(kind, _)| kind.name()).collect::<Vec<_>>();
    assert_eq!(
        at(Operation::Payment),
        [
            "lose_request",
            "lose_reply",
            "delay",
            "garble_reply",
            "error_before",
            "error_after",
            "throttle",
            "expire_token",
            "charge_on_resend"
        ]
    );
    assert_eq!(
        at(Operation::Callback),
        ["callback_lost", "callback_twice", "callback_before_reply", "callback_conflicting"]
    );
    assert!(at(Operation::Status).contains(&"status_not_found"));
}

/// Several faults in a row, and status calls that never know the purchase.
#[tokio::test]
async fn a_purchase_that_advice_never_knows_stays_unknown() {
    let bench = Bench::new();
    bench.sandbox.arm(Fault::new("pln", FaultKind::LoseReply).on(Operation::Payment)).unwrap();
    bench.sandbox.arm(Fault::new("pln", FaultKind::StatusNotFound).times(0)).unwrap();
    let (mut attempt, outcome) = course(&bench, "F-2", CUSTOMER).await;
    assert_eq!(outcome.word(), "unknown");
    assert_eq!(attempt.attention()[0].reason, "no final answer within 24 h");
    bench.sandbox.clear_faults();
    assert_eq!(bench.resolve(&mut attempt).await.word(), "succeeded", "a late look settles it all the same");
}

/// A refused connection proves that nothing was sent, a lost one nothing.
#[tokio::test]
async fn a_connection_that_never_was_fails_the_payment() {
    use biller_core::{RetryPolicy, TransportError, Wiring};
    use biller_tests::{Invented, sandbox, shared_clock};
    for (sent, expected) in [(false, "failed"), (true, "unknown")] {
        let clock = shared_clock();
        let sandbox = sandbox(&clock);
        let transport = Invented(move |request: &http::Request<bytes::Bytes>| {
            request.uri().path().ends_with("/payment").then(|| {
                Err(if sent { TransportError::maybe_sent("reset") } else { TransportError::not_sent("refused") })
            })
        });
        let wiring =
            Wiring::over(transport.over(sandbox.transport())).with_clock(clock).with_retry(RetryPolicy::never());
        let config = crate::config("http://127.0.0.1/pln");
        let pln = pln_prepaid::PlnPrepaid::new(pln_prepaid::Client::with_wiring(config, wiring));
        let records = biller_core::MemoryRecords::default();
        let mut attempt = pln.prepare(token("F-3", CUSTOMER)).await.unwrap();
        assert_eq!(pln.pay(&mut attempt, &records).await.word(), expected);
        assert_eq!(records.get("pln-prepaid", "F-3").unwrap().stage(), attempt.stage());
    }
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_paid() {
    let bench = Bench::new();
    let mut attempt = bench.pln.prepare(token("F-4", CUSTOMER)).await.unwrap();
    assert_eq!(bench.pln.pay(&mut attempt, &biller_tests::FullDisk).await.word(), "failed");
    assert_eq!((attempt.stage(), bench.payments()), (Stage::Prepared, 0));
}
