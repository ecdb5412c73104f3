use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use biller_core::{Biller, Rupiah, Timestamp};

/// How fast one provider is worked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// How many purchases are worked on at once. 16 by default.
    pub concurrency: usize,
    /// The least time between two steps that begin, a step being a payment or a look. None by default.
    pub interval: Duration,
    /// Below this deposit an event is written. None by default.
    pub low_balance: Option<Rupiah>,
    /// How often the deposit is read where `low_balance` is set. 10 min by default.
    pub balance_every: Duration,
    /// A purchase that could not be sent within this time after it was handed in fails unsent. 1 h by default.
    pub send_within: Duration,
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            concurrency: 16,
            interval: Duration::ZERO,
            low_balance: None,
            balance_every: Duration::from_secs(600),
            send_within: Duration::from_secs(3600),
        }
    }
}

/// A provider with its limits, and what they count.
pub(crate) struct Provider {
    pub(crate) biller: Arc<dyn Biller>,
    pub(crate) lane: Lane,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    in_flight: usize,
    next_start: Option<Timestamp>,
    balance_due: Option<Timestamp>,
    is_low: bool,
}

pub(crate) type Providers = BTreeMap<&'static str, Arc<Provider>>;

impl Provider {
    pub(crate) fn new(biller: Arc<dyn Biller>, lane: Lane) -> Self {
        Self { biller, lane, used: Mutex::default() }
    }

    fn used(&self) -> std::sync::MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many steps may begin now. With an interval it is one at a time.
    pub(crate) fn room(&self, now: Timestamp) -> usize {
        let used = self.used();
        let free = self.lane.concurrency.saturating_sub(used.in_flight);
        if self.lane.interval.is_zero() {
            free
        } else if self.starts_at(&used, now) <= now {
            free.min(1)
        } else {
            0
        }
    }

    /// When the next step may begin as far as the rate goes.
    pub(crate) fn next_start(&self, now: Timestamp) -> Timestamp {
        self.starts_at(&self.used(), now)
    }

    /// A clock that was set back must not stop the lane.
    fn starts_at(&self, used: &Used, now: Timestamp) -> Timestamp {
        used.next_start.unwrap_or(now).min(now.after(self.lane.interval))
    }

    pub(crate) fn begin(&self, now: Timestamp) -> usize {
        let mut used = self.used();
        used.in_flight += 1;
        used.next_start = Some(now.after(self.lane.interval));
        used.in_flight
    }

    pub(crate) fn end(&self) -> usize {
        let mut used = self.used();
        used.in_flight = used.in_flight.saturating_sub(1);
        used.in_flight
    }

    /// Whether the deposit has to be read now; the next reading is planned.
    pub(crate) fn balance_is_due(&self, now: Timestamp) -> bool {
        let mut used = self.used();
        let wanted = self.lane.low_balance.is_some() && self.biller.capabilities().balance;
        let due = wanted && used.balance_due.is_none_or(|due| due <= now);
        if due {
            used.balance_due = Some(now.after(self.lane.balance_every));
        }
        due
    }

    /// Whether this balance crosses the threshold, and to which side: true for below.
    pub(crate) fn crosses(&self, balance: Rupiah) -> Option<bool> {
        let low = self.lane.low_balance.is_some_and(|threshold| balance < threshold);
        let mut used = self.used();
        let crossed = used.is_low != low;
        used.is_low = low;
        crossed.then_some(low)
    }
}
