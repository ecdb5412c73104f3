use std::sync::Arc;
use std::time::Duration;

use biller_core::Timestamp;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use crate::journal::Inner;
use crate::lane::Provider;
use crate::step::step;
use crate::{Cause, Claim, Event, Journal, Purchase, StoreError};

/// The wait after the store has failed.
const STORE_TROUBLE: Duration = Duration::from_secs(1);

impl Journal {
    /// Works until [`stop`](Self::stop): pays what was submitted, asks about what is open, follows callbacks.
    ///
    /// Dropping the future is as a crash: what was being sent becomes unknown and is resolved after a restart. Any number of processes
    /// may run over one store. Has to run inside a tokio runtime with its timers on.
    pub async fn run(&self) {
        let inner = &self.inner;
        let mut stopping = inner.stopping.subscribe();
        let mut tasks = JoinSet::new();
        let mut seen = 0;
        loop {
            let wait = if *stopping.borrow_and_update() {
                if tasks.is_empty() {
                    return;
                }
                inner.poll
            } else {
                inner.take_due(&mut tasks).await.unwrap_or(STORE_TROUBLE)
            };
            tokio::select! {
                biased;
                Some(_) = tasks.join_next() => {}
                _ = stopping.changed() => {}
                () = inner.wake.notified() => {}
                count = inner.store.changed(seen) => seen = count,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Lets [`run`](Self::run) finish what it has in hand and return.
    pub fn stop(&self) {
        self.inner.stopping.send_replace(true);
    }
}

impl Inner {
    /// Begins every step that is due and has room; returns how long there will be nothing to do.
    async fn take_due(self: &Arc<Self>, tasks: &mut JoinSet<()>) -> Result<Duration, StoreError> {
        let mut wait = self.poll;
        for provider in self.providers.values() {
            let now = self.clock.now();
            if provider.balance_is_due(now) {
                tasks.spawn(check_balance(self.clone(), provider.clone()));
            }
            let room = provider.room(now);
            let mut taken = 0;
            if room > 0 {
                let claim = Claim {
                    provider: provider.biller.provider().to_owned(),
                    limit: room,
                    now,
                    lease_until: now.after(self.lease),
                };
                let purchases = self.watched(self.store.claim(&claim).await)?;
                taken = purchases.len();
                for purchase in purchases {
                    self.metrics.in_flight(provider.biller.provider(), provider.begin(now));
                    tasks.spawn(work(self.clone(), provider.clone(), purchase));
                }
            }
            let next = if taken < room {
                self.watched(self.store.next_due(provider.biller.provider(), now).await)?
            } else {
                // The rate may be what holds it up; if the number at work is, a finished one wakes the loop.
                Some(provider.next_start(now)).filter(|start| *start > now)
            };
            if let Some(next) = next {
                wait = wait.min(next.since(now).max(Duration::from_millis(1)));
            }
        }
        Ok(wait)
    }

    fn lease_from(&self, now: Timestamp) -> Timestamp {
        now.after(self.lease)
    }
}

/// Gives the room back also when the step panics or is dropped.
struct InFlight<'a>(&'a Inner, &'a Provider);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.metrics.in_flight(self.1.biller.provider(), self.1.end());
    }
}

/// One step, its lease renewed while it lasts.
async fn work(inner: Arc<Inner>, provider: Arc<Provider>, purchase: Purchase) {
    let _in_flight = InFlight(&inner, &provider);
    let reference = purchase.order.reference().clone();
    let fence = purchase.fence;
    let span = tracing::info_span!("purchase", provider = provider.biller.provider(), reference = %reference);
    let step = step(&inner, &provider, purchase).instrument(span);
    tokio::pin!(step);
    let done = loop {
        tokio::select! {
            biased;
            done = &mut step => break done,
            () = tokio::time::sleep(inner.lease / 3) => {
                // When somebody else has taken it, the next write says so.
                let _ = inner.store.renew(&reference, fence, inner.lease_from(inner.clock.now())).await;
            }
        }
    };
    if let Err(error) = done {
        tracing::warn!(provider = provider.biller.provider(), %reference, %error, "a step ended without a record of its own");
    }
}

async fn check_balance(inner: Arc<Inner>, provider: Arc<Provider>) {
    let name = provider.biller.provider();
    let balance = match provider.biller.balance().await {
        Ok(balance) => balance,
        Err(error) => {
            tracing::warn!(provider = name, %error, "the balance could not be read");
            return;
        }
    };
    inner.metrics.balance(name, balance);
    let Some(low) = provider.crosses(balance) else { return };
    let side = if low { "below" } else { "at or above" };
    let threshold = provider.lane.low_balance.unwrap_or(biller_core::Rupiah::ZERO);
    let event = Event {
        number: 0,
        reference: None,
        provider: name.to_owned(),
        at: inner.clock.now(),
        from: None,
        to: None,
        cause: Cause::Balance,
        evidence: format!("{balance} is {side} {threshold}"),
    };
    if inner.watched(inner.store.add_event(&event).await).is_ok() {
        inner.tell();
    }
}
