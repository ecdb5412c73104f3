use std::time::Duration;

use biller_core::{Order, Rupiah};
use biller_journal::{Cause, Cursor, Lane, State, SubmitError};
use biller_sandbox::{Fault, FaultKind, Operation};
use biller_tests::Shown;

use crate::fake::{Made, Says};
use crate::{Bench, pulsa, reference};

#[tokio::test(start_paused = true)]
async fn a_purchase_goes_through_and_brings_its_receipt() {
    let bench = Bench::new();
    let order = Order::new("A-1", "PLN20", "01105691111").unwrap().with_expected_price(Rupiah::new(20_500));
    bench.journal.submit("klikoo", order).await.unwrap();
    let done = bench.journal.wait(&reference("A-1")).await.unwrap().unwrap();
    assert_eq!((done.state, done.reason), (State::Succeeded, None));
    assert_eq!(bench.journal.receipt(&reference("A-1")).await.unwrap().unwrap().charged, Some(Rupiah::new(20_500)));

    // The reply to a buy has no serial; asking again brings the token, once.
    bench.pass(60).await;
    let receipt = bench.journal.receipt(&reference("A-1")).await.unwrap().unwrap();
    assert_eq!(receipt.stroom_token.unwrap().reveal().len(), 20);
    let causes: Vec<Cause> =
        bench.journal.history(&reference("A-1")).await.unwrap().iter().map(|event| event.cause).collect();
    assert_eq!(causes, [Cause::Submitted, Cause::Sending, Cause::Paid, Cause::ReceiptCompleted]);
    assert_eq!((bench.buys(), bench.sandbox.charges().len()), (1, 1));
    let asked = bench.tape.sent().len();
    bench.pass(8000).await;
    assert_eq!(bench.tape.sent().len(), asked, "nothing is asked about what is known");
}

#[tokio::test(start_paused = true)]
async fn one_reference_is_one_purchase() {
    let bench = Bench::new();
    for _ in 0..3 {
        bench.journal.submit("klikoo", pulsa("A-1", "081200000001")).await.unwrap();
    }
    bench.journal.wait(&reference("A-1")).await.unwrap();
    let again = bench.journal.submit("klikoo", pulsa("A-1", "081200000001")).await.unwrap();
    assert_eq!(again.state, State::Succeeded);
    assert_eq!(bench.buys(), 1);

    let other = Order::new("A-1", "S10", "081200000009").unwrap().with_amount(Rupiah::new(1));
    let error = bench.journal.submit("klikoo", other).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the reference A-1 names another purchase; different: amount, customer, expected_price"
    );
    let error = bench.journal.submit("mmbc_pulsa", pulsa("A-2", "081200000001")).await.unwrap_err();
    assert_eq!(error, SubmitError::UnknownProvider("mmbc_pulsa".to_owned()));
    assert_eq!(bench.journal.wait(&reference("A-2")).await.unwrap().map(|purchase| purchase.state), None);
}

#[tokio::test(start_paused = true)]
async fn what_was_being_sent_at_a_crash_is_asked_about_and_never_paid_again() {
    let mut bench = Bench::new();
    // The provider charges, and the reply is so late that the process dies first.
    let late = Fault::new("klikoo", FaultKind::Delay).on(Operation::Payment).delay(Duration::from_secs(50));
    bench.sandbox.arm(late).unwrap();
    bench.journal.submit("klikoo", pulsa("A-1", "081200000001")).await.unwrap();
    bench.pass(10).await;
    assert_eq!(bench.journal.get(&reference("A-1")).await.unwrap().unwrap().state, State::Sending);
    bench.crash();
    bench.pass(300).await;
    let events = bench.journal.history(&reference("A-1")).await.unwrap();
    let steps: Vec<_> = events.iter().map(|event| (event.cause, event.to.unwrap())).collect();
    assert_eq!(
        steps[..4],
        [
            (Cause::Submitted, State::Created),
            (Cause::Sending, State::Sending),
            (Cause::Recovered, State::Unknown),
            (Cause::Looked, State::Succeeded),
        ]
    );
    assert_eq!((bench.buys(), bench.sandbox.charges().len()), (1, 1));
    assert!(bench.journal.receipt(&reference("A-1")).await.unwrap().unwrap().serial.is_some());
}

#[tokio::test(start_paused = true)]
async fn equal_purchases_wait_for_each_other_where_they_cannot_be_told_apart() {
    let made = Made::new(Lane::default());
    made.says(Says::Pending);
    made.submit("A-1", "0812").await;
    made.submit("A-2", "0812").await;
    made.submit("B-1", "0813").await;
    assert_eq!(made.state("A-1").await.0, State::Pending);
    assert_eq!(
        made.state("A-2").await,
        (State::Prepared, Some("the equal purchase A-1 is open, and the provider cannot tell them apart".to_owned()))
    );
    assert_eq!(*made.fake.paid.lock().unwrap(), ["A-1", "B-1"]);
    made.says(Says::Succeeded);
    made.pass(40).await;
    assert_eq!(*made.fake.paid.lock().unwrap(), ["A-1", "B-1", "A-2"]);
    assert_eq!(made.state("A-2").await.0, State::Succeeded);
    assert_eq!(made.causes("A-2").await, [Cause::Submitted, Cause::HeldBack, Cause::Sending, Cause::Paid]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_back_payments_and_not_looks() {
    let made = Made::new(Lane::default());
    made.says(Says::Pending);
    made.submit("A-1", "0812").await;
    made.journal.pause("fake", "maintenance until noon").await.unwrap();
    made.says(Says::Succeeded);
    made.submit("A-2", "0813").await;
    made.pass(30).await;
    assert_eq!(made.state("A-1").await.0, State::Succeeded);
    let held = "payments to the provider are paused: maintenance until noon".to_owned();
    assert_eq!(made.state("A-2").await, (State::Created, Some(held)));
    made.journal.resume("fake").await.unwrap();
    made.pass(11).await;
    assert_eq!(made.state("A-2").await.0, State::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_in_time_fails_unsent() {
    let made = Made::new(Lane { send_within: Duration::from_secs(60), ..Lane::default() });
    made.journal.pause("fake", "down").await.unwrap();
    made.submit("A-1", "0812").await;
    made.pass(75).await;
    let why = "not sent within 60 s; last: payments to the provider are paused: down".to_owned();
    assert_eq!(made.state("A-1").await, (State::Failed, Some(why)));
    assert!(made.fake.paid.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn trouble_while_preparing_passes_and_a_refusal_does_not() {
    let made = Made::new(Lane::default());
    *made.fake.trouble.lock().unwrap() = 3;
    made.submit("A-1", "0812").await;
    assert_eq!(made.state("A-1").await.0, State::Created);
    // Waits of 1, 2 and 4 s.
    made.pass(8).await;
    assert_eq!(made.state("A-1").await.0, State::Succeeded);
    made.journal.submit("fake", Order::new("A-2", "NONE", "0812").unwrap()).await.unwrap();
    made.pass(1).await;
    assert_eq!(made.state("A-2").await.0, State::Failed);
    assert_eq!(made.causes("A-2").await, [Cause::Submitted, Cause::Prepared]);
}

#[tokio::test(start_paused = true)]
async fn a_mismatch_and_the_end_of_looks_are_left_to_a_person() {
    let made = Made::new(Lane::default());
    made.says(Says::Mismatch);
    made.submit("A-1", "0812").await;
    assert_eq!(made.state("A-1").await.0, State::NeedsPerson);
    made.says(Says::Nothing);
    made.submit("A-2", "0813").await;
    assert_eq!(made.state("A-2").await.0, State::Unknown);
    made.pass(700).await;
    let (state, reason) = made.state("A-2").await;
    assert_eq!(state, State::NeedsPerson);
    assert!(reason.unwrap().starts_with("looks have ended; last: "));
    assert_eq!(made.journal.get(&reference("A-2")).await.unwrap().unwrap().due_at, None);
}

#[tokio::test(start_paused = true)]
async fn who_was_away_when_looks_ended_asks_once_more() {
    for (said, state) in [(Says::Succeeded, State::Succeeded), (Says::Pending, State::NeedsPerson)] {
        let mut made = Made::new(Lane::default());
        made.says(Says::Pending);
        made.submit("A-1", "0812").await;
        // The look before the last one.
        made.pass(555).await;
        assert_eq!((made.state("A-1").await.0, *made.fake.asked.lock().unwrap()), (State::Pending, 10));
        made.says(said);
        made.crash_for(Duration::from_secs(3 * 24 * 3600));
        made.pass(100).await;
        assert_eq!((made.state("A-1").await.0, *made.fake.asked.lock().unwrap()), (state, 11), "{said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_pending_ends_it_with_the_providers_code() {
    let made = Made::new(Lane::default());
    made.says(Says::Pending);
    made.submit("A-1", "0812").await;
    made.says(Says::Failed);
    made.pass(12).await;
    assert_eq!(made.state("A-1").await, (State::Failed, Some("sold out (refused, code 12)".to_owned())));
    assert_eq!(made.causes("A-1").await, [Cause::Submitted, Cause::Sending, Cause::Paid, Cause::Looked]);
    assert!(made.journal.receipt(&reference("A-1")).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn one_serial_on_two_purchases_is_told_to_a_person() {
    let made = Made::new(Lane::default());
    *made.fake.serial.lock().unwrap() = Some("SERIAL-4711".to_owned());
    made.submit("A-1", "0812").await;
    made.submit("A-2", "0813").await;
    *made.fake.serial.lock().unwrap() = None;
    made.submit("A-3", "0814").await;
    for (name, reason) in
        [("A-1", None), ("A-2", Some("its serial or token is also that of A-1".to_owned())), ("A-3", None)]
    {
        assert_eq!(made.state(name).await, (State::Succeeded, reason));
        assert!(made.journal.receipt(&reference(name)).await.unwrap().unwrap().serial.is_some(), "{name}");
    }
    let told = made.journal.events(&Cursor::named("desk"), 100).await.unwrap();
    let shared: Vec<_> = told.iter().filter(|event| event.cause == Cause::SerialShared).collect();
    assert_eq!(shared.len(), 1);
    assert_eq!(shared[0].reference, Some(reference("A-2")));
    assert_eq!((shared[0].from, shared[0].to), (Some(State::Succeeded), Some(State::Succeeded)));
    assert_eq!(shared[0].evidence, "its serial or token is also that of A-1");
    assert_eq!(made.causes("A-2").await, [Cause::Submitted, Cause::Sending, Cause::Paid, Cause::SerialShared]);
}

#[tokio::test(start_paused = true)]
async fn the_rate_is_bounded() {
    let made = Made::new(Lane { interval: Duration::from_secs(10), ..Lane::default() });
    for n in 0..4 {
        made.journal.submit("fake", Order::new(&format!("A-{n}"), "P5", &format!("0{n}")).unwrap()).await.unwrap();
    }
    made.pass(1).await;
    assert_eq!(made.fake.paid.lock().unwrap().len(), 1);
    made.pass(10).await;
    assert_eq!(made.fake.paid.lock().unwrap().len(), 2);
    made.pass(25).await;
    assert_eq!(made.fake.paid.lock().unwrap().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_low_deposit_is_told_once_each_way() {
    let made = Made::new(Lane { low_balance: Some(Rupiah::new(50_000)), ..Lane::default() });
    made.pass(5).await;
    for (deposit, seconds) in [(40_000, 1300), (30_000, 700), (60_000, 700)] {
        *made.fake.deposit.lock().unwrap() = deposit;
        made.pass(seconds).await;
    }
    let events = made.journal.events(&Cursor::named("x"), 10).await.unwrap();
    let told: Vec<&str> = events.iter().map(|event| event.evidence.as_str()).collect();
    assert_eq!(told, ["Rp40.000 is below Rp50.000", "Rp60.000 is at or above Rp50.000"]);
    assert!(events.iter().all(|event| event.cause == Cause::Balance && event.reference.is_none()));
}

#[tokio::test(start_paused = true)]
async fn a_cursor_goes_on_where_it_was_confirmed_also_after_a_restart() {
    let mut bench = Bench::new();
    for n in 1..4 {
        bench.journal.submit("klikoo", pulsa(&format!("A-{n}"), "081200000001")).await.unwrap();
        bench.journal.wait(&reference(&format!("A-{n}"))).await.unwrap();
    }
    let cursor = Cursor::named("books");
    let first = bench.journal.events(&cursor, 4).await.unwrap();
    assert_eq!(bench.journal.events(&cursor, 4).await.unwrap(), first, "not confirmed, so it comes again");
    bench.journal.done(&cursor, &first[1]).await.unwrap();
    bench.crash();
    assert_eq!(bench.journal.events(&cursor, 2).await.unwrap(), first[2..]);
    bench.journal.done(&cursor, &first[0]).await.unwrap();
    assert_eq!(bench.journal.events(&cursor, 2).await.unwrap(), first[2..], "never backwards");
    assert_eq!(bench.journal.events(&Cursor::named("other"), 1).await.unwrap(), first[..1]);
}

#[tokio::test(start_paused = true)]
async fn stopping_finishes_what_is_in_hand() {
    let bench = Bench::new();
    let late = Fault::new("klikoo", FaultKind::Delay).on(Operation::Payment).delay(Duration::from_secs(20));
    bench.sandbox.arm(late).unwrap();
    bench.journal.submit("klikoo", pulsa("A-1", "081200000001")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    bench.journal.stop();
    bench.journal.submit("klikoo", pulsa("A-2", "081200000001")).await.unwrap();
    bench.worker.await.unwrap();
    let state = async |name| bench.journal.get(&reference(name)).await.unwrap().unwrap().state;
    assert_eq!((state("A-1").await, state("A-2").await), (State::Succeeded, State::Created));
}

#[tokio::test(start_paused = true)]
async fn the_log_shows_what_happens_and_no_secret() {
    let shown = Shown::default();
    let guard = shown.tracing();
    let bench = Bench::new();
    let order = Order::new("A-1", "PLN20", "01105691111").unwrap().with_expected_price(Rupiah::new(20_500));
    bench.journal.submit("klikoo", order).await.unwrap();
    bench.pass(60).await;
    let receipt = bench.journal.receipt(&reference("A-1")).await.unwrap().unwrap();
    shown.debug(&bench.journal.get(&reference("A-1")).await.unwrap());
    shown.debug(&bench.journal.history(&reference("A-1")).await.unwrap());
    shown.debug(&receipt);
    drop(guard);
    assert!(shown.text().contains("to=succeeded cause=paid"));
    assert!(shown.text().contains("purchase{provider=\"klikoo\" reference=A-1}"), "every step has its span");
    let (serial, token) = (receipt.serial.unwrap(), receipt.stroom_token.unwrap());
    shown.assert_without(&[
        ("serial", serial.expose()),
        ("token", &token.reveal()),
        ("grouped token", &token.reveal_grouped()),
        ("meter", "01105691111"),
    ]);
}
