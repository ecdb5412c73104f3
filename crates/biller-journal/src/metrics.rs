use std::collections::BTreeMap;
use std::time::Duration;

use biller_core::{Rupiah, Timestamp};

use crate::{Cause, Purchase, State, StoreError};

/// Where the journal reports figures. Every method may be left out.
pub trait Metrics: Send + Sync {
    /// An event of a purchase is durable: it was in state `from`, and is in the purchase's state now, which may be the same.
    fn changed(&self, _purchase: &Purchase, _from: State, _cause: Cause) {}

    /// A purchase has become final this long after it was handed in.
    fn finished(&self, _provider: &str, _state: State, _after: Duration) {}

    /// So many purchases of a provider are being worked on.
    fn in_flight(&self, _provider: &str, _count: usize) {}

    /// The deposit at a provider was read.
    fn balance(&self, _provider: &str, _balance: Rupiah) {}

    /// The store failed: nothing is sent until it works again.
    fn store_failed(&self, _error: &StoreError) {}
}

/// Reports nothing.
impl Metrics for () {}

/// How many purchases are in which state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Purchases by provider and state.
    pub counts: BTreeMap<(String, State), u64>,
    /// When the oldest purchase that is not final was handed in.
    pub oldest_unresolved: Option<Timestamp>,
}

impl Stats {
    /// How many purchases of all providers are in that state.
    pub fn count(&self, state: State) -> u64 {
        self.counts.iter().filter(|((_, counted), _)| *counted == state).map(|(_, count)| count).sum()
    }
}
