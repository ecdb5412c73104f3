//! An inquiry uses up its reference: how one order makes several.

use biller_core::{Biller, ErrorKind, Order, Reference};
use biller_sandbox::{ChargeState, Fault, FaultKind, Operation};
use pln_prepaid::operations::{INQUIRIES, inquiry_reference, order_reference};
use serde_json::Value;

use crate::{Bench, CUSTOMER, LATER, token};

/// The references of all inquiries so far.
fn inquired(bench: &Bench) -> Vec<String> {
    let sent = bench.tape.sent().into_iter().filter(|request| request.uri().path().ends_with("/inquiry"));
    sent.map(|request| {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        body["partnerReferenceNo"].as_str().unwrap().to_owned()
    })
    .collect()
}

#[test]
fn references_are_derived_and_led_back() {
    let order = Reference::parse("INV-1").unwrap();
    let all: Vec<_> = (1..=INQUIRIES).map(|n| inquiry_reference(&order, n).unwrap().to_string()).collect();
    assert_eq!(all[..3], ["INV-1", "INV-1--2", "INV-1--3"]);
    assert_eq!(all[8], "INV-1--9");
    assert!(all.iter().all(|reference| order_reference(reference) == "INV-1"));
    for plain in ["INV-1--1", "INV-1--0", "INV-1-2", "INV-1--22", "--2", "", "-", "é--2"] {
        let expected = if plain == "é--2" { "é" } else { plain };
        assert_eq!(order_reference(plain), expected);
    }
    let longest = Reference::parse(&"x".repeat(61)).unwrap();
    assert_eq!(inquiry_reference(&longest, 2).unwrap().as_str().len(), 64);
    assert_eq!(inquiry_reference(&Reference::parse(&"x".repeat(62)).unwrap(), 2), None);
}

#[tokio::test]
async fn the_orders_own_reference_first_and_the_next_one_when_it_is_prepared_again() {
    let bench = Bench::new();
    let first = bench.pln.prepare(token("R-1", CUSTOMER)).await.unwrap();
    let mut second = bench.pln.prepare(token("R-1", CUSTOMER)).await.unwrap();
    assert_eq!(inquired(&bench), ["R-1", "R-1", "R-1--2"]);
    assert_ne!(first.provider_id(), second.provider_id());
    let facts: Value = second.facts().unwrap();
    assert_eq!(facts["purchase"]["partner_reference_no"], "R-1--2", "kept in the attempt");
    assert_eq!(second.order().reference().as_str(), "R-1");
    let outcome = bench.pln.pay(&mut second, &bench.records).await;
    assert_eq!(outcome.word(), "succeeded");
    assert_eq!(bench.sandbox.charges()[0].reference.as_deref(), Some("R-1--2"));
}

/// The trap in that: an order that has been paid, prepared once more, must not be paid once more.
#[tokio::test]
async fn an_order_prepared_twice_is_paid_once() {
    for fault in [None, Some(FaultKind::LoseReply), Some(FaultKind::LoseRequest)] {
        let bench = Bench::new();
        let mut first = bench.pln.prepare(token("R-2", CUSTOMER)).await.unwrap();
        let mut second = bench.pln.prepare(token("R-2", CUSTOMER)).await.unwrap();
        if let Some(kind) = fault {
            bench.sandbox.arm(Fault::new("pln", kind).on(Operation::Payment)).unwrap();
        }
        bench.pln.pay(&mut first, &bench.records).await;
        let biller_core::Outcome::Unknown(error) = bench.pln.pay(&mut second, &bench.records).await else {
            panic!("paid a second time")
        };
        assert_eq!(error.kind(), ErrorKind::AlreadySent);
        let mut third = bench.pln.prepare(token("R-2", CUSTOMER)).await.unwrap();
        assert_eq!(bench.pln.pay(&mut third, &bench.records).await.word(), "unknown");
        assert_eq!(bench.payments(), 1);
        assert!(bench.sandbox.charges().len() <= 1);
    }
}

#[tokio::test]
async fn a_lost_inquiry_is_not_repeated_by_itself_and_the_next_prepare_finds_its_way() {
    let bench = Bench::new();
    bench.sandbox.arm(Fault::new("pln", FaultKind::LoseReply).on(Operation::Inquiry)).unwrap();
    let error = bench.pln.prepare(token("R-3", CUSTOMER)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!(inquired(&bench), ["R-3"]);
    bench.pln.prepare(token("R-3", CUSTOMER)).await.unwrap();
    assert_eq!(inquired(&bench), ["R-3", "R-3", "R-3--2"]);
}

#[tokio::test]
async fn references_run_out_with_a_clear_error() {
    let bench = Bench::new();
    for _ in 0..INQUIRIES {
        bench.pln.prepare(token("R-4", CUSTOMER)).await.unwrap();
    }
    let error = bench.pln.prepare(token("R-4", CUSTOMER)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert!(error.to_string().contains("take a new order"), "{error}");
    let long = "x".repeat(62);
    bench.pln.prepare(token(&long, CUSTOMER)).await.unwrap();
    assert_eq!(bench.pln.prepare(token(&long, CUSTOMER)).await.unwrap_err().kind(), ErrorKind::Duplicate);
}

/// Such a reference could be taken for that of another order's second inquiry.
#[tokio::test]
async fn references_that_look_derived_are_refused() {
    let bench = Bench::new();
    let error = bench.pln.prepare(token("R-5--2", CUSTOMER)).await.unwrap_err();
    assert!(error.to_string().contains("reference: 6 characters"), "{error}");
    assert!(bench.tape.sent().is_empty());
}

/// A callback names the reference of the inquiry; the hint leads back to the order.
#[tokio::test]
async fn a_callback_about_a_second_inquiry_finds_its_order() {
    let bench = Bench::new();
    bench.sandbox.send_callbacks_to("pln", "http://127.0.0.1/callback").unwrap();
    bench.pln.inquire(&token("R-6", LATER)).await.unwrap();
    let (mut attempt, outcome) = bench.buy("R-6", LATER).await;
    assert_eq!(outcome.word(), "pending");
    bench.sandbox.settle();
    let callback = bench.callbacks().pop().unwrap();
    let hint = bench.pln.parse_callback(&callback).unwrap();
    assert_eq!(hint.reference, "R-6");
    let outcome = bench.pln.confirm(&mut attempt, &hint, &bench.records).await;
    assert_eq!(outcome.word(), "succeeded");
    assert!(attempt.attention().is_empty(), "{:?}", attempt.attention());
    assert_eq!(bench.ledger(), [(20_500, ChargeState::Succeeded)]);
}

#[tokio::test]
async fn the_partners_approval_number_is_an_option() {
    let bench = Bench::new();
    let order = token("R-7", CUSTOMER).with_option("partner_approval_no", "APP-9");
    let mut attempt = bench.pln.prepare(order).await.unwrap();
    bench.pln.pay(&mut attempt, &bench.records).await;
    let body: Value = serde_json::from_slice(bench.tape.sent().pop().unwrap().body()).unwrap();
    assert_eq!((&body["partnerApprovalNo"], &body["partnerReferenceNo"]), (&"APP-9".into(), &"R-7".into()));
    let order = Order::new("R-8", "PLNPR20", CUSTOMER).unwrap().with_option("partner_approval_no", "a b");
    let error = bench.pln.prepare(order).await.unwrap_err();
    assert!(error.to_string().contains("partner_approval_no: "), "{error}");
}
