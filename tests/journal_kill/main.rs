//! Real deaths, with the sandbox over loopback: a process that buys is killed without warning, again and again, on one store; and
//! PostgreSQL is killed under a process that goes on.
//!
//! This test program has no harness: started with `CHILD` set, it is the process that gets killed.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use biller_core::{Order, Rupiah, Schedule, Secret, Timestamp};
use biller_journal::{
    Cause, Journal, JournalBuilder, Lane, PostgresConfig, PostgresStore, Purchase, ReceiptKey, SqliteStore, State,
    Store, StoreError,
};
use biller_sandbox::{ChargeState, Sandbox};
use klikoo::auth::PrivateKey;
use klikoo::{Client, Config, Klikoo};
use throwaway_postgres::Cluster;

/// Set for the process that gets killed: the number of the round.
const CHILD: &str = "BILLER_KILL_ROUND";
/// Where the sandbox listens, for the child.
const ADDRESS: &str = "BILLER_KILL_ADDRESS";
/// The SQLite file or the PostgreSQL server's URL, for the child.
const PLACE: &str = "BILLER_KILL_PLACE";
/// The schema, for the child.
const SCHEMA: &str = "BILLER_KILL_SCHEMA";
/// How many kills of a process instead of the short run's. PostgreSQL itself is killed once for every five of them.
const KILLS: &str = "BILLER_KILLS";
const SHORT_RUN: u32 = 25;
/// Only one of the cases: `sqlite`, `postgres` or `server`.
const CASE: &str = "BILLER_KILL_CASE";
/// Orders that each child hands in.
const ORDERS: u32 = 6;
/// The deposit at the beginning: enough for as many purchases as anybody plays.
const DEPOSIT: i64 = 1_000_000_000_000;

/// A schema that no other run has.
fn schema() -> String {
    std::env::var(SCHEMA).unwrap_or_else(|_| format!("kill_{}", std::process::id()))
}

/// A store, and a journal to be built over it.
async fn open(place: &str) -> Result<(Arc<dyn Store>, JournalBuilder), StoreError> {
    let key = ReceiptKey::new([9; 32]);
    if place.starts_with("postgres") {
        let config = PostgresConfig::parse(place)?.with_schema(&schema())?;
        let store = PostgresStore::connect(config).await?;
        return Ok((Arc::new(store.clone()), Journal::builder(store, key)));
    }
    let store = SqliteStore::open(place)?;
    Ok((Arc::new(store.clone()), Journal::builder(store, key)))
}

async fn journal(address: &str, place: &str) -> Result<(Arc<dyn Store>, Journal), StoreError> {
    let given = Sandbox::new().credentials("klikoo").unwrap();
    let credential = |name: &str| given[name].as_str().unwrap().to_owned();
    let key = PrivateKey::from_pem(&Secret::new(credential("private_key_pem"))).unwrap();
    let mut schedule = Schedule::from_seconds(&[1], 1);
    schedule.stop_after = Some(Duration::from_secs(6));
    let config =
        Config::new(&format!("http://{address}/klikoo"), credential("client_id"), credential("client_secret"), key)
            .unwrap()
            .with_schedule(schedule);
    let klikoo = Klikoo::new(Client::new(config).unwrap());
    let (store, builder) = open(place).await?;
    let journal = builder
        .provider(Arc::new(klikoo), Lane::default())
        .lease(Duration::from_secs(2))
        .poll(Duration::from_millis(200));
    Ok((store, journal.build()))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Buys until it is killed.
fn child(round: u32) {
    let (address, place) = (std::env::var(ADDRESS).unwrap(), std::env::var(PLACE).unwrap());
    runtime().block_on(async {
        let (_, journal) = journal(&address, &place).await.unwrap();
        let worker = work(&journal);
        eprintln!("ready");
        buy(&journal, round).await;
        let _ = worker.await;
    });
}

fn work(journal: &Journal) -> tokio::task::JoinHandle<()> {
    let journal = journal.clone();
    tokio::spawn(async move { journal.run().await })
}

async fn buy(journal: &Journal, round: u32) {
    for n in 0..ORDERS {
        let (product, customer, price) =
            if n % 3 == 0 { ("PLN20", "01105691111", 20_500) } else { ("S10", "081200000001", 10_450) };
        let order = Order::new(&format!("K-{round}-{n}"), product, customer).unwrap();
        let _ = journal.submit("klikoo", order.with_expected_price(Rupiah::new(price))).await;
    }
}

fn main() {
    if let Ok(round) = std::env::var(CHILD) {
        return child(round.parse().unwrap());
    }
    let kills = std::env::var(KILLS).map_or(SHORT_RUN, |text| text.parse().expect("a number"));
    let wanted = |case: &str| !std::env::var(CASE).is_ok_and(|only| only != case);
    if wanted("sqlite") {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("journal-kill-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("journal.sqlite");
        report("sqlite", kills, kill_the_process(kills, file.to_str().unwrap()));
        std::fs::remove_dir_all(&folder).unwrap();
    }
    if wanted("postgres")
        && let Some(url) = biller_tests::postgres::url("journal_kill on PostgreSQL")
    {
        report("postgres", kills, kill_the_process(kills, &url));
    }
    if wanted("server")
        && let Some(cluster) = biller_tests::postgres::cluster("journal_kill of PostgreSQL")
    {
        report("server", kills / 5, kill_the_server(kills / 5, &cluster));
    }
}

fn report(case: &str, kills: u32, run: impl Future<Output = String>) {
    let began = Instant::now();
    let told = runtime().block_on(run);
    println!("{case}: {kills} kills in {} s: {told}", began.elapsed().as_secs());
}

async fn sandbox() -> (Sandbox, String) {
    let sandbox = Sandbox::builder().deposit(DEPOSIT).settle_after(Duration::from_millis(300)).build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = sandbox.clone();
    tokio::spawn(async move { server.serve(listener, std::future::pending()).await });
    (sandbox, address)
}

async fn kill_the_process(kills: u32, place: &str) -> String {
    let (sandbox, address) = sandbox().await;
    let mut rng = fastrand::Rng::new();
    for round in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env(CHILD, round.to_string())
            .env(ADDRESS, &address)
            .env(PLACE, place)
            .env(SCHEMA, schema())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut first).unwrap();
        assert_eq!(first.trim(), "ready");
        tokio::time::sleep(Duration::from_millis(rng.u64(0..120))).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let (store, journal) = journal(&address, place).await.unwrap();
    work(&journal);
    let purchases = rest(&*store).await;
    check(&sandbox, &journal, &purchases).await
}

async fn kill_the_server(kills: u32, cluster: &Cluster) -> String {
    let (sandbox, address) = sandbox().await;
    let (store, journal) = journal(&address, &cluster.url()).await.unwrap();
    work(&journal);
    let mut rng = fastrand::Rng::new();
    for round in 0..kills {
        let buying = tokio::spawn({
            let journal = journal.clone();
            async move { buy(&journal, round).await }
        });
        tokio::time::sleep(Duration::from_millis(rng.u64(0..120))).await;
        cluster.kill().unwrap();
        tokio::task::block_in_place(|| cluster.launch()).unwrap();
        buying.await.unwrap();
    }
    let purchases = rest(&*store).await;
    check(&sandbox, &journal, &purchases).await
}

/// Waits until nothing is planned any more; panics when for two minutes not one purchase has come to rest.
async fn rest(store: &dyn Store) -> Vec<Purchase> {
    let (mut fewest, mut since) = (usize::MAX, Instant::now());
    loop {
        let all =
            store.submitted_between("klikoo", Timestamp::from_unix_millis(0), Timestamp::from_unix_millis(i64::MAX));
        let all = all.await.unwrap();
        let open = all.iter().filter(|purchase| {
            !purchase.is_settled() || (purchase.state == State::Succeeded && purchase.receipt_rank < 2)
        });
        let open = open.count();
        if open == 0 {
            return all;
        }
        if open < fewest {
            (fewest, since) = (open, Instant::now());
        }
        assert!(since.elapsed() < Duration::from_secs(120), "{open} of {} purchases are stuck", all.len());
        tokio::time::sleep(Duration::from_millis(200) + Duration::from_millis(all.len() as u64 / 4)).await;
    }
}

async fn check(sandbox: &Sandbox, journal: &Journal, purchases: &[Purchase]) -> String {
    let mut charges = BTreeMap::new();
    for charge in sandbox.charges() {
        let reference = charge.reference.clone().unwrap();
        assert!(charges.insert(reference.clone(), charge).is_none(), "{reference} was charged twice");
    }
    let mut counts: BTreeMap<State, u32> = BTreeMap::new();
    let (mut recovered, mut spent) = (0, 0);
    for purchase in purchases {
        let reference = purchase.order.reference();
        let charge = charges.remove(reference.as_str());
        *counts.entry(purchase.state).or_default() += 1;
        match purchase.state {
            State::Succeeded => {
                let charge = charge.unwrap_or_else(|| panic!("{reference} succeeded without a charge"));
                assert_eq!(charge.state, ChargeState::Succeeded, "{reference}");
                spent += charge.amount;
                let receipt = journal.receipt(reference).await.unwrap().expect("a receipt");
                assert_eq!(receipt.charged, Some(Rupiah::new(charge.amount)), "{reference}");
            }
            State::NeedsPerson => assert!(charge.is_none() && purchase.reason.is_some(), "{reference}: {charge:?}"),
            State::Failed => assert!(charge.is_none(), "{reference} failed, and the ledger says {charge:?}"),
            state => panic!("{reference} is {state}"),
        }
        let history = journal.history(reference).await.unwrap();
        recovered += history.iter().filter(|event| event.cause == Cause::Recovered).count();
    }
    assert!(charges.is_empty(), "charged, and the journal knows nothing: {charges:?}");
    assert_eq!(spent, DEPOSIT - sandbox.balances()["klikoo"]);
    let counts: Vec<String> = counts.iter().map(|(state, count)| format!("{count} {state}")).collect();
    format!("{} purchases, {}, {recovered} recovered, each as the ledger has it", purchases.len(), counts.join(", "))
}
