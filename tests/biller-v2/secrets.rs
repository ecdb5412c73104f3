use biller_core::{Biller, Outcome, RetryPolicy, Wiring};
use biller_sandbox::{Fault, FaultKind, Operation};
use biller_tests::{Shown, Tape, sandbox, shared_clock};
use biller_v2::{BillerV2, Client, Config, InquiryRequest};

use crate::{credential, order};

/// All operations under all faults, with everything public shown: no key, secret, token, serial or callback address is among it.
#[tokio::test(start_paused = true)]
async fn no_secret_is_ever_shown() {
    let clock = shared_clock();
    let shown = Shown::default();
    let _tracing = shown.tracing();
    let url = "http://127.0.0.1/callback/8f14e45fceea";
    let mut secrets = vec![
        ("api_key".to_owned(), credential("api_key")),
        ("api_secret".to_owned(), credential("api_secret")),
        ("callback address".to_owned(), url.to_owned()),
    ];
    for kind in FaultKind::ALL {
        for operation in [
            Operation::Inquiry,
            Operation::Payment,
            Operation::Status,
            Operation::PriceList,
            Operation::Balance,
            Operation::Callback,
        ] {
            let sandbox = sandbox(&clock);
            let fault = Fault::new("biller-v2", kind).on(operation).delay(std::time::Duration::from_secs(90));
            if sandbox.arm(fault).is_err() {
                continue;
            }
            let tape = Tape::new(sandbox.transport());
            let config = crate::config("http://127.0.0.1/biller-v2").with_callback_urls([url]).unwrap();
            shown.debug(&config);
            shown.debug(&biller_v2::auth::Signer::new(config.clone()));
            let wiring = Wiring::over(tape.clone()).with_clock(clock.clone()).with_retry(RetryPolicy::never());
            let biller = BillerV2::new(Client::with_wiring(config, wiring));
            shown.debug(&biller);
            show(&shown, biller.client().balance().await);
            show(&shown, biller.client().product_list().await);
            show(&shown, biller.client().inquiry(&InquiryRequest::new("SBPLN20", "32123456781").unwrap()).await);
            for (reference, product, account) in
                [("SEC-1", "SBPLN20", "32123456781"), ("SEC-2", "SBVOUCH50", "123223341")]
            {
                let records = biller_core::MemoryRecords::default();
                shown.debug(&order(reference, product, account));
                let mut attempt = match biller.prepare(order(reference, product, account)).await {
                    Ok(attempt) => attempt,
                    Err(error) => {
                        shown.error(&error);
                        biller.prepare(order(reference, product, account)).await.unwrap()
                    }
                };
                let paid = biller.pay(&mut attempt, &records).await;
                shown.debug(&paid);
                show(&shown, biller.client().status(attempt.order().reference()).await);
                let resolved = biller.resolve(&mut attempt, &records).await;
                shown.debug(&resolved);
                shown.debug(&attempt);
                shown.add(serde_json::to_string(&attempt).unwrap());
                for callback in sandbox.take_callbacks() {
                    let request = http::Request::post("/callback").body(callback.body).unwrap();
                    show(&shown, biller.parse_callback(&request));
                }
                if let Outcome::Succeeded(receipt) = &resolved
                    && let Some(serial) = &receipt.serial
                {
                    secrets.push((format!("serial of {product}"), serial.expose().to_owned()));
                    if let Some(token) = &receipt.stroom_token {
                        secrets.push(("stroom token in groups".to_owned(), token.reveal_grouped()));
                    }
                }
            }
            for request in tape.sent() {
                let token = request.headers()["token"].to_str().unwrap();
                secrets.push(("token".to_owned(), token.to_owned()));
                secrets.push(("signature".to_owned(), token.rsplit('.').next().unwrap().to_owned()));
            }
        }
    }
    for expected in ["serial of SBPLN20", "serial of SBVOUCH50", "stroom token in groups"] {
        assert!(
            secrets.iter().any(|(name, _)| name == expected),
            "{expected}: none was issued, so none could be shown"
        );
    }
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

/// Errors of the configuration name the setting, never its value.
#[test]
fn a_refused_configuration_shows_no_value() {
    for result in [
        Config::new("http://user:hunter22@host.test", "key", "secret"),
        Config::new("ftp://hunter22.test", "key", "secret"),
        Config::new("https://host.test", "hunter22 with blank", "secret"),
    ] {
        let error = result.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter22"), "{error}");
    }
}
