//! A store that fails: nothing is sent that cannot be written down, nothing learnt is lost, and somebody is told.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use biller_core::Timestamp;
use biller_journal::{Cause, Event, Journal, Lane, Metrics, SqliteStore, State, Store as _, StoreError, SubmitError};
use biller_sandbox::{Fault, FaultKind, Operation, Sandbox};
use biller_tests::{SharedClock, Tape, shared_clock};

use crate::store::Folder;
use crate::{builder, klikoo, pulsa, reference, work};

const NOW: Timestamp = Timestamp::from_unix_millis(1_707_276_515_000);

#[derive(Clone, Default)]
struct Failures(Arc<Mutex<Vec<StoreError>>>);

impl Failures {
    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl Metrics for Failures {
    fn store_failed(&self, error: &StoreError) {
        self.0.lock().unwrap().push(error.clone());
    }
}

/// Klikoo behind a journal on a file that is about to fail.
struct Failing {
    failures: Failures,
    clock: SharedClock,
    sandbox: Sandbox,
    tape: Tape,
    store: SqliteStore,
    journal: Journal,
}

impl Failing {
    fn new(file: &Path, lane: Lane) -> Self {
        let (failures, clock) = (Failures::default(), shared_clock());
        let sandbox = biller_tests::sandbox(&clock);
        let tape = Tape::new(sandbox.transport());
        let store = SqliteStore::open(file).unwrap();
        let journal =
            builder(&store, &clock).provider(klikoo(&sandbox, &tape, &clock), lane).metrics(failures.clone()).build();
        work(&journal);
        Self { failures, clock, sandbox, tape, store, journal }
    }

    async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            self.clock.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// A reading that shares its commit with a failed write fails with it, so it is tried again.
    async fn state(&self, name: &str) -> State {
        loop {
            match self.journal.get(&reference(name)).await {
                Ok(purchase) => return purchase.unwrap().state,
                Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}"),
            }
        }
    }

    fn buys(&self) -> usize {
        self.tape.count("/products/buy")
    }

    /// Writes the smallest thing there is until nothing fits any more.
    async fn fill_the_rest(&self) {
        let event = Event {
            number: 0,
            reference: None,
            provider: "x".to_owned(),
            at: NOW,
            from: None,
            to: None,
            cause: Cause::Balance,
            evidence: String::new(),
        };
        while self.store.add_event(&event).await.is_ok() {}
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_down_is_not_sent() {
    let folder = Folder::new("failing");
    let bench = Failing::new(&folder.file(), Lane::default());
    let raw = rusqlite::Connection::open(folder.file()).unwrap();

    // No event can be written, so neither can an order, nor the beginning of a payment.
    bench.journal.pause("klikoo", "for the test").await.unwrap();
    bench.journal.submit("klikoo", pulsa("A-1", "081200000001")).await.unwrap();
    bench.pass(1).await;
    raw.execute_batch("ALTER TABLE events RENAME TO away").unwrap();
    let error = bench.journal.submit("klikoo", pulsa("A-2", "081200000001")).await.unwrap_err();
    assert!(matches!(error, SubmitError::Store(StoreError::Unavailable(_))), "{error:?}");
    assert_eq!(bench.failures.count(), 1);
    bench.journal.resume("klikoo").await.unwrap();
    bench.pass(200).await;
    assert!(bench.failures.count() > 1);
    assert_eq!(bench.buys(), 0, "nothing may be sent that cannot be written down");

    raw.execute_batch("ALTER TABLE away RENAME TO events").unwrap();
    bench.journal.submit("klikoo", pulsa("A-2", "081200000001")).await.unwrap();
    bench.pass(100).await;
    assert_eq!((bench.state("A-1").await, bench.state("A-2").await), (State::Succeeded, State::Succeeded));
    assert_eq!(bench.buys(), 2);
}

/// One purchase is under way when the disk fills up, and another one has its turn after that.
async fn a_disk_that_fills_up(bench: &Failing, fill: impl AsyncFn(), free: impl AsyncFn()) {
    let late = Fault::new("klikoo", FaultKind::Delay).on(Operation::Payment).delay(Duration::from_secs(20));
    bench.sandbox.arm(late).unwrap();
    bench.journal.submit("klikoo", pulsa("A-1", "081200000001")).await.unwrap();
    bench.pass(2).await;
    assert_eq!((bench.state("A-1").await, bench.buys()), (State::Sending, 1));
    bench.journal.submit("klikoo", pulsa("A-2", "081200000001")).await.unwrap();
    fill().await;
    bench.fill_the_rest().await;

    let full = StoreError::Unavailable("database or disk is full".to_owned());
    let error = bench.journal.submit("klikoo", pulsa("A-3", "081200000001")).await.unwrap_err();
    assert_eq!(error, SubmitError::Store(full.clone()));
    assert!(bench.failures.0.lock().unwrap().contains(&full));
    bench.pass(40).await;
    assert!(bench.failures.count() > 1);
    // The answer to the first came long ago; the second had its turn.
    assert_eq!((bench.state("A-1").await, bench.state("A-2").await), (State::Sending, State::Created));
    assert_eq!(bench.buys(), 1, "nothing may be sent that cannot be written down");

    free().await;
    bench.pass(200).await;
    for name in ["A-1", "A-2"] {
        let events = bench.journal.history(&reference(name)).await.unwrap();
        let causes: Vec<Cause> = events.iter().map(|event| event.cause).take(3).collect();
        assert_eq!(causes, [Cause::Submitted, Cause::Sending, Cause::Paid], "{name}");
        assert_eq!(bench.state(name).await, State::Succeeded, "{name}");
        assert!(bench.journal.receipt(&reference(name)).await.unwrap().is_some(), "{name}");
    }
    assert_eq!((bench.buys(), bench.sandbox.charges().len()), (2, 2));
    assert_eq!(bench.journal.get(&reference("A-3")).await.unwrap().map(|purchase| purchase.state), None);
}

fn one_at_a_time() -> Lane {
    Lane { interval: Duration::from_secs(10), ..Lane::default() }
}

#[tokio::test(start_paused = true)]
async fn a_file_at_its_limit_stops_sending_loses_nothing_and_goes_on() {
    let folder = Folder::new("limit");
    let bench = Failing::new(&folder.file(), one_at_a_time());
    let fill = async || bench.store.limit_pages(1).await.unwrap();
    let free = async || bench.store.limit_pages(u32::MAX - 1).await.unwrap();
    a_disk_that_fills_up(&bench, fill, free).await;
}

/// A small file system of its own, where this process may mount one.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    fn mount(at: &'a Path) -> Option<Self> {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(at).output();
        mounted.is_ok_and(|mounted| mounted.status.success()).then_some(Self(at))
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_stops_sending_loses_nothing_and_goes_on() {
    let folder = Folder::new("full");
    let Some(disk) = Disk::mount(folder.path()) else {
        eprintln!(
            "no disk was filled: mounting one takes rights that this process lacks; the file at its limit stands for it"
        );
        return;
    };
    let bench = Failing::new(&folder.file(), one_at_a_time());
    let ballast = disk.0.join("ballast");
    let fill = async || {
        let mut file = std::fs::File::create(&ballast).unwrap();
        while std::io::Write::write_all(&mut file, &[0; 4096]).is_ok() {}
    };
    let free = async || std::fs::remove_file(&ballast).unwrap();
    a_disk_that_fills_up(&bench, fill, free).await;
}
