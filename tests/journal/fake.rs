//! A provider that cannot tell equal purchases apart, and that does what it is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use biller_core::{
    Attempt, Biller, BoxFuture, Capabilities, Clock, Error, ErrorKind, Evidence, Execution, HistoryEntry, Order,
    Outcome, Receipt, Records, Refusal, Rupiah, Schedule, WibDay,
};
use biller_journal::{Cause, Journal, Lane, Metrics, SqliteStore, State};
use biller_tests::{SharedClock, shared_clock};
use tokio::task::JoinHandle;

use crate::{builder, reference, work};

/// What the provider says, until it says something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    Pending,
    Succeeded,
    Failed,
    Nothing,
    Mismatch,
}

pub struct Fake {
    clock: SharedClock,
    schedule: Schedule,
    pub says: Arc<Mutex<Says>>,
    pub paid: Arc<Mutex<Vec<String>>>,
    pub deposit: Arc<Mutex<i64>>,
    /// What the provider lists, where it has a list; `None` in it when it cannot show it.
    pub rows: Arc<Mutex<Option<Option<Vec<HistoryEntry>>>>>,
    /// How often it was asked what became of a purchase.
    pub asked: Arc<Mutex<u32>>,
    /// The serial on every receipt; each its own where there is none.
    pub serial: Arc<Mutex<Option<String>>>,
    /// How often preparing fails before it goes well.
    pub trouble: Arc<Mutex<u32>>,
}

impl Fake {
    pub fn new(clock: &SharedClock) -> Self {
        let mut schedule = Schedule::from_seconds(&[10], 60);
        schedule.stop_after = Some(Duration::from_secs(600));
        Self {
            clock: clock.clone(),
            schedule,
            says: Arc::new(Mutex::new(Says::Succeeded)),
            paid: Arc::default(),
            deposit: Arc::new(Mutex::new(100_000)),
            rows: Arc::default(),
            asked: Arc::default(),
            serial: Arc::default(),
            trouble: Arc::default(),
        }
    }

    fn answer(&self, attempt: &Attempt) -> Outcome {
        let order = attempt.order();
        match *self.says.lock().unwrap() {
            Says::Pending => Outcome::Pending,
            Says::Failed => Outcome::Failed(Refusal::new(ErrorKind::Refused, "sold out").with_code("12")),
            Says::Nothing => Outcome::Unknown(Error::new(ErrorKind::Timeout, Execution::Unknown)),
            Says::Mismatch => Outcome::Unknown(Error::new(ErrorKind::Mismatch, Execution::Unknown)),
            Says::Succeeded => {
                let (reference, product) = (order.reference().as_str(), order.product().as_str());
                let mut receipt = Receipt::new("fake", reference, product, order.customer(), Evidence::Status);
                receipt.charged = Some(Rupiah::new(5_000));
                let serial = self.serial.lock().unwrap().clone().unwrap_or_else(|| format!("SERIAL-OF-{reference}"));
                receipt.serial = Some(biller_core::Secret::new(serial));
                Outcome::Succeeded(receipt)
            }
        }
    }
}

impl Biller for Fake {
    fn provider(&self) -> &'static str {
        "fake"
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::NONE;
        capabilities.balance = true;
        capabilities.history = self.rows.lock().unwrap().is_some();
        capabilities
    }

    fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    fn balance(&self) -> BoxFuture<'_, Result<Rupiah, Error>> {
        let deposit = *self.deposit.lock().unwrap();
        Box::pin(async move { Ok(Rupiah::new(deposit)) })
    }

    fn history(&self, _: WibDay) -> BoxFuture<'_, Result<Vec<HistoryEntry>, Error>> {
        let rows = self.rows.lock().unwrap().clone().flatten();
        Box::pin(async move { rows.ok_or_else(|| Error::new(ErrorKind::Unavailable, Execution::NotExecuted)) })
    }

    fn prepare(&self, order: Order) -> BoxFuture<'_, Result<Attempt, Error>> {
        Box::pin(async move {
            let mut trouble = self.trouble.lock().unwrap();
            if *trouble > 0 {
                *trouble -= 1;
                return Err(Error::new(ErrorKind::Unavailable, Execution::NotExecuted));
            }
            if order.product().as_str() == "NONE" {
                return Err(Error::new(ErrorKind::InvalidInput, Execution::NotExecuted).with_detail("no such product"));
            }
            let key = format!("{}/{}", order.product(), order.customer());
            Attempt::new("fake", order, key, self.clock.now(), &())
        })
    }

    fn pay<'a>(&'a self, attempt: &'a mut Attempt, records: &'a dyn Records) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            if let Err(outcome) = attempt.begin_payment(records, &self.clock).await {
                return outcome;
            }
            self.paid.lock().unwrap().push(attempt.order().reference().to_string());
            attempt.end_payment(self.answer(attempt), records, &self.clock).await
        })
    }

    fn resolve<'a>(&'a self, attempt: &'a mut Attempt, records: &'a dyn Records) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            *self.asked.lock().unwrap() += 1;
            let learnt = self.answer(attempt);
            attempt.end_look(Ok(learnt), Duration::MAX, records, &self.clock).await
        })
    }
}

/// A made-up provider behind a journal.
pub struct Made {
    clock: SharedClock,
    store: SqliteStore,
    worker: JoinHandle<()>,
    pub fake: Arc<Fake>,
    pub journal: Journal,
}

impl Made {
    pub fn new(lane: Lane) -> Self {
        Self::told(lane, ())
    }

    /// Reports figures there.
    pub fn told(lane: Lane, metrics: impl Metrics + 'static) -> Self {
        let clock = shared_clock();
        let fake = Arc::new(Fake::new(&clock));
        let store = SqliteStore::in_memory().unwrap();
        let journal = builder(&store, &clock).provider(fake.clone(), lane).metrics(metrics).build();
        let worker = work(&journal);
        Self { clock, store, worker, fake, journal }
    }

    /// The process dies, and another one starts on the same store that much later.
    pub fn crash_for(&mut self, time: Duration) {
        self.worker.abort();
        self.clock.advance(time);
        self.journal = builder(&self.store, &self.clock).provider(self.fake.clone(), Lane::default()).build();
        self.worker = work(&self.journal);
    }

    pub fn now(&self) -> biller_core::Timestamp {
        self.clock.now()
    }

    pub fn says(&self, says: Says) {
        *self.fake.says.lock().unwrap() = says;
    }

    pub async fn submit(&self, name: &str, customer: &str) {
        self.journal.submit("fake", Order::new(name, "P5", customer).unwrap()).await.unwrap();
        self.pass(1).await;
    }

    pub async fn state(&self, name: &str) -> (State, Option<String>) {
        let purchase = self.journal.get(&reference(name)).await.unwrap().unwrap();
        (purchase.state, purchase.reason)
    }

    pub async fn causes(&self, name: &str) -> Vec<Cause> {
        self.journal.history(&reference(name)).await.unwrap().iter().map(|event| event.cause).collect()
    }

    pub async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            self.clock.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}
