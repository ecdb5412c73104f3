//! What every store promises, asked of each.

use std::time::Duration;

use biller_core::{Attempt, Order, Timestamp};
use biller_journal::{
    Cause, Change, Claim, Event, PostgresConfig, PostgresStore, Purchase, SendGuard, State, Store, StoreError,
    StoredHint, Submission,
};

use crate::{pulsa, reference};

pub const NOW: Timestamp = Timestamp::from_unix_millis(1_707_276_515_000);

/// A PostgreSQL store with nothing in it; `None`, and said so, where there is no PostgreSQL.
pub async fn postgres(test: &str) -> Option<PostgresStore> {
    Some(PostgresStore::connect(config(test)?).await.unwrap())
}

/// A schema that no other test has, on the server that all share.
pub fn config(test: &str) -> Option<PostgresConfig> {
    let schema: String = format!("t{}_{test}", std::process::id()).chars().take(63).collect();
    Some(PostgresConfig::parse(&biller_tests::postgres::url(test)?).unwrap().with_schema(&schema).unwrap())
}

macro_rules! on_every_store {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $case() {
                super::$case(&biller_journal::SqliteStore::in_memory().unwrap()).await;
            })+
        }

        mod postgres {
            $(#[tokio::test]
            async fn $case() {
                if let Some(store) = super::postgres(stringify!($case)).await {
                    super::$case(&store).await;
                }
            })+
        }
    };
}

on_every_store!(
    only_the_latest_worker_writes,
    a_change_that_no_transition_allows_leaves_everything_as_it_was,
    what_was_issued_belongs_to_the_first_and_a_refused_write_takes_nothing,
    a_reference_is_taken_once,
    what_is_due_is_taken_in_order_up_to_the_limit,
    equal_purchases_and_pauses_hold_a_sending_back,
    a_change_that_is_not_expected_is_fenced,
    everything_of_a_purchase_comes_back,
    callbacks_are_kept_once_and_make_their_purchase_due,
    a_callback_that_came_meanwhile_is_followed_at_once,
    cursors_and_events_go_forward,
    others_are_of_the_same_customer_in_whatever_writing_also_finished_ones,
    the_purchases_of_a_day_are_found,
    counts_are_by_provider_and_state,
    a_providers_words_cannot_make_a_change_unwritable,
);

pub async fn stored(store: &dyn Store, name: &str) -> Purchase {
    let purchase = Purchase::new("klikoo", pulsa(name, "081200000001"), NOW);
    let event = event(name, None, State::Created, Cause::Submitted);
    assert!(matches!(store.submit(&purchase, &event).await.unwrap(), Submission::Stored));
    purchase
}

pub fn event(name: &str, from: Option<State>, to: State, cause: Cause) -> Event {
    Event {
        number: 0,
        reference: Some(reference(name)),
        provider: "klikoo".to_owned(),
        at: NOW,
        from,
        to: Some(to),
        cause,
        evidence: "told".to_owned(),
    }
}

pub fn change(purchase: &Purchase, to: State, cause: Cause) -> Change {
    let mut change = Change::of(purchase.clone(), NOW);
    change.purchase.state = to;
    change.events.push(event(purchase.order.reference().as_str(), Some(purchase.state), to, cause));
    change
}

pub async fn claim(store: &dyn Store, now: Timestamp) -> Vec<Purchase> {
    let lease_until = now.after(std::time::Duration::from_secs(60));
    store.claim(&Claim { provider: "klikoo".to_owned(), limit: 10, now, lease_until }).await.unwrap()
}

async fn only_the_latest_worker_writes(store: &dyn Store) {
    stored(store, "A-1").await;
    let first = claim(store, NOW).await.remove(0);
    assert!(claim(store, NOW).await.is_empty(), "leased");
    let later = NOW.after(std::time::Duration::from_secs(60));
    let second = claim(store, later).await.remove(0);
    assert_eq!((first.fence, second.fence), (1, 2));
    assert_eq!(store.write(&change(&first, State::Sending, Cause::Sending)).await, Err(StoreError::Fenced));
    assert_eq!(store.renew(&reference("A-1"), 1, later).await, Err(StoreError::Fenced));
    assert_eq!(store.renew(&reference("A-1"), 2, later).await, Ok(()));
    store.write(&change(&second, State::Sending, Cause::Sending)).await.unwrap();
    assert_eq!(store.get(&reference("A-1")).await.unwrap().unwrap().state, State::Sending);
}

async fn a_change_that_no_transition_allows_leaves_everything_as_it_was(store: &dyn Store) {
    let purchase = stored(store, "A-1").await;
    for (to, cause) in [
        (State::Succeeded, Cause::Paid),
        (State::Pending, Cause::Looked),
        (State::Unknown, Cause::Recovered),
        (State::Sending, Cause::Paid),
    ] {
        let error = store.write(&change(&purchase, to, cause)).await.unwrap_err();
        assert_eq!(error, StoreError::Forbidden(format!("created to {to} by {cause}")));
    }
    let mut silent = change(&purchase, State::Sending, Cause::Sending);
    silent.events.clear();
    assert!(matches!(store.write(&silent).await, Err(StoreError::Forbidden(_))));
    assert_eq!(store.get(&reference("A-1")).await.unwrap().unwrap().state, State::Created);
    assert_eq!(store.events_after(0, 10).await.unwrap().len(), 1);
}

async fn what_was_issued_belongs_to_the_first_and_a_refused_write_takes_nothing(store: &dyn Store) {
    let issuing = async |name: &str, digests: &[u8]| {
        let mut change = change(&stored(store, name).await, State::Sending, Cause::Sending);
        change.issued = digests.iter().map(|digest| vec![*digest]).collect();
        change
    };
    let mut refused = issuing("A-1", &[1]).await;
    refused.events.push(event("A-1", Some(State::Sending), State::Created, Cause::Looked));
    assert!(matches!(store.write(&refused).await, Err(StoreError::Forbidden(_))));
    store.write(&issuing("A-2", &[1, 2]).await).await.unwrap();
    store.write(&issuing("A-3", &[3, 2]).await).await.unwrap();
    let causes = async |name: &str| {
        store.events_of(&reference(name)).await.unwrap().iter().map(|event| event.cause).collect::<Vec<_>>()
    };
    assert_eq!(causes("A-2").await, [Cause::Submitted, Cause::Sending]);
    assert_eq!(causes("A-3").await, [Cause::Submitted, Cause::Sending, Cause::SerialShared]);
    let purchase = store.get(&reference("A-3")).await.unwrap().unwrap();
    assert_eq!(purchase.reason.as_deref(), Some("its serial or token is also that of A-2"));
}

async fn get(store: &dyn Store, name: &str) -> Purchase {
    store.get(&reference(name)).await.unwrap().unwrap()
}

fn with_attempt(mut purchase: Purchase, key: &str) -> Purchase {
    purchase.attempt = Some(Attempt::new("klikoo", purchase.order.clone(), key, NOW, &()).unwrap());
    purchase
}

/// The change that comes before sending.
pub fn sending(purchase: &Purchase, key: &str) -> Change {
    let mut change = change(&with_attempt(purchase.clone(), key), State::Sending, Cause::Sending);
    change.guard = Some(SendGuard { key_must_be_free: true });
    change
}

async fn a_reference_is_taken_once(store: &dyn Store) {
    let first = stored(store, "A-1").await;
    let other = Purchase::new("pln-prepaid", pulsa("A-1", "081200000009"), NOW.after(Duration::from_secs(1)));
    let event = event("A-1", None, State::Created, Cause::Submitted);
    let Submission::Exists(existing) = store.submit(&other, &event).await.unwrap() else { panic!("stored twice") };
    assert_eq!((existing.provider.as_str(), &existing.order), ("klikoo", &first.order));
    assert_eq!(store.events_after(0, 10).await.unwrap().len(), 1);
    assert!(store.get(&reference("A-2")).await.unwrap().is_none());
}

async fn what_is_due_is_taken_in_order_up_to_the_limit(store: &dyn Store) {
    let at = |seconds| NOW.after(Duration::from_secs(seconds));
    for (name, due) in [("a-3", 2), ("B-2", 2), ("A-1", 3), ("A-0", 9)] {
        let mut purchase = Purchase::new("klikoo", pulsa(name, "081200000001"), NOW);
        purchase.due_at = Some(at(due));
        store.submit(&purchase, &event(name, None, State::Created, Cause::Submitted)).await.unwrap();
    }
    let take = async |limit| {
        let claim = Claim { provider: "klikoo".to_owned(), limit, now: at(5), lease_until: at(20) };
        let taken = store.claim(&claim).await.unwrap();
        taken.iter().map(|purchase| purchase.order.reference().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(store.next_due("klikoo", NOW).await.unwrap(), Some(at(2)));
    assert!(take(0).await.is_empty());
    assert_eq!(take(2).await, ["B-2", "a-3"]);
    assert_eq!(take(2).await, ["A-1"]);
    assert!(take(2).await.is_empty());
    assert_eq!(store.next_due("klikoo", at(5)).await.unwrap(), Some(at(9)));
    assert_eq!(store.next_due("klikoo", at(10)).await.unwrap(), Some(at(9)));
    assert_eq!(store.next_due("mmbc-pulsa", at(10)).await.unwrap(), None);
}

async fn equal_purchases_and_pauses_hold_a_sending_back(store: &dyn Store) {
    let (first, second) = (stored(store, "A-1").await, stored(store, "A-2").await);
    store.set_paused("klikoo", Some("deposit")).await.unwrap();
    store.set_paused("klikoo", Some("maintenance")).await.unwrap();
    assert_eq!(store.paused("klikoo").await.unwrap().as_deref(), Some("maintenance"));
    let paused = StoreError::Paused("maintenance".to_owned());
    assert_eq!(store.write(&sending(&first, "K")).await, Err(paused));
    store.set_paused("klikoo", None).await.unwrap();
    assert_eq!(store.paused("klikoo").await.unwrap(), None);

    store.write(&sending(&first, "K")).await.unwrap();
    assert_eq!(store.open_with_key("klikoo", "K", &reference("A-2")).await.unwrap(), Some(reference("A-1")));
    assert_eq!(store.open_with_key("klikoo", "K", &reference("A-1")).await.unwrap(), None);
    assert_eq!(store.write(&sending(&second, "K")).await, Err(StoreError::EqualOpen("A-1".to_owned())));
    // With another key, or where the provider tells them apart, it goes.
    let mut apart = sending(&second, "K");
    apart.guard = Some(SendGuard { key_must_be_free: false });
    store.write(&apart).await.unwrap();
    store.write(&sending(&stored(store, "A-3").await, "L")).await.unwrap();
    // Once the first two have ended, the key is free.
    for name in ["A-1", "A-2"] {
        store.write(&change(&get(store, name).await, State::Failed, Cause::Paid)).await.unwrap();
    }
    store.write(&sending(&stored(store, "A-4").await, "K")).await.unwrap();
    assert_eq!(store.stats().await.unwrap().count(State::Sending), 2);
}

async fn a_change_that_is_not_expected_is_fenced(store: &dyn Store) {
    let purchase = stored(store, "A-1").await;
    store.write(&change(&purchase, State::Sending, Cause::Sending)).await.unwrap();
    assert_eq!(store.write(&change(&purchase, State::Sending, Cause::Sending)).await, Err(StoreError::Fenced));
    let unknown = Purchase::new("klikoo", pulsa("A-2", "081200000001"), NOW);
    assert_eq!(store.write(&change(&unknown, State::Sending, Cause::Sending)).await, Err(StoreError::Fenced));
    // A person's verdict takes the purchase from whoever works on it.
    store.claim(&Claim { provider: "klikoo".to_owned(), limit: 1, now: NOW, lease_until: NOW }).await.unwrap();
    let taken = get(store, "A-1").await;
    let mut decided = change(&taken, State::Unknown, Cause::Recovered);
    decided.raise_fence = true;
    store.write(&decided).await.unwrap();
    let mut late = taken.clone();
    late.state = State::Unknown;
    assert_eq!(store.write(&change(&late, State::Failed, Cause::Looked)).await, Err(StoreError::Fenced));
    assert_eq!((taken.fence, get(store, "A-1").await.fence), (1, 2));
}

async fn everything_of_a_purchase_comes_back(store: &dyn Store) {
    let mut change = sending(&stored(store, "A-1").await, "K");
    change.purchase.reason = Some("the reason".to_owned());
    change.purchase.changed_at = NOW.after(Duration::from_secs(1));
    change.purchase.due_at = Some(NOW.after(Duration::from_secs(2)));
    (change.purchase.receipt_rank, change.purchase.tries) = (2, 7);
    change.receipt = Some(vec![0, 1, 255]);
    store.write(&change).await.unwrap();
    assert_eq!(format!("{:?}", get(store, "A-1").await), format!("{:?}", change.purchase));
    assert_eq!(store.receipt(&reference("A-1")).await.unwrap(), Some(vec![0, 1, 255]));
    // A change without a receipt leaves the one that is there.
    let sent = get(store, "A-1").await;
    store.write(&self::change(&sent, State::Pending, Cause::Paid)).await.unwrap();
    assert_eq!(store.receipt(&reference("A-1")).await.unwrap(), Some(vec![0, 1, 255]));
    assert_eq!(store.receipt(&reference("A-2")).await.unwrap(), None);
}

fn hint(name: &str, digest: u8) -> StoredHint {
    let at = NOW.after(Duration::from_secs(digest.into()));
    StoredHint { id: 0, reference: reference(name), at, digest: vec![digest], sealed: vec![digest; 3] }
}

async fn callbacks_are_kept_once_and_make_their_purchase_due(store: &dyn Store) {
    let mut waiting = change(&stored(store, "A-1").await, State::Sending, Cause::Sending);
    waiting.purchase.due_at = Some(NOW.after(Duration::from_secs(600)));
    store.write(&waiting).await.unwrap();
    assert!(store.add_hint(&hint("A-1", 2), 2).await.unwrap());
    assert!(!store.add_hint(&hint("A-1", 2), 2).await.unwrap(), "the same one");
    assert_eq!(get(store, "A-1").await.due_at, Some(hint("A-1", 2).at));
    assert!(store.add_hint(&hint("A-1", 1), 2).await.unwrap());
    assert!(!store.add_hint(&hint("A-1", 3), 2).await.unwrap(), "one too many");
    assert!(!store.add_hint(&hint("A-2", 1), 2).await.unwrap(), "no such purchase");
    assert_eq!(get(store, "A-1").await.due_at, Some(hint("A-1", 1).at));
    let hints = store.hints(&reference("A-1")).await.unwrap();
    assert_eq!(hints.iter().map(|hint| (hint.digest[0], hint.sealed.len())).collect::<Vec<_>>(), [(2, 3), (1, 3)]);
}

async fn a_callback_that_came_meanwhile_is_followed_at_once(store: &dyn Store) {
    store.write(&change(&stored(store, "A-1").await, State::Sending, Cause::Sending)).await.unwrap();
    store.add_hint(&hint("A-1", 9), 2).await.unwrap();
    let mut pending = change(&get(store, "A-1").await, State::Pending, Cause::Paid);
    pending.purchase.due_at = Some(NOW.after(Duration::from_secs(600)));
    store.write(&pending).await.unwrap();
    assert_eq!(get(store, "A-1").await.due_at, Some(NOW));
    let mut followed = change(&get(store, "A-1").await, State::Succeeded, Cause::CallbackFollowed);
    followed.purchase.due_at = None;
    followed.followed = store.hints(&reference("A-1")).await.unwrap().iter().map(|hint| hint.id).collect();
    store.write(&followed).await.unwrap();
    assert_eq!(get(store, "A-1").await.due_at, None);
    assert!(store.hints(&reference("A-1")).await.unwrap().is_empty());
}

async fn cursors_and_events_go_forward(store: &dyn Store) {
    let purchase = stored(store, "A-1").await;
    stored(store, "A-2").await;
    let mut changed = change(&purchase, State::Prepared, Cause::HeldBack);
    changed.events.push(event("A-1", Some(State::Prepared), State::Prepared, Cause::HeldBack));
    store.write(&changed).await.unwrap();
    let low = Event { reference: None, from: None, to: None, ..event("A-1", None, State::Created, Cause::Balance) };
    store.add_event(&low).await.unwrap();
    let all = store.events_after(0, 10).await.unwrap();
    let told: Vec<_> =
        all.iter().map(|event| (event.number, event.reference.as_ref().map(|r| r.as_str()), event.cause)).collect();
    let expected = [
        (1, Some("A-1"), Cause::Submitted),
        (2, Some("A-2"), Cause::Submitted),
        (3, Some("A-1"), Cause::HeldBack),
        (4, Some("A-1"), Cause::HeldBack),
        (5, None, Cause::Balance),
    ];
    assert_eq!(told, expected);
    assert_eq!(store.events_after(1, 2).await.unwrap(), all[1..3]);
    assert_eq!(store.events_of(&reference("A-1")).await.unwrap(), [&all[0..1], &all[2..4]].concat());
    assert_eq!(store.cursor("desk").await.unwrap(), 0);
    for number in [4, 2] {
        store.set_cursor("desk", number).await.unwrap();
    }
    assert_eq!((store.cursor("desk").await.unwrap(), store.cursor("other").await.unwrap()), (4, 0));
}

async fn the_purchases_of_a_day_are_found(store: &dyn Store) {
    let next = NOW.after(Duration::from_millis(1));
    for (name, at) in [("A-2", NOW), ("A-3", next), ("A-1", NOW)] {
        let purchase = Purchase::new("klikoo", pulsa(name, "081200000001"), at);
        store.submit(&purchase, &event(name, None, State::Created, Cause::Submitted)).await.unwrap();
    }
    let between = async |from, until| {
        let found = store.submitted_between("klikoo", from, until).await.unwrap();
        found.iter().map(|purchase| purchase.order.reference().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(between(NOW, next).await, ["A-1", "A-2"]);
    assert_eq!(between(next, next.after(Duration::from_secs(1))).await, ["A-3"]);
    assert!(between(Timestamp::from_unix_millis(0), NOW).await.is_empty());
    assert!(store.submitted_between("mmbc-pulsa", NOW, next).await.unwrap().is_empty());
}

async fn counts_are_by_provider_and_state(store: &dyn Store) {
    assert_eq!(store.stats().await.unwrap(), biller_journal::Stats::default());
    stored(store, "A-1").await;
    let second = stored(store, "A-2").await;
    store.write(&change(&second, State::Failed, Cause::Expired)).await.unwrap();
    let stats = store.stats().await.unwrap();
    let counts: Vec<_> =
        stats.counts.iter().map(|((provider, state), count)| (provider.as_str(), *state, *count)).collect();
    assert_eq!(counts, [("klikoo", State::Created, 1), ("klikoo", State::Failed, 1)]);
    assert_eq!(stats.oldest_unresolved, Some(NOW));
}

async fn a_providers_words_cannot_make_a_change_unwritable(store: &dyn Store) {
    let mut garbled = change(&stored(store, "A-1").await, State::Sending, Cause::Sending);
    garbled.purchase.reason = Some("a\0b \u{1f4a9} \u{fffd}".to_owned());
    garbled.events[0].evidence = "\0".to_owned();
    store.write(&garbled).await.unwrap();
    store.set_paused("klikoo", Some("\0")).await.unwrap();
    assert_eq!(get(store, "A-1").await.state, State::Sending);
}

async fn others_are_of_the_same_customer_in_whatever_writing_also_finished_ones(store: &dyn Store) {
    let attempt = |name: &str, customer: &str| {
        let order = Order::new(name, "S10", customer).unwrap();
        Attempt::new("klikoo", order, name, NOW, &()).unwrap()
    };
    for (name, customer) in [
        ("A-1", "081234567891"),
        ("A-2", "6281234567891"),
        ("B-1", "+62 812-3456-7892"),
        ("C-1", "0110 569-1111"),
        ("C-2", "01105691111"),
    ] {
        let attempt = attempt(name, customer);
        let mut purchase = Purchase::new("klikoo", attempt.order().clone(), NOW);
        store.submit(&purchase, &event(name, None, State::Created, Cause::Submitted)).await.unwrap();
        purchase.attempt = Some(attempt);
        store.write(&change(&purchase, State::Sending, Cause::Sending)).await.unwrap();
        purchase.state = State::Sending;
        store.write(&change(&purchase, State::Succeeded, Cause::Paid)).await.unwrap();
    }
    for (customer, expected) in [
        ("+62 812 3456 7891", &["A-1", "A-2"][..]),
        ("081234567892", &["B-1"]),
        ("0110-5691111", &["C-1", "C-2"]),
        ("01105691112", &[]),
    ] {
        let others = store.others(&attempt("X-1", customer)).await.unwrap();
        let names: Vec<&str> = others.iter().map(|other| other.order().reference().as_str()).collect();
        assert_eq!(names, expected, "{customer}");
    }
}
