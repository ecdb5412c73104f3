use biller_core::{Attempt, BoxFuture, Reference, Timestamp};

use crate::state::allowed;
use crate::{Cause, Event, Purchase, State, Stats};

/// Why a store did not do what it was asked. Nothing of it was done, unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store is not usable now: the disk is full, a file is locked, a connection broke. Whether a write took place is not known.
    #[error("the store is not usable: {0}")]
    Unavailable(String),
    /// Another worker has taken the purchase since; this one must not go on.
    #[error("another worker has taken the purchase")]
    Fenced,
    /// Payments to the provider are paused.
    #[error("payments to the provider are paused: {0}")]
    Paused(String),
    /// An equal purchase is open at a provider that cannot tell them apart.
    #[error("the equal purchase {0} is open, and the provider cannot tell them apart")]
    EqualOpen(String),
    /// The table of transitions has no such change.
    #[error("no transition leads there: {0}")]
    Forbidden(String),
    /// The store was written by a newer version of this crate.
    #[error("the store has schema {found}, this version knows up to {known}")]
    NewerSchema {
        /// The store's schema.
        found: i64,
        /// The latest one that is known here.
        known: i64,
    },
    /// The settings that lead to the store are of no use.
    #[error("the store's settings: {0}")]
    Settings(String),
    /// What is stored cannot be read.
    #[error("what is stored cannot be read: {0}")]
    Unreadable(String),
}

/// What became of a [`Store::submit`].
#[derive(Clone, Debug)]
pub enum Submission {
    /// It is new, and durable.
    Stored,
    /// The reference is taken by this purchase.
    Exists(Box<Purchase>),
}

/// Asks for purchases to work on.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The provider.
    pub provider: String,
    /// How many at most.
    pub limit: usize,
    /// The present instant: what is due and not leased by now.
    pub now: Timestamp,
    /// Until when nobody else may take them.
    pub lease_until: Timestamp,
}

/// What has to hold, in the same transaction, for a purchase to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendGuard {
    /// No other purchase with the same key at the provider may be open.
    pub key_must_be_free: bool,
}

/// One durable change of one purchase, all or nothing.
#[derive(Clone, Debug)]
pub struct Change {
    /// The purchase as it is to be from now on. Its `fence` has to be the stored one.
    pub purchase: Purchase,
    /// The state that is stored now.
    pub from: State,
    /// What happened; each is checked against [`TRANSITIONS`](crate::TRANSITIONS).
    pub events: Vec<Event>,
    /// A receipt to store, sealed.
    pub receipt: Option<Vec<u8>>,
    /// Keyed digests of the receipt's serial and token. Each belongs to the purchase that stores it first; for another one the store
    /// adds [`serial_shared`](Self::serial_shared) and its words as the purchase's reason, in the same transaction.
    pub issued: Vec<Vec<u8>>,
    /// Hints that have been followed.
    pub followed: Vec<i64>,
    /// Whether the worker lets go of the purchase.
    pub release: bool,
    /// For the change that comes before sending.
    pub guard: Option<SendGuard>,
    /// Whether every worker that has the purchase loses it.
    pub raise_fence: bool,
    /// The present instant.
    pub now: Timestamp,
}

impl Change {
    /// Changes nothing yet, and lets go of the purchase, which is as it is stored now.
    pub fn of(purchase: Purchase, now: Timestamp) -> Self {
        Self {
            from: purchase.state,
            purchase,
            events: Vec::new(),
            receipt: None,
            issued: Vec::new(),
            followed: Vec::new(),
            release: true,
            guard: None,
            raise_fence: false,
            now,
        }
    }

    /// Whether it may be applied to what is stored: its state's word and fence, `None` where nothing is. A store asks this inside the
    /// transaction that applies the change.
    ///
    /// # Errors
    /// `Fenced` when the purchase is no longer as the change expects it, `Forbidden` when no transition leads there.
    pub fn applies_to(&self, stored: Option<(&str, i64)>) -> Result<(), StoreError> {
        if stored != Some((self.from.word(), self.purchase.fence)) {
            return Err(StoreError::Fenced);
        }
        let mut at = self.from;
        for event in &self.events {
            let to = event.to.unwrap_or(at);
            if event.from != Some(at) || (to != at && !allowed(at, event.cause, to)) {
                return Err(StoreError::Forbidden(format!("{at} to {to} by {}", event.cause)));
            }
            at = to;
        }
        if at == self.purchase.state {
            Ok(())
        } else {
            Err(StoreError::Forbidden(format!("{at} to {} without an event", self.purchase.state)))
        }
    }

    /// What a store adds when something that was issued with this purchase belongs to `owner` already.
    pub fn serial_shared(&self, owner: &Reference) -> Event {
        let reference = self.purchase.order.reference();
        let provider = self.purchase.provider.clone();
        tracing::warn!(provider, %reference, %owner, "one serial on two purchases: a person has to look at both");
        Event {
            number: 0,
            reference: Some(reference.clone()),
            provider,
            at: self.now,
            from: Some(self.purchase.state),
            to: Some(self.purchase.state),
            cause: Cause::SerialShared,
            evidence: format!("its serial or token is also that of {owner}"),
        }
    }
}

/// A callback that waits to be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredHint {
    /// The store's number of it; 0 before it is stored.
    pub id: i64,
    /// The purchase that it speaks of.
    pub reference: Reference,
    /// When it came.
    pub at: Timestamp,
    /// The same callback has the same digest.
    pub digest: Vec<u8>,
    /// The request, sealed.
    pub sealed: Vec<u8>,
}

/// Where purchases are kept. Object-safe; every write is durable before it returns.
pub trait Store: Send + Sync {
    /// Stores a new purchase with its first event, or returns the one that has the reference.
    fn submit<'a>(&'a self, purchase: &'a Purchase, event: &'a Event) -> BoxFuture<'a, Result<Submission, StoreError>>;

    /// The purchase of that reference.
    fn get<'a>(&'a self, reference: &'a Reference) -> BoxFuture<'a, Result<Option<Purchase>, StoreError>>;

    /// Takes purchases that are due and that nobody else works on, the longest due first, raising the fence of each.
    fn claim<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Result<Vec<Purchase>, StoreError>>;

    /// Prolongs the lease of a purchase whose fence is still the stored one.
    fn renew<'a>(
        &'a self,
        reference: &'a Reference,
        fence: i64,
        until: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Applies a change, or says why not.
    fn write<'a>(&'a self, change: &'a Change) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The open purchase, other than `reference`, with that key at the provider.
    fn open_with_key<'a>(
        &'a self,
        provider: &'a str,
        key: &'a str,
        reference: &'a Reference,
    ) -> BoxFuture<'a, Result<Option<Reference>, StoreError>>;

    /// Every other attempt at the provider for the customer.
    fn others<'a>(&'a self, attempt: &'a Attempt) -> BoxFuture<'a, Result<Vec<Attempt>, StoreError>>;

    /// When the next purchase at the provider can be taken, as far as is known now.
    fn next_due<'a>(
        &'a self,
        provider: &'a str,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, StoreError>>;

    /// Stores a callback and makes its purchase due; false when the same one is stored already, when the purchase has as many as
    /// `limit`, or when there is no such purchase.
    fn add_hint<'a>(&'a self, hint: &'a StoredHint, limit: usize) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// The callbacks of a purchase that have not been followed, oldest first.
    fn hints<'a>(&'a self, reference: &'a Reference) -> BoxFuture<'a, Result<Vec<StoredHint>, StoreError>>;

    /// The sealed receipt.
    fn receipt<'a>(&'a self, reference: &'a Reference) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>>;

    /// Adds an event that concerns a provider as a whole.
    fn add_event<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Up to `limit` events with a number above `after`, in order.
    fn events_after(&self, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Event>, StoreError>>;

    /// Every event of one purchase, in order.
    fn events_of<'a>(&'a self, reference: &'a Reference) -> BoxFuture<'a, Result<Vec<Event>, StoreError>>;

    /// The number that was stored last under this name; 0 for a new one.
    fn cursor<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<i64, StoreError>>;

    /// Stores how far a reader got; never backwards.
    fn set_cursor<'a>(&'a self, name: &'a str, number: i64) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Pauses payments to a provider with a note, or lets them go on.
    fn set_paused<'a>(&'a self, provider: &'a str, note: Option<&'a str>) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The note with which payments to the provider are paused.
    fn paused<'a>(&'a self, provider: &'a str) -> BoxFuture<'a, Result<Option<String>, StoreError>>;

    /// Every purchase at the provider that was handed in from `from` until before `until`, oldest first.
    fn submitted_between<'a>(
        &'a self,
        provider: &'a str,
        from: Timestamp,
        until: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<Purchase>, StoreError>>;

    /// Waits until the store's count of what other processes have changed differs from `seen`, and returns it: a hint to look again,
    /// which may come late, doubled or never. A store that hears nothing of others waits for ever.
    fn changed(&self, _seen: u64) -> BoxFuture<'_, u64> {
        Box::pin(std::future::pending())
    }

    /// How many purchases are in which state, and since when the oldest is open.
    fn stats(&self) -> BoxFuture<'_, Result<Stats, StoreError>>;
}
