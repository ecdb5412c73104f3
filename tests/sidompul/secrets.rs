use biller_core::{Biller, MemoryRecords, Outcome, Wiring};
use biller_sandbox::{Fault, FaultKind, Operation};
use biller_tests::{Shown, Tape, sandbox, shared_clock};
use sidompul_client::model::{HistoryQuery, StockQuery};
use sidompul_client::{Client, Sidompul};

use crate::{ORDERS, config, credential};

/// All purchases under all faults, with everything public shown: no credential, token, PIN in either form or voucher id is among it.
#[tokio::test(start_paused = true)]
async fn no_secret_is_ever_shown() {
    let clock = shared_clock();
    let shown = Shown::default();
    let _tracing = shown.tracing();
    let mut secrets = std::collections::BTreeSet::new();
    for name in ["client_secret", "api_key"] {
        secrets.insert((name.to_owned(), credential(name)));
    }
    for kind in FaultKind::ALL {
        for operation in [
            Operation::Token,
            Operation::Inquiry,
            Operation::Payment,
            Operation::Status,
            Operation::History,
            Operation::PriceList,
        ] {
            for (_, order) in ORDERS {
                let sandbox = sandbox(&clock);
                let fault = Fault::new("sidompul", kind).on(operation).delay(std::time::Duration::from_secs(90));
                if sandbox.arm(fault).is_err() {
                    continue;
                }
                let tape = Tape::new(sandbox.transport());
                let config = config("http://127.0.0.1/sidompul");
                shown.debug(&config);
                let wiring = Wiring::over(tape.clone()).with_clock(clock.clone());
                let sidompul = Sidompul::new(Client::with_wiring(config, wiring));
                shown.debug(&sidompul);
                show(&shown, sidompul.client().fetch_token().await);
                show(&shown, sidompul.client().awg_stock(&StockQuery::default()).await);
                let today = biller_core::Clock::now(&clock).wib_day();
                show(&shown, sidompul.client().transaction_history(&HistoryQuery::new(today, today)).await);
                let records = MemoryRecords::default();
                let mut attempt = match sidompul.prepare(order("SEC-1", "6287700000011")).await {
                    Ok(attempt) => attempt,
                    Err(error) => {
                        shown.error(&error);
                        sidompul.prepare(order("SEC-1", "6287700000011")).await.unwrap()
                    }
                };
                let paid = sidompul.pay(&mut attempt, &records).await;
                shown.debug(&paid);
                shown.debug(&sidompul.resolve(&mut attempt, &records).await);
                if let Outcome::Unknown(error) = &paid {
                    shown.error(error);
                }
                shown.debug(&attempt);
                shown.add(serde_json::to_string(&attempt).unwrap());
                for request in tape.sent() {
                    if let Some(value) = request.headers().get("authorization") {
                        let token = value.to_str().unwrap().trim_start_matches("Bearer ").to_owned();
                        secrets.insert(("token".to_owned(), token));
                    }
                    let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap_or_default();
                    for (name, member) in [("encrypted pin", "pin"), ("voucher id", "vId")] {
                        if let Some(value) = body[member].as_str() {
                            secrets.insert((name.to_owned(), value.to_owned()));
                        }
                    }
                }
            }
        }
    }
    for name in ["token", "encrypted pin", "voucher id"] {
        assert!(secrets.iter().any(|(known, _)| known == name), "no {name} was used, so none could be shown");
    }
    let secrets: Vec<_> = secrets.iter().map(|(name, secret)| (name.as_str(), secret.as_str())).collect();
    shown.assert_without(&secrets);
    assert!(shown.text().contains("biller.call"), "the tracing output was captured");
    // The plain PIN is too short to be searched for in numbers; it never stands alone.
    assert!(!shown.text().contains(&format!("\"{}\"", credential("pin"))));
}

fn show<T: std::fmt::Debug>(shown: &Shown, result: Result<T, biller_core::Error>) {
    match result {
        Ok(value) => shown.debug(&value),
        Err(error) => shown.error(&error),
    }
}
