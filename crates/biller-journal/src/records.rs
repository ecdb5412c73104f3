use std::sync::{Mutex, PoisonError};

use biller_core::{Attempt, BoxFuture, RecordError, Records, Reference, Stage};

use crate::event::Event;
use crate::journal::Inner;
use crate::{Cause, Change, Purchase, SendGuard, State, StoreError};

/// What a provider's client writes while it works on one purchase.
///
/// A save that comes before a request is durable at once. The one at the end, when something has been learnt, is left to the worker, who
/// writes it together with the outcome and the receipt: so no success is ever durable without its receipt.
pub(crate) struct Saves<'a> {
    inner: &'a Inner,
    state: Mutex<Saved>,
}

struct Saved {
    purchase: Purchase,
    /// As the work began.
    looks: u32,
    had_ended: bool,
    refused: Option<StoreError>,
}

impl<'a> Saves<'a> {
    pub(crate) fn new(inner: &'a Inner, purchase: Purchase, attempt: &Attempt) -> Self {
        let saved = Saved { purchase, looks: attempt.looks(), had_ended: attempt.ended_at().is_some(), refused: None };
        Self { inner, state: Mutex::new(saved) }
    }

    /// The purchase as it is stored now, and the last error.
    pub(crate) fn into_parts(self) -> (Purchase, Option<StoreError>) {
        let saved = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        (saved.purchase, saved.refused)
    }

    async fn write(&self, attempt: &Attempt) -> Result<(), StoreError> {
        let now = self.inner.clock.now();
        let change = {
            let saved = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let concluding = attempt.looks() > saved.looks || (attempt.ended_at().is_some() && !saved.had_ended);
            if concluding {
                return Ok(());
            }
            let mut purchase = saved.purchase.clone();
            purchase.attempt = Some(attempt.clone());
            let begins = attempt.stage() == Stage::Sent && matches!(purchase.state, State::Created | State::Prepared);
            let mut change = Change::of(purchase, now);
            change.release = false;
            if begins {
                change.begin(self.inner, attempt);
            }
            change
        };
        self.inner.watched(self.inner.store.write(&change).await)?;
        if change.guard.is_some() {
            self.inner.report(&change);
        }
        // A write that took this long may have lost the purchase to another worker, who asks about it already.
        if self.inner.clock.now().since(now) >= self.inner.lease {
            return Err(StoreError::Fenced);
        }
        self.state.lock().unwrap_or_else(PoisonError::into_inner).purchase = change.purchase;
        Ok(())
    }
}

impl Change {
    /// The write that has to be durable before money can move.
    fn begin(&mut self, inner: &Inner, attempt: &Attempt) {
        let alike = inner
            .providers
            .get(self.purchase.provider.as_str())
            .is_none_or(|provider| !provider.biller.capabilities().distinguishes_equal_purchases);
        self.guard = Some(SendGuard { key_must_be_free: alike });
        self.purchase.state = State::Sending;
        self.purchase.reason = None;
        self.purchase.changed_at = self.now;
        self.purchase.due_at = Some(self.now);
        let price = attempt.price().map_or_else(|| "price not known before".to_owned(), |price| price.to_string());
        self.events.push(Event {
            number: 0,
            reference: Some(self.purchase.order.reference().clone()),
            provider: self.purchase.provider.clone(),
            at: self.now,
            from: Some(self.from),
            to: Some(State::Sending),
            cause: Cause::Sending,
            evidence: price,
        });
    }
}

impl Records for Saves<'_> {
    fn save<'a>(&'a self, attempt: &'a Attempt) -> BoxFuture<'a, Result<(), RecordError>> {
        Box::pin(async move {
            self.write(attempt).await.map_err(|error| {
                self.state.lock().unwrap_or_else(PoisonError::into_inner).refused = Some(error.clone());
                RecordError::from(error)
            })
        })
    }

    fn load<'a>(
        &'a self,
        provider: &'a str,
        reference: &'a Reference,
    ) -> BoxFuture<'a, Result<Option<Attempt>, RecordError>> {
        Box::pin(async move {
            let stored = self.inner.watched(self.inner.store.get(reference).await)?;
            Ok(stored.filter(|stored| stored.provider == provider).and_then(|stored| stored.attempt))
        })
    }

    fn others<'a>(&'a self, attempt: &'a Attempt) -> BoxFuture<'a, Result<Vec<Attempt>, RecordError>> {
        Box::pin(async move { Ok(self.inner.watched(self.inner.store.others(attempt).await)?) })
    }
}
