use std::time::Duration;

use biller_core::{Attempt, Biller, ErrorKind, Execution, MemoryRecords, Order, Outcome, Rupiah, Stage, Wiring};
use biller_sandbox::{ChargeState, Sandbox};
use futures_util::TryStreamExt;
use klikoo::model::HistoryQuery;
use klikoo::{Client, Klikoo};
use tokio::net::TcpListener;

use crate::{Bench, config, pulsa};

/// What became of an order: the reply to the payment, and the answer once everything has settled.
async fn course(klikoo: &Klikoo, sandbox: &Sandbox, order: Order) -> (String, String) {
    let records = MemoryRecords::default();
    let mut attempt = match klikoo.prepare(order).await {
        Ok(attempt) => attempt,
        Err(error) => return (format!("prepare: {}", error.kind()), error.execution().to_string()),
    };
    let paid = klikoo.pay(&mut attempt, &records).await;
    sandbox.settle();
    let resolved = klikoo.resolve(&mut attempt, &records).await;
    (paid.word().to_owned(), resolved.word().to_owned())
}

/// The scenario table, over real HTTP.
#[tokio::test]
async fn the_last_digit_decides() {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/klikoo", listener.local_addr().unwrap());
    let server = sandbox.clone();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(async move { server.serve(listener, async { drop(stopped.await) }).await });
    let klikoo = Klikoo::new(Client::new(config(&base_url)).unwrap());

    let pln = |reference: &str, customer: &str| {
        Order::new(reference, "PLN20", customer).unwrap().with_expected_price(Rupiah::new(20_500))
    };
    for (n, (order, expected, charge)) in [
        (pln("S-1", "01105691111"), ("succeeded", "succeeded"), Some(ChargeState::Succeeded)),
        (pln("S-2", "01105691112"), ("pending", "succeeded"), Some(ChargeState::Succeeded)),
        (pln("S-3", "01105691113"), ("pending", "failed"), Some(ChargeState::Failed)),
        (pln("S-4", "01105691114"), ("failed", "failed"), None),
        (pln("S-5", "01105691115"), ("prepare: refused", "not executed"), None),
        (pln("S-6", "01105691116"), ("succeeded", "succeeded"), Some(ChargeState::Succeeded)),
        (pln("S-7", "01105601111"), ("prepare: refused", "not executed"), None),
        (pulsa("S-8", "081200000005"), ("failed", "failed"), None),
        (pulsa("S-9", "081200000007"), ("succeeded", "succeeded"), Some(ChargeState::Succeeded)),
    ]
    .into_iter()
    .enumerate()
    {
        let reference = order.reference().to_string();
        let (paid, resolved) = course(&klikoo, &sandbox, order).await;
        assert_eq!((paid.as_str(), resolved.as_str()), expected, "row {n}");
        let charges: Vec<_> =
            sandbox.charges().into_iter().filter(|charge| charge.reference.as_deref() == Some(&reference)).collect();
        assert_eq!(charges.first().map(|charge| charge.state), charge, "row {n}");
        assert!(charges.len() <= 1, "row {n}");
    }
    drop(stop);
    serving.await.unwrap();
}

/// Every code of the table as the answer to a buy, and codes that no table lists.
#[tokio::test]
async fn every_code_as_answer_to_a_buy() {
    use biller_core::Verdict;
    use klikoo::codes::{Call, TABLE, verdict};
    let bench = Bench::new();
    let mut codes: Vec<String> = TABLE.iter().map(|row| format!("{}02{:04}", row.http, row.case)).collect();
    codes.extend(["999029999", "404029999", "200029999"].map(String::from));
    for code in codes.iter().filter(|code| !code.starts_with("20") && !code.starts_with("401026")) {
        let order = Order::new(&format!("C-{code}"), &format!("CODE-{code}"), "081200000001")
            .unwrap()
            .with_expected_price(Rupiah::new(10_000));
        let mut attempt = bench.klikoo.prepare(order).await.unwrap();
        let outcome = bench.klikoo.pay(&mut attempt, &bench.records).await;
        let expected = match verdict(code, Call::Buy) {
            Verdict::Failed(_) => "failed",
            _ => "unknown",
        };
        assert_eq!(outcome.word(), expected, "{code}");
    }
    assert!(bench.sandbox.charges().is_empty());

    for code in codes.iter().filter(|code| matches!(verdict(code, Call::Buy), Verdict::Unknown(_))) {
        let order = Order::new(&format!("X-{code}"), &format!("CODEX-{code}"), "081200000001")
            .unwrap()
            .with_expected_price(Rupiah::new(10_000));
        let mut attempt = bench.klikoo.prepare(order).await.unwrap();
        assert_eq!(bench.klikoo.pay(&mut attempt, &bench.records).await.word(), "unknown", "{code}");
        assert_eq!(bench.klikoo.resolve(&mut attempt, &bench.records).await.word(), "succeeded", "{code}");
    }
}

#[tokio::test]
async fn a_bill_is_inquired_paid_and_found() {
    let bench = Bench::new();
    let order = Order::new("BILL-1", "PDAMMJK", "1726010024").unwrap();
    let mut attempt = bench.klikoo.prepare(order.clone()).await.unwrap();
    let price = attempt.price().unwrap();
    assert_eq!(price, Rupiah::new(50_000 + 24_000 + 2_500));
    let outcome = bench.klikoo.pay(&mut attempt, &bench.records).await;
    bench.sandbox.settle();
    let resolved = bench.klikoo.resolve(&mut attempt, &bench.records).await;
    assert_eq!((outcome.word(), resolved.word()), ("succeeded", "succeeded"));
    assert_eq!(bench.sandbox.charges()[0].amount, price.get());

    let error = bench.klikoo.prepare(order.with_expected_price(Rupiah::new(1))).await.unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::PriceChanged, Execution::NotExecuted));
}

#[tokio::test]
async fn a_changed_price_buys_nothing() {
    let bench = Bench::new();
    let order = Order::new("P-1", "PLN20", "01105691111").unwrap().with_expected_price(Rupiah::new(20_400));
    let error = bench.klikoo.prepare(order).await.unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::PriceChanged, Execution::NotExecuted));
    assert!(error.to_string().contains("Rp20.500 instead of Rp20.400"), "{error}");
    assert_eq!(bench.buys(), 0);
}

#[tokio::test]
async fn preparing_again_takes_another_inquiry_reference() {
    let bench = Bench::new();
    let order = || Order::new("AGAIN-1", "PLN20", "01105691111").unwrap().with_expected_price(Rupiah::new(20_500));
    for inquiries in [1, 3, 6] {
        bench.klikoo.prepare(order()).await.unwrap();
        assert_eq!(bench.tape.count("/products/inquiry"), inquiries);
    }
}

#[tokio::test]
async fn an_attempt_is_paid_once() {
    let bench = Bench::new();
    let mut attempt = bench.klikoo.prepare(pulsa("ONCE-1", "081200000001")).await.unwrap();
    assert_eq!(bench.klikoo.pay(&mut attempt, &bench.records).await.word(), "succeeded");
    let Outcome::Unknown(error) = bench.klikoo.pay(&mut attempt, &bench.records).await else { panic!("paid twice") };
    assert_eq!((error.kind(), error.execution()), (ErrorKind::AlreadySent, Execution::Unknown));
    assert_eq!((bench.buys(), bench.sandbox.charges().len()), (1, 1));
}

#[tokio::test]
async fn a_duplicate_reference_is_unknown_and_leads_to_the_twin() {
    let bench = Bench::new();
    let mut first = bench.klikoo.prepare(pulsa("TWIN-1", "081200000001")).await.unwrap();
    bench.klikoo.pay(&mut first, &bench.records).await;
    let mut second = bench.klikoo.prepare(pulsa("TWIN-1", "081200000001")).await.unwrap();
    let Outcome::Unknown(error) = bench.klikoo.pay(&mut second, &bench.records).await else { panic!("not unknown") };
    assert_eq!((error.kind(), bench.buys()), (ErrorKind::AlreadySent, 1));

    // Records that have forgotten the first send it, and the provider refuses it.
    let forgetful = MemoryRecords::default();
    let Outcome::Unknown(error) = bench.klikoo.pay(&mut second, &forgetful).await else { panic!("not unknown") };
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert_eq!(bench.klikoo.resolve(&mut second, &forgetful).await.word(), "succeeded");
    assert_eq!(bench.sandbox.charges().len(), 1);
}

#[tokio::test]
async fn a_stored_attempt_goes_on_after_a_crash() {
    let bench = Bench::new();
    let mut attempt = bench.klikoo.prepare(pulsa("CRASH-1", "081200000001")).await.unwrap();
    // The process dies in the middle of the payment: all that is left is what was written down before it.
    let paying = bench.klikoo.pay(&mut attempt, &bench.records);
    drop(tokio::select! { biased; outcome = paying => Some(outcome), () = std::future::ready(()) => None });
    let stored = bench.records.get("klikoo", "CRASH-1").expect("written down before it was sent");
    assert_eq!(stored.stage(), Stage::Sent);
    let text = serde_json::to_string(&stored).unwrap();
    let mut stored: Attempt = serde_json::from_str(&text).unwrap();
    let outcome = bench.klikoo.resolve(&mut stored, &bench.records).await;
    let charged = !bench.sandbox.charges().is_empty();
    assert_eq!(outcome.word(), if charged { "succeeded" } else { "unknown" });
}

#[tokio::test]
async fn not_found_is_failed_only_by_the_operators_word() {
    let half_an_hour = Some(Duration::from_secs(1800));
    for (final_after, expected) in [(None, "unknown"), (half_an_hour, "failed")] {
        let bench = Bench::with(|config| config.with_not_found_final_after(final_after));
        bench
            .sandbox
            .arm(
                biller_sandbox::Fault::new("klikoo", biller_sandbox::FaultKind::LoseRequest)
                    .on(biller_sandbox::Operation::Payment),
            )
            .unwrap();
        let mut attempt = bench.klikoo.prepare(pulsa("GONE-1", "081200000001")).await.unwrap();
        assert_eq!(bench.klikoo.pay(&mut attempt, &bench.records).await.word(), "unknown");
        let mut words = Vec::new();
        for _ in 0..4 {
            bench.clock.advance(Duration::from_secs(600));
            words.push(bench.klikoo.resolve(&mut attempt, &bench.records).await.word());
        }
        assert_eq!(words, ["unknown", "unknown", expected, expected]);
    }
}

#[tokio::test]
async fn a_person_is_called_after_a_day_and_the_outcome_stays() {
    let bench = Bench::new();
    let mut attempt = bench.klikoo.prepare(pulsa("DAY-1", "081200000002")).await.unwrap();
    bench
        .sandbox
        .arm(biller_sandbox::Fault::new("klikoo", biller_sandbox::FaultKind::StatusNotFound).times(0))
        .unwrap();
    assert_eq!(bench.klikoo.pay(&mut attempt, &bench.records).await.word(), "pending");
    bench.clock.advance(Duration::from_secs(24 * 3600 - 1));
    assert_eq!(bench.klikoo.resolve(&mut attempt, &bench.records).await.word(), "pending");
    assert!(attempt.attention().is_empty());
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(bench.klikoo.resolve(&mut attempt, &bench.records).await.word(), "pending");
    assert_eq!(attempt.attention()[0].reason, "no final answer within 24 h");
    bench.sandbox.clear_faults();
    assert_eq!(bench.klikoo.resolve(&mut attempt, &bench.records).await.word(), "succeeded");
}

#[tokio::test]
async fn history_streams_over_all_pages() {
    let bench = Bench::new();
    for n in 0..7 {
        let mut attempt = bench.klikoo.prepare(pulsa(&format!("H-{n}"), "081200000001")).await.unwrap();
        bench.klikoo.pay(&mut attempt, &bench.records).await;
    }
    let query = HistoryQuery::new().with_limit(3);
    let rows: Vec<_> = bench.klikoo.client().all_transactions(query).try_collect().await.unwrap();
    let references: Vec<_> = rows.iter().map(|row| row.partner_reference_id.clone().unwrap()).collect();
    assert_eq!(references, ["H-6", "H-5", "H-4", "H-3", "H-2", "H-1", "H-0"]);
    assert_eq!(bench.tape.count("/transactions"), 3);
}

#[tokio::test]
async fn several_ids_under_one_reference_call_a_person() {
    let row = |id: u32| format!(r#"{{"transaction_id":"{id}","partner_reference_id":"TWO-1","status":"SUCCESS"}}"#);
    let body = format!(r#"{{"response_code":"200022000","meta":{{}},"data":[{},{}]}}"#, row(1), row(2));
    let bench = Bench::new();
    let mut attempt = bench.klikoo.prepare(pulsa("TWO-1", "081200000001")).await.unwrap();
    let transport = biller_tests::Invented(move |request: &http::Request<bytes::Bytes>| {
        let path = request.uri().path();
        (path.ends_with("/transactions"))
            .then(|| Ok(biller_tests::reply(200, body.clone())))
            .or_else(|| path.ends_with("/buy").then(|| Err(biller_core::TransportError::maybe_sent("lost"))))
    });
    let wiring = Wiring::over(transport.over(bench.sandbox.transport())).with_clock(bench.clock.clone());
    let klikoo = Klikoo::new(Client::with_wiring(config("http://127.0.0.1/klikoo"), wiring));
    assert_eq!(klikoo.pay(&mut attempt, &bench.records).await.word(), "unknown");
    let Outcome::Unknown(error) = klikoo.resolve(&mut attempt, &bench.records).await else { panic!("not unknown") };
    assert_eq!(error.kind(), ErrorKind::Ambiguous);
    assert!(attempt.attention()[0].reason.contains("several transactions carry the reference: 1, 2"));
}

#[tokio::test]
async fn rows_without_a_reference_are_shown_but_prove_nothing() {
    let body = r#"{"response_code":"200022000","meta":{},"data":[{"transaction_id":"77","value":"6281200000001","status":"SUCCESS"}]}"#;
    let bench = Bench::with(|config| config.with_not_found_final_after(Some(Duration::ZERO)));
    let mut attempt = bench.klikoo.prepare(pulsa("ROW-1", "081200000001")).await.unwrap();
    let transport = biller_tests::Invented(move |request: &http::Request<bytes::Bytes>| {
        let path = request.uri().path();
        path.ends_with("/transactions")
            .then(|| Ok(biller_tests::reply(200, body)))
            .or_else(|| path.ends_with("/buy").then(|| Err(biller_core::TransportError::maybe_sent("lost"))))
    });
    let wiring = Wiring::over(transport.over(bench.sandbox.transport())).with_clock(bench.clock.clone());
    let config = config("http://127.0.0.1/klikoo").with_not_found_final_after(Some(Duration::ZERO));
    let klikoo = Klikoo::new(Client::with_wiring(config, wiring));
    assert_eq!(klikoo.pay(&mut attempt, &bench.records).await.word(), "unknown");
    for _ in 0..5 {
        bench.clock.advance(Duration::from_secs(600));
        let Outcome::Unknown(error) = klikoo.resolve(&mut attempt, &bench.records).await else { panic!("not unknown") };
        assert!(error.to_string().contains("rows without a reference that could be it: 77"), "{error}");
    }
}
