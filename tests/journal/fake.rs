//! A provider that cannot tell equal purchases apart, and that does what it is told.

use std::sync::{Arc, Mutex};

use biller_core::{
    Attempt, Biller, BoxFuture, Capabilities, Clock, Error, ErrorKind, Evidence, Execution, Order, Outcome, Receipt,
    Records, Refusal, Rupiah, Schedule,
};
use biller_tests::SharedClock;

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
    /// The serial on every receipt; each its own where there is none.
    pub serial: Arc<Mutex<Option<String>>>,
    /// How often preparing fails before it goes well.
    pub trouble: Arc<Mutex<u32>>,
}

impl Fake {
    pub fn new(clock: &SharedClock) -> Self {
        let mut schedule = Schedule::from_seconds(&[10], 60);
        schedule.stop_after = Some(std::time::Duration::from_secs(600));
        Self {
            clock: clock.clone(),
            schedule,
            says: Arc::new(Mutex::new(Says::Succeeded)),
            paid: Arc::default(),
            deposit: Arc::new(Mutex::new(100_000)),
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
        capabilities
    }

    fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    fn balance(&self) -> BoxFuture<'_, Result<Rupiah, Error>> {
        let deposit = *self.deposit.lock().unwrap();
        Box::pin(async move { Ok(Rupiah::new(deposit)) })
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
            let learnt = self.answer(attempt);
            attempt.end_look(Ok(learnt), std::time::Duration::MAX, records, &self.clock).await
        })
    }
}
