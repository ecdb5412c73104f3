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

    let mut succeeded = attempt(Stage::Succeeded);
    let refund = Outcome::Failed(Refusal::new(ErrorKind::Refused, "refunded"));
    succeeded.end_look(Ok(refund), DAY, &records, &clock).await;
    assert_eq!(reasons(&succeeded), ["succeeded, but the provider now says: refunded"]);
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
    assert_eq!((receipt.provider_id.as_deref(), receipt.charged), (Some("known-id"), Some(Rupiah::new(20_500))));
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
            match begun {
            Err(Outcome::Unknown(error)) if stage != Stage::Failed => {
                assert_eq!((error.kind(), error.execution()), (ErrorKind::AlreadySent, Execution::Unknown), "{stage:?}");
            }
            Err(Outcome::Failed(refusal)) if stage == Stage::Failed => assert_eq!(refusal.to_string(), "known refusal"),
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
fn a_phone_number_is_the_same_customer_in_whatever_writing() {
    let of = |reference: &str, customer: &str| {
        let order = Order::new(reference, "TEL5", customer).unwrap();
        Attempt::new("mmbc-pulsa", order, "key", NOW, &json!({})).unwrap()
    };
    for (one, two, same) in [
        ("081234567891", "+62 812-3456-7891", true),
        ("6281234567891", "81234567891", true),
        ("081234567891", "081234567892", false),
        ("01105691111", "01105691111", true),
        ("01105691111", "1105691111", false),
    ] {
        assert_eq!(of("A-1", one).is_for_same_customer(&of("A-2", two)), same, "{one} {two}");
    }
    assert!(!of("A-1", "081234567891").is_for_same_customer(&of("A-1", "081234567891")));
}
