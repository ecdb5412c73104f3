//! The journal against the provider's list, its single answers and its deposit.

use std::sync::Arc;
use std::time::Duration;

use biller_core::{Clock as _, HistoryEntry, MemoryRecords, Order, RetryPolicy, Rupiah, Stage, Wiring};
use biller_journal::{Difference, Lane, Ruling, SqliteStore, State, SubmitError};
use biller_tests::{sandbox, shared_clock};

use crate::fake::{Made, Says};
use crate::{Bench, builder, klikoo, pulsa, reference, work};

#[tokio::test(start_paused = true)]
async fn the_list_decides_and_shows_what_was_bought_behind_the_journals_back() {
    let bench = Bench::new();
    for (name, customer) in [("A-1", "081200000001"), ("A-2", "081200000004"), ("A-3", "081200000002")] {
        bench.journal.submit("klikoo", pulsa(name, customer)).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let day = bench.clock.now().wib_day();
    let found = bench.journal.reconcile("klikoo", day).await.unwrap();
    assert_eq!((found.compared, found.listed, found.charged.get()), (2, Some(2), 10_450));
    assert_eq!(found.balance.map(|balance| balance.get()), Some(10_000_000 - 10_450));
    // The refused one was never recorded by the provider, which agrees with failed.
    assert_eq!(found.differences, [Difference::Open { reference: reference("A-3"), state: State::Pending }]);

    // A verdict that the provider's record contradicts.
    bench.journal.decide(&reference("A-3"), Ruling::NotCharged, "a guess").await.unwrap();
    bench.sandbox.settle();
    let found = bench.journal.reconcile("klikoo", day).await.unwrap();
    let differs = Difference::State { reference: reference("A-3"), ours: State::Failed, theirs: Stage::Succeeded };
    assert_eq!((found.compared, found.differences), (3, vec![differs]));
    assert_eq!(bench.buys(), 3);

    // Somebody sells from the same account.
    let direct = klikoo(&bench.sandbox, &bench.tape, &bench.clock);
    let mut attempt = direct.prepare(pulsa("DIRECT-1", "081200000001")).await.unwrap();
    assert_eq!(direct.pay(&mut attempt, &MemoryRecords::default()).await.word(), "succeeded");
    let found = bench.journal.reconcile("klikoo", day).await.unwrap();
    let [_, Difference::NotOurs { entry }] = found.differences.as_slice() else { panic!("{found:?}") };
    assert_eq!((found.compared, found.listed), (3, Some(3)));
    assert_eq!((entry.reference.as_deref(), entry.stage), (Some("DIRECT-1"), Some(Stage::Succeeded)));
    assert_eq!(entry.amount, Some(Rupiah::new(10_450)));
    let error = bench.journal.reconcile("nobody", day).await.unwrap_err();
    assert_eq!(error, SubmitError::UnknownProvider("nobody".to_owned()));
}

/// A row as the provider would list it for a purchase of the made-up provider.
fn row(reference: Option<&str>, customer: &str, amount: i64, stage: Stage) -> HistoryEntry {
    let mut row = HistoryEntry::default();
    row.reference = reference.map(str::to_owned);
    row.customer = Some(customer.to_owned());
    row.amount = Some(Rupiah::new(amount));
    row.stage = Some(stage);
    row
}

/// What reconciling finds while the provider lists these rows.
async fn found(made: &Made, rows: Option<Vec<HistoryEntry>>) -> Vec<Difference> {
    *made.fake.rows.lock().unwrap() = Some(rows);
    made.journal.reconcile("fake", made.now().wib_day()).await.unwrap().differences
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_difference_is_told() {
    let made = Made::new(Lane::default());
    made.submit("A-1", "081200000001").await;
    made.submit("A-2", "081200000002").await;
    made.says(Says::Failed);
    made.submit("A-3", "081200000003").await;
    let right = |customer| row(None, customer, 5_000, Stage::Succeeded);
    let named = |name, customer| row(Some(name), customer, 5_000, Stage::Succeeded);
    let not_ours = |entry| Difference::NotOurs { entry: Box::new(entry) };

    // By customer, in the provider's writing, and by reference; the refused one is in no list.
    let both = vec![right("6281200000001"), named("A-2", "081200000002")];
    assert_eq!(found(&made, Some(both.clone())).await, []);
    assert_eq!(*made.fake.asked.lock().unwrap(), 1, "only what the list is silent about is asked for");

    // Amount and state.
    let other = vec![row(None, "6281200000001", 5_100, Stage::Succeeded), row(Some("A-2"), "0", 5_000, Stage::Failed)];
    let amount =
        Difference::Amount { reference: reference("A-1"), ours: Rupiah::new(5_000), theirs: Rupiah::new(5_100) };
    let state = Difference::State { reference: reference("A-2"), ours: State::Succeeded, theirs: Stage::Failed };
    assert_eq!(found(&made, Some(other)).await, [amount, state]);

    // Count: one is missing, one is there twice, one is nobody's, and one that failed here is there.
    let missing = Difference::NotListed { reference: reference("A-2") };
    assert_eq!(found(&made, Some(vec![right("081200000001")])).await, [missing]);
    let mut twice = both.clone();
    twice.push(named("A-2", "081200000002"));
    assert_eq!(found(&made, Some(twice)).await, [not_ours(named("A-2", "081200000002"))]);
    let mut strange = both.clone();
    strange.push(right("081200000009"));
    assert_eq!(found(&made, Some(strange)).await, [not_ours(right("081200000009"))]);
    let mut late = both;
    late.push(right("081200000003"));
    let failed = Difference::State { reference: reference("A-3"), ours: State::Failed, theirs: Stage::Succeeded };
    assert_eq!(found(&made, Some(late)).await, [failed]);
}

#[tokio::test(start_paused = true)]
async fn a_row_goes_to_the_purchase_that_it_fits_best() {
    let made = Made::new(Lane::default());
    made.says(Says::Failed);
    made.submit("A-1", "0812").await;
    made.says(Says::Succeeded);
    made.submit("A-2", "0812").await;
    made.says(Says::Nothing);
    let mut one = row(None, "0812", 5_000, Stage::Succeeded);
    one.at = Some(made.now().before(Duration::from_secs(2)));
    assert_eq!(found(&made, Some(vec![one.clone()])).await, [], "the one that failed left no row");
    // A row of another hour is of another purchase.
    one.at = Some(made.now().before(Duration::from_secs(3600)));
    let told = found(&made, Some(vec![one.clone()])).await;
    let missing = Difference::NotListed { reference: reference("A-2") };
    assert_eq!(told, [missing, Difference::NotOurs { entry: Box::new(one) }]);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_read_is_told_and_every_purchase_asked_about() {
    let made = Made::new(Lane::default());
    made.submit("A-1", "0812").await;
    made.submit("A-2", "0813").await;
    let differences = found(&made, None).await;
    assert!(matches!(differences.as_slice(), [Difference::NoList { .. }]), "{differences:?}");
    assert_eq!(*made.fake.asked.lock().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn sidompuls_rows_without_references_find_their_purchases() {
    let clock = shared_clock();
    let sandbox = sandbox(&clock);
    let given = sandbox.credentials("sidompul").unwrap();
    let settings = ["client_id", "client_secret", "api_id", "api_key", "pin"];
    let table: String = settings.iter().map(|name| format!("{name} = {}\n", given[name])).collect();
    let text = format!("[sidompul]\nbase_url = \"http://127.0.0.1/sidompul\"\n{table}");
    let wiring = Wiring::over(sandbox.transport()).with_clock(clock.clone()).with_retry(RetryPolicy::never());
    let billers = billers::Billers::from_toml_over(&text, &wiring).unwrap();
    let sidompul: Arc<dyn biller_core::Biller> = billers.get("sidompul").unwrap().clone();
    let store = SqliteStore::in_memory().unwrap();
    let journal = builder(&store, &clock).provider(sidompul.clone(), Lane::default()).build();
    work(&journal);
    let order = |name: &str, product: &str, customer: &str| Order::new(name, product, customer).unwrap();
    let reload = |name: &str, customer: &str| order(name, "W2P", customer).with_amount(Rupiah::new(5_000));
    let orders = [
        reload("A-1", "6287700000011"),
        order("A-2", "XC_FLEX_S", "087700000021"),
        order("A-3", "AX-RM580808TK-TSP", "6283100000031").with_option("stock", "awg"),
        // Refused, which leaves a row all the same.
        reload("A-4", "087700000014"),
    ];
    for order in orders {
        let name = order.reference().clone();
        journal.submit("sidompul", order).await.unwrap();
        for _ in 0..40 {
            clock.advance(Duration::from_secs(5));
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        assert!(journal.get(&name).await.unwrap().unwrap().state.is_final(), "{name}");
    }
    let day = clock.now().wib_day();
    let found = journal.reconcile("sidompul", day).await.unwrap();
    assert_eq!((found.compared, found.listed, found.differences), (4, Some(4), vec![]));

    let mut attempt = sidompul.prepare(reload("DIRECT-1", "6287700000041")).await.unwrap();
    assert_eq!(sidompul.pay(&mut attempt, &MemoryRecords::default()).await.word(), "succeeded");
    let found = journal.reconcile("sidompul", day).await.unwrap();
    let [Difference::NotOurs { entry }] = found.differences.as_slice() else { panic!("{found:?}") };
    assert_eq!((found.listed, entry.amount), (Some(5), Some(Rupiah::new(5_850))));
    assert_eq!(entry.customer.as_deref(), Some("6287700000041"));
}

#[tokio::test(start_paused = true)]
async fn the_deposit_between_two_readings_is_explained_or_told() {
    let bench = Bench::new();
    let earlier = bench.journal.read_balance("klikoo").await.unwrap().unwrap();
    bench.pass(5).await;
    for (name, customer) in [("A-1", "081200000001"), ("A-3", "081200000004"), ("A-2", "081200000002")] {
        bench.journal.submit("klikoo", pulsa(name, customer)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let compared = bench.journal.compare_balance("klikoo", earlier).await.unwrap().unwrap();
    assert_eq!((compared.charged.get(), compared.unexplained.get()), (10_450, 0));
    assert_eq!(compared.uncertain, [reference("A-2")], "pending");
    bench.sandbox.settle();
    bench.pass(600).await;
    let compared = bench.journal.compare_balance("klikoo", earlier).await.unwrap().unwrap();
    assert_eq!((compared.charged.get(), compared.unexplained.get(), compared.uncertain), (20_900, 0, vec![]));

    let direct = klikoo(&bench.sandbox, &bench.tape, &bench.clock);
    let mut attempt = direct.prepare(pulsa("DIRECT-1", "081200000001")).await.unwrap();
    direct.pay(&mut attempt, &MemoryRecords::default()).await;
    let compared = bench.journal.compare_balance("klikoo", earlier).await.unwrap().unwrap();
    assert_eq!((compared.charged.get(), compared.unexplained.get()), (20_900, -10_450));
    let again = bench.journal.compare_balance("klikoo", compared.now).await.unwrap().unwrap();
    assert_eq!((again.charged.get(), again.unexplained.get(), again.uncertain), (0, 0, vec![]));
}
