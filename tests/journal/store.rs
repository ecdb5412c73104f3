use std::path::{Path, PathBuf};

use biller_journal::{Cause, Lane, SqliteStore, State, Store as _, StoreError};

use crate::contract::{change, stored};
use crate::{Bench, pulsa, reference};

/// A folder that is gone at the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("journal-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self) -> PathBuf {
        self.0.join("journal.sqlite")
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read_dir(&self.0).unwrap().flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn saves_that_arrive_together_are_all_there_after_reopening() {
    let folder = Folder::new("reopen");
    let store = SqliteStore::open(folder.file()).unwrap();
    let together = (0..64).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            stored(&store, &format!("A-{n}")).await;
        })
    });
    for one in together.collect::<Vec<_>>() {
        one.await.unwrap();
    }
    drop(store);
    let store = SqliteStore::open(folder.file()).unwrap();
    assert_eq!(store.stats().await.unwrap().count(State::Created), 64);
    let numbers: Vec<i64> = store.events_after(0, 100).await.unwrap().iter().map(|event| event.number).collect();
    assert_eq!(numbers, (1..=64).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let folder = Folder::new("newer");
    drop(SqliteStore::open(folder.file()).unwrap());
    let raw = rusqlite::Connection::open(folder.file()).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    drop(raw);
    let error = SqliteStore::open(folder.file()).err().unwrap();
    assert_eq!(error, StoreError::NewerSchema { found: 99, known: 2 });
}

#[tokio::test]
async fn a_store_of_the_first_schema_is_brought_up_to_date() {
    let folder = Folder::new("older");
    let store = SqliteStore::open(folder.file()).unwrap();
    let purchase = stored(&store, "A-1").await;
    drop(store);
    let raw = rusqlite::Connection::open(folder.file()).unwrap();
    raw.execute_batch("DROP TABLE issued; PRAGMA user_version = 1").unwrap();
    drop(raw);
    let store = SqliteStore::open(folder.file()).unwrap();
    let mut sending = change(&purchase, State::Sending, Cause::Sending);
    sending.issued.push(vec![1]);
    store.write(&sending).await.unwrap();
    assert_eq!(store.get(&reference("A-1")).await.unwrap().unwrap().state, State::Sending);
}

#[tokio::test]
async fn what_is_no_database_is_an_error() {
    let folder = Folder::new("other");
    std::fs::write(folder.file(), "this is a text file, long enough to be taken for something else".repeat(20))
        .unwrap();
    assert!(matches!(SqliteStore::open(folder.file()), Err(StoreError::Unavailable(_))));
}

#[tokio::test(start_paused = true)]
async fn the_file_holds_no_serial_and_no_token() {
    let folder = Folder::new("secrets");
    let bench = Bench::over(SqliteStore::open(folder.file()).unwrap(), Lane::default());
    bench.sandbox.send_callbacks_to("klikoo", "http://127.0.0.1/callback").unwrap();
    for (name, customer) in [("A-1", "081200000001"), ("A-2", "081200000002")] {
        bench.journal.submit("klikoo", pulsa(name, customer)).await.unwrap();
    }
    bench.pass(60).await;
    for callback in bench.sandbox.take_callbacks() {
        bench.journal.accept_callback("klikoo", &http::Request::post("/").body(callback.body).unwrap()).await;
    }
    bench.pass(60).await;
    let file = folder.bytes();
    let holds = |text: &str| file.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("A-1") && holds("succeeded"), "the file can be searched");
    for name in ["A-1", "A-2"] {
        let serial = bench.journal.receipt(&reference(name)).await.unwrap().unwrap().serial.unwrap();
        assert!(!holds(serial.expose()), "the serial of {name} stands in the file");
    }
    assert!(!holds("access_token"));
}
