#![allow(clippy::unwrap_used)]

use std::sync::Mutex;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::{BoxFuture, ManualClock, MemoryRecords, Msisdn, RecordError, Secret, StroomToken};

/// 2026-01-02T10:00:00+07:00.
const NOW: Timestamp = Timestamp::from_unix_millis(1_767_322_800_000);
const DAY: Duration = Duration::from_secs(24 * 3600);
const STAGES: [Stage; 6] =
    [Stage::Prepared, Stage::Sent, Stage::Pending, Stage::Unknown, Stage::Succeeded, Stage::Failed];

fn attempt(stage: Stage) -> Attempt {
    let order = Order::new("A-1", "PLN20", "01105691111").unwrap();
    let mut attempt = Attempt::new("klikoo", order, "01105691111/PLN20", NOW, &json!({"day": "2026-01-02"})).unwrap();
    attempt.stage = stage;
    match stage {
        Stage::Prepared => {}
        Stage::Succeeded => attempt.set_provider_id("known-id"),
        Stage::Failed => attempt.refusal = Some(Refusal::new(ErrorKind::Refused, "known refusal")),
        _ => attempt.sent_at = Some(NOW),
    }
    attempt
}

fn receipt(provider_id: &str) -> Receipt {
    let mut receipt = Receipt::new("klikoo", "A-1", "PLN20", "01105691111", Evidence::Status);
    receipt.provider_id = Some(provider_id.to_owned());
    receipt
}

fn error(kind: ErrorKind) -> Error {
    Error::new(kind, Execution::Unknown)
}

/// An outcome in one line: what it is, and what it tells.
fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Succeeded(receipt) => format!("succeeded {}", receipt.provider_id.as_deref().unwrap_or("-")),
        Outcome::Pending => "pending".to_owned(),
        Outcome::Failed(refusal) => format!("failed {refusal}"),
        Outcome::Unknown(error) => format!("unknown {:?}", error.kind()),
    }
}

fn reasons(attempt: &Attempt) -> Vec<&str> {
    attempt.attention().iter().map(|attention| attention.reason.as_str()).collect()
}

/// Keeps every state that it was given.
#[derive(Default)]
struct Diary(Mutex<Vec<Attempt>>);

impl Diary {
    fn stages(&self) -> Vec<Stage> {
        self.0.lock().unwrap().iter().map(Attempt::stage).collect()
    }
}

impl Records for Diary {
    fn save<'a>(&'a self, attempt: &'a Attempt) -> BoxFuture<'a, Result<(), RecordError>> {
        self.0.lock().unwrap().push(attempt.clone());
        Box::pin(async { Ok(()) })
    }

    fn load<'a>(
        &'a self,
        _provider: &'a str,
        _reference: &'a crate::Reference,
    ) -> BoxFuture<'a, Result<Option<Attempt>, RecordError>> {
        Box::pin(async { Ok(None) })
    }

    fn others<'a>(&'a self, _attempt: &'a Attempt) -> BoxFuture<'a, Result<Vec<Attempt>, RecordError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

struct FullDisk;

impl Records for FullDisk {
    fn save<'a>(&'a self, _attempt: &'a Attempt) -> BoxFuture<'a, Result<(), RecordError>> {
        Box::pin(async { Err("disk full".into()) })
    }

    fn load<'a>(
        &'a self,
        _provider: &'a str,
        _reference: &'a crate::Reference,
    ) -> BoxFuture<'a, Result<Option<Attempt>, RecordError>> {
        Box::pin(async { Ok(None) })
    }

    fn others<'a>(&'a self, _attempt: &'a Attempt) -> BoxFuture<'a, Result<Vec<Attempt>, RecordError>> {
        Box::pin(async { Err("disk full".into()) })
    }
}

// Merging what is learnt into what is known.

#[tokio::test]
async fn what_is_learnt_changes_what_is_known_as_the_table_says() {
    use Stage::{Failed, Pending, Prepared, Sent, Succeeded, Unknown};

    let learn = |n: usize| match n {
        0 => Outcome::Succeeded(receipt("new-id")),
        1 => Outcome::Pending,
        2 => Outcome::Failed(Refusal::new(ErrorKind::Refused, "new refusal")),
        _ => Outcome::Unknown(error(ErrorKind::Timeout)),
    };
    // Stage before; then, for each of succeeded, pending, failed and unknown: stage after, what is told, whether a person is called.
    let open = [
        (Succeeded, "succeeded new-id", false),
        (Pending, "pending", false),
        (Failed, "failed new refusal", false),
        (Unknown, "unknown Timeout", false),
    ];
    let mut pending = open;
    pending[3] = (Pending, "pending", false);
    let succeeded = [
        (Succeeded, "succeeded new-id", false),
        (Succeeded, "succeeded known-id", true),
        (Succeeded, "succeeded known-id", true),
        (Succeeded, "succeeded known-id", false),
    ];
    let failed = [
        (Failed, "failed known refusal", true),
        (Failed, "failed known refusal", true),
        (Failed, "failed known refusal", false),
        (Failed, "failed known refusal", false),
    ];
    for (before, rows) in
        [(Prepared, open), (Sent, open), (Pending, pending), (Unknown, open), (Succeeded, succeeded), (Failed, failed)]
    {
        for (n, (after, tells, calls_person)) in rows.into_iter().enumerate() {
            let (records, clock) = (Diary::default(), ManualClock::new(NOW));
            let mut attempt = attempt(before);
            let outcome = attempt.end_look(Ok(learn(n)), DAY, &records, &clock).await;
            let case = format!("{before:?}, {}", learn(n).word());
            assert_eq!((attempt.stage(), told(&outcome).as_str()), (after, tells), "{case}");
            assert_eq!(!attempt.attention().is_empty(), calls_person, "{case}: {:?}", attempt.attention());
            assert_eq!(records.stages(), [after], "{case}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_only_a_person_can_judge_calls_one_in_every_stage() {
    for stage in STAGES {
        for (kind, phrase) in [
            (ErrorKind::Mismatch, "answer about something else, reference A-1 (may have been executed)"),
            (ErrorKind::Ambiguous, "several possible transactions, reference A-1 (may have been executed)"),
            (ErrorKind::NeedsPerson, "a person has to act, reference A-1 (may have been executed)"),
            (ErrorKind::Contradiction, "contradictory answers, reference A-1 (may have been executed)"),
        ] {
            let mut attempt = attempt(stage);
            for _ in 0..2 {
                attempt.end_look(Err(error(kind)), DAY, &MemoryRecords::default(), &ManualClock::new(NOW)).await;
            }
            assert_eq!(reasons(&attempt), [phrase], "{stage:?}");
        }
    }
}

#[tokio::test]
async fn contradictions_are_kept_in_words_beside_the_final_stage() {
    let (records, clock) = (MemoryRecords::default(), ManualClock::new(NOW));
    let mut failed = attempt(Stage::Failed);
    failed.end_look(Ok(Outcome::Succeeded(receipt("T-9"))), DAY, &records, &clock).await;
    assert_eq!(reasons(&failed), ["failed, but the provider now says that T-9 succeeded"]);
    assert_eq!((failed.stage(), failed.contradicted_by()), (Stage::Failed, Some(Stage::Succeeded)));

    let mut succeeded = attempt(Stage::Succeeded);
    let refund = Outcome::Failed(Refusal::new(ErrorKind::Refused, "refunded"));
    succeeded.end_look(Ok(refund), DAY, &records, &clock).await;
    assert_eq!(reasons(&succeeded), ["succeeded, but the provider now says: refunded"]);
    assert_eq!((succeeded.stage(), succeeded.contradicted_by()), (Stage::Succeeded, Some(Stage::Failed)));
    assert_eq!(succeeded.refusal(), None);
    assert_eq!(succeeded.attention()[0].at, NOW);
}

#[tokio::test]
async fn a_success_that_was_known_before_is_told_without_details() {
    let mut attempt = attempt(Stage::Succeeded);
    attempt.set_price(Some(Rupiah::new(20_500)));
    let outcome =
        attempt.end_look(Err(error(ErrorKind::Timeout)), DAY, &MemoryRecords::default(), &ManualClock::new(NOW)).await;
    let Outcome::Succeeded(receipt) = outcome else { panic!("{outcome:?}") };
    assert_eq!(receipt.evidence, Evidence::Recorded);
    assert_eq!(
        (receipt.provider.as_str(), receipt.reference.as_str(), receipt.product.as_str(), receipt.customer.as_str()),
        ("klikoo", "A-1", "PLN20", "01105691111")
    );
    assert_eq!((receipt.provider_id.as_deref(), receipt.charged), (Some("known-id"), None));
    assert!(receipt.serial.is_none() && receipt.stroom_token.is_none() && receipt.raw.is_none());
}

#[tokio::test]
async fn a_receipt_without_id_does_not_erase_the_known_one() {
    let mut attempt = attempt(Stage::Pending);
    attempt.set_provider_id("known-id");
    let mut bare = receipt("");
    bare.provider_id = None;
    attempt.end_look(Ok(Outcome::Succeeded(bare)), DAY, &MemoryRecords::default(), &ManualClock::new(NOW)).await;
    assert_eq!(attempt.provider_id(), Some("known-id"));
}

// Paying.

#[tokio::test]
async fn only_a_prepared_attempt_is_paid_and_it_is_written_down_as_sent_before() {
    for stage in STAGES {
        let (records, clock) = (Diary::default(), ManualClock::new(NOW.after(DAY)));
        let mut attempt = attempt(stage);
        let before = serde_json::to_value(&attempt).unwrap();
        let begun = attempt.begin_payment(&records, &clock).await;
        if stage == Stage::Prepared {
            begun.unwrap();
            assert_eq!((attempt.stage(), attempt.sent_at()), (Stage::Sent, Some(NOW.after(DAY))));
            let saved = records.0.lock().unwrap();
            assert_eq!(saved.len(), 1);
            assert_eq!(serde_json::to_value(&saved[0]).unwrap(), serde_json::to_value(&attempt).unwrap());
        } else {
            let Err(Outcome::Unknown(error)) = begun else { panic!("{stage:?}: {begun:?}") };
            assert_eq!((error.kind(), error.execution()), (ErrorKind::AlreadySent, Execution::Unknown), "{stage:?}");
            assert_eq!(error.reference(), Some("A-1"));
            assert_eq!(records.stages(), [], "{stage:?}");
            assert_eq!(serde_json::to_value(&attempt).unwrap(), before, "{stage:?}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_paid_and_stays_prepared() {
    let clock = ManualClock::new(NOW);
    let mut attempt = attempt(Stage::Prepared);
    let begun = attempt.begin_payment(&FullDisk, &clock).await;
    let Err(Outcome::Failed(refusal)) = begun else { panic!("{begun:?}") };
    assert_eq!(refusal.kind(), ErrorKind::NotRecorded);
    assert_eq!(refusal.to_string(), "could not be written down: disk full, reference A-1 (not executed)");
    assert_eq!((attempt.stage(), attempt.sent_at()), (Stage::Prepared, None));

    attempt.begin_payment(&MemoryRecords::default(), &clock).await.unwrap();
    assert_eq!(attempt.stage(), Stage::Sent);
}

#[tokio::test]
async fn a_payment_that_ends_is_timed_and_written_down() {
    let (records, clock) = (Diary::default(), ManualClock::new(NOW));
    let mut attempt = attempt(Stage::Prepared);
    attempt.begin_payment(&records, &clock).await.unwrap();
    clock.advance(Duration::from_secs(9));
    let outcome = attempt.end_payment(Outcome::Unknown(error(ErrorKind::Timeout)), &records, &clock).await;
    assert_eq!(told(&outcome), "unknown Timeout");
    assert_eq!(attempt.started_at(), NOW);
    assert_eq!(attempt.ended_at(), Some(NOW.after(Duration::from_secs(9))));
    assert_eq!((attempt.looks(), attempt.last_look()), (0, None));
    assert_eq!(records.stages(), [Stage::Sent, Stage::Unknown]);
}

#[tokio::test]
async fn a_failing_save_afterwards_hides_no_outcome() {
    let mut attempt = attempt(Stage::Sent);
    let outcome = attempt.end_payment(Outcome::Succeeded(receipt("T-9")), &FullDisk, &ManualClock::new(NOW)).await;
    assert_eq!(told(&outcome), "succeeded T-9");
    assert_eq!(attempt.stage(), Stage::Succeeded);
}

#[tokio::test]
async fn an_error_that_proves_nothing_ran_fails_the_purchase_and_any_other_leaves_it_open() {
    for (execution, stage) in [
        (Execution::NotExecuted, Stage::Failed),
        (Execution::Executed, Stage::Unknown),
        (Execution::Unknown, Stage::Unknown),
    ] {
        let mut attempt = attempt(Stage::Sent);
        let learnt = Outcome::from(Error::new(ErrorKind::Unavailable, execution).with_code("91"));
        attempt.end_payment(learnt, &MemoryRecords::default(), &ManualClock::new(NOW)).await;
        assert_eq!(attempt.stage(), stage, "{execution:?}");
        assert_eq!(attempt.refusal().and_then(Refusal::code), (stage == Stage::Failed).then_some("91"));
    }
}

// Looking.

#[tokio::test]
async fn looks_are_counted_and_a_day_without_an_answer_calls_a_person_once() {
    let (records, clock) = (Diary::default(), ManualClock::new(NOW));
    let mut attempt = attempt(Stage::Pending);
    for (after, looks, called) in
        [(Duration::from_secs(10), 1, 0), (DAY - Duration::from_millis(1), 2, 0), (DAY, 3, 1), (DAY * 2, 4, 1)]
    {
        clock.set(NOW.after(after));
        attempt.end_look(Err(error(ErrorKind::NotFound)), DAY, &records, &clock).await;
        assert_eq!((attempt.looks(), attempt.last_look()), (looks, Some(NOW.after(after))));
        assert_eq!(attempt.attention().len(), called, "after {after:?}");
    }
    assert_eq!(reasons(&attempt), ["no final answer within 24 h"]);
    assert_eq!(attempt.attention()[0].at, NOW.after(DAY));
    assert_eq!(attempt.stage(), Stage::Pending);
    assert_eq!(records.0.lock().unwrap().last().unwrap().looks(), 4);
}

#[tokio::test]
async fn an_error_while_asking_proves_nothing_about_the_purchase() {
    for (before, after) in [
        (Stage::Sent, Stage::Unknown),
        (Stage::Pending, Stage::Pending),
        (Stage::Unknown, Stage::Unknown),
        (Stage::Succeeded, Stage::Succeeded),
        (Stage::Failed, Stage::Failed),
    ] {
        let mut attempt = attempt(before);
        let unsent = Error::new(ErrorKind::NotSent, Execution::NotExecuted);
        let outcome = attempt.end_look(Err(unsent), DAY, &MemoryRecords::default(), &ManualClock::new(NOW)).await;
        assert_eq!(attempt.stage(), after);
        if let Outcome::Unknown(error) = outcome {
            assert_eq!((error.kind(), error.execution()), (ErrorKind::NotSent, Execution::Unknown));
        }
    }
}

#[tokio::test]
async fn a_late_final_answer_needs_nobody() {
    let clock = ManualClock::new(NOW.after(DAY * 3));
    let mut attempt = attempt(Stage::Unknown);
    attempt.end_look(Ok(Outcome::Succeeded(receipt("T-9"))), DAY, &MemoryRecords::default(), &clock).await;
    assert_eq!(attempt.attention(), []);
}

// Stored and shown.

/// As much as an attempt can hold.
fn full() -> Attempt {
    let order = Order::new("A-1", "PLN20", "01105691111")
        .unwrap()
        .with_amount(Rupiah::new(20_000))
        .with_expected_price(Rupiah::new(20_500))
        .with_phone(Msisdn::parse("081213456789").unwrap())
        .with_months(2)
        .with_repeat(3)
        .with_option("channel", "shop 7");
    let mut attempt = Attempt::new("klikoo", order, "the key", NOW, &json!({"itrx": 3})).unwrap();
    attempt.set_price(Some(Rupiah::new(20_500)));
    attempt.set_inquiry(Inquiry {
        product_name: Some("Token 20".to_owned()),
        customer_name: Some("S***".to_owned()),
        price: Some(Rupiah::new(20_500)),
        admin_fee: Some(Rupiah::new(500)),
        rows: vec![("Tarif".to_owned(), "R1".to_owned())],
    });
    attempt.set_provider_id("T-9");
    attempt.stage = Stage::Failed;
    attempt.sent_at = Some(NOW.after(Duration::from_millis(1500)));
    attempt.ended_at = Some(NOW.after(Duration::from_secs(3)));
    attempt.looks = 7;
    attempt.last_look = Some(NOW.after(DAY));
    attempt.refusal = Some(
        Refusal::new(ErrorKind::Refused, "refused")
            .with_code("14")
            .with_provider_message(Some("saldo 12.000".to_owned())),
    );
    attempt.call_person(NOW.after(DAY), "look here");
    attempt
}

#[test]
fn the_stored_form_keeps_everything() {
    let stored = serde_json::to_value(full()).unwrap();
    assert_eq!(
        stored,
        json!({
            "provider": "klikoo",
            "order": {
                "reference": "A-1",
                "product": "PLN20",
                "customer": "01105691111",
                "amount": 20000,
                "expected_price": 20500,
                "phone": "6281213456789",
                "months": 2,
                "repeat": 3,
                "options": {"channel": "shop 7"},
            },
            "key": "the key",
            "stage": "Failed",
            "price": 20500,
            "inquiry": {
                "product_name": "Token 20",
                "customer_name": "S***",
                "price": 20500,
                "admin_fee": 500,
                "rows": [["Tarif", "R1"]],
            },
            "provider_id": "T-9",
            "prepared_at": "2026-01-02T10:00:00.000+07:00",
            "sent_at": "2026-01-02T10:00:01.500+07:00",
            "ended_at": "2026-01-02T10:00:03.000+07:00",
            "looks": 7,
            "last_look": "2026-01-03T10:00:00.000+07:00",
            "refusal": {"kind": "Refused", "code": "14", "detail": "refused"},
            "attention": [{"at": "2026-01-03T10:00:00.000+07:00", "reason": "look here"}],
            "facts": {"itrx": 3},
        })
    );
    for text in [stored.to_string(), serde_json::to_string_pretty(&full()).unwrap()] {
        let read: Attempt = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), stored);
        assert_eq!(read.refusal().unwrap().provider_message(), None);
        assert_eq!(read.order().repeat(), 3);
    }
}

#[tokio::test]
async fn the_stored_form_holds_no_secret() {
    let mut receipt = receipt("T-9");
    receipt.customer_name = Some("SITI AMINAH".to_owned());
    receipt.serial = Some(Secret::new("SERIAL-4711"));
    receipt.stroom_token = Some(StroomToken::parse("6156-0790-0556-6477-7418").unwrap());
    receipt.raw = Some(crate::RawJson::from_slice(br#"{"sn": "SERIAL-4711"}"#).unwrap());
    let refusal = Refusal::new(ErrorKind::Refused, "refused").with_provider_message(Some("saldo 12.000".to_owned()));
    let mismatch = Error::new(ErrorKind::Mismatch, Execution::Unknown)
        .with_provider_message(Some("saldo 12.000"))
        .with_reply(&http::Response::new("SERIAL-4711".into()), None);
    for learnt in [Outcome::Succeeded(receipt), Outcome::Failed(refusal), Outcome::Unknown(mismatch)] {
        for stage in STAGES {
            let mut attempt = attempt(stage);
            attempt.end_look(Ok(learnt.clone()), DAY, &MemoryRecords::default(), &ManualClock::new(NOW)).await;
            let shown = format!("{attempt:?} {}", serde_json::to_string(&attempt).unwrap());
            for secret in ["SERIAL-4711", "6156", "SITI", "12.000"] {
                assert!(!shown.contains(secret), "{stage:?}, {}: {shown}", learnt.word());
            }
        }
    }
}

#[test]
fn debug_shows_no_customer() {
    let shown = format!("{:?}", full());
    for hidden in ["0110569", "81213456789", "S***", "the key", "shop 7", "12.000"] {
        assert!(!shown.contains(hidden), "{hidden}: {shown}");
    }
    assert!(shown.contains("A-1") && shown.contains("*******1111"), "{shown}");
}

#[test]
fn facts_of_another_crate_are_refused_without_a_verdict() {
    let error = attempt(Stage::Sent).facts::<Vec<u8>>().unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::InvalidInput, Execution::Unknown));
    assert_eq!(attempt(Stage::Sent).facts::<Value>().unwrap(), json!({"day": "2026-01-02"}));
}

/// A second attempt of an order that has been sent is never sent, whatever became of the first.
#[tokio::test]
async fn an_order_is_paid_once_whatever_attempt_stands_for_it() {
    let clock = ManualClock::new(NOW);
    for stage in STAGES {
        let records = MemoryRecords::default();
        records.save(&attempt(stage)).await.unwrap();
        let mut second = attempt(Stage::Prepared);
        let begun = second.begin_payment(&records, &clock).await;
        match begun {
            Ok(()) if stage == Stage::Prepared => continue,
            Err(Outcome::Unknown(error)) if stage != Stage::Failed => {
                assert_eq!(
                    (error.kind(), error.execution()),
                    (ErrorKind::AlreadySent, Execution::Unknown),
                    "{stage:?}"
                );
            }
            Err(Outcome::Failed(refusal)) if stage == Stage::Failed => {
                assert_eq!(refusal.kind(), ErrorKind::AlreadySent)
            }
            other => panic!("{stage:?}: {other:?}"),
        }
        assert_eq!((second.stage(), second.sent_at()), (Stage::Prepared, None), "{stage:?}");
        assert_eq!(records.get("klikoo", "A-1").unwrap().stage(), stage, "the record stays");
    }
}

/// Records that cannot be read leave a prepared attempt unsent, and one that was sent unknown.
#[tokio::test]
async fn unreadable_records_prove_nothing_about_an_attempt_that_was_sent() {
    struct Unreadable;
    impl Records for Unreadable {
        fn save<'a>(&'a self, _attempt: &'a Attempt) -> BoxFuture<'a, Result<(), RecordError>> {
            Box::pin(async { Err("disk full".into()) })
        }
        fn load<'a>(
            &'a self,
            _provider: &'a str,
            _reference: &'a crate::Reference,
        ) -> BoxFuture<'a, Result<Option<Attempt>, RecordError>> {
            Box::pin(async { Err("disk gone".into()) })
        }
        fn others<'a>(&'a self, _attempt: &'a Attempt) -> BoxFuture<'a, Result<Vec<Attempt>, RecordError>> {
            Box::pin(async { Ok(Vec::new()) })
        }
    }
    let clock = ManualClock::new(NOW);
    let outcome = attempt(Stage::Prepared).begin_payment(&Unreadable, &clock).await.unwrap_err();
    assert_eq!(outcome.word(), "failed");
    for stage in [Stage::Sent, Stage::Pending, Stage::Unknown, Stage::Succeeded, Stage::Failed] {
        let outcome = attempt(stage).begin_payment(&Unreadable, &clock).await.unwrap_err();
        assert_eq!(outcome.word(), "unknown", "{stage:?}");
    }
}

#[test]
fn a_phone_or_meter_number_is_the_same_customer_in_whatever_writing() {
    let of = |reference: &str, customer: &str| {
        let order = Order::new(reference, "TEL5", customer).unwrap();
        Attempt::new("mmbc-pulsa", order, "key", NOW, &json!({})).unwrap()
    };
    for (one, two, same) in [
        ("081234567891", "+62 812-3456-7891", true),
        ("6281234567891", "81234567891", true),
        ("081234567891", "081234567892", false),
        ("01105691111", "01105691111", true),
        ("01105691111", "0110 569-1111", true),
        ("01105691111", "1105691111", false),
    ] {
        assert_eq!(of("A-1", one).is_for_same_customer(&of("A-2", two)), same, "{one} {two}");
    }
    assert!(!of("A-1", "081234567891").is_for_same_customer(&of("A-1", "081234567891")));
}
