//! What PostgreSQL alone has to show: several machines, interleaved transactions, a server that dies.

use std::sync::Arc;
use std::time::Duration;

use biller_journal::{
    Cause, Claim, Journal, Lane, PostgresConfig, PostgresStore, ReceiptKey, State, Store as _, StoreError, StoredHint,
};
use tokio_postgres::{Client, NoTls};

use crate::contract::{NOW, change, config, event, postgres, sending, stored};
use crate::fake::Fake;
use crate::{pulsa, reference};

/// A connection of the test's own, in the schema of the store.
async fn raw(test: &str) -> Client {
    let url = biller_tests::postgres::url(test).unwrap();
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let schema: String = format!("t{}_{test}", std::process::id()).chars().take(63).collect();
    client.batch_execute(&format!("SET search_path = {schema}")).await.unwrap();
    client
}

/// Waits until so many of the server's sessions wait for a lock.
async fn until_waiting(client: &Client, sessions: i64) {
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database
        WHERE datname = current_database()) OR NOT granted AND locktype = 'transactionid'";
    let waiting = async { while client.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) < sessions {} };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("nobody waits for a lock");
}

#[tokio::test]
async fn an_event_that_commits_late_is_not_stepped_over() {
    let Some(store) = postgres("late_event").await else { return };
    let raw = raw("late_event").await;
    let insert =
        "INSERT INTO events (reference, provider, at, cause, evidence) VALUES ('A-1', 'klikoo', 1, 'looked', 'late')";
    raw.batch_execute(&format!("BEGIN; {insert}")).await.unwrap();
    store.add_event(&event("A-2", None, State::Created, Cause::Submitted)).await.unwrap();
    let first = store.events_after(0, 10).await.unwrap();
    assert_eq!(first.iter().map(|event| (event.number, event.evidence.as_str())).collect::<Vec<_>>(), [(1, "told")]);
    raw.batch_execute("COMMIT").await.unwrap();
    let ids: Vec<i64> =
        raw.query("SELECT id FROM events ORDER BY number", &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(ids, [2, 1], "the late one was written first");
    let second = store.events_after(1, 10).await.unwrap();
    assert_eq!(second.iter().map(|event| (event.number, event.evidence.as_str())).collect::<Vec<_>>(), [(2, "late")]);
}

#[tokio::test]
async fn readers_that_number_at_once_agree() {
    let Some(store) = postgres("numbering").await else { return };
    for n in 0..40 {
        stored(&store, &format!("A-{n}")).await;
    }
    let readers = (0..8).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            if n % 2 == 0 {
                store.events_of(&reference("A-7")).await.unwrap();
            }
            store.events_after(0, 100).await.unwrap()
        })
    });
    let mut seen = Vec::new();
    for reader in readers.collect::<Vec<_>>() {
        seen.push(reader.await.unwrap());
    }
    assert_eq!(seen[0].iter().map(|event| event.number).collect::<Vec<_>>(), (1..=40).collect::<Vec<_>>());
    assert!(seen.iter().all(|events| *events == seen[0]));
}

#[tokio::test]
async fn claims_at_once_take_disjoint_sets_and_do_not_wait() {
    let Some(first) = postgres("claims").await else { return };
    let second = PostgresStore::connect(config("claims").unwrap()).await.unwrap();
    for n in 0..100 {
        stored(&first, &format!("A-{n:03}")).await;
    }
    // Someone else holds the first ten rows: they are passed over, not waited for.
    let raw = raw("claims").await;
    raw.batch_execute("BEGIN; SELECT FROM purchases ORDER BY reference LIMIT 10 FOR UPDATE").await.unwrap();
    let claim =
        Claim { provider: "klikoo".to_owned(), limit: 5, now: NOW, lease_until: NOW.after(Duration::from_secs(60)) };
    let takers = (0..20).map(|n| {
        let (store, claim) = (if n % 2 == 0 { first.clone() } else { second.clone() }, claim.clone());
        tokio::spawn(async move { store.claim(&claim).await.unwrap() })
    });
    let mut taken = Vec::new();
    for taker in takers.collect::<Vec<_>>() {
        taken.extend(
            taker.await.unwrap().iter().map(|purchase| (purchase.order.reference().to_string(), purchase.fence)),
        );
    }
    let count = taken.len();
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), count, "taken twice");
    assert!(taken.iter().all(|(name, fence)| name.as_str() >= "A-010" && *fence == 1), "{taken:?}");
    raw.batch_execute("COMMIT").await.unwrap();
    let rest = Claim { limit: 100, ..claim };
    assert_eq!(count + second.claim(&rest).await.unwrap().len(), 100);
}

#[tokio::test]
async fn a_machine_whose_lease_ran_out_writes_nothing() {
    let Some(first) = postgres("fencing").await else { return };
    let second = PostgresStore::connect(config("fencing").unwrap()).await.unwrap();
    stored(&first, "A-1").await;
    let claim = |now, until: u64| Claim {
        provider: "klikoo".to_owned(),
        limit: 1,
        now,
        lease_until: NOW.after(Duration::from_secs(until)),
    };
    let slow = first.claim(&claim(NOW, 10)).await.unwrap().remove(0);
    first
        .write(&{
            let mut sending = sending(&slow, "K");
            sending.release = false;
            sending
        })
        .await
        .unwrap();
    let mut slow = first.get(&reference("A-1")).await.unwrap().unwrap();
    let quick = second.claim(&claim(NOW.after(Duration::from_secs(10)), 20)).await.unwrap().remove(0);
    assert_eq!((slow.fence, quick.fence), (1, 2));
    assert_eq!(
        first.renew(&reference("A-1"), slow.fence, NOW.after(Duration::from_secs(30))).await,
        Err(StoreError::Fenced)
    );
    assert_eq!(first.write(&change(&slow, State::Failed, Cause::Paid)).await, Err(StoreError::Fenced));
    second.write(&change(&quick, State::Unknown, Cause::Recovered)).await.unwrap();
    slow.state = State::Unknown;
    assert_eq!(first.write(&change(&slow, State::Failed, Cause::Looked)).await, Err(StoreError::Fenced));
    assert_eq!(first.get(&reference("A-1")).await.unwrap().unwrap().state, State::Unknown);
    assert_eq!(second.events_of(&reference("A-1")).await.unwrap().len(), 3);
}

#[tokio::test]
async fn of_equal_purchases_at_once_one_is_sent() {
    let Some(first) = postgres("equals").await else { return };
    let second = PostgresStore::connect(config("equals").unwrap()).await.unwrap();
    for round in 0..10 {
        let senders: Vec<_> = (0..8)
            .map(|n| {
                let store = if n % 2 == 0 { first.clone() } else { second.clone() };
                tokio::spawn(async move {
                    let purchase = stored(&store, &format!("A-{round}-{n}")).await;
                    store.write(&sending(&purchase, &format!("K-{round}"))).await
                })
            })
            .collect();
        let mut sent = 0;
        for sender in senders {
            match sender.await.unwrap() {
                Ok(()) => sent += 1,
                Err(error) => assert!(matches!(error, StoreError::EqualOpen(_)), "{error}"),
            }
        }
        assert_eq!(sent, 1, "round {round}");
    }
}

#[tokio::test]
async fn a_pause_waits_for_what_begins_to_send_and_stops_the_rest() {
    let Some(store) = postgres("pausing").await else { return };
    let raw = raw("pausing").await;
    let (first, second) = (stored(&store, "A-1").await, stored(&store, "A-2").await);
    // The first is about to be sent; its write stands before the row.
    raw.batch_execute("BEGIN; SELECT FROM purchases WHERE reference = 'A-1' FOR UPDATE").await.unwrap();
    let writer = tokio::spawn({
        let store = store.clone();
        async move { store.write(&sending(&first, "K")).await }
    });
    until_waiting(&raw, 1).await;
    let pausing = tokio::spawn({
        let store = store.clone();
        async move { store.set_paused("klikoo", Some("stop")).await }
    });
    until_waiting(&raw, 2).await;
    assert!(!pausing.is_finished(), "paused while a purchase can still become sending");
    raw.batch_execute("COMMIT").await.unwrap();
    assert_eq!(writer.await.unwrap(), Ok(()));
    pausing.await.unwrap().unwrap();
    assert_eq!(store.write(&sending(&second, "L")).await, Err(StoreError::Paused("stop".to_owned())));
}

#[tokio::test]
async fn a_callback_that_comes_while_a_write_waits_is_followed() {
    let Some(store) = postgres("hint_race").await else { return };
    let raw = raw("hint_race").await;
    store.write(&change(&stored(&store, "A-1").await, State::Sending, Cause::Sending)).await.unwrap();
    let purchase = store.get(&reference("A-1")).await.unwrap().unwrap();
    raw.batch_execute("BEGIN; SELECT FROM purchases WHERE reference = 'A-1' FOR UPDATE").await.unwrap();
    let hint = StoredHint { id: 0, reference: reference("A-1"), at: NOW, digest: vec![1], sealed: vec![1] };
    let hinting = tokio::spawn({
        let store = store.clone();
        async move { store.add_hint(&hint, 4).await }
    });
    until_waiting(&raw, 1).await;
    let writing = tokio::spawn({
        let store = store.clone();
        async move {
            let mut pending = change(&purchase, State::Pending, Cause::Paid);
            pending.purchase.due_at = None;
            store.write(&pending).await
        }
    });
    until_waiting(&raw, 2).await;
    raw.batch_execute("COMMIT").await.unwrap();
    assert!(hinting.await.unwrap().unwrap());
    writing.await.unwrap().unwrap();
    assert_eq!(store.get(&reference("A-1")).await.unwrap().unwrap().due_at, Some(NOW));
}

#[tokio::test]
async fn what_one_machine_does_another_hears() {
    let Some(first) = postgres("bell").await else { return };
    let second = PostgresStore::connect(config("bell").unwrap()).await.unwrap();
    // The first count is that it listens.
    let listening = second.changed(0).await;
    assert_eq!(listening, 1);
    stored(&first, "A-1").await;
    assert_eq!(second.changed(listening).await, 2);
}

#[tokio::test]
async fn machines_share_the_work_and_hear_of_each_other() {
    let Some(store) = postgres("machines").await else { return };
    let clock = biller_tests::shared_clock();
    let fake = Arc::new(Fake::new(&clock));
    let machine = async || {
        let store = PostgresStore::connect(config("machines").unwrap()).await.unwrap();
        // Nothing is found by polling.
        Journal::builder(store, ReceiptKey::new(crate::KEY))
            .clock(clock.clone())
            .poll(Duration::from_secs(3600))
            .provider(fake.clone(), Lane::default())
            .build()
    };
    let (first, second, desk) = (machine().await, machine().await, machine().await);
    let workers = [crate::work(&first), crate::work(&second)];
    let names: Vec<String> = (0..40).map(|n| format!("A-{n:02}")).collect();
    for (n, name) in names.iter().enumerate() {
        desk.submit("fake", pulsa(name, &format!("0812000000{n:02}"))).await.unwrap();
    }
    for name in &names {
        let ended = tokio::time::timeout(Duration::from_secs(60), desk.wait(&reference(name))).await;
        assert_eq!(ended.expect("nobody told the desk").unwrap().unwrap().state, State::Succeeded);
        let fences = store.get(&reference(name)).await.unwrap().unwrap().fence;
        assert_eq!(fences, 1, "{name} was taken by one worker");
    }
    let mut paid = fake.paid.lock().unwrap().clone();
    paid.sort();
    assert_eq!(paid, names);
    for worker in workers {
        worker.abort();
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let Some(store) = postgres("newer").await else { return };
    drop(store);
    let raw = raw("newer").await;
    raw.batch_execute("INSERT INTO migrations (version) VALUES (99)").await.unwrap();
    let error = PostgresStore::connect(config("newer").unwrap()).await.err().unwrap();
    assert_eq!(error, StoreError::NewerSchema { found: 99, known: 2 });
    let versions = raw.query("SELECT version FROM migrations ORDER BY version", &[]).await.unwrap();
    assert_eq!(versions.iter().map(|row| row.get(0)).collect::<Vec<i64>>(), [1, 2, 99]);
}

#[tokio::test]
async fn machines_that_migrate_at_once_wait_for_each_other() {
    let Some(config) = config("migrating") else { return };
    let machines: Vec<_> = (0..6).map(|_| tokio::spawn(PostgresStore::connect(config.clone()))).collect();
    for (n, machine) in machines.into_iter().enumerate() {
        stored(&machine.await.unwrap().unwrap(), &format!("A-{n}")).await;
    }
}

#[tokio::test]
async fn a_write_that_is_given_up_leaves_nothing_locked() {
    let Some(config) = config("given_up") else { return };
    let store = PostgresStore::connect(config.with_connections(1)).await.unwrap();
    let raw = raw("given_up").await;
    let purchase = stored(&store, "A-1").await;
    raw.batch_execute("BEGIN; SELECT FROM purchases WHERE reference = 'A-1' FOR UPDATE").await.unwrap();
    let writer = tokio::spawn({
        let (store, change) = (store.clone(), sending(&purchase, "K"));
        async move { store.write(&change).await }
    });
    until_waiting(&raw, 1).await;
    writer.abort();
    assert!(writer.await.unwrap_err().is_cancelled());
    raw.batch_execute("COMMIT").await.unwrap();
    store.write(&sending(&purchase, "K")).await.unwrap();
}

#[tokio::test]
async fn a_server_that_dies_loses_nothing_that_was_said_to_be_written() {
    let Some(cluster) = biller_tests::postgres::cluster("a_server_that_dies_loses_nothing") else { return };
    let cluster = Arc::new(cluster);
    let config = PostgresConfig::parse(&cluster.url()).unwrap().with_connections(4);
    let store = PostgresStore::connect(config).await.unwrap();
    let purchase = stored(&store, "A-1").await;
    cluster.kill().unwrap();
    let error = store.write(&sending(&purchase, "K")).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    let launched = tokio::task::spawn_blocking({
        let cluster = cluster.clone();
        move || cluster.launch()
    });
    launched.await.unwrap().unwrap();
    // Each broken connection is an error at most once.
    let mut broken = 0;
    while let Err(error) = store.write(&sending(&purchase, "K")).await {
        broken += 1;
        assert!(matches!(error, StoreError::Unavailable(_)) && broken <= 4, "{error}");
    }
    assert_eq!(store.get(&reference("A-1")).await.unwrap().unwrap().state, State::Sending);
    assert_eq!(store.events_of(&reference("A-1")).await.unwrap().len(), 2);
}

#[tokio::test]
async fn who_is_not_let_in_shows_no_password() {
    let Some(url) = biller_tests::postgres::url("who_is_not_let_in") else { return };
    let url = url.replace("user=biller", "user=nobody_known&password=hunter22");
    let error = PostgresStore::connect(PostgresConfig::parse(&url).unwrap()).await.err().unwrap();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter22"), "{error}");
}
