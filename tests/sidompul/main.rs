//! SIDOMPUL: samples, quirks, codes, requests, the sandbox's scenarios and faults, matching of histories, secrets.

#![allow(clippy::unwrap_used)]

mod codes;
mod faults;
mod gateway;
mod http_run;
mod input;
mod matcher;
mod requests;
mod samples;
mod scenarios;
mod secrets;
mod tokens;

use biller_core::{
    Attempt, BaseUrl, Biller, MemoryRecords, Order, Outcome, RetryPolicy, Rupiah, Secret, Transport, Wiring,
};
use biller_sandbox::Sandbox;
use biller_tests::{SharedClock, Tape, sandbox, shared_clock};
use sidompul_client::{Client, Config, Pin, Sidompul};

/// A client and a sandbox on one clock, with a tape between them.
struct Bench {
    clock: SharedClock,
    sandbox: Sandbox,
    tape: Tape,
    sidompul: Sidompul,
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
        let sidompul = over(tape.clone(), &clock, change);
        Self { clock, sandbox, tape, sidompul, records: MemoryRecords::default() }
    }

    fn client(&self) -> &Client {
        self.sidompul.client()
    }

    /// Prepares and pays.
    async fn buy(&self, order: Order) -> (Attempt, Outcome) {
        let mut attempt = self.sidompul.prepare(order).await.unwrap();
        let outcome = self.sidompul.pay(&mut attempt, &self.records).await;
        (attempt, outcome)
    }

    async fn resolve(&self, attempt: &mut Attempt) -> Outcome {
        self.sidompul.resolve(attempt, &self.records).await
    }

    /// How many requests went to calls that move money.
    fn purchases(&self) -> usize {
        ["/post-w2p", "/post-package", "/post-package-pulsa", "-tembak"].iter().map(|end| self.tape.count(end)).sum()
    }
}

fn over(transport: impl Transport + 'static, clock: &SharedClock, change: impl FnOnce(Config) -> Config) -> Sidompul {
    let wiring = Wiring::over(transport).with_clock(clock.clone()).with_retry(RetryPolicy::never());
    Sidompul::new(Client::with_wiring(change(config("http://127.0.0.1/sidompul")), wiring))
}

fn credential(name: &str) -> String {
    Sandbox::new().credentials("sidompul").unwrap()[name].as_str().unwrap().to_owned()
}

fn config(base_url: &str) -> Config {
    let pin = Pin::Plain(Secret::new(credential("pin")));
    let config = Config::new(
        credential("client_id"),
        credential("client_secret"),
        credential("api_id"),
        credential("api_key"),
        pin,
    );
    config.unwrap().with_base_url(BaseUrl::parse(base_url).unwrap())
}

/// 5.000 rupiah of pulsa.
fn pulsa(reference: &str, customer: &str) -> Order {
    Order::new(reference, "W2P", customer).unwrap().with_amount(Rupiah::new(5_000))
}

fn package(reference: &str, customer: &str) -> Order {
    Order::new(reference, "XC_FLEX_S", customer).unwrap().with_expected_price(Rupiah::new(13_703))
}

fn package_with_pulsa(reference: &str, customer: &str) -> Order {
    package(reference, customer).with_option("pay_from", "pulsa")
}

fn awg(reference: &str, customer: &str) -> Order {
    Order::new(reference, "AX-RM580808TK-TSP", customer).unwrap().with_option("stock", "awg")
}

fn xwg(reference: &str, customer: &str) -> Order {
    Order::new(reference, "XL-WGXHSAE560658R", customer).unwrap().with_option("stock", "xwg")
}

/// An order under a reference, for a customer.
type NewOrder = fn(&str, &str) -> Order;

/// An order of each kind that moves money, by name.
const ORDERS: [(&str, NewOrder); 5] =
    [("reload", pulsa), ("package", package), ("package with pulsa", package_with_pulsa), ("awg", awg), ("xwg", xwg)];
