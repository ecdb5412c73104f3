use biller_core::{Biller, MemoryRecords, Outcome};
use biller_sandbox::{ChargeState, Sandbox};
use mmbc_pulsa::{Client, MmbcPulsa};
use tokio::net::TcpListener;

use crate::{Bench, config, pulsa};

/// The scenario table, over real HTTP.
#[tokio::test]
async fn the_last_digit_decides() {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/mmbc", listener.local_addr().unwrap());
    let server = sandbox.clone();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(async move { server.serve(listener, async { drop(stopped.await) }).await });
    let mmbc = MmbcPulsa::new(Client::new(config(&base_url)).unwrap());

    for (digit, expected, charge) in [
        (1, ("succeeded", "succeeded"), Some(ChargeState::Succeeded)),
        (2, ("pending", "succeeded"), Some(ChargeState::Succeeded)),
        (3, ("pending", "failed"), Some(ChargeState::Failed)),
        (4, ("failed", "failed"), None),
        (5, ("succeeded", "succeeded"), Some(ChargeState::Succeeded)),
        (8, ("succeeded", "succeeded"), Some(ChargeState::Succeeded)),
    ] {
        let customer = format!("08123456789{digit}");
        let records = MemoryRecords::default();
        let mut attempt = mmbc.prepare(pulsa(&format!("S-{digit}"), &customer)).await.unwrap();
        let paid = mmbc.pay(&mut attempt, &records).await;
        sandbox.settle();
        let resolved = mmbc.resolve(&mut attempt, &records).await;
        assert_eq!((paid.word(), resolved.word()), expected, "digit {digit}");
        let charges: Vec<_> =
            sandbox.charges().into_iter().filter(|found| found.customer == customer).map(|found| found.state).collect();
        assert_eq!(charges, charge.into_iter().collect::<Vec<_>>(), "digit {digit}");
    }
    drop(stop);
    serving.await.unwrap();
}

#[tokio::test]
async fn a_receipt_says_what_was_paid() {
    for customer in ["081234567891", "081234567892"] {
        let bench = Bench::new();
        let mut attempt = bench.prepare(pulsa("S-1", customer)).await;
        let paid = bench.pay(&mut attempt).await;
        bench.sandbox.settle();
        let receipt = match (paid, bench.resolve(&mut attempt).await) {
            (Outcome::Succeeded(receipt), _) | (Outcome::Pending, Outcome::Succeeded(receipt)) => receipt,
            other => panic!("{other:?}"),
        };
        let charge = &bench.sandbox.charges()[0];
        assert_eq!(receipt.charged.unwrap().get(), charge.amount);
        assert_eq!(
            (receipt.customer.as_str(), receipt.product.as_str()),
            (charge.customer.as_str(), charge.product.as_str())
        );
        assert_eq!(receipt.serial.unwrap().expose().len(), 15);
        assert_eq!(receipt.provider_id.as_deref(), Some("TRX11111"));
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_everywhere_and_costs_nothing() {
    let sandbox = Sandbox::new();
    let config = mmbc_pulsa::Config::new("sbx-mmbc", "wrong").unwrap().with_base_url("http://127.0.0.1/mmbc").unwrap();
    let mmbc = MmbcPulsa::new(Client::with_wiring(config, biller_core::Wiring::over(sandbox.transport())));
    let error = mmbc.prepare(pulsa("S-1", "081234567891")).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.execution()),
        (biller_core::ErrorKind::Refused, biller_core::Execution::NotExecuted)
    );
    let top_up = mmbc_pulsa::TopUp::new("TEL5", "081234567891").unwrap();
    let error = mmbc.client().top_up(&top_up).await.unwrap_err();
    assert_eq!(mmbc_pulsa::codes::Reason::of(&error), Some(mmbc_pulsa::codes::Reason::InvalidLogin));
    assert!(sandbox.charges().is_empty());
}
