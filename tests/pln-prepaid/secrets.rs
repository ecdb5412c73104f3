//! Nothing that is secret is ever shown, whatever goes wrong.

use std::time::Duration;

use biller_core::{Biller, Outcome, Wiring};
use biller_sandbox::{Fault, FaultKind, Operation};
use biller_tests::{Shown, Tape, sandbox, shared_clock};
use pln_prepaid::{Client, PlnPrepaid, Transaction};

use crate::{CUSTOMER, LATER, config, credential, token};

/// Debug of every value, Display of every error, the stored attempt and all tracing output: no key, token, signature, stroom token or
/// serial is among it.
#[tokio::test(start_paused = true)]
async fn no_secret_is_ever_shown() {
    let clock = shared_clock();
    let shown = Shown::default();
    let _tracing = shown.tracing();
    let mut secrets: Vec<(String, String)> =
        ["api_secret", "jwt_secret"].map(|name| (name.to_owned(), credential(name))).to_vec();
    for kind in FaultKind::ALL {
        for operation in [Operation::Inquiry, Operation::Payment, Operation::Status, Operation::Callback] {
            for customer in [CUSTOMER, LATER] {
                let sandbox = sandbox(&clock);
                let fault = Fault::new("pln", kind).on(operation).delay(Duration::from_secs(90));
                if sandbox.arm(fault).is_err() {
                    continue;
                }
                sandbox.send_callbacks_to("pln", "http://127.0.0.1/callback").unwrap();
                let tape = Tape::new(sandbox.transport());
                let config = config("http://127.0.0.1/pln");
                shown.debug(&config);
                let wiring = Wiring::over(tape.clone()).with_clock(clock.clone());
                let pln = PlnPrepaid::new(Client::with_wiring(config, wiring));
                shown.debug(&pln);
                let records = biller_core::MemoryRecords::default();
                let mut attempt = match pln.prepare(token("SEC-1", customer)).await {
                    Ok(attempt) => attempt,
                    Err(error) => {
                        shown.error(&error);
                        pln.prepare(token("SEC-1", customer)).await.unwrap()
                    }
                };
                let paid = pln.pay(&mut attempt, &records).await;
                shown.debug(&paid);
                sandbox.settle();
                let resolved = pln.resolve(&mut attempt, &records).await;
                shown.debug(&resolved);
                shown.debug(&attempt);
                shown.add(serde_json::to_string(&attempt).unwrap());
                for callback in sandbox.take_callbacks() {
                    let request = http::Request::post("/callback").body(callback.body).unwrap();
                    match pln.parse_callback(&request) {
                        Ok(hint) => shown.debug(&hint),
                        Err(error) => shown.error(&error),
                    }
                }
                for outcome in [paid, resolved] {
                    let Outcome::Succeeded(receipt) = outcome else { continue };
                    if let Some(serial) = &receipt.serial {
                        secrets.push(("serial".to_owned(), serial.expose().to_owned()));
                    }
                    let Some(token) = &receipt.stroom_token else { continue };
                    secrets.push(("stroom token".to_owned(), token.reveal()));
                    secrets.push(("stroom token in groups".to_owned(), token.reveal_grouped()));
                    let transaction = Transaction::of(&receipt).unwrap();
                    shown.debug(&transaction);
                    shown.debug(&transaction.bill);
                    shown.debug(&transaction.result);
                    shown.debug(&pln_prepaid::Struk::of(&transaction));
                }
                for request in tape.sent() {
                    for name in ["authorization", "x-signature"] {
                        let value = request.headers()[name].to_str().unwrap().trim_start_matches("Bearer ").to_owned();
                        secrets.push((name.to_owned(), value));
                    }
                    shown.debug(request.headers());
                }
            }
        }
    }
    for needed in ["stroom token", "serial", "authorization", "x-signature"] {
        assert!(secrets.iter().any(|(name, _)| name == needed), "{needed}");
    }
    secrets.sort();
    secrets.dedup();
    let secrets: Vec<_> = secrets.iter().map(|(name, secret)| (name.as_str(), secret.as_str())).collect();
    shown.assert_without(&secrets);
    assert!(shown.text().contains("biller.call"), "the tracing output was captured");
}
