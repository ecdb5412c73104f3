use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// When and how often the engine repeats a call that may be repeated: a read, or anything that provably was not sent.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    /// How many times a call is repeated at most. 3 by default.
    pub max_retries: usize,
    /// The wait before the first repetition, doubled each time, plus a random part of the same size. 1 s by default.
    pub first_delay: Duration,
    /// The longest wait; a provider that asks for more gets its error passed on instead. 30 s by default.
    pub max_delay: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { max_retries: 3, first_delay: Duration::from_secs(1), max_delay: Duration::from_secs(30) }
    }
}

impl RetryPolicy {
    /// Nothing is ever repeated.
    pub fn never() -> Self {
        Self { max_retries: 0, ..Self::default() }
    }

    /// The waits, the same for the same seed.
    pub(crate) fn delays(&self, seed: u64) -> impl Iterator<Item = Duration> + Send + use<> {
        let longest = self.max_delay;
        ExponentialBuilder::default()
            .with_min_delay(self.first_delay)
            .with_max_delay(self.max_delay)
            .with_max_times(self.max_retries)
            .with_jitter()
            .with_jitter_seed(seed)
            .build()
            .map(move |delay| delay.min(longest))
    }
}

/// What all calls of one client may spend on repetitions, so that a provider in trouble is not flooded.
#[derive(Debug)]
pub(crate) struct RetryBudget(AtomicU32);

impl RetryBudget {
    const FULL: u32 = 100;
    const PRICE: u32 = 5;

    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(Self::FULL))
    }

    /// Takes the price of one repetition; false when the budget is spent.
    pub(crate) fn spend(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(Self::PRICE)).is_ok()
    }

    /// A call that went well gives a little back.
    pub(crate) fn earn(&self) {
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| (left < Self::FULL).then(|| left + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_below_the_limit() {
        let policy = RetryPolicy { max_retries: 6, ..RetryPolicy::default() };
        let waits: Vec<Duration> = policy.delays(7).collect();
        assert_eq!(waits.len(), 6);
        assert_eq!(waits, policy.delays(7).collect::<Vec<_>>());
        for (n, wait) in waits.iter().enumerate() {
            let shortest = Duration::from_secs(1 << n).min(policy.max_delay);
            assert!(*wait >= shortest && *wait <= policy.max_delay, "wait {n}: {wait:?}");
        }
        assert_eq!(RetryPolicy::never().delays(7).count(), 0);
    }

    #[test]
    fn the_budget_runs_out_and_recovers() {
        let budget = RetryBudget::new();
        assert_eq!((0..50).filter(|_| budget.spend()).count(), 20);
        (0..5).for_each(|_| budget.earn());
        assert!(budget.spend());
        assert!(!budget.spend());
        (0..500).for_each(|_| budget.earn());
        assert_eq!((0..50).filter(|_| budget.spend()).count(), 20);
    }
}
