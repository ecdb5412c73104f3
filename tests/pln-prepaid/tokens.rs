//! Tokens: self-signed, supplied, refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use biller_core::{Biller, BoxFuture, Clock, ErrorKind, Outcome, Secret};
use biller_sandbox::{Fault, FaultKind, Operation};
use biller_tests::shared_clock;
use pln_prepaid::Config;
use pln_prepaid::auth::{SupplierError, Token, TokenSupplier};

use crate::{Bench, CUSTOMER, credential, self_signed, token};

fn supplied(supplier: impl TokenSupplier + 'static) -> Config {
    Config::new("http://127.0.0.1/pln", credential("api_secret"), Token::supplied(supplier)).unwrap()
}

/// The first token, or a newer one after a refusal.
struct Renewing(Arc<AtomicU64>);

impl TokenSupplier for Renewing {
    fn token<'a>(&'a self, refused: Option<&'a Secret>) -> BoxFuture<'a, Result<Secret, SupplierError>> {
        let n =
            if refused.is_some() { self.0.fetch_add(1, Ordering::SeqCst) + 1 } else { self.0.load(Ordering::SeqCst) };
        let token = self_signed().with_lifetime(Some(Duration::from_secs(900 + n)));
        Box::pin(async move { Ok(token.sign(shared_clock().now())?) })
    }
}

#[tokio::test]
async fn a_supplied_token_is_renewed_once_also_for_a_payment() {
    let renewals = Arc::new(AtomicU64::new(0));
    let supplier = Renewing(Arc::clone(&renewals));
    let bench = Bench::with(move |_| supplied(supplier));
    bench.sandbox.arm(Fault::new("pln", FaultKind::ExpireToken).on(Operation::Payment)).unwrap();
    let (_, outcome) = bench.buy("T-1", CUSTOMER).await;
    assert_eq!(outcome.word(), "succeeded");
    assert_eq!((bench.payments(), bench.ledger().len(), renewals.load(Ordering::SeqCst)), (2, 1, 1));
    let tokens: Vec<_> = bench.tape.sent().iter().rev().take(2).map(|r| r.headers()["authorization"].clone()).collect();
    assert_ne!(tokens[0], tokens[1]);

    bench.sandbox.arm(Fault::new("pln", FaultKind::ExpireToken).on(Operation::Payment).times(0)).unwrap();
    let (_, outcome) = bench.buy("T-2", CUSTOMER).await;
    assert_eq!(outcome.word(), "failed", "a second refusal is final");
    assert_eq!((bench.payments(), bench.ledger().len()), (4, 1));
}

/// The same bytes would be refused again, so they are not sent again.
#[tokio::test]
async fn an_identical_token_is_not_sent_again() {
    let constant = || Token::supplied(self_signed().sign(shared_clock().now()).unwrap());
    type Change = Box<dyn FnOnce(Config) -> Config>;
    let changes: [Change; 2] = [
        Box::new(|config| config),
        Box::new(move |_| Config::new("http://127.0.0.1/pln", credential("api_secret"), constant()).unwrap()),
    ];
    for change in changes {
        let bench = Bench::with(change);
        bench.sandbox.arm(Fault::new("pln", FaultKind::ExpireToken).on(Operation::Payment)).unwrap();
        let (_, outcome) = bench.buy("T-3", CUSTOMER).await;
        let Outcome::Failed(refusal) = outcome else { panic!("{}", outcome.word()) };
        assert_eq!((refusal.kind(), refusal.code()), (ErrorKind::TokenRefused, Some("401")));
        assert!(refusal.to_string().contains("jwt_lifetime"), "{refusal}");
        assert_eq!((bench.payments(), bench.ledger().len()), (1, 0));
    }
}

/// A token refused while asking says nothing about the purchase.
#[tokio::test]
async fn a_refused_token_at_advice_changes_nothing() {
    let bench = Bench::new();
    let (mut attempt, _) = bench.buy("T-4", crate::LATER).await;
    bench.sandbox.arm(Fault::new("pln", FaultKind::ExpireToken).on(Operation::Status)).unwrap();
    assert_eq!(bench.resolve(&mut attempt).await.word(), "pending");
    bench.sandbox.settle();
    assert_eq!(bench.resolve(&mut attempt).await.word(), "succeeded");
}

#[tokio::test]
async fn a_lifetime_is_claimed_and_kept() {
    let bench = Bench::with(|_| {
        let token = self_signed().with_device_id("SANDBOX DEVICE").with_lifetime(Some(Duration::from_secs(60)));
        Config::new("http://127.0.0.1/pln", credential("api_secret"), token).unwrap()
    });
    for reference in ["T-5", "T-6"] {
        assert_eq!(bench.buy(reference, CUSTOMER).await.1.word(), "succeeded");
        bench.clock.advance(Duration::from_secs(3600));
    }
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    struct Broken;
    impl TokenSupplier for Broken {
        fn token<'a>(&'a self, _refused: Option<&'a Secret>) -> BoxFuture<'a, Result<Secret, SupplierError>> {
            Box::pin(async { Err("the vault is closed".into()) })
        }
    }
    let bench = Bench::with(|_| supplied(Broken));
    let error = bench.pln.prepare(token("T-7", CUSTOMER)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoToken);
    assert!(
        error.to_string().contains("the vault is closed") && error.to_string().ends_with("(not executed)"),
        "{error}"
    );
    let bench_with_bad_token = Bench::with(|_| supplied(Secret::new("a\nb")));
    let error = bench_with_bad_token.pln.prepare(token("T-8", CUSTOMER)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoToken);
    assert!(bench.tape.sent().is_empty() && bench_with_bad_token.tape.sent().is_empty());
}

/// The diagnosis reaches whoever has wrong settings.
#[tokio::test]
async fn wrong_secrets_are_named() {
    for (change, code) in [
        (Config::new("http://127.0.0.1/pln", "wrong", self_signed()).unwrap(), "13"),
        (
            Config::new(
                "http://127.0.0.1/pln",
                credential("api_secret"),
                pln_prepaid::auth::SelfSigned::new(5, 896, credential("merchant_outlet_username"), "wrong"),
            )
            .unwrap(),
            "12",
        ),
    ] {
        let bench = Bench::with(move |_| change);
        let error = bench.pln.prepare(token("T-9", CUSTOMER)).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Refused, Some(code)));
    }
}
