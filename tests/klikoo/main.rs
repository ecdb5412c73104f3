//! Klikoo: vectors, samples, quirks, the code table, requests, the sandbox's scenarios and faults, callbacks, secrets.

#![allow(clippy::unwrap_used)]

mod callbacks;
mod codes;
mod faults;
mod input;
mod requests;
mod samples;
mod scenarios;
mod secrets;
mod tokens;
mod vectors;

use biller_core::{MemoryRecords, Order, RetryPolicy, Rupiah, Secret, Wiring};
use biller_sandbox::Sandbox;
use biller_tests::{SharedClock, Tape, sandbox, shared_clock};
use klikoo::auth::PrivateKey;
use klikoo::{Client, Config, Klikoo};

/// A client and a sandbox on one clock, with a tape between them.
struct Bench {
    clock: SharedClock,
    sandbox: Sandbox,
    tape: Tape,
    klikoo: Klikoo,
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
        let klikoo = Klikoo::new(Client::with_wiring(change(config("http://127.0.0.1/klikoo")), wiring));
        Self { clock, sandbox, tape, klikoo, records: MemoryRecords::default() }
    }

    fn buys(&self) -> usize {
        self.tape.count("/products/buy")
    }
}

fn credential(name: &str) -> String {
    Sandbox::new().credentials("klikoo").unwrap()[name].as_str().unwrap().to_owned()
}

fn config(base_url: &str) -> Config {
    let key = PrivateKey::from_pem(&Secret::new(credential("private_key_pem"))).unwrap();
    Config::new(base_url, credential("client_id"), credential("client_secret"), key).unwrap()
}

/// Pulsa, which has no inquiry.
fn pulsa(reference: &str, customer: &str) -> Order {
    Order::new(reference, "S10", customer).unwrap().with_expected_price(Rupiah::new(10_450))
}
