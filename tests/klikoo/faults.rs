use std::time::Duration;

use biller_core::{Biller, Order, Rupiah};
use biller_sandbox::{ChargeState, Fault, FaultKind, Operation};

use crate::{Bench, pulsa};

/// Every fault of the control interface at the buy, for a purchase that succeeds at once, one that settles, and one that fails: the
/// final outcome equals the ledger, with one charge at most.
#[tokio::test(start_paused = true)]
async fn every_fault_at_the_buy_ends_where_the_ledger_is() {
    for kind in FaultKind::ALL {
        for (digit, state) in [(1, ChargeState::Succeeded), (2, ChargeState::Succeeded), (3, ChargeState::Failed)] {
            let bench = Bench::new();
            let fault = Fault::new("klikoo", kind);
            let fault = match kind {
                FaultKind::Delay => fault.on(Operation::Payment).delay(Duration::from_secs(90)),
                FaultKind::StatusNotFound => fault.on(Operation::Status),
                kind if kind.name().starts_with("callback") => fault,
                _ => fault.on(Operation::Payment),
            };
            bench.sandbox.arm(fault).unwrap();
            let mut attempt = bench.klikoo.prepare(pulsa("F-1", &format!("08120000000{digit}"))).await.unwrap();
            let paid = bench.klikoo.pay(&mut attempt, &bench.records).await;
            bench.sandbox.settle();
            let mut resolved = paid.clone();
            for _ in 0..3 {
                bench.clock.advance(Duration::from_secs(600));
                resolved = bench.klikoo.resolve(&mut attempt, &bench.records).await;
            }
            let charges = bench.sandbox.charges();
            assert!(charges.len() <= 1, "{}: {charges:?}", kind.name());
            let sold = !matches!(kind, FaultKind::LoseRequest | FaultKind::ErrorBefore | FaultKind::Throttle);
            assert_eq!(
                charges.first().map(|charge| charge.state),
                sold.then_some(state),
                "{} after {paid:?}",
                kind.name()
            );
            let expected = match (sold, state) {
                (false, _) => "unknown",
                (true, ChargeState::Failed) => "failed",
                (true, _) => "succeeded",
            };
            assert_eq!(resolved.word(), expected, "{} after {}", kind.name(), paid.word());
            assert_eq!(bench.buys(), if kind == FaultKind::ExpireToken { 2 } else { 1 }, "{}", kind.name());
        }
    }
}

/// Faults at every other operation never cost anything and never decide.
#[tokio::test(start_paused = true)]
async fn faults_elsewhere_never_cost_anything() {
    for operation in [Operation::Token, Operation::Inquiry, Operation::Status, Operation::History] {
        for kind in [
            FaultKind::LoseRequest,
            FaultKind::LoseReply,
            FaultKind::Delay,
            FaultKind::GarbleReply,
            FaultKind::ErrorBefore,
            FaultKind::ErrorAfter,
            FaultKind::Throttle,
        ] {
            let bench = Bench::new();
            bench.sandbox.arm(Fault::new("klikoo", kind).on(operation).delay(Duration::from_secs(45))).unwrap();
            let order = || Order::new("E-1", "PLN20", "01105691112").unwrap().with_expected_price(Rupiah::new(20_500));
            // A lost inquiry is asked again by preparing again.
            let mut attempt = match bench.klikoo.prepare(order()).await {
                Ok(attempt) => attempt,
                Err(_) => bench.klikoo.prepare(order()).await.unwrap(),
            };
            bench.klikoo.pay(&mut attempt, &bench.records).await;
            bench.sandbox.settle();
            bench.klikoo.resolve(&mut attempt, &bench.records).await;
            let outcome = bench.klikoo.resolve(&mut attempt, &bench.records).await;
            assert_eq!(outcome.word(), "succeeded", "{} at {}", kind.name(), operation.name());
            assert_eq!(bench.sandbox.charges().len(), 1, "{} at {}", kind.name(), operation.name());
            assert_eq!(bench.buys(), 1);
        }
    }
}

/// A record that cannot be written stops the purchase before it is sent.
#[tokio::test]
async fn what_cannot_be_written_down_is_not_sent() {
    let bench = Bench::new();
    let mut attempt = bench.klikoo.prepare(pulsa("FULL-1", "081200000001")).await.unwrap();
    let outcome = bench.klikoo.pay(&mut attempt, &biller_tests::FullDisk).await;
    let biller_core::Outcome::Failed(refusal) = outcome else { panic!("{outcome:?}") };
    assert_eq!(refusal.kind(), biller_core::ErrorKind::NotRecorded);
    assert_eq!(bench.buys(), 0);
}
