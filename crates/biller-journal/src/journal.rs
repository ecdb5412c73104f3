use std::sync::Arc;
use std::time::Duration;

use biller_core::{Biller, Clock, Order, Receipt, Reference, SystemClock};
use tokio::sync::{Notify, watch};

use crate::lane::{Provider, Providers};
use crate::{
    Cause, Cursor, Event, Lane, Metrics, Purchase, ReceiptKey, SealError, State, Stats, Store, StoreError, Submission,
};

/// Purchases that survive whatever happens to the process.
///
/// Clones share everything. [`submit`](Self::submit) and the other calls work at once; purchases move while
/// [`run`](Self::run) does.
#[derive(Clone)]
pub struct Journal {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) key: ReceiptKey,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<dyn Metrics>,
    pub(crate) providers: Providers,
    pub(crate) lease: Duration,
    pub(crate) poll: Duration,
    /// There may be something to do.
    pub(crate) wake: Notify,
    /// Raised with every event that this process writes.
    pub(crate) written: watch::Sender<u64>,
    /// No further purchase is taken.
    pub(crate) stopping: watch::Sender<bool>,
}

/// Settings of a [`Journal`].
#[must_use]
pub struct JournalBuilder {
    store: Arc<dyn Store>,
    key: ReceiptKey,
    clock: Arc<dyn Clock>,
    metrics: Arc<dyn Metrics>,
    providers: Providers,
    lease: Duration,
    poll: Duration,
}

/// Why an order was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// The journal has no such provider.
    #[error("the journal has no provider {0}")]
    UnknownProvider(String),
    /// The reference names another purchase; the fields in which the two differ.
    #[error("the reference {reference} names another purchase; different: {}", differences.join(", "))]
    Differs {
        /// The reference.
        reference: Reference,
        /// The names of the fields.
        differences: Vec<String>,
    },
    /// The order is not durable; submit it again.
    #[error("the order was not written down")]
    Store(#[from] StoreError),
}

impl JournalBuilder {
    /// Buys through this client, within these limits.
    pub fn provider(mut self, biller: Arc<dyn Biller>, lane: Lane) -> Self {
        self.providers.insert(biller.provider(), Arc::new(Provider::new(biller, lane)));
        self
    }

    /// On another clock than the system's. It has to be the clients' clock too.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Reports figures there.
    pub fn metrics(mut self, metrics: impl Metrics + 'static) -> Self {
        self.metrics = Arc::new(metrics);
        self
    }

    /// For how long a worker has a purchase to itself, renewed while it works: 60 s by default. After a crash the purchase waits
    /// for the rest of it.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// How long the worker sleeps at most before it looks for what other processes have left: 5 s by default.
    pub fn poll(mut self, poll: Duration) -> Self {
        self.poll = poll;
        self
    }

    /// The journal. It asks nothing of the store yet.
    pub fn build(self) -> Journal {
        let Self { store, key, clock, metrics, providers, lease, poll } = self;
        let inner = Inner {
            store,
            key,
            clock,
            metrics,
            providers,
            lease,
            poll,
            wake: Notify::new(),
            written: watch::Sender::new(0),
            stopping: watch::Sender::new(false),
        };
        Journal { inner: Arc::new(inner) }
    }
}

impl Journal {
    /// A journal over a store, whose receipts are sealed under `key`.
    pub fn builder(store: impl Store + 'static, key: ReceiptKey) -> JournalBuilder {
        JournalBuilder {
            store: Arc::new(store),
            key,
            clock: Arc::new(SystemClock),
            metrics: Arc::new(()),
            providers: Providers::new(),
            lease: Duration::from_secs(60),
            poll: Duration::from_secs(5),
        }
    }

    /// Takes an order: durable when this returns, sent later.
    ///
    /// The same reference with the same content returns the purchase that exists, however far it is; so a caller who does not know
    /// whether it was taken submits it again.
    ///
    /// # Errors
    /// An unknown provider, a reference that names another purchase, or a store that does not work.
    pub async fn submit(&self, provider: &str, order: Order) -> Result<Purchase, SubmitError> {
        if !self.inner.providers.contains_key(provider) {
            return Err(SubmitError::UnknownProvider(provider.to_owned()));
        }
        let purchase = Purchase::new(provider, order, self.inner.clock.now());
        let event = Event {
            number: 0,
            reference: Some(purchase.order.reference().clone()),
            provider: provider.to_owned(),
            at: purchase.submitted_at,
            from: None,
            to: Some(State::Created),
            cause: Cause::Submitted,
            evidence: format!("{} at {provider}", purchase.order.product()),
        };
        match self.inner.watched(self.inner.store.submit(&purchase, &event).await)? {
            Submission::Stored => {
                self.inner.tell();
                self.inner.wake.notify_one();
                Ok(purchase)
            }
            Submission::Exists(existing) => {
                let differences = differences(&existing, &purchase);
                if differences.is_empty() {
                    Ok(*existing)
                } else {
                    Err(SubmitError::Differs { reference: purchase.order.reference().clone(), differences })
                }
            }
        }
    }

    /// The purchase of that reference.
    ///
    /// # Errors
    /// A store that does not work.
    pub async fn get(&self, reference: &Reference) -> Result<Option<Purchase>, StoreError> {
        self.inner.watched(self.inner.store.get(reference).await)
    }

    /// Waits until the purchase is final or left to a person. `None` when there is no such purchase.
    ///
    /// # Errors
    /// A store that does not work; waiting can go on.
    pub async fn wait(&self, reference: &Reference) -> Result<Option<Purchase>, StoreError> {
        let mut written = self.inner.written.subscribe();
        let mut seen = 0;
        loop {
            written.mark_unchanged();
            match self.get(reference).await? {
                Some(purchase) if !purchase.is_settled() => {}
                found => return Ok(found),
            }
            // Another process may finish it, so not only this one's writes count.
            tokio::select! {
                _ = written.changed() => {}
                count = self.inner.store.changed(seen) => seen = count,
                () = tokio::time::sleep(self.inner.poll) => {}
            }
        }
    }

    /// The receipt of a purchase that succeeded, its secrets included: stored exactly as it was issued.
    ///
    /// # Errors
    /// A store that does not work, or one that was written under another key.
    pub async fn receipt(&self, reference: &Reference) -> Result<Option<Receipt>, StoreError> {
        let sealed = self.inner.watched(self.inner.store.receipt(reference).await)?;
        let open = |sealed: Vec<u8>| self.inner.key.open_receipt(reference.as_str(), &sealed);
        sealed.map(open).transpose().map_err(|error: SealError| StoreError::Unreadable(error.to_string()))
    }

    /// Up to `limit` events behind the cursor, in order. They come again until [`done`](Self::done).
    ///
    /// # Errors
    /// A store that does not work.
    pub async fn events(&self, cursor: &Cursor, limit: usize) -> Result<Vec<Event>, StoreError> {
        let after = self.inner.watched(self.inner.store.cursor(&cursor.0).await)?;
        self.inner.watched(self.inner.store.events_after(after, limit).await)
    }

    /// Moves the cursor behind this event, durably.
    ///
    /// # Errors
    /// A store that does not work; the event will come again.
    pub async fn done(&self, cursor: &Cursor, event: &Event) -> Result<(), StoreError> {
        self.inner.watched(self.inner.store.set_cursor(&cursor.0, event.number).await)
    }

    /// Every event of one purchase, in order.
    ///
    /// # Errors
    /// A store that does not work.
    pub async fn history(&self, reference: &Reference) -> Result<Vec<Event>, StoreError> {
        self.inner.watched(self.inner.store.events_of(reference).await)
    }

    /// Holds payments to a provider back, in every process on the store, until [`resume`](Self::resume). What has been sent is still
    /// resolved. The note is shown beside every purchase that waits.
    ///
    /// # Errors
    /// A store that does not work.
    pub async fn pause(&self, provider: &str, note: &str) -> Result<(), StoreError> {
        self.inner.watched(self.inner.store.set_paused(provider, Some(note)).await)
    }

    /// Lets payments to a provider go on.
    ///
    /// # Errors
    /// A store that does not work.
    pub async fn resume(&self, provider: &str) -> Result<(), StoreError> {
        self.inner.watched(self.inner.store.set_paused(provider, None).await)?;
        self.inner.wake.notify_one();
        Ok(())
    }

    /// How many purchases are in which state, and since when the oldest is open.
    ///
    /// # Errors
    /// A store that does not work.
    pub async fn stats(&self) -> Result<Stats, StoreError> {
        self.inner.watched(self.inner.store.stats().await)
    }
}

impl Inner {
    /// Says when the store fails.
    pub(crate) fn watched<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error @ (StoreError::Unavailable(_) | StoreError::Unreadable(_))) = &result {
            tracing::error!(%error, "the journal's store failed; nothing is sent until it works");
            self.metrics.store_failed(error);
        }
        result
    }

    pub(crate) fn tell(&self) {
        self.written.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// The names of the fields in which two purchases of one reference differ.
fn differences(stored: &Purchase, given: &Purchase) -> Vec<String> {
    let mut names = Vec::new();
    if stored.provider != given.provider {
        names.push("provider".to_owned());
    }
    if stored.order != given.order {
        let fields = [&stored.order, &given.order].map(|order| match serde_json::to_value(order) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        });
        let [stored, given] = &fields;
        let all: std::collections::BTreeSet<&String> = stored.keys().chain(given.keys()).collect();
        names.extend(all.into_iter().filter(|name| stored.get(*name) != given.get(*name)).cloned());
    }
    names
}
