use biller_core::{Biller, Outcome, Wiring};
use biller_sandbox::{Fault, FaultKind, Operation};
use biller_tests::{Shown, Tape, sandbox, shared_clock};
use mmbc_pulsa::{Client, MmbcPulsa};

use crate::{config, credential, pulsa};

/// All operations under all faults, with everything public shown: no credential, form body or serial is among it.
#[tokio::test(start_paused = true)]
async fn no_secret_is_ever_shown() {
    let shown = Shown::default();
    let _tracing = shown.tracing();
    let mut secrets = vec![
        ("username".to_owned(), credential("username")),
        ("password".to_owned(), credential("password")),
        ("balance in a reason".to_owned(), "Saldo JKT-11111".to_owned()),
    ];
    let faults = FaultKind::ALL.map(Some).into_iter().chain([None]);
    for (kind, operation) in faults.flat_map(|kind| {
        [Operation::PriceList, Operation::Payment, Operation::Status].map(|operation| (kind, operation))
    }) {
        for customer in ["081234567891", "081234567892", "081234567893", "08119990820"] {
            let clock = shared_clock();
            let sandbox = sandbox(&clock);
            if let Some(kind) = kind
                && sandbox
                    .arm(Fault::new("mmbc", kind).on(operation).delay(std::time::Duration::from_secs(90)))
                    .is_err()
            {
                continue;
            }
            let tape = Tape::new(sandbox.transport());
            let config = config("http://127.0.0.1/mmbc");
            shown.debug(&config);
            let mmbc =
                MmbcPulsa::new(Client::with_wiring(config, Wiring::over(tape.clone()).with_clock(clock.clone())));
            shown.debug(&mmbc);
            shown.debug(&mmbc.client().price_list().await.unwrap());
            shown.debug(&pulsa("SEC-1", customer));
            let records = biller_core::MemoryRecords::default();
            let mut attempt = mmbc.prepare(pulsa("SEC-1", customer)).await.unwrap();
            let paid = mmbc.pay(&mut attempt, &records).await;
            show(&shown, &mut secrets, &paid);
            sandbox.settle();
            for _ in 0..2 {
                clock.advance(std::time::Duration::from_secs(120));
                let resolved = mmbc.resolve(&mut attempt, &records).await;
                show(&shown, &mut secrets, &resolved);
            }
            shown.debug(&attempt);
            shown.add(serde_json::to_string(&attempt).unwrap());
            let top_up = mmbc_pulsa::TopUp::new("SI100", customer).unwrap();
            shown.debug(&top_up);
            match mmbc.client().top_up(&top_up).await {
                Ok(reply) => shown.debug(&reply),
                Err(error) => shown.error(&error),
            }
            for request in tape.sent() {
                let body = String::from_utf8(request.body().to_vec()).unwrap();
                assert!(request.uri().query().is_none());
                secrets.push(("form body".to_owned(), body));
            }
        }
    }
    assert!(secrets.iter().any(|(name, _)| name == "serial"), "no serial was issued, so none could be shown");
    let secrets: Vec<_> = secrets.iter().map(|(name, secret)| (name.as_str(), secret.as_str())).collect();
    shown.assert_without(&secrets);
    assert!(shown.text().contains("biller.call"), "the tracing output was captured");
}

fn show(shown: &Shown, secrets: &mut Vec<(String, String)>, outcome: &Outcome) {
    shown.debug(outcome);
    match outcome {
        Outcome::Succeeded(receipt) => {
            secrets.extend(receipt.serial.iter().map(|serial| ("serial".to_owned(), serial.expose().to_owned())));
        }
        Outcome::Unknown(error) => shown.error(error),
        Outcome::Failed(refusal) => shown.add(format!("{refusal} {refusal:?}")),
        Outcome::Pending => {}
    }
}
