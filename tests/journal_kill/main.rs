//! Real deaths: a process that buys is killed without warning, again and again, on one SQLite file, with the sandbox over loopback.
//!
//! This test program has no harness: started with `CHILD` set, it is the process that gets killed.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use biller_core::{Order, Rupiah, Schedule, Secret, Timestamp};
use biller_journal::{Cause, Journal, Lane, Purchase, ReceiptKey, SqliteStore, State, Store as _};
use biller_sandbox::{ChargeState, Sandbox};
use klikoo::auth::PrivateKey;
use klikoo::{Client, Config, Klikoo};

/// Set for the process that gets killed: the number of the round.
const CHILD: &str = "BILLER_KILL_ROUND";
/// Where the sandbox listens, for the child.
const ADDRESS: &str = "BILLER_KILL_ADDRESS";
/// The SQLite file, for the child.
const FILE: &str = "BILLER_KILL_FILE";
/// How many kills instead of the short run's.
const KILLS: &str = "BILLER_KILLS";
const SHORT_RUN: u32 = 25;
/// Orders that each child hands in.
const ORDERS: u32 = 6;
/// The sandbox's deposit at the beginning.
const DEPOSIT: i64 = 10_000_000;

fn journal(address: &str, file: &Path) -> Journal {
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
    Journal::builder(SqliteStore::open(file).unwrap(), ReceiptKey::new([9; 32]))
        .provider(Arc::new(klikoo), Lane::default())
        .lease(Duration::from_secs(2))
        .poll(Duration::from_millis(200))
        .build()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Buys until it is killed.
fn child(round: u32) {
    let (address, file) = (std::env::var(ADDRESS).unwrap(), PathBuf::from(std::env::var_os(FILE).unwrap()));
    runtime().block_on(async {
        let journal = journal(&address, &file);
        let worker = journal.clone();
        let worker = tokio::spawn(async move { worker.run().await });
        eprintln!("ready");
        for n in 0..ORDERS {
            let (product, customer, price) =
                if n % 3 == 0 { ("PLN20", "01105691111", 20_500) } else { ("S10", "081200000001", 10_450) };
            let order = Order::new(&format!("K-{round}-{n}"), product, customer).unwrap();
            let _ = journal.submit("klikoo", order.with_expected_price(Rupiah::new(price))).await;
        }
        let _ = worker.await;
    });
}

fn main() {
    if let Ok(round) = std::env::var(CHILD) {
        return child(round.parse().unwrap());
    }
    let kills = std::env::var(KILLS).map_or(SHORT_RUN, |text| text.parse().expect("a number"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("journal-kill-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let began = Instant::now();
    let told = runtime().block_on(kill_in_a_loop(kills, &folder.join("journal.sqlite")));
    println!("{kills} kills in {} s: {told}", began.elapsed().as_secs());
    std::fs::remove_dir_all(&folder).unwrap();
}

async fn kill_in_a_loop(kills: u32, file: &Path) -> String {
    let sandbox = Sandbox::builder().settle_after(Duration::from_millis(300)).build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = sandbox.clone();
    tokio::spawn(async move { server.serve(listener, std::future::pending()).await });

    let mut rng = fastrand::Rng::new();
    for round in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env(CHILD, round.to_string())
            .env(ADDRESS, &address)
            .env(FILE, file)
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

    let journal = journal(&address, file);
    let worker = journal.clone();
    tokio::spawn(async move { worker.run().await });
    let store = SqliteStore::open(file).unwrap();
    let purchases = rest(&store).await;
    check(&sandbox, &journal, &purchases, file).await
}

/// Waits until nothing is planned any more.
async fn rest(store: &SqliteStore) -> Vec<Purchase> {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let all =
            store.submitted_between("klikoo", Timestamp::from_unix_millis(0), Timestamp::from_unix_millis(i64::MAX));
        let all = all.await.unwrap();
        let open = all.iter().filter(|purchase| {
            !purchase.is_settled() || (purchase.state == State::Succeeded && purchase.receipt_rank < 2)
        });
        match open.count() {
            0 => return all,
            open => assert!(Instant::now() < deadline, "{open} of {} purchases are stuck", all.len()),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn check(sandbox: &Sandbox, journal: &Journal, purchases: &[Purchase], file: &Path) -> String {
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
    assert!(file.exists());
    format!("{} purchases, {}, {recovered} recovered, each as the ledger has it", purchases.len(), counts.join(", "))
}
