//! Mistakes planted around the journal, to see that the simulation catches them.

use std::sync::Arc;
use std::time::Duration;

use biller_core::{
    Attempt, Biller, BoxFuture, Capabilities, Claim, Error, ErrorKind, Evidence, Hint, MemoryRecords, Order, Outcome,
    Receipt, Records, Refusal, Schedule,
};
use bytes::Bytes;

use crate::world::{SimClock, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    None,
    /// What was being sent when the process died is paid again.
    PaysAgainAfterCrash,
    /// The record is written after the payment.
    WritesAfterSending,
    /// A worker that has lost its lease goes on writing.
    NoFence,
    /// A write that was confirmed is not there.
    LosesCommits,
    /// No reply is taken for failed.
    TimeoutIsFailed,
    /// A callback's claim is taken for the truth.
    BelievesCallbacks,
    /// Past the provider's window, not found is taken for failed, and what must not be sent again is sent again.
    IgnoresTheWindow,
}

impl Mistake {
    pub const PLANTED: [Self; 7] = [
        Self::PaysAgainAfterCrash,
        Self::WritesAfterSending,
        Self::NoFence,
        Self::LosesCommits,
        Self::TimeoutIsFailed,
        Self::BelievesCallbacks,
        Self::IgnoresTheWindow,
    ];
}

/// A real client whose receipts are kept for comparison, perhaps with a mistake in it.
pub struct Watched {
    inner: Arc<dyn Biller>,
    world: Arc<World>,
}

impl Watched {
    pub fn over(inner: Arc<dyn Biller>, world: Arc<World>) -> Arc<dyn Biller> {
        Arc::new(Self { inner, world })
    }

    fn clock(&self) -> &SimClock {
        &self.world.clock
    }

    fn seen(&self, outcome: Outcome) -> Outcome {
        if let Outcome::Succeeded(receipt) = &outcome {
            self.world.issue(receipt);
        }
        outcome
    }

    async fn paid(&self, attempt: &mut Attempt, records: &dyn Records) -> Outcome {
        match self.world.mistake {
            Mistake::WritesAfterSending => {
                let outcome = self.inner.pay(attempt, &MemoryRecords::default()).await;
                let _ = records.save(attempt).await;
                outcome
            }
            Mistake::TimeoutIsFailed => {
                let mut trial = attempt.clone();
                match self.inner.pay(&mut trial, records).await {
                    Outcome::Unknown(_) => {
                        let failed = Outcome::Failed(Refusal::new(ErrorKind::Timeout, "no reply"));
                        *attempt = trial;
                        attempt.end_payment(failed, records, self.clock()).await
                    }
                    outcome => {
                        *attempt = trial;
                        outcome
                    }
                }
            }
            _ => self.inner.pay(attempt, records).await,
        }
    }

    async fn looked(&self, attempt: &mut Attempt, records: &dyn Records) -> Outcome {
        let outcome = self.inner.resolve(attempt, records).await;
        match (&outcome, self.world.mistake) {
            (Outcome::Unknown(error), Mistake::IgnoresTheWindow) if error.kind() == ErrorKind::NotFound => {
                let gone = Outcome::Failed(Refusal::new(ErrorKind::NotFound, "not found"));
                attempt.end_look(Ok(gone), Duration::MAX, records, self.clock()).await
            }
            (Outcome::Unknown(error), Mistake::IgnoresTheWindow)
                if error.to_string().contains("its WIB day is over") =>
            {
                self.sent_too_late(attempt, records).await.unwrap_or(outcome)
            }
            _ => outcome,
        }
    }

    /// Sends a purchase again on another day, as a new one.
    async fn sent_too_late(&self, attempt: &mut Attempt, records: &dyn Records) -> Option<Outcome> {
        let mut again = self.inner.prepare(attempt.order().clone()).await.ok()?;
        let outcome = self.inner.pay(&mut again, &MemoryRecords::default()).await;
        Some(attempt.end_look(Ok(outcome), Duration::MAX, records, self.clock()).await)
    }

    /// Takes a callback at its word.
    async fn believed(&self, attempt: &mut Attempt, hint: &Hint, records: &dyn Records) -> Outcome {
        let claimed = match hint.claim {
            Claim::Succeeded => {
                let order = attempt.order();
                let product = order.product().as_str();
                let reference = order.reference().as_str();
                Outcome::Succeeded(Receipt::new(
                    attempt.provider(),
                    reference,
                    product,
                    order.customer(),
                    Evidence::Status,
                ))
            }
            Claim::Failed => Outcome::Failed(Refusal::new(ErrorKind::Refused, "the callback says so")),
            _ => Outcome::Pending,
        };
        attempt.end_look(Ok(claimed), Duration::MAX, records, self.clock()).await
    }
}

impl Biller for Watched {
    fn provider(&self) -> &'static str {
        self.inner.provider()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn schedule(&self) -> &Schedule {
        self.inner.schedule()
    }

    fn prepare(&self, order: Order) -> BoxFuture<'_, Result<Attempt, Error>> {
        self.inner.prepare(order)
    }

    fn pay<'a>(&'a self, attempt: &'a mut Attempt, records: &'a dyn Records) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { self.seen(self.paid(attempt, records).await) })
    }

    fn resolve<'a>(&'a self, attempt: &'a mut Attempt, records: &'a dyn Records) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { self.seen(self.looked(attempt, records).await) })
    }

    fn parse_callback(&self, request: &http::Request<Bytes>) -> Result<Hint, Error> {
        self.inner.parse_callback(request)
    }

    fn answer_callback(&self, hint: Result<&Hint, &Error>) -> http::Response<Bytes> {
        self.inner.answer_callback(hint)
    }

    fn confirm<'a>(
        &'a self,
        attempt: &'a mut Attempt,
        hint: &'a Hint,
        records: &'a dyn Records,
    ) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let outcome = match self.world.mistake {
                Mistake::BelievesCallbacks => self.believed(attempt, hint, records).await,
                _ => self.inner.confirm(attempt, hint, records).await,
            };
            self.seen(outcome)
        })
    }
}
