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
    /// After this long looks end: with one last look then, or as soon as somebody looks again.
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

    /// When to look next, in the past where the look is overdue; `None` for a purchase that is final, or when looks have ended.
    pub fn next_look(&self, attempt: &Attempt) -> Option<Timestamp> {
        if attempt.stage().is_final() {
            return None;
        }
        let looks = attempt.looks();
        let wait = usize::try_from(looks).ok().and_then(|n| self.waits.get(n)).copied().unwrap_or(self.every);
        let from = attempt.last_look().or(attempt.ended_at()).unwrap_or(attempt.started_at());
        let next = from.after(self.stray(wait, attempt.order().reference().as_str(), looks));
        let Some(end) = self.stop_after.map(|time| attempt.started_at().after(time)) else { return Some(next) };
        let last_is_due = attempt.last_look().is_none_or(|last| last < end);
        last_is_due.then_some(next.min(end))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{Error, ErrorKind, Execution, ManualClock, MemoryRecords, Order, Outcome};

    const NOW: Timestamp = Timestamp::from_unix_millis(1_767_322_800_000);
    const HOUR: u64 = 3600;

    fn prepared(reference: &str) -> Attempt {
        Attempt::new("klikoo", Order::new(reference, "S10", "081213456789").unwrap(), "key", NOW, &()).unwrap()
    }

    /// An attempt that was sent now and whose payment ended after `seconds`, unknown.
    async fn sent(reference: &str, seconds: u64) -> Attempt {
        let (records, clock) = (MemoryRecords::default(), ManualClock::new(NOW));
        let mut attempt = prepared(reference);
        attempt.begin_payment(&records, &clock).await.unwrap();
        clock.advance(Duration::from_secs(seconds));
        attempt.end_payment(Outcome::Unknown(timeout()), &records, &clock).await;
        attempt
    }

    fn timeout() -> Error {
        Error::new(ErrorKind::Timeout, Execution::Unknown)
    }

    async fn look(attempt: &mut Attempt, at: Timestamp) {
        let day = Duration::from_secs(24 * HOUR);
        attempt.end_look(Err(timeout()), day, &MemoryRecords::default(), &ManualClock::new(at)).await;
    }

    /// The waits before the first `count` looks, each at its appointed time, in milliseconds.
    async fn waits(schedule: &Schedule, attempt: &mut Attempt, count: usize) -> Vec<u64> {
        let mut waits = Vec::new();
        let mut last = attempt.ended_at().unwrap();
        for _ in 0..count {
            let next = schedule.next_look(attempt).unwrap();
            waits.push(u64::try_from(next.since(last).as_millis()).unwrap());
            look(attempt, next).await;
            last = next;
        }
        waits
    }

    #[tokio::test]
    async fn the_trade_looks_after_seconds_then_minutes_then_hourly() {
        // 10 s, 30 s, 1, 2, 5, 10, 15, 30 and 60 min after the payment, then hourly.
        let marks = [10, 30, 60, 120, 300, 600, 900, 1800, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR];
        let exact = Schedule { jitter_percent: 0, ..Schedule::trade() };
        let plain = waits(&exact, &mut sent("A-1", 7).await, marks.len()).await;
        let reached: Vec<u64> = plain
            .iter()
            .scan(0, |sum, wait| {
                *sum += wait;
                Some(*sum)
            })
            .collect();
        assert_eq!(reached, marks.map(|mark| mark * 1000));

        let (mut shortened, mut lengthened) = (0, 0);
        for n in 0..200 {
            let strayed = waits(&Schedule::trade(), &mut sent(&format!("A-{n}"), 7).await, marks.len()).await;
            for (wait, exact) in strayed.into_iter().zip(&plain) {
                assert!(wait * 10 >= exact * 9 && wait * 10 <= exact * 11, "{wait} ms for {exact} ms");
                shortened += usize::from(wait * 100 < exact * 95);
                lengthened += usize::from(wait * 100 > exact * 105);
            }
        }
        // A quarter of 2400 waits each, if they spread evenly.
        assert!((480..=720).contains(&shortened) && (480..=720).contains(&lengthened), "{shortened}, {lengthened}");
    }

    #[tokio::test]
    async fn the_first_look_never_comes_early() {
        let schedule = Schedule { jitter_percent: 10, ..Schedule::from_seconds(&[150], 3600) };
        let mut later = 0;
        for n in 0..100 {
            let wait = waits(&schedule, &mut sent(&format!("A-{n}"), 7).await, 1).await[0];
            assert!((150_000..165_000).contains(&wait), "{wait} ms");
            later += usize::from(wait > 157_500);
        }
        assert!((30..=70).contains(&later), "{later}");
    }

    #[tokio::test]
    async fn a_restart_changes_no_plan() {
        let mut attempt = sent("A-1", 7).await;
        for _ in 0..12 {
            let planned = Schedule::trade().next_look(&attempt).unwrap();
            let restarted: Attempt = serde_json::from_str(&serde_json::to_string(&attempt).unwrap()).unwrap();
            assert_eq!(Schedule::trade().next_look(&restarted), Some(planned));
            look(&mut attempt, planned).await;
        }
    }

    #[tokio::test]
    async fn after_a_crash_the_first_look_counts_from_the_sending() {
        let mut attempt = prepared("A-1");
        attempt.begin_payment(&MemoryRecords::default(), &ManualClock::new(NOW)).await.unwrap();
        let schedule = Schedule::from_seconds(&[10], HOUR);
        assert_eq!(schedule.next_look(&attempt), Some(NOW.after(Duration::from_secs(10))));
    }

    #[tokio::test]
    async fn a_late_look_moves_the_next_ones() {
        let schedule = Schedule::from_seconds(&[10, 20], HOUR);
        let mut attempt = sent("A-1", 0).await;
        let late = NOW.after(Duration::from_secs(500));
        look(&mut attempt, late).await;
        assert_eq!(schedule.next_look(&attempt), Some(late.after(Duration::from_secs(20))));
    }

    #[tokio::test]
    async fn looks_end_with_the_time_for_them() {
        let schedule =
            Schedule { stop_after: Some(Duration::from_secs(2 * HOUR)), ..Schedule::from_seconds(&[HOUR], HOUR) };
        let mut attempt = sent("A-1", 0).await;
        assert_eq!(waits(&schedule, &mut attempt, 2).await, [HOUR * 1000, HOUR * 1000]);
        assert_eq!(schedule.next_look(&attempt), None);

        // The time runs from the sending, not from the end of the payment; the last look comes sooner for it.
        let mut attempt = sent("A-1", 1).await;
        assert_eq!(waits(&schedule, &mut attempt, 2).await, [HOUR * 1000, (HOUR - 1) * 1000]);
        assert_eq!(schedule.next_look(&attempt), None);
    }

    #[tokio::test]
    async fn who_was_away_when_looks_ended_looks_once_more() {
        let end = Duration::from_secs(2 * HOUR);
        let schedule = Schedule { stop_after: Some(end), ..Schedule::from_seconds(&[HOUR], HOUR) };
        let back = NOW.after(Duration::from_secs(30 * 24 * HOUR));
        for payment in [0, 30 * 24 * HOUR] {
            let mut attempt = sent("A-1", payment).await;
            if payment == 0 {
                look(&mut attempt, NOW.after(Duration::from_secs(HOUR))).await;
            }
            assert_eq!(schedule.next_look(&attempt), Some(NOW.after(end)), "paid in {payment} s");
            look(&mut attempt, back).await;
            assert_eq!(schedule.next_look(&attempt), None, "paid in {payment} s");
        }
    }

    #[tokio::test]
    async fn a_final_purchase_is_not_looked_at() {
        let failed = Outcome::from(Error::new(ErrorKind::Refused, Execution::NotExecuted));
        let mut attempt = sent("A-1", 0).await;
        attempt.end_payment(failed, &MemoryRecords::default(), &ManualClock::new(NOW)).await;
        assert_eq!(Schedule::trade().next_look(&attempt), None);
    }
}
