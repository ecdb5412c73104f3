//! PLN prepaid: vectors, samples, quirks, the code table, requests, the sandbox's scenarios and faults, callbacks, the struk, secrets.

#![allow(clippy::unwrap_used)]

mod callbacks;
mod codes;
mod faults;
mod input;
mod quirks;
mod references;
mod requests;
mod resolving;
mod samples;
mod scenarios;
mod secrets;
mod struk;
mod tokens;
mod vectors;

use biller_core::{Attempt, Biller, MemoryRecords, Order, Outcome, RetryPolicy, Rupiah, Wiring};
use biller_sandbox::{ChargeState, Sandbox};
use biller_tests::{SharedClock, Tape, sandbox, shared_clock};
use bytes::Bytes;
use pln_prepaid::auth::SelfSigned;
use pln_prepaid::{Client, Config, PlnPrepaid};

/// A customer whose purchases succeed at once.
const CUSTOMER: &str = "86034655976";
/// A customer whose purchases are pending until they settle, and then succeed.
const LATER: &str = "829374298302";

/// A client and a sandbox on one clock, with a tape between them.
struct Bench {
    clock: SharedClock,
    sandbox: Sandbox,
    tape: Tape,
    pln: PlnPrepaid,
    records: MemoryRecords,
}

impl Bench {
    fn new() -> Self {
        Self::with(|config| config)
    }

    fn with(change: impl FnOnce(Config) -> Config) -> Self {
        let clock = shared_clock();
        let sandbox = sandbox(&clock);
        let tape = Tape::new(sandbox.transport());
        let wiring = Wiring::over(tape.clone()).with_clock(clock.clone()).with_retry(RetryPolicy::never());
        let pln = PlnPrepaid::new(Client::with_wiring(change(config("http://127.0.0.1/pln")), wiring));
        Self { clock, sandbox, tape, pln, records: MemoryRecords::default() }
    }

    /// Prepares and pays.
    async fn buy(&self, reference: &str, customer: &str) -> (Attempt, Outcome) {
        let mut attempt = self.pln.prepare(token(reference, customer)).await.unwrap();
        let outcome = self.pln.pay(&mut attempt, &self.records).await;
        (attempt, outcome)
    }

    async fn resolve(&self, attempt: &mut Attempt) -> Outcome {
        self.pln.resolve(attempt, &self.records).await
    }

    fn payments(&self) -> usize {
        self.tape.count("/payment")
    }

    fn advices(&self) -> usize {
        self.tape.count("/advice")
    }

    fn ledger(&self) -> Vec<(i64, ChargeState)> {
        self.sandbox.charges().iter().map(|charge| (charge.amount, charge.state)).collect()
    }

    /// The callbacks whose time has come, as the requests that arrive.
    fn callbacks(&self) -> Vec<http::Request<Bytes>> {
        let callbacks = self.sandbox.take_callbacks().into_iter();
        callbacks.map(|callback| http::Request::post("/callbacks/pln").body(callback.body).unwrap()).collect()
    }
}

fn credential(name: &str) -> String {
    Sandbox::new().credentials("pln").unwrap()[name].as_str().unwrap().to_owned()
}

fn self_signed() -> SelfSigned {
    SelfSigned::new(5, 896, credential("merchant_outlet_username"), credential("jwt_secret"))
}

fn config(base_url: &str) -> Config {
    Config::new(base_url, credential("api_secret"), self_signed()).unwrap()
}

/// The smallest electricity token.
fn token(reference: &str, customer: &str) -> Order {
    Order::new(reference, "PLNPR20", customer).unwrap().with_expected_price(Rupiah::new(20_500))
}
