//! What the host is told: the hook, the counts, and how many are worked on at once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use biller_core::{Clock as _, Rupiah};
use biller_journal::{Cause, Lane, Metrics, Purchase, Ruling, SqliteStore, State};
use biller_sandbox::{Fault, FaultKind, Operation};

use crate::fake::{Made, Says};
use crate::{Bench, pulsa, reference};

/// Every figure as a line.
#[derive(Clone, Default)]
struct Figures(Arc<Mutex<Vec<String>>>);

impl Figures {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Metrics for Figures {
    fn changed(&self, purchase: &Purchase, from: State, cause: Cause) {
        self.note(format!("{} {from} to {} by {cause}", purchase.order.reference(), purchase.state));
    }

    fn finished(&self, provider: &str, state: State, after: Duration) {
        self.note(format!("{provider} {state} after {} s", after.as_secs()));
    }

    fn in_flight(&self, provider: &str, count: usize) {
        self.note(format!("{provider} {count} in flight"));
    }

    fn balance(&self, provider: &str, balance: Rupiah) {
        self.note(format!("{provider} {balance}"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_hook_is_told_of_every_step_and_of_the_time_to_the_end() {
    let figures = Figures::default();
    let made = Made::told(Lane::default(), figures.clone());
    made.says(Says::Pending);
    made.submit("A-1", "0812").await;
    assert_eq!(
        figures.take(),
        ["fake 1 in flight", "A-1 created to sending by sending", "A-1 sending to pending by paid", "fake 0 in flight"]
    );
    made.says(Says::Failed);
    made.pass(20).await;
    assert_eq!(
        figures.take(),
        ["fake 1 in flight", "A-1 pending to failed by looked", "fake failed after 11 s", "fake 0 in flight"]
    );
    made.says(Says::Nothing);
    made.submit("A-2", "0812").await;
    figures.take();
    made.journal.decide(&reference("A-2"), Ruling::Charged, "seen in their portal").await.unwrap();
    assert_eq!(figures.take(), ["A-2 unknown to succeeded by decided", "fake succeeded after 1 s"]);
}

#[tokio::test(start_paused = true)]
async fn the_deposit_is_told_at_every_reading() {
    let figures = Figures::default();
    let made = Made::told(Lane { low_balance: Some(Rupiah::new(1)), ..Lane::default() }, figures.clone());
    made.pass(1300).await;
    assert_eq!(figures.take(), ["fake Rp100.000"; 3]);
}

#[tokio::test(start_paused = true)]
async fn counts_and_the_oldest_open_purchase_can_be_asked() {
    let made = Made::new(Lane::default());
    made.submit("A-1", "0812").await;
    made.says(Says::Nothing);
    let before = made.now();
    made.submit("A-2", "0813").await;
    made.submit("A-3", "0814").await;
    made.says(Says::Failed);
    made.submit("A-4", "0815").await;
    let stats = made.journal.stats().await.unwrap();
    let counts = [State::Succeeded, State::Unknown, State::Failed, State::Pending].map(|state| stats.count(state));
    assert_eq!((counts, stats.oldest_unresolved), ([1, 2, 1, 0], Some(before)));
    assert_eq!(stats.counts[&("fake".to_owned(), State::Unknown)], 2);
    made.pass(100).await;
    assert_eq!(made.journal.stats().await.unwrap().oldest_unresolved, None);
}

#[tokio::test(start_paused = true)]
async fn no_more_are_worked_on_at_once_than_the_lane_allows() {
    let lane = Lane { concurrency: 2, ..Lane::default() };
    let bench = Bench::over(SqliteStore::in_memory().unwrap(), lane);
    let late = Fault::new("klikoo", FaultKind::Delay).on(Operation::Payment).delay(Duration::from_secs(20)).times(5);
    bench.sandbox.arm(late).unwrap();
    for n in 0..5 {
        bench.journal.submit("klikoo", pulsa(&format!("A-{n}"), "081200000001")).await.unwrap();
    }
    // Each payment takes 20 s.
    for (seconds, begun) in [(10, 2), (15, 4), (20, 5)] {
        bench.pass(seconds).await;
        assert_eq!(bench.buys(), begun, "{}", bench.clock.now());
    }
    bench.pass(60).await;
    assert_eq!(bench.journal.stats().await.unwrap().count(State::Succeeded), 5);
}
