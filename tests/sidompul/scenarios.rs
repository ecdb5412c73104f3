use std::time::Duration;

use biller_core::{Biller, ErrorKind, Evidence, Order, Outcome, Rupiah, Stage, Timestamp};
use biller_sandbox::{ChargeState, Fault, FaultKind, Operation};

use crate::{Bench, ORDERS, awg, package, pulsa, xwg};

/// What each kind of order says at once and after everything has settled, for each kind of customer; the ledger agrees.
#[tokio::test]
async fn customers() {
    let mut lines = Vec::new();
    for (kind, order) in ORDERS {
        for digit in 1..=4 {
            let bench = Bench::new();
            let (mut attempt, paid) = bench.buy(order("S-1", &format!("628770000001{digit}"))).await;
            let at_once = bench.resolve(&mut attempt).await;
            bench.sandbox.settle();
            bench.clock.advance(Duration::from_secs(30));
            let settled = bench.resolve(&mut attempt).await;
            let charges = bench.sandbox.charges();
            let ledger = charges
                .first()
                .map_or("no charge".to_owned(), |charge| format!("{:?} {}", charge.state, charge.amount));
            assert!(charges.len() <= 1);
            lines.push(format!(
                "{kind} {digit}: pay {}, look {}, look {} | {ledger}",
                paid.word(),
                at_once.word(),
                settled.word()
            ));
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}

/// A refusal with an error code is unknown, then failed by the detail; with the code in the settings it is failed at once.
#[tokio::test]
async fn refusals_are_unknown_until_the_history_or_a_setting_says_failed() {
    let bench = Bench::new();
    let (mut attempt, paid) = bench.buy(pulsa("R-1", "6287700000014")).await;
    let Outcome::Unknown(error) = paid else { panic!("{paid:?}") };
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unlisted, Some("SBX-REFUSED")));
    let Outcome::Failed(refusal) = bench.resolve(&mut attempt).await else { panic!() };
    assert_eq!(refusal.code(), Some("failed"));

    let bench = Bench::with(|config| config.with_refused_codes(["SBX-REFUSED"]).unwrap());
    for (kind, order) in ORDERS {
        let (_, paid) = bench.buy(order(&format!("R-{kind}").replace(' ', "-"), "6287700000014")).await;
        let Outcome::Failed(refusal) = paid else { panic!("{kind}: {paid:?}") };
        assert_eq!(refusal.code(), Some("SBX-REFUSED"));
    }
}

/// The detail decides where the history shows nothing.
#[tokio::test]
async fn the_detail_helps_where_the_history_is_empty() {
    let bench = Bench::new();
    bench.sandbox.arm(Fault::new("sidompul", FaultKind::LoseReply).on(Operation::Payment)).unwrap();
    let (mut attempt, paid) = bench.buy(pulsa("D-1", "6287700000011")).await;
    assert_eq!(paid.word(), "unknown");
    bench.sandbox.arm(Fault::new("sidompul", FaultKind::StatusNotFound).on(Operation::History)).unwrap();
    let Outcome::Succeeded(receipt) = bench.resolve(&mut attempt).await else { panic!() };
    assert_eq!(receipt.charged, Some(Rupiah::new(5_850)));
    assert_eq!(receipt.provider_id.unwrap().len(), 40);
}

/// A reload whose reply got lost is found in the history, and the receipt says what it cost.
#[tokio::test]
async fn a_lost_reply_is_found_in_the_history() {
    for (kind, order) in ORDERS {
        let bench = Bench::new();
        bench.sandbox.arm(Fault::new("sidompul", FaultKind::LoseReply).on(Operation::Payment)).unwrap();
        let (mut attempt, paid) = bench.buy(order("L-1", "6287700000011")).await;
        assert_eq!(paid.word(), "unknown", "{kind}");
        let resolved = bench.resolve(&mut attempt).await;
        let Outcome::Succeeded(receipt) = resolved else { panic!("{kind}: {resolved:?}") };
        assert_eq!(receipt.evidence, Evidence::Status);
        // An inject takes a piece of stock, and its rows name no amount.
        let told = (!matches!(kind, "awg" | "xwg")).then(|| Rupiah::new(bench.sandbox.charges()[0].amount));
        assert_eq!(receipt.charged, told, "{kind}");
        assert!(receipt.provider_id.is_some(), "{kind}");
        assert_eq!(bench.purchases(), 1);
    }
}

/// Quirk: a purchase sent just before WIB midnight is found under either day.
#[tokio::test]
async fn a_purchase_just_before_midnight_is_found() {
    for (sent, advance) in [("2024-02-07 23:59:59", 1), ("2024-02-07 23:59:30", 60), ("2024-02-08 00:00:30", 0)] {
        let bench = Bench::new();
        bench.clock.set(Timestamp::parse_wib(sent).unwrap());
        let mut attempt = bench.sidompul.prepare(pulsa("M-1", "6287700000011")).await.unwrap();
        bench.sandbox.arm(Fault::new("sidompul", FaultKind::LoseReply).on(Operation::Payment)).unwrap();
        bench.sidompul.pay(&mut attempt, &bench.records).await;
        bench.clock.advance(Duration::from_secs(advance));
        assert_eq!(bench.resolve(&mut attempt).await.word(), "succeeded", "{sent}");
    }
}

/// Quirk: a second equal purchase does not start while the first is open, and starts when it is final.
#[tokio::test]
async fn equal_purchases_are_not_open_at_once() {
    for (kind, order) in ORDERS {
        let bench = Bench::new();
        let (mut first, paid) = bench.buy(order("T-1", "087700000012")).await;
        assert_eq!(paid.word(), "pending", "{kind}");
        let (second, paid) = bench.buy(order("T-2", "6287700000012")).await;
        let Outcome::Failed(refusal) = paid else { panic!("{kind}: {paid:?}") };
        assert_eq!((refusal.kind(), second.stage()), (ErrorKind::Duplicate, Stage::Failed));
        assert_eq!(bench.purchases(), 1);
        bench.sandbox.settle();
        bench.clock.advance(Duration::from_secs(60));
        assert_eq!(bench.resolve(&mut first).await.word(), "succeeded", "{kind}");
        let (mut third, paid) = bench.buy(order("T-3", "6287700000012")).await;
        assert_eq!(paid.word(), "pending", "{kind}");
        bench.sandbox.settle();
        assert_eq!(bench.resolve(&mut third).await.word(), "succeeded", "{kind}");
        assert_eq!(bench.sandbox.charges().len(), 2);
    }
}

/// Two reloads whose prices could be mistaken for each other, both with lost replies, one of them never executed: the row of the
/// executed one is credited to neither, and a person sees it.
#[tokio::test]
async fn two_look_alikes_in_flight_share_no_row() {
    let bench = Bench::new();
    let other = || Order::new("A-2", "W2P", "6287700000011").unwrap().with_amount(Rupiah::new(5_500));
    let mut first = bench.sidompul.prepare(pulsa("A-1", "6287700000011")).await.unwrap();
    let mut second = bench.sidompul.prepare(other()).await.unwrap();
    bench.sandbox.arm(Fault::new("sidompul", FaultKind::LoseReply).on(Operation::Payment)).unwrap();
    bench.sidompul.pay(&mut first, &bench.records).await;
    bench.sandbox.arm(Fault::new("sidompul", FaultKind::LoseRequest).on(Operation::Payment)).unwrap();
    bench.sidompul.pay(&mut second, &bench.records).await;
    assert_eq!(bench.sandbox.charges().len(), 1);
    for attempt in [&mut second, &mut first] {
        let Outcome::Unknown(error) = bench.resolve(attempt).await else { panic!() };
        assert_eq!(error.kind(), ErrorKind::Unproven);
        assert!(error.to_string().contains("Rp5.850"), "{error}");
        assert!(attempt.attention().is_empty());
    }
    bench.clock.advance(Duration::from_secs(3600));
    bench.resolve(&mut second).await;
    assert!(second.attention()[0].reason.contains("Rp5.850"));
}

/// Quirk: two equal purchases one after the other: resolving one never takes the other's row.
#[tokio::test]
async fn equal_purchases_one_after_the_other() {
    let bench = Bench::new();
    let (_, paid) = bench.buy(pulsa("Q-1", "6287700000011")).await;
    assert_eq!(paid.word(), "succeeded");
    bench.clock.advance(Duration::from_secs(5));
    let mut second = bench.sidompul.prepare(pulsa("Q-2", "6287700000011")).await.unwrap();
    bench.sandbox.arm(Fault::new("sidompul", FaultKind::LoseRequest).on(Operation::Payment)).unwrap();
    bench.sidompul.pay(&mut second, &bench.records).await;
    assert_eq!(bench.resolve(&mut second).await.word(), "unknown", "the first one's row is not the second one's");
    bench.clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(bench.resolve(&mut second).await.word(), "unknown", "not found never becomes failed");
    assert!(second.attention().iter().any(|one| one.reason.contains("24 h")));
}

/// A provider's contradiction after success is noted and changes nothing.
#[tokio::test]
async fn a_final_outcome_stays() {
    let bench = Bench::new();
    let (mut attempt, _) = bench.buy(pulsa("Z-1", "6287700000011")).await;
    bench.sandbox.reset();
    assert_eq!(bench.resolve(&mut attempt).await.word(), "succeeded");
    assert_eq!(attempt.stage(), Stage::Succeeded);
}

/// What no row speaks of any more, or never reached the provider, stays as it is and calls nobody.
#[tokio::test]
async fn silence_after_the_end_is_no_contradiction() {
    for (kind, order) in ORDERS {
        let bench = Bench::new();
        let (mut attempt, _) = bench.buy(order("Y-1", "6287700000011")).await;
        assert_eq!(bench.resolve(&mut attempt).await.word(), "succeeded", "{kind}");
        for operation in [Operation::Status, Operation::History] {
            bench.sandbox.arm(Fault::new("sidompul", FaultKind::StatusNotFound).on(operation).times(0)).unwrap();
        }
        assert_eq!(bench.resolve(&mut attempt).await.word(), "succeeded", "{kind}");
        assert!(attempt.attention().is_empty(), "{kind}: {:?}", attempt.attention());

        let bench = Bench::new();
        bench.sandbox.arm(Fault::new("sidompul", FaultKind::Throttle).on(Operation::Payment)).unwrap();
        let (mut attempt, paid) = bench.buy(order("Y-2", "6287700000011")).await;
        assert_eq!(paid.word(), "failed", "{kind}");
        let asked = bench.tape.sent().len();
        assert_eq!(bench.resolve(&mut attempt).await.word(), "failed", "{kind}");
        assert!(attempt.attention().is_empty() && bench.tape.sent().len() == asked, "{kind}");
    }
}

/// An attempt that was never sent is not looked for, and can be paid afterwards.
#[tokio::test]
async fn a_prepared_attempt_stays_prepared() {
    let bench = Bench::new();
    let mut attempt = bench.sidompul.prepare(pulsa("P-1", "6287700000011")).await.unwrap();
    let asked = bench.tape.sent().len();
    assert_eq!(bench.resolve(&mut attempt).await.word(), "unknown");
    assert_eq!((attempt.stage(), bench.tape.sent().len()), (Stage::Prepared, asked));
    assert_eq!(bench.sidompul.pay(&mut attempt, &bench.records).await.word(), "succeeded");
    let Outcome::Unknown(error) = bench.sidompul.pay(&mut attempt, &bench.records).await else { panic!() };
    assert_eq!(error.kind(), ErrorKind::AlreadySent);
    assert_eq!(bench.purchases(), 1);
}

/// The neutral face's products, balance and what it lacks.
#[tokio::test]
async fn the_neutral_face() {
    let bench = Bench::new();
    assert_eq!(bench.sidompul.balance().await.unwrap(), Rupiah::new(2_500_000));
    let products = bench.sidompul.products().await.unwrap();
    let first = &products[0];
    assert_eq!((products.len(), first.code.as_str(), first.price), (26, "XC_FLEX_S", Some(Rupiah::new(13_703))));
    let capabilities = bench.sidompul.capabilities();
    assert!(!capabilities.own_reference && !capabilities.distinguishes_equal_purchases && !capabilities.callback);
    let callback = http::Request::post("/").body(bytes::Bytes::new()).unwrap();
    assert_eq!(bench.sidompul.parse_callback(&callback).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(
        bench.sidompul.inquire(&pulsa("I-1", "6287700000011")).await.unwrap_err().kind(),
        ErrorKind::Unsupported
    );
}

/// Stock is looked up again when it is paid: what is gone by then is not sent, and a price that has changed stops it.
#[tokio::test]
async fn stock_is_looked_up_again() {
    let bench = Bench::new();
    let mut attempt = bench.sidompul.prepare(awg("V-1", "6287700000011")).await.unwrap();
    assert_eq!(attempt.price(), Some(Rupiah::new(6_000)));
    let stored = serde_json::to_string(&attempt).unwrap();
    assert!(!stored.contains("%2B") && !stored.contains("vId"), "no voucher id is stored");
    assert_eq!(bench.sidompul.pay(&mut attempt, &bench.records).await.word(), "pending");
    assert_eq!(bench.tape.count("/get-awg-stock"), 2);
    assert_eq!(bench.resolve(&mut attempt).await.word(), "succeeded");
    assert_eq!(bench.sandbox.charges()[0].state, ChargeState::Succeeded);

    let voucher = xwg("V-2", "1011640000921101");
    let (mut attempt, paid) = bench.buy(voucher).await;
    assert_eq!(paid.word(), "pending");
    assert_eq!(bench.resolve(&mut attempt).await.word(), "succeeded");
    assert_eq!(bench.sandbox.charges()[1].customer, "1011640000921101");

    let changed = awg("V-3", "6287700000021").with_expected_price(Rupiah::new(5_999));
    assert_eq!(bench.sidompul.prepare(changed).await.unwrap_err().kind(), ErrorKind::PriceChanged);
    let changed = package("V-4", "6287700000021").with_expected_price(Rupiah::new(13_000));
    assert_eq!(bench.sidompul.prepare(changed).await.unwrap_err().kind(), ErrorKind::PriceChanged);
}

/// A second inject of the same voucher into the same target, its reply lost, is found under its own id; one that was never executed
/// does not take the first one's.
#[tokio::test]
async fn equal_injects_one_after_the_other() {
    for (fault, expected) in [(FaultKind::LoseReply, "succeeded"), (FaultKind::LoseRequest, "unknown")] {
        let bench = Bench::new();
        let (mut first, _) = bench.buy(awg("J-1", "6287700000011")).await;
        assert_eq!(bench.resolve(&mut first).await.word(), "succeeded");
        let mut second = bench.sidompul.prepare(awg("J-2", "6287700000011")).await.unwrap();
        bench.sandbox.arm(Fault::new("sidompul", fault).on(Operation::Payment)).unwrap();
        bench.sidompul.pay(&mut second, &bench.records).await;
        assert_eq!(bench.resolve(&mut second).await.word(), expected);
        assert_ne!(second.provider_id(), first.provider_id());
    }
}

/// Quirk: a detail reply with rows of other transactions and other numbers: only our own count, and none left is not found.
#[tokio::test]
async fn rows_of_other_transactions_do_not_count() {
    let clock = biller_tests::shared_clock();
    let sandbox = biller_tests::sandbox(&clock);
    // A provider that ignores every filter of the detail call.
    let inner = sandbox.transport();
    let foreign = r#"[{"transactionId": "b51169f9", "msisdnB": "6287700000014", "status": "SUCCESS", "amount": "5850", "date": "2024-02-07 10:28:35"},
        {"transactionId": "f78435f2", "msisdnB": "6287700000012", "status": "BUSINESSERROR", "amount": "1000", "date": "2022-12-09 09:25:02"}]"#;
    let body = format!(r#"{{"statusCode": 200, "result": {{"errorCode": "00", "data": {foreign}}}}}"#);
    let invented = biller_tests::Invented(move |request: &http::Request<bytes::Bytes>| {
        request.uri().path().ends_with("-history-detail").then(|| Ok(biller_tests::reply(200, body.clone())))
    });
    let sidompul = crate::over(invented.over(inner), &clock, |config| config);
    let records = biller_core::MemoryRecords::default();
    let mut attempt = sidompul.prepare(pulsa("N-1", "6287700000012")).await.unwrap();
    assert_eq!(sidompul.pay(&mut attempt, &records).await.word(), "pending");
    sandbox.arm(Fault::new("sidompul", FaultKind::StatusNotFound).on(Operation::History).times(0)).unwrap();
    assert_eq!(sidompul.resolve(&mut attempt, &records).await.word(), "pending");
    sandbox.clear_faults();
    sandbox.settle();
    assert_eq!(sidompul.resolve(&mut attempt, &records).await.word(), "succeeded", "the history decides");
}

/// Without the ids of the day a lost inject is left to a person, also when only one could be it.
#[tokio::test]
async fn a_lost_inject_without_a_snapshot_is_left_to_a_person() {
    let bench = Bench::with(|config| config.with_history_snapshot(false));
    bench.sandbox.arm(Fault::new("sidompul", FaultKind::LoseReply).on(Operation::Payment)).unwrap();
    let (mut attempt, _) = bench.buy(awg("W-1", "6287700000011")).await;
    let Outcome::Unknown(error) = bench.resolve(&mut attempt).await else { panic!() };
    assert_eq!(error.kind(), ErrorKind::Ambiguous);
    assert!(attempt.attention()[0].reason.contains("TEMBAKTXL170178"));
}

/// The last look is at the time when a person is called, and calls one.
#[tokio::test]
async fn the_last_look_calls_a_person() {
    let bench = Bench::new();
    bench.sandbox.arm(Fault::new("sidompul", FaultKind::LoseRequest).on(Operation::Payment)).unwrap();
    let (mut attempt, _) = bench.buy(pulsa("L-1", "6287700000011")).await;
    let mut last = None;
    while let Some(next) = bench.sidompul.schedule().next_look(&attempt) {
        assert!(!attempt.attention().iter().any(|one| one.reason.contains("24 h")));
        last = Some(next);
        bench.clock.set(next);
        assert_eq!(bench.resolve(&mut attempt).await.word(), "unknown");
    }
    assert_eq!(last, Some(attempt.started_at().after(Duration::from_secs(24 * 3600))));
    assert!(attempt.attention().iter().any(|one| one.reason.contains("24 h")));
}

/// A record of our sale with an amount that cannot be its price: the success stands, and a person hears of the amount.
#[tokio::test]
async fn another_amount_is_told_to_a_person() {
    for (amount, told) in [("5850", None), ("50500", Some("the record of the sale says Rp50.500, not its price"))] {
        let clock = biller_tests::shared_clock();
        let sandbox = biller_tests::sandbox(&clock);
        let details = std::sync::Arc::new(std::sync::Mutex::new(None::<String>));
        let shown = std::sync::Arc::clone(&details);
        let invented = biller_tests::Invented(move |request: &http::Request<bytes::Bytes>| {
            let asks = request.uri().path().ends_with("-history-detail");
            asks.then(|| shown.lock().unwrap().clone().map(|body| Ok(biller_tests::reply(200, body))))?
        });
        let sidompul = crate::over(invented.over(sandbox.transport()), &clock, |config| config);
        let records = biller_core::MemoryRecords::default();
        let mut attempt = sidompul.prepare(pulsa("N-1", "6287700000012")).await.unwrap();
        assert_eq!(sidompul.pay(&mut attempt, &records).await.word(), "pending");
        let id = attempt.provider_id().unwrap();
        *details.lock().unwrap() = Some(format!(
            r#"{{"statusCode": 200, "result": {{"errorCode": "00", "data": [{{"transactionId": "{id}", "msisdnB": "6287700000012",
            "status": "SUCCESS", "amount": "{amount}", "transactionType": "w2p", "date": "2024-02-07 10:28:35"}}]}}}}"#
        ));
        let Outcome::Succeeded(receipt) = sidompul.resolve(&mut attempt, &records).await else { panic!() };
        assert_eq!(receipt.charged.unwrap().get().to_string(), amount);
        assert_eq!(attempt.attention().first().map(|attention| attention.reason.as_str()), told);
    }
}
