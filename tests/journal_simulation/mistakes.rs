//! Mistakes planted around the journal, to see that the simulation catches them.

use std::sync::Arc;
use std::time::Duration;

use biller_core::{
    Attempt, Biller, BoxFuture, Capabilities, Claim, Error, ErrorKind, Evidence, Hint, MemoryRecords, Order, Outcome,
    Receipt, Records, Refusal, Schedule,
};
use bytes::Bytes;
use klikoo::Klikoo;

use crate::world::SimClock;

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
    /// Not found is final, whatever the provider's window.
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

/// The real client with a mistake in it.
pub struct Mistaken {
    pub inner: Klikoo,
    pub clock: SimClock,
    pub mistake: Mistake,
}

impl Mistaken {
    pub fn biller(inner: Klikoo, clock: SimClock, mistake: Mistake) -> Arc<dyn Biller> {
        match mistake {
            Mistake::None => Arc::new(inner),
            mistake => Arc::new(Self { inner, clock, mistake }),
        }
    }

    async fn paid(&self, attempt: &mut Attempt, records: &dyn Records) -> Outcome {
        match self.mistake {
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
                        attempt.end_payment(failed, records, &self.clock).await
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
        match (&outcome, self.mistake) {
            (Outcome::Unknown(error), Mistake::IgnoresTheWindow) if error.kind() == ErrorKind::NotFound => {
                let gone = Outcome::Failed(Refusal::new(ErrorKind::NotFound, "not found"));
                attempt.end_look(Ok(gone), Duration::MAX, records, &self.clock).await
            }
            _ => outcome,
        }
    }
}

impl Biller for Mistaken {
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
        Box::pin(self.paid(attempt, records))
    }

    fn resolve<'a>(&'a self, attempt: &'a mut Attempt, records: &'a dyn Records) -> BoxFuture<'a, Outcome> {
        Box::pin(self.looked(attempt, records))
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
            if self.mistake != Mistake::BelievesCallbacks {
                return self.inner.confirm(attempt, hint, records).await;
            }
            let claimed = match hint.claim {
                Claim::Succeeded => {
                    let order = attempt.order();
                    Outcome::Succeeded(Receipt::new(
                        "klikoo",
                        order.reference().as_str(),
                        order.product().as_str(),
                        order.customer(),
                        Evidence::Status,
                    ))
                }
                Claim::Failed => Outcome::Failed(Refusal::new(ErrorKind::Refused, "the callback says so")),
                _ => Outcome::Pending,
            };
            attempt.end_look(Ok(claimed), Duration::MAX, records, &self.clock).await
        })
    }
}
