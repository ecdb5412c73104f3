//! Biller V2: vectors, samples, quirks, the code table, requests, the sandbox's scenarios and faults, callbacks, secrets.

#![allow(clippy::unwrap_used)]

mod callbacks;
mod codes;
mod faults;
mod input;
mod quirks;
mod requests;
mod samples;
mod scenarios;
mod secrets;
mod vectors;

use biller_core::{Biller, MemoryRecords, Order, Outcome, RetryPolicy, Rupiah, Wiring};
use biller_sandbox::Sandbox;
use biller_tests::{SharedClock, Tape, sandbox, shared_clock};
use biller_v2::model::Language;
use biller_v2::operations::{AskStatus, Inquire, Pay};
use biller_v2::{BillerV2, Client, Config, InquiryReply, InquiryRequest, Purchase};

/// A client and a sandbox on one clock, with a tape between them.
struct Bench {
    clock: SharedClock,
    sandbox: Sandbox,
    tape: Tape,
    biller: BillerV2,
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
        let biller = BillerV2::new(client(change(config("http://127.0.0.1/biller-v2")), &tape, &clock));
        Self { clock, sandbox, tape, biller, records: MemoryRecords::default() }
    }

    /// Prepares and pays.
    async fn buy(&self, order: Order) -> (biller_core::Attempt, Outcome) {
        let mut attempt = self.biller.prepare(order).await.unwrap();
        let outcome = self.biller.pay(&mut attempt, &self.records).await;
        (attempt, outcome)
    }

    async fn resolve(&self, attempt: &mut biller_core::Attempt) -> Outcome {
        self.biller.resolve(attempt, &self.records).await
    }

    fn payments(&self) -> usize {
        self.tape.count("/bill/payment")
    }
}

fn client(config: Config, tape: &Tape, clock: &SharedClock) -> Client {
    let wiring = Wiring::over(tape.clone()).with_clock(clock.clone()).with_retry(RetryPolicy::never());
    Client::with_wiring(config, wiring)
}

fn credential(name: &str) -> String {
    Sandbox::new().credentials("biller-v2").unwrap()[name].as_str().unwrap().to_owned()
}

fn config(base_url: &str) -> Config {
    Config::new(base_url, credential("api_key"), credential("api_secret")).unwrap()
}

fn order(reference: &str, product: &str, account: &str) -> Order {
    Order::new(reference, product, account).unwrap()
}

/// A TV bill of Rp747.250.
fn bill(reference: &str, account: &str) -> Order {
    order(reference, "SBTV01", account)
}

/// The inquiry about an account.
fn inquire(account: &str) -> Inquire {
    let request = InquiryRequest::new("product-code", account).unwrap();
    Inquire { request, language: Language::English }
}

fn read<O: biller_core::Operation>(operation: &O, status: u16, body: &str) -> Result<O::Output, biller_core::Error> {
    operation.interpret(&biller_tests::reply(status, body.to_owned()))
}

/// The reply to an inquiry with these members of `data` beside an id.
fn inquired(account: &str, data: &str) -> InquiryReply {
    let body = format!(r#"{{"responseCode":300,"data":{{"inquiryId":4589282,{data}}}}}"#);
    read(&inquire(account), 200, &body).unwrap()
}

/// The payment of Rp747.250 for the account 123223345 under the reference of the document's sample.
fn purchase() -> Purchase {
    let reply = inquired("123223345", r#""accountNumber":"123223345","amount":747250"#);
    Purchase::new("TESTIdihomeV2Stage", &inquire("123223345").request, &reply, None).unwrap()
}

fn pay() -> Pay {
    Pay { purchase: purchase(), language: Language::English }
}

fn ask_status() -> AskStatus {
    AskStatus { reference: purchase().reference().clone(), language: Language::English }
}

fn rupiah(amount: i64) -> Option<Rupiah> {
    Some(Rupiah::new(amount))
}
