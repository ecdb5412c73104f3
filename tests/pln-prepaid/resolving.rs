//! How an uncertain purchase is resolved: by advice, within the waits, and never by guessing.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use biller_core::{Attempt, Biller, MemoryRecords, Outcome, RetryPolicy, Stage, Wiring};
use biller_sandbox::{ChargeState, Fault, FaultKind, Operation};
use biller_tests::{Invented, SharedClock, reply, sandbox, shared_clock};
use bytes::Bytes;
use pln_prepaid::{Client, Config, PlnPrepaid};

use crate::{Bench, CUSTOMER, LATER, config, token};

/// Replies of the provider in order; the last one stays. Inquiries are the sandbox's.
struct Script {
    clock: SharedClock,
    pln: PlnPrepaid,
    records: MemoryRecords,
}

impl Script {
    fn new(replies: &[&str]) -> Self {
        Self::with(|config| config, replies)
    }

    fn with(change: impl FnOnce(Config) -> Config, replies: &[&str]) -> Self {
        let clock = shared_clock();
        let sandbox = sandbox(&clock);
        let left: Arc<Mutex<Vec<String>>> =
            Arc::new(Mutex::new(replies.iter().rev().map(|r| (*r).to_owned()).collect()));
        let transport = Invented(move |request: &http::Request<Bytes>| {
            if request.uri().path().ends_with("/inquiry") {
                return None;
            }
            let mut left = left.lock().unwrap();
            let body = if left.len() > 1 { left.pop().unwrap() } else { left[0].clone() };
            Some(Ok(reply(200, body)))
        });
        let wiring = Wiring::over(transport.over(sandbox.transport()));
        let wiring = wiring.with_clock(clock.clone()).with_retry(RetryPolicy::never());
        let pln = PlnPrepaid::new(Client::with_wiring(change(config("http://127.0.0.1/pln")), wiring));
        Self { clock, pln, records: MemoryRecords::default() }
    }

    async fn paid(&self) -> (Attempt, Outcome) {
        let mut attempt = self.pln.prepare(token("S-1", CUSTOMER)).await.unwrap();
        let outcome = self.pln.pay(&mut attempt, &self.records).await;
        (attempt, outcome)
    }

    async fn look(&self, attempt: &mut Attempt) -> &'static str {
        self.pln.resolve(attempt, &self.records).await.word()
    }

    async fn look_after(&self, attempt: &mut Attempt, minutes: u64) -> &'static str {
        self.clock.advance(Duration::from_secs(minutes * 60));
        self.look(attempt).await
    }
}

fn code(code: &str) -> String {
    format!(r#"{{"responseCode":"{code}","responseMessage":"-"}}"#)
}

fn success(token: &str) -> String {
    format!(
        r#"{{"responseCode":"00","partnerReferenceNo":"S-1","result":{{"productReferenceCode":"PLNPREPAIDV2",
        "additionalInfo":{{"serialNumber":"","billDesc":{{"stroomToken":"{token}"}}}}}}}}"#
    )
}

const TOKEN: &str = "6156-0790-0556-6477-7418";

#[tokio::test]
async fn looks_come_when_the_schedule_says() {
    let bench = Bench::new();
    let (mut attempt, outcome) = bench.buy("W-1", LATER).await;
    assert_eq!(outcome.word(), "pending");
    let mut waits = Vec::new();
    for _ in 0..9 {
        let from = attempt.last_look().or(attempt.ended_at()).unwrap();
        let next = bench.pln.schedule().next_look(&attempt).unwrap();
        waits.push(next.since(from).as_secs());
        bench.sandbox.arm(Fault::new("pln", FaultKind::StatusNotFound)).unwrap();
        bench.clock.set(next);
        assert_eq!(bench.resolve(&mut attempt).await.word(), "pending", "not found changes nothing that is known");
    }
    assert_eq!(waits, [5, 15, 30, 60, 120, 300, 600, 600, 600]);
    bench.sandbox.clear_faults();
    assert_eq!(bench.resolve(&mut attempt).await.word(), "succeeded");
    assert_eq!(bench.pln.schedule().next_look(&attempt), None);
}

/// A success without its token: charged, and the token is owed, however long it takes.
#[tokio::test]
async fn a_success_without_token_is_pending_until_the_token_comes() {
    for incomplete in ["", "615607900556647774", "6156-0790-0556-6477-741X"] {
        let script = Script::new(&[
            &success(incomplete),
            &success(incomplete),
            &code("22"),
            &success(incomplete),
            &success(TOKEN),
        ]);
        let (mut attempt, outcome) = script.paid().await;
        assert_eq!(outcome.word(), "pending", "{incomplete}");
        for _ in 0..3 {
            assert_eq!(script.look_after(&mut attempt, 24 * 60).await, "pending", "{incomplete}");
        }
        assert_eq!(attempt.attention()[0].reason, "no final answer within 24 h");
        let Outcome::Succeeded(receipt) = script.pln.resolve(&mut attempt, &script.records).await else { panic!() };
        assert_eq!(receipt.stroom_token.unwrap().reveal_grouped(), TOKEN);
    }
}

#[tokio::test]
async fn a_failure_after_a_success_without_token_is_for_a_person() {
    let script = Script::new(&[&success(""), &code("03")]);
    let (mut attempt, _) = script.paid().await;
    assert_eq!(script.look(&mut attempt).await, "pending");
    assert!(attempt.attention()[0].reason.contains("success without a token before, and now failed"));
}

#[tokio::test]
async fn a_final_outcome_never_changes_silently() {
    let script = Script::new(&[&success(TOKEN), &code("03")]);
    let (mut attempt, outcome) = script.paid().await;
    assert_eq!(outcome.word(), "succeeded");
    assert_eq!(script.look(&mut attempt).await, "succeeded");
    assert!(attempt.attention()[0].reason.starts_with("succeeded, but the provider now says"));

    let script = Script::new(&[&code("03"), &success(TOKEN)]);
    let (mut attempt, outcome) = script.paid().await;
    assert_eq!(outcome.word(), "failed");
    assert_eq!(script.look(&mut attempt).await, "failed");
    assert!(attempt.attention()[0].reason.starts_with("failed, but the provider now says"));
    for unproven in ["22", "06", "99"] {
        let script = Script::new(&[&code("03"), &code(unproven)]);
        let (mut attempt, _) = script.paid().await;
        assert_eq!(script.look(&mut attempt).await, "failed", "{unproven}");
        assert!(attempt.attention().is_empty(), "{unproven}");
    }
}

#[tokio::test]
async fn not_found_is_never_final_by_default() {
    let script = Script::new(&[&code("99"), &code("22"), &code("20"), &code("22")]);
    let (mut attempt, outcome) = script.paid().await;
    assert_eq!(outcome.word(), "unknown");
    for _ in 0..10 {
        assert_eq!(script.look_after(&mut attempt, 24 * 60).await, "unknown");
    }
    assert_eq!(attempt.attention().len(), 1);
}

#[tokio::test]
async fn not_found_is_final_by_the_operators_word_after_three_advices_apart() {
    let after =
        |hours: u64| move |config: Config| config.with_not_found_final_after(Some(Duration::from_secs(hours * 3600)));
    // Three in a row, at least ten minutes apart, after the time set.
    let script = Script::with(after(1), &[&code("99"), &code("22")]);
    let (mut attempt, _) = script.paid().await;
    assert_eq!(script.look_after(&mut attempt, 61).await, "unknown");
    assert_eq!(script.look_after(&mut attempt, 9).await, "unknown");
    assert_eq!(script.look_after(&mut attempt, 1).await, "unknown");
    assert_eq!(script.look_after(&mut attempt, 9).await, "unknown");
    assert_eq!(script.look_after(&mut attempt, 1).await, "failed");
    // Not before the time set.
    let script = Script::with(after(48), &[&code("99"), &code("22")]);
    let (mut attempt, _) = script.paid().await;
    for _ in 0..4 {
        assert_eq!(script.look_after(&mut attempt, 11 * 60).await, "unknown");
    }
    assert_eq!(script.look_after(&mut attempt, 11 * 60).await, "failed");
    // Another answer in between starts anew, and a purchase that was known once is never lost.
    let script = Script::with(after(1), &[&code("99"), &code("22"), &code("22"), &code("06"), &code("22")]);
    let (mut attempt, _) = script.paid().await;
    for expected in ["unknown", "unknown", "unknown", "unknown", "unknown", "failed"] {
        assert_eq!(script.look_after(&mut attempt, 60).await, expected);
    }
    let script = Script::with(after(1), &[&code("02"), &code("22")]);
    let (mut attempt, _) = script.paid().await;
    for _ in 0..6 {
        assert_eq!(script.look_after(&mut attempt, 60).await, "pending");
    }
}

#[tokio::test]
async fn three_advices_that_blame_our_settings_call_a_person() {
    for blame in ["10", "12", "13", "39"] {
        let script = Script::new(&[&code("99"), &code(blame), &code(blame), &code("06"), &code(blame)]);
        let (mut attempt, _) = script.paid().await;
        for _ in 0..5 {
            assert_eq!(script.look(&mut attempt).await, "unknown", "{blame}");
            assert!(attempt.attention().is_empty(), "{blame}");
        }
        assert_eq!(script.look(&mut attempt).await, "unknown", "{blame}");
        assert!(attempt.attention()[0].reason.starts_with("the provider refuses to be asked"), "{blame}");
        assert!(attempt.attention()[0].reason.contains(&format!("code {blame}")), "{blame}");
    }
}

#[tokio::test]
async fn a_mismatch_calls_a_person_at_once() {
    let other = success(TOKEN).replace("S-1", "S-2");
    let script = Script::new(&[&other, &other, &success(TOKEN)]);
    let (mut attempt, outcome) = script.paid().await;
    assert_eq!(outcome.word(), "unknown");
    assert!(attempt.attention()[0].reason.contains("partnerReferenceNo is not the one asked for"));
    assert_eq!(script.look(&mut attempt).await, "unknown");
    assert_eq!(script.look(&mut attempt).await, "succeeded", "later advices may settle it");
}

#[tokio::test]
async fn another_process_goes_on_with_a_stored_attempt() {
    let bench = Bench::new();
    bench.sandbox.arm(Fault::new("pln", FaultKind::LoseReply).on(Operation::Payment)).unwrap();
    bench.buy("C-1", CUSTOMER).await;
    let stored = serde_json::to_string(&bench.records.get("pln-prepaid", "C-1").unwrap()).unwrap();
    let mut restored: Attempt = serde_json::from_str(&stored).unwrap();
    assert_eq!(restored.stage(), Stage::Unknown);
    assert_eq!(bench.pln.pay(&mut restored, &bench.records).await.word(), "unknown", "never a second time");
    assert_eq!(bench.resolve(&mut restored).await.word(), "succeeded");
    assert_eq!((bench.payments(), bench.ledger()), (1, vec![(20_500, ChargeState::Succeeded)]));
}

#[tokio::test]
async fn an_attempt_is_written_down_before_it_is_sent() {
    let bench = Bench::new();
    let mut attempt = bench.pln.prepare(token("C-2", CUSTOMER)).await.unwrap();
    assert!(bench.records.get("pln-prepaid", "C-2").is_none());
    let paying = bench.pln.pay(&mut attempt, &bench.records);
    // The first poll gets as far as the provider's answer needs; dropping it is a crash.
    let mut paying = std::pin::pin!(paying);
    let waker = std::task::Waker::noop();
    let _ = paying.as_mut().poll(&mut std::task::Context::from_waker(waker));
    let recorded = bench.records.get("pln-prepaid", "C-2").unwrap();
    assert!(recorded.sent_at().is_some());
    let facts: serde_json::Value = recorded.facts().unwrap();
    for field in ["partner_reference_no", "reference_no", "partner_approval_no", "product_code", "customer_id", "price"]
    {
        assert!(!facts["purchase"][field].is_null(), "{field}");
    }
}

#[tokio::test]
async fn what_is_lacking_is_unsupported() {
    let bench = Bench::new();
    let capabilities = bench.pln.capabilities();
    assert!(capabilities.inquiry && capabilities.callback && capabilities.own_reference);
    assert!(!capabilities.balance && !capabilities.products && !capabilities.history);
    let error = bench.pln.balance().await.unwrap_err();
    assert_eq!(error.kind(), biller_core::ErrorKind::Unsupported);
    assert_eq!(bench.pln.products().await.unwrap_err().kind(), biller_core::ErrorKind::Unsupported);
    assert!(bench.tape.sent().is_empty());
}

/// The pause is a warning: the purchase goes on.
#[tokio::test]
async fn the_daily_pause_is_warned_of_and_blocks_nothing() {
    use biller_core::{Timestamp, WibDay};
    let midnight = WibDay::parse("2026-01-02").unwrap().start();
    for (seconds, expected) in
        [(0, true), (3_599, true), (3_600, false), (82_799, false), (82_800, true), (86_399, true)]
    {
        let at: Timestamp = midnight.after(Duration::from_secs(seconds));
        assert_eq!(pln_prepaid::model::in_daily_pause(at), expected, "{seconds}");
        let bench = Bench::new();
        bench.clock.set(at);
        let shown = biller_tests::Shown::default();
        let tracing = shown.tracing();
        assert_eq!(bench.buy("N-1", CUSTOMER).await.1.word(), "succeeded", "{seconds}");
        drop(tracing);
        assert_eq!(shown.text().contains("daily pause"), expected, "{seconds}");
    }
}
