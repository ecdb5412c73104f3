use std::time::Duration;

use biller_core::Biller;
use biller_sandbox::{ChargeState, Fault, FaultKind, Operation};

use crate::{Bench, bill};

/// Every fault of the control interface at the payment, for a purchase that succeeds at once, one that settles, one that fails and one
/// that is refused: the final outcome equals the ledger, with one charge and one payment at most.
#[tokio::test(start_paused = true)]
async fn every_fault_at_the_payment_ends_where_the_ledger_is() {
    use ChargeState::{Failed, Succeeded};
    for kind in FaultKind::ALL {
        for (digit, state) in [(1, Some(Succeeded)), (2, Some(Succeeded)), (3, Some(Failed)), (4, None)] {
            let bench = Bench::new();
            bench.sandbox.send_callbacks_to("biller-v2", "http://127.0.0.1/callback").unwrap();
            let fault = Fault::new("biller-v2", kind);
            let fault = match kind {
                FaultKind::Delay => fault.on(Operation::Payment).delay(Duration::from_secs(90)),
                FaultKind::StatusNotFound => fault.on(Operation::Status),
                kind if kind.name().starts_with("callback") => fault,
                _ => fault.on(Operation::Payment),
            };
            bench.sandbox.arm(fault).unwrap();
            let name = format!("{} with digit {digit}", kind.name());
            let (mut attempt, paid) = bench.buy(bill("F-1", &format!("12322334{digit}"))).await;
            bench.sandbox.settle();
            let mut resolved = paid.clone();
            for _ in 0..3 {
                bench.clock.advance(Duration::from_secs(600));
                resolved = bench.resolve(&mut attempt).await;
            }
            let never_arrived = matches!(
                kind,
                FaultKind::LoseRequest | FaultKind::ErrorBefore | FaultKind::Throttle | FaultKind::ExpireToken
            );
            let charges: Vec<_> = bench.sandbox.charges().iter().map(|charge| charge.state).collect();
            assert_eq!(charges, Vec::from_iter(state.filter(|_| !never_arrived)), "{name}");
            // Nothing proves that it never arrived, so that stays open, for a person.
            let expected = match state {
                _ if never_arrived => "unknown",
                Some(Succeeded) => "succeeded",
                _ => "failed",
            };
            assert_eq!(resolved.word(), expected, "{name} after {}", paid.word());
            assert_eq!(bench.payments(), 1, "{name}");
            if never_arrived {
                bench.clock.advance(Duration::from_secs(24 * 3600));
                assert_eq!(bench.resolve(&mut attempt).await.word(), "unknown", "{name}");
                assert!(!attempt.attention().is_empty(), "{name}");
            }
        }
    }
}

/// Faults at every other operation never cost anything and never decide.
#[tokio::test(start_paused = true)]
async fn faults_elsewhere_never_cost_anything() {
    for operation in [Operation::Inquiry, Operation::Status] {
        for kind in [
            FaultKind::LoseRequest,
            FaultKind::LoseReply,
            FaultKind::Delay,
            FaultKind::GarbleReply,
            FaultKind::ErrorBefore,
            FaultKind::ErrorAfter,
            FaultKind::Throttle,
            FaultKind::ExpireToken,
        ] {
            let bench = Bench::new();
            bench.sandbox.arm(Fault::new("biller-v2", kind).on(operation).delay(Duration::from_secs(45))).unwrap();
            // A lost inquiry is asked again by preparing again.
            let mut attempt = match bench.biller.prepare(bill("E-1", "123223342")).await {
                Ok(attempt) => attempt,
                Err(_) => bench.biller.prepare(bill("E-1", "123223342")).await.unwrap(),
            };
            bench.biller.pay(&mut attempt, &bench.records).await;
            bench.sandbox.settle();
            bench.resolve(&mut attempt).await;
            let outcome = bench.resolve(&mut attempt).await;
            assert_eq!(outcome.word(), "succeeded", "{} at {}", kind.name(), operation.name());
            assert_eq!((bench.sandbox.charges().len(), bench.payments()), (1, 1));
        }
    }
}

/// Whatever happens, all payments that are ever sent for a purchase carry its one reference, and there is one of them.
#[tokio::test(start_paused = true)]
async fn a_payment_is_never_sent_under_a_second_reference() {
    for kind in FaultKind::ALL {
        let bench = Bench::new();
        let fault = Fault::new("biller-v2", kind).times(0).delay(Duration::from_secs(90));
        let fault = if kind == FaultKind::StatusNotFound || kind.name().starts_with("callback") {
            fault
        } else {
            fault.on(Operation::Payment)
        };
        bench.sandbox.arm(fault).unwrap();
        let (mut attempt, _) = bench.buy(bill("ONE-1", "123223343")).await;
        for _ in 0..5 {
            bench.biller.pay(&mut attempt, &bench.records).await;
            bench.clock.advance(Duration::from_secs(3600));
            bench.resolve(&mut attempt).await;
        }
        let sent = bench.tape.sent();
        let payments = sent.iter().filter(|request| request.uri().path().ends_with("/bill/payment"));
        let references: Vec<_> = payments
            .map(|request| serde_json::from_slice::<serde_json::Value>(request.body()).unwrap()["refNumber"].clone())
            .collect();
        assert_eq!(references, ["ONE-1"], "{}", kind.name());
    }
}

/// An order that is prepared a second time is not paid a second time: not while the first payment is open, not after it succeeded, and
/// not after it failed, when the provider might take the same reference for a new purchase.
#[tokio::test]
async fn an_order_prepared_twice_is_paid_once() {
    for (digit, first, second) in
        [(1, "succeeded", "unknown"), (2, "pending", "unknown"), (3, "failed", "failed"), (4, "failed", "failed")]
    {
        let bench = Bench::new();
        bench.sandbox.arm(Fault::new("biller-v2", FaultKind::ChargeOnResend)).unwrap();
        let order = || bill("TWICE-1", &format!("12322334{digit}"));
        let (mut attempt, mut outcome) = bench.buy(order()).await;
        if digit == 3 {
            bench.sandbox.settle();
            outcome = bench.resolve(&mut attempt).await;
        }
        assert_eq!(outcome.word(), first, "{digit}");
        let (_, again) = bench.buy(order()).await;
        assert_eq!(again.word(), second, "{digit}");
        let kind = match &again {
            biller_core::Outcome::Unknown(error) => error.kind(),
            biller_core::Outcome::Failed(refusal) => refusal.kind(),
            _ => panic!("{again:?}"),
        };
        assert_eq!(kind, biller_core::ErrorKind::AlreadySent, "{digit}");
        assert_eq!((bench.payments(), bench.sandbox.charges().len()), (1, usize::from(digit != 4)), "{digit}");
    }
}

/// Not sent for certain: failed, and the order is over; another reference buys.
#[tokio::test]
async fn what_was_provably_not_sent_failed() {
    let bench = Bench::new();
    let mut attempt = bench.biller.prepare(bill("N-1", "123223341")).await.unwrap();
    let tape = biller_tests::Tape::new(biller_tests::Invented(|_: &http::Request<bytes::Bytes>| None));
    let offline =
        biller_v2::BillerV2::new(crate::client(crate::config("http://127.0.0.1/biller-v2"), &tape, &bench.clock));
    let outcome = offline.pay(&mut attempt, &bench.records).await;
    let biller_core::Outcome::Failed(refusal) = outcome else { panic!("{outcome:?}") };
    assert_eq!(refusal.kind(), biller_core::ErrorKind::NotSent);
    assert!(bench.sandbox.charges().is_empty());
    assert_eq!(bench.buy(bill("N-1", "123223341")).await.1.word(), "failed");
    assert_eq!(bench.buy(bill("N-2", "123223341")).await.1.word(), "succeeded");
    assert_eq!(bench.sandbox.charges().len(), 1);
}

/// A record that cannot be written stops the purchase before it is sent.
#[tokio::test]
async fn what_cannot_be_written_down_is_not_sent() {
    let bench = Bench::new();
    let mut attempt = bench.biller.prepare(bill("FULL-1", "123223341")).await.unwrap();
    let outcome = bench.biller.pay(&mut attempt, &biller_tests::FullDisk).await;
    let biller_core::Outcome::Failed(refusal) = outcome else { panic!("{outcome:?}") };
    assert_eq!(refusal.kind(), biller_core::ErrorKind::NotRecorded);
    assert_eq!(bench.payments(), 0);
}
