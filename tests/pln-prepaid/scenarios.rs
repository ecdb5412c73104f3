//! The sandbox's scenario table over real HTTP, and every code that a customer number can choose.

use biller_core::{Biller, Execution, MemoryRecords, Order, Outcome, Verdict};
use biller_sandbox::{ChargeState, Sandbox};
use pln_prepaid::codes::{Call, TABLE, verdict};
use pln_prepaid::{Client, PlnPrepaid};
use tokio::net::TcpListener;

use crate::{Bench, config, token};

#[tokio::test]
async fn the_documented_scenarios_of_every_family_over_http() {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/pln", listener.local_addr().unwrap());
    let server = sandbox.clone();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(async move { server.serve(listener, async { drop(stopped.await) }).await });
    let pln = PlnPrepaid::new(Client::new(config(&base_url)).unwrap());
    let records = MemoryRecords::default();

    for (product, prefix) in [
        ("PLNPR20", "82937429830"),
        ("EWSP20", "08128435113"),
        ("DTSFL2GB", "08128435112"),
        ("VTS25", "08128435111"),
        ("PDAMKABTANGERANG", "73571176"),
    ] {
        for (digit, paid, resolved, charge) in [
            (1, "succeeded", "succeeded", ChargeState::Succeeded),
            (2, "pending", "succeeded", ChargeState::Succeeded),
            (3, "pending", "failed", ChargeState::Failed),
            (4, "unknown", "failed", ChargeState::Failed),
        ] {
            let name = format!("{product}-{digit}");
            let order = Order::new(&name, product, &format!("{prefix}{digit}")).unwrap();
            let mut attempt = pln.prepare(order).await.unwrap();
            assert_eq!(pln.pay(&mut attempt, &records).await.word(), paid, "{name}");
            sandbox.settle();
            let outcome = pln.resolve(&mut attempt, &records).await;
            assert_eq!(outcome.word(), resolved, "{name}");
            let charges: Vec<_> =
                sandbox.charges().into_iter().filter(|charge| charge.reference.as_deref() == Some(&name)).collect();
            assert_eq!(charges.iter().map(|charge| charge.state).collect::<Vec<_>>(), [charge], "{name}");
            if let Outcome::Succeeded(receipt) = outcome {
                assert_eq!(receipt.charged.unwrap().get(), charges[0].amount, "{name}");
                assert_eq!(receipt.stroom_token.is_some(), product == "PLNPR20", "{name}");
                assert!(receipt.serial.is_some(), "{name}");
            }
        }
        let order = Order::new(&format!("{product}-5"), product, &format!("{prefix}5")).unwrap();
        let error = pln.prepare(order).await.unwrap_err();
        assert_eq!((error.code(), error.execution().to_string().as_str()), (Some("96"), "not executed"), "{product}");
    }
    drop(stop);
    serving.await.unwrap();
}

/// The codes of two characters, listed and not, except those that are no answer of their own here.
fn codes(without: &[&str]) -> Vec<String> {
    let listed = TABLE.iter().map(|row| row.code).filter(|code| code.len() == 2);
    listed.chain(["01", "11", "99"]).filter(|code| !without.contains(code)).map(str::to_owned).collect()
}

#[tokio::test]
async fn every_code_of_a_payment_that_was_not_executed() {
    let bench = Bench::new();
    for code in codes(&["00", "02"]) {
        let (mut attempt, outcome) = bench.buy(&format!("F-{code}"), &format!("8293742984{code}")).await;
        let expected = match verdict(&code, Call::Payment) {
            Verdict::Failed(_) => "failed",
            _ => "unknown",
        };
        assert_eq!(outcome.word(), expected, "{code}");
        assert_eq!(bench.resolve(&mut attempt).await.word(), "failed", "{code}");
        assert_eq!(bench.ledger().last(), Some(&(20_500, ChargeState::Failed)), "{code}");
    }
    assert_eq!(bench.sandbox.balances()["pln"], 10_000_000);
}

/// Above all 09, 25 and 27: there is a twin, and here it is this very purchase.
#[tokio::test]
async fn every_code_of_a_payment_that_was_executed_all_the_same() {
    let bench = Bench::new();
    let mut seen = Vec::new();
    for code in codes(&[]).into_iter().filter(|code| matches!(verdict(code, Call::Payment), Verdict::Unknown(_))) {
        let (mut attempt, outcome) = bench.buy(&format!("X-{code}"), &format!("8293742985{code}")).await;
        assert_eq!(outcome.word(), "unknown", "{code}");
        let outcome = bench.resolve(&mut attempt).await;
        assert_eq!(outcome.word(), "succeeded", "{code}");
        assert_eq!(bench.ledger().last(), Some(&(20_500, ChargeState::Succeeded)), "{code}");
        seen.push(code);
    }
    assert!(["09", "25", "27", "99"].iter().all(|code| seen.iter().any(|seen| seen == code)), "{seen:?}");
    assert_eq!(bench.payments(), seen.len());
    assert_eq!(bench.ledger().len(), seen.len());
}

#[tokio::test]
async fn every_code_of_an_inquiry() {
    let bench = Bench::new();
    for code in codes(&["00", "09"]) {
        let order = token(&format!("I-{code}"), &format!("8293742986{code}"));
        let error = bench.pln.prepare(order).await.unwrap_err();
        assert_eq!((error.code(), error.execution()), (Some(code.as_str()), Execution::NotExecuted));
    }
    assert_eq!((bench.payments(), bench.ledger().len()), (0, 0));
}

/// The codes that name a twin point at the other purchases that could be it.
#[tokio::test]
async fn a_twin_is_named() {
    let bench = Bench::new();
    let customer = "829374298525";
    let (_, first) = bench.buy("TWIN-1", customer).await;
    let (_, second) = bench.buy("TWIN-2", customer).await;
    for (outcome, expected) in [
        (first, "an earlier purchase exists: ask what became of this one, code 25"),
        (second, "an earlier purchase exists: ask what became of this one, and look at TWIN-1, code 25"),
    ] {
        let Outcome::Unknown(error) = outcome else { panic!("{}", outcome.word()) };
        assert!(error.to_string().contains(expected), "{error}");
    }
}

/// Receipts of every kind add up to the denomination.
#[tokio::test]
async fn receipts_add_up() {
    for (product, denomination) in [("PLNPR20", 20_000), ("PLNPR100", 100_000), ("PLNPR1000", 1_000_000)] {
        let bench = Bench::new();
        for customer in ["829374298301", "829374298311", "829374298312", "829374298313", "86034655976"] {
            let order = Order::new(&format!("S-{customer}"), product, customer).unwrap();
            let mut attempt = bench.pln.prepare(order).await.unwrap();
            let Outcome::Succeeded(receipt) = bench.pln.pay(&mut attempt, &bench.records).await else { panic!() };
            let transaction = pln_prepaid::Transaction::of(&receipt).unwrap();
            let electricity = transaction.electricity().unwrap();
            let denomination = biller_core::Rupiah::new(denomination);
            assert_eq!(electricity.sum(), Some(denomination), "{product} {customer}");
            assert!(electricity.warnings(Some(denomination)).is_empty(), "{product} {customer}");
            let other = electricity.warnings(Some(biller_core::Rupiah::new(1)));
            assert!(other[0].starts_with("the parts add up to "), "{other:?}");
        }
    }
}
