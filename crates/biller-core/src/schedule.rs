use std::time::Duration;

use crate::{Attempt, Timestamp};

/// When a provider is asked what became of a purchase, and when a person is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The waits before the first, second, third … look: the first counts from the end of the payment, or from its start where
    /// the end is not known, the others from the look before.
    pub waits: Vec<Duration>,
    /// The wait before every further look.
    pub every: Duration,
    /// How far a wait may stray in either direction, in percent of it, so that many purchases do not ask at once. The first one, which
    /// may be the least that a provider asks for, strays later only.
    pub jitter_percent: u32,
    /// After this long an unfinished purchase is worth showing to a person; looks go on.
    pub notice_after: Duration,
    /// After this long a person has to decide; the outcome stays as it is.
    pub decide_after: Duration,
    /// After this long looks end.
    pub stop_after: Option<Duration>,
}

impl Schedule {
    /// Looks after the given seconds each, then again after every `every` seconds.
    pub fn from_seconds(waits: &[u64], every: u64) -> Self {
        Self {
            waits: waits.iter().map(|seconds| Duration::from_secs(*seconds)).collect(),
            every: Duration::from_secs(every),
            jitter_percent: 0,
            notice_after: Duration::from_secs(3600),
            decide_after: Duration::from_secs(24 * 3600),
            stop_after: None,
        }
    }

    /// The trade's habit where a provider says nothing: 10 s, 30 s, 1, 2, 5, 10, 15, 30 and 60 min after sending, then hourly, each
    /// wait up to 10 % shorter or longer.
    pub fn trade() -> Self {
        Self { jitter_percent: 10, ..Self::from_seconds(&[10, 20, 30, 60, 180, 300, 300, 900, 1800], 3600) }
    }

    /// When to look next; `None` for a purchase that is final, or when looks have ended.
    pub fn next_look(&self, attempt: &Attempt) -> Option<Timestamp> {
        if attempt.stage().is_final() {
            return None;
        }
        let looks = attempt.looks();
        let wait = usize::try_from(looks).ok().and_then(|n| self.waits.get(n)).copied().unwrap_or(self.every);
        let from = attempt.last_look().or(attempt.ended_at()).unwrap_or(attempt.started_at());
        let next = from.after(self.stray(wait, attempt.order().reference().as_str(), looks));
        let end = self.stop_after.map(|time| attempt.started_at().after(time));
        end.is_none_or(|end| next <= end).then_some(next)
    }

    /// The same purchase and look always stray alike, so that a restart changes no plan.
    fn stray(&self, wait: Duration, reference: &str, looks: u32) -> Duration {
        let spread = wait / 100 * self.jitter_percent.min(100);
        if spread.is_zero() {
            return wait;
        }
        // FNV-1a: any even spread will do.
        let hash = reference
            .bytes()
            .chain(looks.to_le_bytes())
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let width = u64::try_from(spread.as_millis()).unwrap_or(u64::MAX).max(1);
        if looks == 0 {
            return wait + Duration::from_millis(hash % width);
        }
        wait - spread + Duration::from_millis(hash % width.saturating_mul(2))
    }
}
