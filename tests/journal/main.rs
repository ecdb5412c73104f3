//! The journal with Klikoo and with a provider made up for what Klikoo does not do.

#![allow(clippy::unwrap_used)]

mod callbacks;
mod contract;
mod desk;
mod failing;
mod fake;
mod figures;
mod postgres;
mod purchases;
mod reconciling;
mod store;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use biller_core::{Biller, Order, Reference, RetryPolicy, Rupiah, Secret, Wiring};
use biller_journal::{Journal, JournalBuilder, Lane, ReceiptKey, SqliteStore};
use biller_sandbox::Sandbox;
use biller_tests::{SharedClock, Tape, sandbox, shared_clock};
use klikoo::auth::PrivateKey;
use klikoo::{Client, Config, Klikoo};
use tokio::task::JoinHandle;

const KEY: [u8; 32] = [1; 32];

/// Klikoo behind a journal, with the sandbox at the other end. The clock stands still until it is moved.
struct Bench {
    clock: SharedClock,
    sandbox: Sandbox,
    tape: Tape,
    store: SqliteStore,
    journal: Journal,
    worker: JoinHandle<()>,
}

impl Bench {
    fn new() -> Self {
        Self::over(SqliteStore::in_memory().unwrap(), Lane::default())
    }

    fn over(store: SqliteStore, lane: Lane) -> Self {
        let clock = shared_clock();
        let sandbox = sandbox(&clock);
        let tape = Tape::new(sandbox.transport());
        let journal = builder(&store, &clock).provider(klikoo(&sandbox, &tape, &clock), lane).build();
        let worker = work(&journal);
        Self { clock, sandbox, tape, store, journal, worker }
    }

    /// The process dies, and another one starts on the same store.
    fn crash(&mut self) {
        self.worker.abort();
        let klikoo = klikoo(&self.sandbox, &self.tape, &self.clock);
        self.journal = builder(&self.store, &self.clock).provider(klikoo, Lane::default()).build();
        self.worker = work(&self.journal);
    }

    /// Moves the clock in steps, so that the worker acts at each.
    async fn pass(&self, seconds: u64) {
        for _ in 0..seconds.div_ceil(5) {
            self.clock.advance(Duration::from_secs(5));
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    }

    fn buys(&self) -> usize {
        self.tape.count("/products/buy")
    }
}

fn builder(store: &SqliteStore, clock: &SharedClock) -> JournalBuilder {
    Journal::builder(store.clone(), ReceiptKey::new(KEY)).clock(clock.clone()).poll(Duration::from_secs(1))
}

fn work(journal: &Journal) -> JoinHandle<()> {
    let journal = journal.clone();
    tokio::spawn(async move { journal.run().await })
}

fn klikoo(sandbox: &Sandbox, tape: &Tape, clock: &SharedClock) -> Arc<dyn Biller> {
    let given = sandbox.credentials("klikoo").unwrap();
    let credential = |name: &str| given[name].as_str().unwrap().to_owned();
    let key = PrivateKey::from_pem(&Secret::new(credential("private_key_pem"))).unwrap();
    let config =
        Config::new("http://127.0.0.1/klikoo", credential("client_id"), credential("client_secret"), key).unwrap();
    let wiring = Wiring::over(tape.clone()).with_clock(clock.clone()).with_retry(RetryPolicy::never());
    Arc::new(Klikoo::new(Client::with_wiring(config, wiring)))
}

fn pulsa(reference: &str, customer: &str) -> Order {
    Order::new(reference, "S10", customer).unwrap().with_expected_price(Rupiah::new(10_450))
}

fn reference(text: &str) -> Reference {
    Reference::parse(text).unwrap()
}
