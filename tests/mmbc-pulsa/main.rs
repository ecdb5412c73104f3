//! MMBC: samples, the code table, requests, the price list, quirks, the sandbox's scenarios and faults, secrets.

#![allow(clippy::unwrap_used)]

mod codes;
mod faults;
mod input;
mod price_list;
mod quirks;
mod requests;
mod samples;
mod scenarios;
mod secrets;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use biller_core::{Attempt, Biller, MemoryRecords, Order, Outcome, RetryPolicy, Timestamp, Transport, Wiring};
use biller_sandbox::{ChargeState, Sandbox};
use biller_tests::{Invented, SharedClock, Tape, reply, sandbox, shared_clock};
use mmbc_pulsa::{Client, Config, MmbcPulsa};

/// A client and a sandbox on one clock, with a tape between them.
struct Bench {
    clock: SharedClock,
    sandbox: Sandbox,
    tape: Tape,
    mmbc: MmbcPulsa,
    records: MemoryRecords,
}

impl Bench {
    fn new() -> Self {
        Self::with(|config| config)
    }

    fn with(change: impl FnOnce(Config) -> Config) -> Self {
        Self::build(change, |sandbox| Arc::new(sandbox.transport()))
    }

    /// The first replies to top-ups (or whatever path ends so) are invented; the sandbox gives the others.
    fn answering(path_end: &'static str, replies: &[(u16, &str)]) -> Self {
        let script: VecDeque<_> = replies.iter().map(|(status, body)| reply(*status, (*body).to_owned())).collect();
        let script = Mutex::new(script);
        Self::build(
            |config| config,
            |sandbox| {
                let invented = Invented(move |request: &http::Request<bytes::Bytes>| {
                    request.uri().path().ends_with(path_end).then(|| script.lock().unwrap().pop_front().map(Ok))?
                });
                Arc::new(invented.over(sandbox.transport()))
            },
        )
    }

    fn build(change: impl FnOnce(Config) -> Config, transport: impl FnOnce(&Sandbox) -> Arc<dyn Transport>) -> Self {
        let clock = shared_clock();
        let sandbox = sandbox(&clock);
        let tape = Tape::new(transport(&sandbox));
        let wiring = Wiring::over(tape.clone()).with_clock(clock.clone()).with_retry(RetryPolicy::never());
        let mmbc = MmbcPulsa::new(Client::with_wiring(change(config("http://127.0.0.1/mmbc")), wiring));
        Self { clock, sandbox, tape, mmbc, records: MemoryRecords::default() }
    }

    /// Both sides at this time of WIB.
    fn at(self, time: &str) -> Self {
        self.clock.set(Timestamp::parse_wib(time).unwrap());
        self
    }

    fn top_ups(&self) -> usize {
        self.tape.count("/isipulsa")
    }

    async fn prepare(&self, order: Order) -> Attempt {
        self.mmbc.prepare(order).await.unwrap()
    }

    async fn pay(&self, attempt: &mut Attempt) -> Outcome {
        self.mmbc.pay(attempt, &self.records).await
    }

    async fn resolve(&self, attempt: &mut Attempt) -> Outcome {
        self.mmbc.resolve(attempt, &self.records).await
    }

    /// One look after this many seconds.
    async fn resolve_after(&self, seconds: u64, attempt: &mut Attempt) -> Outcome {
        self.clock.advance(Duration::from_secs(seconds));
        self.resolve(attempt).await
    }

    fn ledger(&self) -> Vec<ChargeState> {
        self.sandbox.charges().iter().map(|charge| charge.state).collect()
    }
}

fn credential(name: &str) -> String {
    Sandbox::new().credentials("mmbc").unwrap()[name].as_str().unwrap().to_owned()
}

fn config(base_url: &str) -> Config {
    Config::new(credential("username"), credential("password")).unwrap().with_base_url(base_url).unwrap()
}

/// Rp5.000 of pulsa.
fn pulsa(reference: &str, customer: &str) -> Order {
    Order::new(reference, "TEL5", customer).unwrap()
}

/// The invented reply to a top-up of [`pulsa`] to 081234567891.
fn ok(status: &str) -> String {
    format!(
        r#"{{"result":"ok","invoice":"TRX77777","kodeoperator":"TEL5","nominal":"5000","nomorpelanggan":"081234567891","serial":"","debet":"5630","saldo":"100","status":"{status}"}}"#
    )
}

fn no(code: &str) -> String {
    format!(r#"{{"result":"no","reason_code":"{code}","reason":"alasan"}}"#)
}

/// Whether a person was called, and for what.
fn called_for(attempt: &Attempt, reason: &str) -> bool {
    attempt.attention().iter().any(|attention| attention.reason.contains(reason))
}
