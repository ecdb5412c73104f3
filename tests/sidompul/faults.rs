use std::time::Duration;

use biller_core::{Biller, Records as _};
use biller_sandbox::{ChargeState, Fault, FaultKind, Operation};

use crate::{Bench, ORDERS};

/// Every fault at every purchasing operation, for a purchase that succeeds at once, one that settles, and one that fails: the final
/// outcome equals the ledger, or it is left to a person with the reason; one charge at most.
#[tokio::test(start_paused = true)]
async fn every_fault_at_every_purchase_ends_where_the_ledger_is() {
    for kind in FaultKind::ALL.into_iter().filter(|kind| !kind.name().starts_with("callback")) {
        for (what, order) in ORDERS {
            for (digit, state) in [(1, ChargeState::Succeeded), (2, ChargeState::Succeeded), (3, ChargeState::Failed)] {
                let case = format!("{} at {what} {digit}", kind.name());
                let bench = Bench::new();
                let mut attempt = bench.sidompul.prepare(order("F-1", &format!("628770000001{digit}"))).await.unwrap();
                let fault = Fault::new("sidompul", kind);
                let fault = match kind {
                    FaultKind::Delay => fault.on(Operation::Payment).delay(Duration::from_secs(90)),
                    FaultKind::StatusNotFound => fault.on(Operation::Status),
                    _ => fault.on(Operation::Payment),
                };
                bench.sandbox.arm(fault).unwrap();
                let paid = bench.sidompul.pay(&mut attempt, &bench.records).await;
                bench.sandbox.settle();
                let mut resolved = paid.clone();
                for wait in [30, 600, 3600] {
                    bench.clock.advance(Duration::from_secs(wait));
                    resolved = bench.resolve(&mut attempt).await;
                }
                let charges = bench.sandbox.charges();
                assert!(charges.len() <= 1, "{case}: {charges:?}");
                let sold = !matches!(kind, FaultKind::LoseRequest | FaultKind::ErrorBefore | FaultKind::Throttle);
                assert_eq!(charges.first().map(|charge| charge.state), sold.then_some(state), "{case} after {paid:?}");
                let expected = match (sold, kind, state) {
                    (false, FaultKind::Throttle, _) => "failed",
                    (false, ..) => "unknown",
                    (true, _, ChargeState::Failed) => "failed",
                    (true, ..) => "succeeded",
                };
                assert_eq!(resolved.word(), expected, "{case} after {}: {resolved:?}", paid.word());
                assert_eq!(attempt.attention().is_empty(), resolved.is_final(), "{case}: {:?}", attempt.attention());
                let sent = if kind == FaultKind::ExpireToken { 2 } else { 1 };
                assert_eq!(bench.purchases(), sent, "{case}");
                assert_eq!(bench.records.get("sidompul", "F-1").unwrap().stage(), attempt.stage(), "{case}");
            }
        }
    }
}

/// Faults at every other operation never cost anything and never decide.
#[tokio::test(start_paused = true)]
async fn faults_elsewhere_never_cost_anything() {
    let operations = [
        Operation::Token,
        Operation::Inquiry,
        Operation::Status,
        Operation::History,
        Operation::PriceList,
        Operation::Balance,
    ];
    for operation in operations {
        for kind in [
            FaultKind::LoseRequest,
            FaultKind::LoseReply,
            FaultKind::Delay,
            FaultKind::GarbleReply,
            FaultKind::ErrorBefore,
            FaultKind::ErrorAfter,
            FaultKind::Throttle,
        ] {
            for (what, order) in ORDERS {
                let case = format!("{} at {} of {what}", kind.name(), operation.name());
                let bench = Bench::new();
                bench.sandbox.arm(Fault::new("sidompul", kind).on(operation).delay(Duration::from_secs(90))).unwrap();
                let mut attempt = match bench.sidompul.prepare(order("E-1", "6287700000012")).await {
                    Ok(attempt) => attempt,
                    Err(_) => bench.sidompul.prepare(order("E-1", "6287700000012")).await.unwrap(),
                };
                let paid = bench.sidompul.pay(&mut attempt, &bench.records).await;
                bench.sandbox.settle();
                let mut outcome = paid.clone();
                for _ in 0..3 {
                    bench.clock.advance(Duration::from_secs(30));
                    outcome = bench.resolve(&mut attempt).await;
                }
                // No PIN, no purchase.
                let unpaid = operation == Operation::Inquiry;
                let (word, charges) = if unpaid { ("failed", 0) } else { ("succeeded", 1) };
                assert_eq!(outcome.word(), word, "{case} after {paid:?}: {outcome:?}");
                assert_eq!(bench.sandbox.charges().len(), charges, "{case}");
                assert_eq!(bench.purchases(), charges, "{case}");
            }
        }
    }
}

/// A crash after the sending leaves an attempt from which another process finds the purchase.
#[tokio::test]
async fn a_crash_after_the_sending_loses_nothing() {
    for (what, order) in ORDERS {
        let bench = Bench::new();
        let mut attempt = bench.sidompul.prepare(order("C-1", "6287700000011")).await.unwrap();
        let stored = {
            let paying = bench.sidompul.pay(&mut attempt, &bench.records);
            drop(paying.await);
            // The state as it was written down before the sending.
            let mut before = bench.records.get("sidompul", "C-1").unwrap();
            let mut text: serde_json::Value = serde_json::to_value(&before).unwrap();
            text["stage"] = "Sent".into();
            text["ended_at"] = serde_json::Value::Null;
            text["provider_id"] = serde_json::Value::Null;
            text["facts"]["trace_no"] = serde_json::Value::Null;
            before = serde_json::from_value(text).unwrap();
            before
        };
        let mut revived = stored;
        bench.records.save(&revived).await.unwrap();
        bench.clock.advance(Duration::from_secs(60));
        let outcome = bench.resolve(&mut revived).await;
        assert_eq!(outcome.word(), "succeeded", "{what}: {outcome:?}");
        assert_eq!(bench.purchases(), 1);
    }
}

/// Records that cannot be written or read stop the purchase before it is sent.
#[tokio::test]
async fn what_cannot_be_written_down_is_not_sent() {
    use biller_core::{Attempt, BoxFuture, RecordError};
    struct Broken {
        saves: bool,
    }
    impl biller_core::Records for Broken {
        fn save<'a>(&'a self, _: &'a Attempt) -> BoxFuture<'a, Result<(), RecordError>> {
            Box::pin(async { if self.saves { Ok(()) } else { Err("no space left".into()) } })
        }
        fn load<'a>(
            &'a self,
            _: &'a str,
            _: &'a biller_core::Reference,
        ) -> BoxFuture<'a, Result<Option<Attempt>, RecordError>> {
            Box::pin(async { Ok(None) })
        }
        fn others<'a>(&'a self, _: &'a Attempt) -> BoxFuture<'a, Result<Vec<Attempt>, RecordError>> {
            Box::pin(async { Err("no index".into()) })
        }
    }
    for saves in [false, true] {
        let bench = Bench::new();
        let mut attempt = bench.sidompul.prepare(crate::pulsa("FULL-1", "6287700000011")).await.unwrap();
        let outcome = bench.sidompul.pay(&mut attempt, &Broken { saves }).await;
        let biller_core::Outcome::Failed(refusal) = outcome else { panic!("{outcome:?}") };
        assert_eq!(refusal.kind(), biller_core::ErrorKind::NotRecorded);
        assert_eq!(bench.purchases(), 0);
    }
}
