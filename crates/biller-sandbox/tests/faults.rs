//! Faults at the payment and around it, mounted in process.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use biller_core::Delivery;
use biller_sandbox::{Callback, Fault, FaultKind, Operation};
use common::{Answer, BALANCE, BUY, INQUIRY, Partner, order};
use serde_json::{Value, json};

const SUCCEEDS: &str = "081200000001";
const PENDING: &str = "081200000002";
const FAILS: &str = "081200000003";
const REFUSED: &str = "081200000004";

/// Arms one fault for payments and buys once; returns the answer and how many charges there are.
async fn buy_under(fault: &str) -> (Result<Answer, biller_core::TransportError>, usize, Partner) {
    let partner = Partner::new().await;
    partner.arm("payment", fault).await;
    let answer = partner.try_post(BUY, &order("r", SUCCEEDS)).await;
    let charges = partner.sandbox.charges().len();
    (answer, charges, partner)
}

async fn assert_spent(partner: &Partner) {
    assert_eq!(partner.post(BUY, &order("next", SUCCEEDS)).await.code(), "201022001");
}

#[tokio::test]
async fn lose_request_executes_nothing() {
    let (answer, charges, partner) = buy_under("lose_request").await;
    let error = answer.unwrap_err();
    assert_eq!(error.delivery(), Delivery::MaybeSent);
    assert_eq!(error.to_string(), "connection closed before a reply (maybe sent)");
    assert_eq!(charges, 0);
    let verdict = &partner.sandbox.requests()[0].verdict;
    assert_eq!(verdict.explanation.as_deref(), Some("not checked: the fault `lose_request` came first"));
    assert_spent(&partner).await;
}

#[tokio::test]
async fn lose_reply_executes() {
    let (answer, charges, partner) = buy_under("lose_reply").await;
    assert_eq!(answer.unwrap_err().delivery(), Delivery::MaybeSent);
    assert_eq!(charges, 1);
    assert!(partner.sandbox.requests()[0].verdict.accepted);
    assert_spent(&partner).await;
}

#[tokio::test(start_paused = true)]
async fn delay_executes_at_once_and_answers_late() {
    let partner = Partner::new().await;
    let delay = Fault::new("klikoo", FaultKind::Delay).on(Operation::Payment).delay(Duration::from_secs(60));
    partner.sandbox.arm(delay).unwrap();
    let started = tokio::time::Instant::now();
    let body = order("r", SUCCEEDS);
    let mut late = std::pin::pin!(partner.post(BUY, &body));
    let early = tokio::time::timeout(Duration::from_secs(59), &mut late).await;
    assert!(early.is_err());
    assert_eq!(partner.sandbox.charges().len(), 1);
    assert_eq!(partner.get(BALANCE).await.status, 200, "others are not held up");
    assert_eq!(late.await.code(), "201022001");
    assert_eq!(started.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn callbacks_go_out_even_if_the_client_gives_up() {
    let partner = Partner::new().await;
    partner.sandbox.send_callbacks_to("klikoo", "http://partner.test/").unwrap();
    let delay = Fault::new("klikoo", FaultKind::Delay).on(Operation::Payment).delay(Duration::from_secs(60));
    partner.sandbox.arm(delay).unwrap();
    let gone = tokio::time::timeout(Duration::from_secs(1), partner.try_post(BUY, &order("r", SUCCEEDS))).await;
    assert!(gone.is_err());
    assert_eq!(partner.sandbox.take_callbacks().len(), 1);
}

#[tokio::test]
async fn garble_reply_executes_and_cuts_the_json() {
    let (answer, charges, partner) = buy_under("garble_reply").await;
    let answer = answer.unwrap();
    assert_eq!((answer.status, charges), (201, 1));
    assert!(answer.body.starts_with(b"{\"response_code\""));
    assert!(serde_json::from_slice::<Value>(&answer.body).is_err());
    assert_spent(&partner).await;
}

#[tokio::test]
async fn errors_are_pages() {
    for (fault, status, executed) in [("error_before", 503, 0), ("error_after", 500, 1)] {
        let (answer, charges, partner) = buy_under(fault).await;
        let answer = answer.unwrap();
        assert_eq!((answer.status, charges), (status, executed), "{fault}");
        assert_eq!(answer.headers["content-type"], "text/html");
        assert!(answer.body.starts_with(b"<html>"));
        assert_eq!(partner.sandbox.requests()[0].status, Some(status));
        assert_spent(&partner).await;
    }
}

#[tokio::test]
async fn throttle_says_when_to_come_back() {
    let (answer, charges, partner) = buy_under("throttle").await;
    let answer = answer.unwrap();
    assert_eq!((answer.status, charges), (429, 0));
    assert_eq!(answer.headers["retry-after"], "1");
    assert_spent(&partner).await;
}

#[tokio::test]
async fn expire_token_is_the_providers_own_answer() {
    let (answer, charges, partner) = buy_under("expire_token").await;
    let answer = answer.unwrap();
    assert_eq!((answer.status, answer.code().as_str(), charges), (401, "401016535", 0));
    assert_spent(&partner).await;

    // For all operations: a call for a token carries none that could have expired.
    partner.arm("*", "expire_token").await;
    assert_eq!(partner.access_token().await.unwrap().status, 200);
    assert_eq!(partner.get(BALANCE).await.code(), "401016535");
}

#[tokio::test]
async fn status_not_found_hides_what_exists() {
    let partner = Partner::new().await;
    partner.arm("status", "status_not_found").await;
    // A transaction that does not exist uses nothing up.
    assert_eq!(partner.get("/v1/open-api/transactions/14430001").await.code(), "404027005");
    partner.post(BUY, &order("r", SUCCEEDS)).await;
    assert_eq!(partner.get("/v1/open-api/transactions/14430001").await.code(), "404027005");
    assert_eq!(partner.get("/v1/open-api/transactions/14430001").await.code(), "200022000");
}

#[tokio::test]
async fn refused_requests_use_nothing_up() {
    let partner = Partner::new().await;
    // HTTP status, and whether the body is JSON.
    let faults = [("lose_reply", None), ("garble_reply", Some((201, false))), ("error_after", Some((500, false)))];
    for (fault, outcome) in faults {
        partner.control("DELETE", "/faults", Value::Null).await;
        partner.arm("payment", fault).await;
        let mut forged = partner.prepare("POST", BUY, &order("r", SUCCEEDS).to_string());
        forged.key = b"wrong".to_vec();
        assert_eq!(partner.try_call(forged).await.unwrap().code(), "400016508");
        assert_eq!(partner.post(BUY, &common::order_of("OVO10", "1", "r", SUCCEEDS)).await.code(), "400026510");
        assert_eq!(partner.post(INQUIRY, &order(fault, SUCCEEDS)).await.code(), "200022000");
        let next = partner.try_post(BUY, &order(&format!("r-{fault}"), SUCCEEDS)).await;
        let seen = next.map(|answer| (answer.status, serde_json::from_slice::<Value>(&answer.body).is_ok())).ok();
        assert_eq!(seen, outcome, "{fault}");
        assert_spent(&partner).await;
        partner.sandbox.reset();
        partner.log_in().await;
    }
    // A scenario comes after the checks.
    partner.arm("payment", "lose_reply").await;
    assert!(partner.try_post(BUY, &order("r", REFUSED)).await.is_err());
}

#[tokio::test]
async fn the_fault_armed_first_acts_first() {
    let partner = Partner::new().await;
    for (operation, fault) in [("payment", "garble_reply"), ("*", "error_before"), ("payment", "throttle")] {
        partner.arm(operation, fault).await;
    }
    let mut seen = Vec::new();
    for n in 0..4 {
        seen.push(partner.post(BUY, &order(&format!("r{n}"), SUCCEEDS)).await.status);
    }
    assert_eq!(seen, [201, 503, 429, 201]);
    assert_eq!(partner.sandbox.charges().len(), 2);
}

#[tokio::test]
async fn times_count_and_zero_means_until_cleared() {
    let partner = Partner::new().await;
    partner.sandbox.arm(Fault::new("klikoo", FaultKind::Throttle).on(Operation::Balance).times(2)).unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(partner.get(BALANCE).await.status);
    }
    partner.sandbox.arm(Fault::new("klikoo", FaultKind::Throttle).times(0)).unwrap();
    for _ in 0..5 {
        seen.push(partner.get(BALANCE).await.status);
    }
    partner.sandbox.clear_faults();
    seen.push(partner.get(BALANCE).await.status);
    assert_eq!(seen, [429, 429, 200, 429, 429, 429, 429, 429, 200]);
}

#[tokio::test]
async fn unknown_paths_meet_no_faults() {
    let partner = Partner::new().await;
    partner.arm("*", "throttle").await;
    assert_eq!(partner.send("GET", "/klikoo/nothing", &[], String::new()).await.unwrap().status, 404);
    assert_eq!(partner.get(BALANCE).await.status, 429);
}

fn statuses(callbacks: &[Callback]) -> Vec<(Value, Value, bool)> {
    let rows = callbacks.iter().map(|callback| {
        let body: Value = serde_json::from_slice(&callback.body).unwrap();
        (body["partner_reference_id"].clone(), body["transaction_status"].clone(), callback.before_reply)
    });
    rows.collect()
}

async fn partner_with_callbacks() -> Partner {
    let partner = Partner::new().await;
    partner.sandbox.send_callbacks_to("klikoo", "http://partner.test/").unwrap();
    partner
}

#[tokio::test]
async fn callbacks_can_be_lost_and_doubled_and_contradict() {
    let partner = partner_with_callbacks().await;
    for fault in ["callback_lost", "callback_twice", "callback_conflicting", "callback_conflicting"] {
        partner.arm("callback", fault).await;
    }
    for (reference, value) in [("lost", SUCCEEDS), ("twice", SUCCEEDS), ("turned", SUCCEEDS)] {
        partner.post(BUY, &order(reference, value)).await;
    }
    partner.post(BUY, &order("turned back", FAILS)).await;
    partner.post(BUY, &order("plain", PENDING)).await;
    partner.sandbox.settle();
    assert_eq!(
        statuses(&partner.sandbox.take_callbacks()),
        [
            (json!("twice"), json!("SUCCESS"), false),
            (json!("twice"), json!("SUCCESS"), false),
            (json!("turned"), json!("FAILED"), false),
            (json!("turned back"), json!("SUCCESS"), false),
            (json!("plain"), json!("SUCCESS"), false),
        ]
    );
}

#[tokio::test]
async fn callbacks_without_a_url_use_no_fault_up() {
    let partner = Partner::new().await;
    partner.arm("*", "callback_lost").await;
    partner.post(BUY, &order("nowhere", SUCCEEDS)).await;
    partner.sandbox.send_callbacks_to("klikoo", "http://partner.test/").unwrap();
    partner.post(BUY, &order("lost", SUCCEEDS)).await;
    partner.post(BUY, &order("sent", SUCCEEDS)).await;
    assert_eq!(statuses(&partner.sandbox.take_callbacks()), [(json!("sent"), json!("SUCCESS"), false)]);
}

#[tokio::test]
async fn a_callback_before_the_reply_tells_the_end() {
    let partner = partner_with_callbacks().await;
    for _ in 0..3 {
        partner.arm("callback", "callback_before_reply").await;
    }
    for (reference, value) in [("now", SUCCEEDS), ("later", PENDING), ("fails", FAILS), ("plain", PENDING)] {
        partner.post(BUY, &order(reference, value)).await;
    }
    assert_eq!(
        statuses(&partner.sandbox.take_callbacks()),
        [
            (json!("now"), json!("SUCCESS"), true),
            (json!("later"), json!("SUCCESS"), true),
            (json!("fails"), json!("FAILED"), true),
        ]
    );
    partner.sandbox.settle();
    assert_eq!(statuses(&partner.sandbox.take_callbacks()), [(json!("plain"), json!("SUCCESS"), false)]);
}

#[tokio::test]
async fn a_resent_purchase_is_charged_only_under_its_fault() {
    let partner = Partner::new().await;
    partner.post(BUY, &order("r", FAILS)).await;
    partner.arm("payment", "charge_on_resend").await;
    // Pending: not failed yet.
    assert_eq!(partner.post(BUY, &order("r", FAILS)).await.code(), "409026563");
    partner.sandbox.settle();
    // A resend that is refused for another reason uses nothing up.
    assert_eq!(partner.post(BUY, &common::order_of("OVO10", "1", "r", FAILS)).await.code(), "400026510");
    partner.post(BUY, &order("fine", SUCCEEDS)).await;
    assert_eq!(partner.post(BUY, &order("fine", SUCCEEDS)).await.code(), "409026563");
    assert_eq!(partner.post(BUY, &order("r", SUCCEEDS)).await.code(), "201022001");
    assert_eq!(partner.post(BUY, &order("r", SUCCEEDS)).await.code(), "409026563");
    let states: Vec<_> = partner.books().into_iter().map(|(reference, _, state)| (reference, state)).collect();
    let row = |reference: &str, state: &str| (reference.to_owned(), state.to_owned());
    assert_eq!(states, [row("r", "Failed"), row("fine", "Succeeded"), row("r", "Succeeded")]);
}

#[tokio::test]
async fn a_resend_can_be_charged_and_its_reply_lost() {
    let partner = Partner::new().await;
    partner.post(BUY, &order("r", FAILS)).await;
    partner.sandbox.settle();
    partner.arm("payment", "charge_on_resend").await;
    partner.arm("payment", "lose_reply").await;
    assert!(partner.try_post(BUY, &order("r", SUCCEEDS)).await.is_err());
    assert_eq!(partner.sandbox.charges().len(), 2);
}
