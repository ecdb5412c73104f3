//! The journal's stores beside bare databases that commit the same rows, in turns, on the same disk; and how long opening takes.
//!
//! A purchase is three durable writes: handed in, about to be sent, succeeded with its receipt. The limits that the stores hold themselves
//! to: 0.6 of bare SQLite, 0.8 of bare PostgreSQL, and less than a second more to open a million purchases than none.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use biller_core::{Attempt, Order, Reference, Timestamp};
use biller_journal::{
    Cause, Change, Claim, Event, PostgresConfig, PostgresStore, Purchase, SendGuard, SqliteStore, State, Store,
};
use rusqlite::params;
use throwaway_postgres::Cluster;
use tokio_postgres::{Client, NoTls};

const NOW: Timestamp = Timestamp::from_unix_millis(1_707_276_515_000);
/// Purchases at work at once on SQLite, which is also how many rows the bare loop commits together.
const IN_FLIGHT: usize = 64;
const CONNECTIONS: usize = 32;
const ROUNDS: usize = 10;
/// Purchases that each worker brings to their end in a round.
const EACH: usize = 12;
/// A sealed receipt's usual size.
const RECEIPT: [u8; 320] = [7; 320];
const FINISHED: usize = 1_000_000;
const OPEN: usize = 10_000;

/// What the three writes of one purchase hold.
struct Sale {
    purchase: Purchase,
    attempt: Attempt,
    issued: Vec<u8>,
    /// The order and the attempt as they are stored, for the bare side, which pays nothing for making them.
    texts: (String, String),
}

impl Sale {
    fn new(name: &str) -> Self {
        let order = Order::new(name, "S10", "081200000001").unwrap();
        let attempt = Attempt::new("klikoo", order.clone(), name, NOW, &()).unwrap();
        let texts = (serde_json::to_string(&order).unwrap(), serde_json::to_string(&attempt).unwrap());
        Self { purchase: Purchase::new("klikoo", order, NOW), attempt, issued: name.as_bytes().repeat(3), texts }
    }

    fn reference(&self) -> &str {
        self.purchase.order.reference().as_str()
    }

    fn event(&self, from: Option<State>, to: State, cause: Cause) -> Event {
        Event {
            number: 0,
            reference: Some(self.purchase.order.reference().clone()),
            provider: "klikoo".to_owned(),
            at: NOW,
            from,
            to: Some(to),
            cause,
            evidence: "TRX-1, Rp10.450, Status".to_owned(),
        }
    }

    fn change(&self, from: State, to: State, cause: Cause) -> Change {
        let mut change = Change::of(self.purchase.clone(), NOW);
        change.from = from;
        change.purchase.attempt = Some(self.attempt.clone());
        change.purchase.state = to;
        change.events.push(self.event(Some(from), to, cause));
        change
    }

    async fn through(&self, store: &dyn Store) {
        store.submit(&self.purchase, &self.event(None, State::Created, Cause::Submitted)).await.unwrap();
        let mut sending = self.change(State::Created, State::Sending, Cause::Sending);
        sending.guard = Some(SendGuard { key_must_be_free: true });
        store.write(&sending).await.unwrap();
        let mut ended = self.change(State::Sending, State::Succeeded, Cause::Paid);
        ended.purchase.due_at = None;
        ended.receipt = Some(RECEIPT.to_vec());
        ended.issued = vec![self.issued.clone()];
        store.write(&ended).await.unwrap();
    }
}

fn sales(side: &str, round: usize, worker: usize) -> Vec<Sale> {
    (0..EACH).map(|n| Sale::new(&format!("{side}-{round:03}-{worker:03}-{n:03}"))).collect()
}

/// Every worker's purchases through the store, all workers at once.
async fn through_the_store(store: Arc<dyn Store>, workers: usize, round: usize) -> Duration {
    let sales: Vec<_> = (0..workers).map(|worker| sales("S", round, worker)).collect();
    let began = Instant::now();
    let workers: Vec<_> = sales
        .into_iter()
        .map(|sales| {
            let store = store.clone();
            tokio::spawn(async move {
                for sale in sales {
                    sale.through(&*store).await;
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    began.elapsed()
}

const EVENT: &str = "INSERT INTO events (reference, provider, at, from_state, to_state, cause, evidence) VALUES ($1, $2, $3, $4, $5, $6, $7)";
const INSERT: &str =
    "INSERT INTO purchases (reference, provider, customer, content, state, submitted_at, changed_at, due_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const UPDATE: &str = "UPDATE purchases SET state = $2, attempt = $3, key = $4, changed_at = $5, due_at = $6,
    receipt = coalesce($7, receipt) WHERE reference = $1";
const ISSUED: &str = "INSERT INTO issued (digest, reference) VALUES ($1, $2)";
const WHAT: &str = "TRX-1, Rp10.450, Status";

/// The same rows, committed in groups by one thread.
fn through_bare_sqlite(connection: &mut rusqlite::Connection, round: usize) -> Duration {
    let sales: Vec<_> = (0..IN_FLIGHT).map(|worker| sales("B", round, worker)).collect();
    let now = NOW.unix_millis();
    let began = Instant::now();
    for n in 0..EACH {
        let group: Vec<&Sale> = sales.iter().map(|sales| &sales[n]).collect();
        for (from, to, cause) in [
            (None, "created", "submitted"),
            (Some("created"), "sending", "sending"),
            (Some("sending"), "succeeded", "paid"),
        ] {
            let transaction = connection.transaction().unwrap();
            for sale in &group {
                let reference = sale.reference();
                let (content, attempt) = &sale.texts;
                if from.is_none() {
                    let values = params![reference, "klikoo", "81200000001", content, to, now, now, now];
                    transaction.prepare_cached(INSERT).unwrap().execute(values).unwrap();
                } else {
                    let ended = to == "succeeded";
                    let values = params![
                        reference,
                        to,
                        attempt,
                        reference,
                        now,
                        (!ended).then_some(now),
                        ended.then_some(RECEIPT.as_slice()),
                    ];
                    transaction.prepare_cached(UPDATE).unwrap().execute(values).unwrap();
                    if ended {
                        transaction.prepare_cached(ISSUED).unwrap().execute(params![sale.issued, reference]).unwrap();
                    }
                }
                let values = params![reference, "klikoo", now, from, to, cause, WHAT];
                transaction.prepare_cached(EVENT).unwrap().execute(values).unwrap();
            }
            transaction.commit().unwrap();
        }
    }
    began.elapsed()
}

/// The same rows, each write a transaction, over as many connections.
async fn through_bare_postgres(clients: &mut [Client], round: usize) -> Duration {
    let sales: Vec<_> = (0..clients.len()).map(|worker| sales("B", round, worker)).collect();
    let began = Instant::now();
    let workers = clients.iter_mut().zip(sales).map(async |(client, sales)| {
        let (insert, update, event, issued) = (
            client.prepare(INSERT).await.unwrap(),
            client.prepare(UPDATE).await.unwrap(),
            client.prepare(EVENT).await.unwrap(),
            client.prepare(ISSUED).await.unwrap(),
        );
        let now = NOW.unix_millis();
        for sale in sales {
            for (from, to, cause) in [
                (None, "created", "submitted"),
                (Some("created"), "sending", "sending"),
                (Some("sending"), "succeeded", "paid"),
            ] {
                let reference = sale.reference();
                let (content, attempt) = &sale.texts;
                let transaction = client.transaction().await.unwrap();
                if from.is_none() {
                    let customer = "81200000001";
                    transaction
                        .execute(&insert, &[&reference, &"klikoo", &customer, &content, &to, &now, &now, &now])
                        .await
                        .unwrap();
                } else {
                    let ended = to == "succeeded";
                    let (due_at, receipt) = ((!ended).then_some(now), ended.then_some(RECEIPT.as_slice()));
                    transaction
                        .execute(&update, &[&reference, &to, &attempt, &reference, &now, &due_at, &receipt])
                        .await
                        .unwrap();
                    if ended {
                        transaction.execute(&issued, &[&sale.issued, &reference]).await.unwrap();
                    }
                }
                transaction.execute(&event, &[&reference, &"klikoo", &now, &from, &to, &cause, &WHAT]).await.unwrap();
                transaction.commit().await.unwrap();
            }
        }
    });
    futures_util::future::join_all(workers).await;
    began.elapsed()
}

/// One ratio with two decimals, without floating point.
fn ratio(one: u128, other: u128) -> String {
    let hundredths = one * 100 / other.max(1);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn show(what: &str, workers: usize, mut rounds: Vec<(Duration, Duration)>) {
    let purchases = (workers * EACH * 1000) as u128;
    let speeds: Vec<String> = rounds
        .iter()
        .map(|(ours, bare)| format!("{}/{}", purchases / ours.as_millis(), purchases / bare.as_millis()))
        .collect();
    println!("{what}: purchases a second, store/bare, round by round: {}", speeds.join(" "));
    let (ours, bare) = rounds.iter().fold((0, 0), |(a, b), (c, d)| (a + c.as_micros(), b + d.as_micros()));
    rounds.sort_by_key(|(ours, bare)| bare.as_micros() * 1_000_000 / ours.as_micros());
    let (middle_ours, middle_bare) = rounds[rounds.len() / 2];
    println!(
        "{what}: store to bare over all rounds {}, median round {}",
        ratio(bare, ours),
        ratio(middle_bare.as_micros(), middle_ours.as_micros())
    );
}

async fn sqlite(folder: &Path) {
    let store = SqliteStore::open(folder.join("store.sqlite")).unwrap();
    let bare = folder.join("bare.sqlite");
    drop(SqliteStore::open(&bare).unwrap());
    let mut bare = rusqlite::Connection::open(bare).unwrap();
    bare.pragma_update(None, "synchronous", "FULL").unwrap();
    bare.set_prepared_statement_cache_capacity(64);
    let mut rounds = Vec::new();
    for round in 0..=ROUNDS {
        let ours = through_the_store(Arc::new(store.clone()), IN_FLIGHT, round).await;
        rounds.push((ours, tokio::task::block_in_place(|| through_bare_sqlite(&mut bare, round))));
    }
    show("SQLite, 64 in flight", IN_FLIGHT, rounds.split_off(1));
}

async fn client(url: &str, schema: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("SET search_path = {schema}; SET synchronous_commit = on")).await.unwrap();
    client
}

async fn postgres(url: &str) {
    let config = PostgresConfig::parse(url).unwrap().with_connections(CONNECTIONS);
    let store = PostgresStore::connect(config.clone()).await.unwrap();
    drop(PostgresStore::connect(config.with_schema("bare").unwrap()).await.unwrap());
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(client(url, "bare").await);
    }
    let mut rounds = Vec::new();
    for round in 0..=ROUNDS {
        let ours = through_the_store(Arc::new(store.clone()), CONNECTIONS, round).await;
        rounds.push((ours, through_bare_postgres(&mut clients, round).await));
    }
    show("PostgreSQL, 32 connections", CONNECTIONS, rounds.split_off(1));
}

/// A million finished purchases and ten thousand open ones, in SQL that takes the row's number from `series`.
fn many(series: &str) -> String {
    let (content, attempt) = Sale::new("REFERENCE").texts;
    let every = (FINISHED + OPEN) / OPEN;
    let (now, later) = (NOW.unix_millis(), NOW.after(Duration::from_secs(3600)).unix_millis());
    format!(
        "INSERT INTO purchases (reference, provider, customer, content, state, attempt, key, submitted_at, changed_at, due_at)
         SELECT 'R-' || i, 'klikoo', '8' || (i % 50000), replace('{content}', 'REFERENCE', 'R-' || i),
         CASE WHEN i % {every} = 0 THEN 'pending' ELSE 'succeeded' END, replace('{attempt}', 'REFERENCE', 'R-' || i), 'R-' || i,
         {now} + i, {now} + i, CASE WHEN i % {every} = 0 THEN {later} + i END FROM {series}"
    )
}

/// What a worker asks first.
async fn begin(store: &dyn Store) {
    let claim = Claim { provider: "klikoo".to_owned(), limit: 16, now: NOW, lease_until: NOW };
    assert!(store.claim(&claim).await.unwrap().is_empty());
    store.next_due("klikoo", NOW).await.unwrap();
    store.get(&Reference::parse("R-1").unwrap()).await.unwrap();
}

async fn opening(folder: &Path, url: &str) {
    let (full, empty) = (folder.join("full.sqlite"), folder.join("empty.sqlite"));
    for file in [&full, &empty] {
        drop(SqliteStore::open(file).unwrap());
    }
    let raw = rusqlite::Connection::open(&full).unwrap();
    let series = format!(
        "(WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT i FROM n)",
        FINISHED + OPEN - 1
    );
    raw.execute(&many(&series), []).unwrap();
    drop(raw);
    for _ in 0..3 {
        for (name, file) in [("empty", &empty), ("full", &full)] {
            let began = Instant::now();
            begin(&SqliteStore::open(file).unwrap()).await;
            println!("SQLite: opening the {name} one until the worker's first look is done: {:?}", began.elapsed());
        }
    }
    let config = |schema| PostgresConfig::parse(url).unwrap().with_schema(schema).unwrap();
    for schema in ["full_one", "empty_one"] {
        drop(PostgresStore::connect(config(schema)).await.unwrap());
    }
    let raw = client(url, "full_one").await;
    raw.batch_execute(&many(&format!("generate_series(0, {}) AS i", FINISHED + OPEN - 1))).await.unwrap();
    raw.batch_execute("ANALYZE purchases").await.unwrap();
    for _ in 0..3 {
        for schema in ["empty_one", "full_one"] {
            let began = Instant::now();
            begin(&PostgresStore::connect(config(schema)).await.unwrap()).await;
            println!("PostgreSQL: opening {schema} until the worker's first look is done: {:?}", began.elapsed());
        }
    }
}

#[tokio::main]
async fn main() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("stores-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let cluster = Cluster::start().unwrap();
    sqlite(&folder).await;
    postgres(&cluster.url()).await;
    opening(&folder, &cluster.url()).await;
    std::fs::remove_dir_all(&folder).unwrap();
}
