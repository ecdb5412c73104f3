use biller_core::{Biller, Order, Outcome, Rupiah, Wiring};
use biller_sandbox::{Fault, FaultKind, Operation};
use biller_tests::{Shown, Tape, sandbox, shared_clock};
use klikoo::model::{Bill, HistoryQuery};
use klikoo::{Client, Klikoo};

use crate::{config, credential};

/// All operations under all faults, with everything public shown: no credential, token, signature or serial is among it.
#[tokio::test(start_paused = true)]
async fn no_secret_is_ever_shown() {
    let clock = shared_clock();
    let shown = Shown::default();
    let _tracing = shown.tracing();
    let mut secrets = vec![("client_secret".to_owned(), credential("client_secret"))];
    let pem = credential("private_key_pem");
    secrets.extend(
        pem.lines().filter(|line| !line.starts_with('-')).map(|line| ("private key".to_owned(), line.to_owned())),
    );

    for kind in FaultKind::ALL {
        for operation in [
            Operation::Token,
            Operation::Inquiry,
            Operation::Payment,
            Operation::Status,
            Operation::History,
            Operation::Balance,
            Operation::Callback,
        ] {
            let sandbox = sandbox(&clock);
            let fault = Fault::new("klikoo", kind).on(operation).delay(std::time::Duration::from_secs(90));
            if sandbox.arm(fault).is_err() {
                continue;
            }
            let tape = Tape::new(sandbox.transport());
            let config = config("http://127.0.0.1/klikoo");
            shown.debug(&config);
            let wiring = Wiring::over(tape.clone()).with_clock(clock.clone());
            let klikoo = Klikoo::new(Client::with_wiring(config, wiring));
            shown.debug(&klikoo);
            show(&shown, klikoo.client().access_token().await);
            show(&shown, klikoo.balance().await);
            show(&shown, klikoo.client().transaction_history(&HistoryQuery::new()).await);
            show(&shown, klikoo.client().inquiry_postpaid(&Bill::new("PDAMMJK", "1726010024").unwrap()).await);
            let records = biller_core::MemoryRecords::default();
            let order =
                || Order::new("SEC-1", "PLN20", "01105691111").unwrap().with_expected_price(Rupiah::new(20_500));
            shown.debug(&order());
            sandbox.send_callbacks_to("klikoo", "http://127.0.0.1/callback").unwrap();
            let mut attempt = match klikoo.prepare(order()).await {
                Ok(attempt) => attempt,
                Err(error) => {
                    shown.error(&error);
                    klikoo.prepare(order()).await.unwrap()
                }
            };
            let paid = klikoo.pay(&mut attempt, &records).await;
            shown.debug(&paid);
            let resolved = klikoo.resolve(&mut attempt, &records).await;
            shown.debug(&resolved);
            shown.debug(&attempt);
            shown.add(serde_json::to_string(&attempt).unwrap());
            for callback in sandbox.take_callbacks() {
                let request = http::Request::post("/callback").body(callback.body).unwrap();
                show(&shown, klikoo.parse_callback(&request));
            }
            if let Outcome::Succeeded(receipt) = &resolved
                && let Some(serial) = &receipt.serial
            {
                secrets.push(("serial".to_owned(), serial.expose().to_owned()));
                let token = receipt.stroom_token.as_ref().unwrap();
                secrets.push(("stroom token".to_owned(), token.reveal()));
                secrets.push(("stroom token in groups".to_owned(), token.reveal_grouped()));
            }
            for request in tape.sent() {
                for name in ["authorization", "open-api-signature"] {
                    if let Some(value) = request.headers().get(name) {
                        let value = value.to_str().unwrap().trim_start_matches("Bearer ").to_owned();
                        secrets.push((name.to_owned(), value));
                    }
                }
            }
        }
    }
    assert!(secrets.iter().any(|(name, _)| name == "stroom token"), "no token was issued, so none could be shown");
    assert!(secrets.iter().any(|(name, _)| name == "authorization"));
    let secrets: Vec<_> = secrets.iter().map(|(name, secret)| (name.as_str(), secret.as_str())).collect();
    shown.assert_without(&secrets);
    assert!(shown.text().contains("biller.call"), "the tracing output was captured");
}

fn show<T: std::fmt::Debug>(shown: &Shown, result: Result<T, biller_core::Error>) {
    match result {
        Ok(value) => shown.debug(&value),
        Err(error) => shown.error(&error),
    }
}
