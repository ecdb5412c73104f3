use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use biller_core::{
    Attempt, Biller, BoxFuture, ErrorKind, Execution, MemoryRecords, Outcome, RecordError, Records, Stage,
};
use biller_sandbox::{ChargeState, Fault, FaultKind, Operation};

use crate::{Bench, called_for, pulsa};

/// Every fault at the top-up, once, twice and for good, for top-ups that succeed, settle, fail and are refused, by day and around WIB
/// midnight: the outcome equals the ledger or a person was called, and one charge stands at most.
#[tokio::test(start_paused = true)]
async fn every_fault_at_the_top_up_ends_where_the_ledger_is() {
    for kind in FaultKind::ALL {
        for (digit, times, start) in cases() {
            let case = format!("{} x{times}, digit {digit}, {start}", kind.name());
            let bench = Bench::new().at(start);
            let fault = Fault::new("mmbc", kind).times(times).delay(Duration::from_secs(90));
            let operation = if kind == FaultKind::StatusNotFound { Operation::Status } else { Operation::Payment };
            if bench.sandbox.arm(fault.on(operation)).is_err() {
                continue;
            }
            let mut attempt = bench.prepare(pulsa("F-1", &format!("08123456789{digit}"))).await;
            let mut outcome = bench.pay(&mut attempt).await;
            for seconds in [10, 50, 60, 180, 300, 600, 900, 1800, 3600, 23 * 3600, 3600] {
                outcome = bench.resolve_after(seconds, &mut attempt).await;
            }
            let charges = bench.ledger();
            let standing: Vec<_> = charges.iter().filter(|state| **state != ChargeState::Failed).collect();
            assert!(standing.len() <= 1, "{case}: {charges:?}");
            match outcome {
                Outcome::Succeeded(_) => assert_eq!(standing, [&ChargeState::Succeeded], "{case}"),
                Outcome::Failed(refusal) => assert!(standing.is_empty(), "{case}: {refusal}"),
                Outcome::Pending | Outcome::Unknown(_) => assert!(!attempt.attention().is_empty(), "{case}"),
            }
        }
    }
}

/// Last digit of the customer, how often the fault acts (0: always), and when the top-up is sent.
fn cases() -> impl Iterator<Item = (u32, u32, &'static str)> {
    let starts = ["10:00:00", "23:40:00", "23:48:30", "23:55:00", "23:59:59"].into_iter().map(|time| match time {
        "10:00:00" => "2026-03-10 10:00:00",
        "23:40:00" => "2026-03-10 23:40:00",
        "23:48:30" => "2026-03-10 23:48:30",
        "23:55:00" => "2026-03-10 23:55:00",
        _ => "2026-03-10 23:59:59",
    });
    starts.flat_map(|start| {
        [1, 2, 3, 4].into_iter().flat_map(move |digit| [1, 2, 0].map(move |times| (digit, times, start)))
    })
}

/// By day, one fault at the top-up always ends at the ledger without a person.
#[tokio::test(start_paused = true)]
async fn one_fault_by_day_needs_no_person() {
    for kind in FaultKind::ALL {
        for (digit, expected) in [(1, "succeeded"), (2, "succeeded"), (4, "failed")] {
            let bench = Bench::new();
            let fault = Fault::new("mmbc", kind).on(Operation::Payment).delay(Duration::from_secs(90));
            if bench.sandbox.arm(fault).is_err() {
                continue;
            }
            let mut attempt = bench.prepare(pulsa("F-1", &format!("08123456789{digit}"))).await;
            let mut outcome = bench.pay(&mut attempt).await;
            bench.sandbox.settle();
            for _ in 0..3 {
                outcome = bench.resolve_after(120, &mut attempt).await;
            }
            // Refused for the first time only after an answer got lost: that proves nothing of the first sending.
            let before = matches!(kind, FaultKind::LoseRequest | FaultKind::ErrorBefore | FaultKind::Throttle);
            let expected = if digit == 4 && before { "unknown" } else { expected };
            assert_eq!(outcome.word(), expected, "{} digit {digit}", kind.name());
            assert_eq!(bench.ledger(), vec![ChargeState::Succeeded; usize::from(digit < 4)], "{}", kind.name());
            assert!(attempt.attention().is_empty(), "{} {:?}", kind.name(), attempt.attention());
        }
    }
}

/// Every code as answer to a first sending, executed or not.
#[tokio::test]
async fn every_code_ends_where_the_ledger_is() {
    for code in ["00", "11", "12", "21", "31", "61", "62", "71", "81", "82", "91", "77", "99"] {
        for last in ["0", "9"] {
            let bench = Bench::new();
            let mut attempt = bench.prepare(pulsa("F-1", &format!("08119990{code}{last}"))).await;
            let paid = bench.pay(&mut attempt).await;
            let mut outcome = paid.clone();
            for _ in 0..3 {
                outcome = bench.resolve_after(300, &mut attempt).await;
            }
            let refused = matches!(code, "11" | "12" | "31" | "61" | "62" | "71");
            let (expected_paid, expected) = match (refused, last, code) {
                (true, "0", _) => ("failed", "failed"),
                (true, ..) => ("succeeded", "succeeded"),
                (false, _, "21" | "81" | "82") | (false, "0", _) => ("unknown", "unknown"),
                (false, ..) => ("unknown", "succeeded"),
            };
            assert_eq!((paid.word(), outcome.word()), (expected_paid, expected), "{code}{last}");
            let executed = last == "9";
            assert_eq!(bench.ledger(), vec![ChargeState::Succeeded; usize::from(executed)], "{code}{last}");
        }
    }
}

/// Faults at the price list and the status call never cost anything and never decide.
#[tokio::test(start_paused = true)]
async fn faults_elsewhere_never_cost_anything() {
    for operation in [Operation::PriceList, Operation::Status] {
        for kind in FaultKind::ALL {
            let bench = Bench::new();
            if bench.sandbox.arm(Fault::new("mmbc", kind).on(operation).delay(Duration::from_secs(90))).is_err() {
                continue;
            }
            let order = || pulsa("E-1", "081234567892");
            let mut attempt = match bench.mmbc.prepare(order()).await {
                Ok(attempt) => attempt,
                Err(_) => bench.prepare(order()).await,
            };
            assert_eq!(bench.pay(&mut attempt).await.word(), "pending");
            bench.sandbox.settle();
            bench.resolve_after(10, &mut attempt).await;
            assert_eq!(
                bench.resolve_after(20, &mut attempt).await.word(),
                "succeeded",
                "{} {}",
                kind.name(),
                operation.name()
            );
            assert_eq!((bench.ledger().len(), bench.top_ups()), (1, 1));
        }
    }
}

#[tokio::test]
async fn with_the_guarded_resend_off_a_person_decides() {
    let bench = Bench::with(|config| config.with_guarded_resend(false));
    bench.sandbox.arm(Fault::new("mmbc", FaultKind::LoseReply).on(Operation::Payment)).unwrap();
    let mut attempt = bench.prepare(pulsa("F-1", "081234567891")).await;
    assert_eq!(bench.pay(&mut attempt).await.word(), "unknown");
    assert!(called_for(&attempt, "guarded_resend is off"));
    assert_eq!(bench.resolve_after(600, &mut attempt).await.word(), "unknown");
    assert_eq!(bench.top_ups(), 1);
}

/// What stays open for a day calls a person and stays as it is.
#[tokio::test]
async fn after_a_day_a_person_decides() {
    let bench = Bench::new();
    let mut attempt = bench.prepare(pulsa("F-1", "081234567892")).await;
    bench.pay(&mut attempt).await;
    bench.sandbox.arm(Fault::new("mmbc", FaultKind::StatusNotFound).times(0)).unwrap();
    assert_eq!(bench.resolve_after(24 * 3600 - 1, &mut attempt).await.word(), "pending");
    assert!(attempt.attention().is_empty());
    assert_eq!(bench.resolve_after(1, &mut attempt).await.word(), "pending");
    assert!(called_for(&attempt, "no final answer within 24 h"));
    assert_eq!((attempt.stage(), bench.top_ups()), (Stage::Pending, 1));
}

#[tokio::test]
async fn an_attempt_of_yesterday_is_not_begun() {
    let bench = Bench::new().at("2026-03-10 23:00:00");
    let mut attempt = bench.prepare(pulsa("F-1", "081234567891")).await;
    let bench = bench.at("2026-03-11 00:00:00");
    let Outcome::Failed(refusal) = bench.pay(&mut attempt).await else { panic!() };
    assert_eq!(refusal.kind(), ErrorKind::InvalidInput);
    assert_eq!(bench.top_ups(), 0);
}

#[tokio::test]
async fn an_attempt_is_paid_once_and_not_resolved_before() {
    let bench = Bench::new();
    let mut attempt = bench.prepare(pulsa("F-1", "081234567891")).await;
    assert_eq!(bench.resolve_after(600, &mut attempt).await.word(), "unknown");
    assert_eq!((attempt.stage(), bench.top_ups()), (Stage::Prepared, 0));
    assert_eq!(bench.pay(&mut attempt).await.word(), "succeeded");
    let Outcome::Unknown(error) = bench.pay(&mut attempt).await else { panic!() };
    assert_eq!(error.kind(), ErrorKind::AlreadySent);
    assert_eq!(bench.top_ups(), 1);
}

/// Refuses to store from some call on, and keeps what it did store.
struct Filling {
    left: AtomicUsize,
    kept: MemoryRecords,
    others_fail: bool,
}

impl Records for Filling {
    fn save<'a>(&'a self, attempt: &'a Attempt) -> BoxFuture<'a, Result<(), RecordError>> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match left {
            Ok(_) => self.kept.save(attempt),
            Err(_) => Box::pin(async { Err("no space left".into()) }),
        }
    }

    fn load<'a>(
        &'a self,
        _provider: &'a str,
        _reference: &'a biller_core::Reference,
    ) -> BoxFuture<'a, Result<Option<Attempt>, RecordError>> {
        Box::pin(async { Ok(None) })
    }
    fn others<'a>(&'a self, attempt: &'a Attempt) -> BoxFuture<'a, Result<Vec<Attempt>, RecordError>> {
        if self.others_fail { Box::pin(async { Err("no connection".into()) }) } else { self.kept.others(attempt) }
    }
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_sent() {
    let filling =
        |left, others_fail| Filling { left: AtomicUsize::new(left), kept: MemoryRecords::default(), others_fail };
    for (left, others_fail) in [(0, false), (9, true)] {
        let bench = Bench::new();
        let mut attempt = bench.prepare(pulsa("F-1", "081234567891")).await;
        let Outcome::Failed(refusal) = bench.mmbc.pay(&mut attempt, &filling(left, others_fail)).await else {
            panic!()
        };
        assert_eq!(refusal.kind(), ErrorKind::NotRecorded);
        assert_eq!((attempt.stage(), bench.top_ups()), (Stage::Prepared, 0));
        assert_eq!(bench.pay(&mut attempt).await.word(), "succeeded");
    }

    // The first sending is stored, its end too, the second sending is not.
    let bench = Bench::new();
    bench.sandbox.arm(Fault::new("mmbc", FaultKind::LoseReply).on(Operation::Payment)).unwrap();
    let records = filling(2, false);
    let mut attempt = bench.prepare(pulsa("F-1", "081234567891")).await;
    bench.mmbc.pay(&mut attempt, &records).await;
    bench.clock.advance(Duration::from_secs(120));
    let Outcome::Unknown(error) = bench.mmbc.resolve(&mut attempt, &records).await else { panic!() };
    assert_eq!((error.kind(), error.execution()), (ErrorKind::NotRecorded, Execution::Unknown));
    assert_eq!(bench.top_ups(), 1);
}

/// The number of sendings is stored before each of them.
#[tokio::test]
async fn sendings_are_counted_before_they_happen() {
    struct Counting<'a>(&'a Bench, std::sync::Mutex<Vec<(u64, usize)>>);
    impl Records for Counting<'_> {
        fn save<'a>(&'a self, attempt: &'a Attempt) -> BoxFuture<'a, Result<(), RecordError>> {
            let facts: serde_json::Value = attempt.facts().unwrap();
            self.1.lock().unwrap().push((facts["sends"].as_u64().unwrap(), self.0.top_ups()));
            Box::pin(async { Ok(()) })
        }

        fn load<'a>(
            &'a self,
            _: &'a str,
            _: &'a biller_core::Reference,
        ) -> BoxFuture<'a, Result<Option<Attempt>, RecordError>> {
            Box::pin(async { Ok(None) })
        }

        fn others<'a>(&'a self, _: &'a Attempt) -> BoxFuture<'a, Result<Vec<Attempt>, RecordError>> {
            Box::pin(async { Ok(Vec::new()) })
        }
    }
    let bench = Bench::new();
    bench.sandbox.arm(Fault::new("mmbc", FaultKind::LoseRequest).on(Operation::Payment).times(2)).unwrap();
    let records = Counting(&bench, std::sync::Mutex::default());
    let mut attempt = bench.prepare(pulsa("F-1", "081234567891")).await;
    bench.mmbc.pay(&mut attempt, &records).await;
    for _ in 0..2 {
        bench.clock.advance(Duration::from_secs(120));
        bench.mmbc.resolve(&mut attempt, &records).await;
    }
    let saved = records.1.lock().unwrap().clone();
    assert_eq!(saved, [(1, 0), (1, 1), (2, 1), (2, 2), (3, 2), (3, 3)]);
}

/// A second attempt of an order is not sent, and leaves the record of the first alone.
#[tokio::test]
async fn a_second_attempt_of_the_same_order() {
    let bench = Bench::new().at("2026-03-10 12:00:00");
    let (mut first, mut second) =
        (bench.prepare(pulsa("F-1", "081234567891")).await, bench.prepare(pulsa("F-1", "081234567891")).await);
    bench.sandbox.arm(Fault::new("mmbc", FaultKind::LoseReply).on(Operation::Payment)).unwrap();
    assert_eq!(bench.pay(&mut first).await.word(), "unknown");
    for time in ["2026-03-10 12:10:00", "2026-03-11 12:00:00"] {
        bench.clock.set(biller_core::Timestamp::parse_wib(time).unwrap());
        let Outcome::Unknown(error) = bench.pay(&mut second).await else { panic!("{time}") };
        assert_eq!(error.kind(), ErrorKind::AlreadySent);
        assert_eq!(bench.records.get("mmbc-pulsa", "F-1").unwrap().stage(), Stage::Unknown);
    }
    assert_eq!(bench.top_ups(), 1);

    let bench = Bench::new();
    let mut first = bench.prepare(pulsa("F-2", "081234567894")).await;
    assert_eq!(bench.pay(&mut first).await.word(), "failed");
    let mut second = bench.prepare(pulsa("F-2", "081234567894")).await;
    assert_eq!(bench.pay(&mut second).await.word(), "failed");
    assert_eq!(bench.top_ups(), 1);
}

/// Another attempt with the same key, whatever became of it, leaves the first one to a person.
#[tokio::test]
async fn beside_a_twin_nothing_is_sent_again() {
    let bench = Bench::new();
    let mut refused = bench.prepare(pulsa("F-0", "081234567894")).await;
    assert_eq!(bench.pay(&mut refused).await.word(), "failed");
    bench.sandbox.arm(Fault::new("mmbc", FaultKind::LoseRequest).on(Operation::Payment)).unwrap();
    let mut attempt = bench.prepare(pulsa("F-1", "081234567894")).await;
    assert_eq!(bench.pay(&mut attempt).await.word(), "unknown");
    assert_eq!(bench.resolve_after(120, &mut attempt).await.word(), "unknown");
    assert!(called_for(&attempt, "F-0 is the same top-up of the same day"), "{:?}", attempt.attention());
    assert_eq!(bench.top_ups(), 2);
}
