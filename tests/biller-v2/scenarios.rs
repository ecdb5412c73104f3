use std::time::Duration;

use biller_core::{Attempt, Biller, ErrorKind, MemoryRecords, Order, Outcome, Rupiah, Stage};
use biller_sandbox::{ChargeState, Fault, FaultKind, Operation, Sandbox};
use biller_v2::codes::{Call, RANGES, TABLE, verdict};
use biller_v2::{BillerV2, Client};
use tokio::net::TcpListener;

use crate::{Bench, bill, config, order};

const HOUR: Duration = Duration::from_secs(3600);

/// A sandbox on a port of its own, and the client's base URL.
pub async fn served() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/biller-v2", listener.local_addr().unwrap());
    let server = sandbox.clone();
    tokio::spawn(async move { server.serve(listener, std::future::pending()).await });
    (sandbox, base_url)
}

/// What became of an order: the reply to the payment, and the answer once everything has settled.
async fn course(biller: &BillerV2, sandbox: &Sandbox, order: Order) -> (String, String) {
    let records = MemoryRecords::default();
    let mut attempt = match biller.prepare(order).await {
        Ok(attempt) => attempt,
        Err(error) => return (format!("prepare: {}", error.kind()), error.code().unwrap_or_default().to_owned()),
    };
    let paid = biller.pay(&mut attempt, &records).await;
    sandbox.settle();
    let resolved = biller.resolve(&mut attempt, &records).await;
    (paid.word().to_owned(), resolved.word().to_owned())
}

/// The scenario table, over real HTTP.
#[tokio::test]
async fn the_account_decides() {
    use ChargeState::{Failed, Succeeded};
    let (sandbox, base_url) = served().await;
    let biller = BillerV2::new(Client::new(config(&base_url)).unwrap());
    for (account, expected, charge) in [
        ("123223341", ("succeeded", "succeeded"), Some(Succeeded)),
        ("123223342", ("pending", "succeeded"), Some(Succeeded)),
        ("123223343", ("pending", "failed"), Some(Failed)),
        ("123223344", ("failed", "failed"), None),
        ("123223345", ("prepare: refused", "304"), None),
        ("123223346", ("pending", "succeeded"), Some(Succeeded)),
        ("999302000001", ("prepare: refused", "302"), None),
        ("999312000001", ("prepare: refused", "312"), None),
        ("999409000001", ("prepare: refused", "409"), None),
        ("998312000001", ("failed", "failed"), None),
        ("998102000001", ("unknown", "succeeded"), Some(Succeeded)),
        ("998004000001", ("succeeded", "succeeded"), Some(Succeeded)),
        ("997188000001", ("pending", "succeeded"), Some(Succeeded)),
        ("997100000001", ("pending", "failed"), Some(Failed)),
    ] {
        let (paid, resolved) = course(&biller, &sandbox, bill(&format!("S-{account}"), account)).await;
        assert_eq!((paid.as_str(), resolved.as_str()), expected, "{account}");
        let charges = charges_of(&sandbox, &format!("S-{account}"));
        assert_eq!(charges, Vec::from_iter(charge), "{account}");
    }
}

fn charges_of(sandbox: &Sandbox, reference: &str) -> Vec<ChargeState> {
    let ours = sandbox.charges().into_iter().filter(|charge| charge.reference.as_deref() == Some(reference));
    ours.map(|charge| charge.state).collect()
}

/// Every product of the list is bought, at the price that its inquiry says.
#[tokio::test]
async fn every_product_is_bought() {
    let bench = Bench::new();
    let products = bench.biller.products().await.unwrap();
    assert_eq!(products.len(), 24);
    for product in products {
        let code = product.code.as_str();
        let account = if code == "SBDRIVER" { "B 1232 XYZ" } else { "081200000002" };
        let mut wanted = order(&format!("P-{code}"), code, account);
        wanted = match code {
            "SBEMONOPEN" | "SBDRIVER" => wanted.with_amount(Rupiah::new(101_500)),
            "SBGPLAY20" => wanted.with_expected_price(Rupiah::new(20_000)),
            "SBGPLAY50" => wanted.with_expected_price(Rupiah::new(50_000)),
            "SBGAME70" => wanted.with_option("zone_id", "2001"),
            "SBBPJSBPU" => wanted.with_months(3),
            _ => wanted,
        };
        if !product.available {
            let error = bench.biller.prepare(wanted).await.unwrap_err();
            assert_eq!((code, error.code()), ("SBOFF01", Some("184")));
            continue;
        }
        let (mut attempt, paid) = bench.buy(wanted).await;
        assert_eq!(paid.word(), "pending", "{code}");
        bench.sandbox.settle();
        let Outcome::Succeeded(receipt) = bench.resolve(&mut attempt).await else { panic!("{code}") };
        let charge = bench.sandbox.charges().pop().unwrap();
        assert_eq!(receipt.charged, Some(Rupiah::new(charge.amount)), "{code}");
        assert!(receipt.serial.is_some(), "{code}");
        assert_eq!(
            receipt.stroom_token.is_some(),
            code.starts_with("SBPLN") && !code.starts_with("SBPLNPOST"),
            "{code}"
        );
        assert!(attempt.attention().is_empty(), "{code}");
    }
}

/// Every code of the table, and some of every range, as the answer to a payment and to a status call.
#[tokio::test]
async fn every_code_as_an_answer() {
    let rows = TABLE.iter().chain(RANGES).flat_map(|row| [row.from, row.to]).chain([113, 400, 500, 999]);
    let codes: std::collections::BTreeSet<u64> = rows.collect();
    for code in codes {
        let bench = Bench::new();
        let (mut attempt, paid) = bench.buy(bill("C-1", &format!("998{code:03}000001"))).await;
        let expected = match verdict(code, Call::Payment) {
            biller_core::Verdict::Succeeded => "succeeded",
            biller_core::Verdict::Pending => "pending",
            biller_core::Verdict::Failed(_) => "failed",
            biller_core::Verdict::Unknown(_) => "unknown",
        };
        assert_eq!(paid.word(), expected, "payment {code}");
        bench.sandbox.settle();
        let known = if expected == "failed" { "failed" } else { "succeeded" };
        assert_eq!(bench.resolve(&mut attempt).await.word(), known, "payment {code}");
        assert_eq!(bench.sandbox.charges().len(), usize::from(known == "succeeded"), "payment {code}");

        let bench = Bench::new();
        let (mut attempt, paid) = bench.buy(bill("C-2", &format!("997{code:03}000001"))).await;
        assert_eq!(paid.word(), "pending", "status {code}");
        bench.clock.advance(Duration::from_secs(150));
        let expected = match verdict(code, Call::Status) {
            biller_core::Verdict::Succeeded => "succeeded",
            biller_core::Verdict::Failed(_) => "failed",
            biller_core::Verdict::Pending | biller_core::Verdict::Unknown(_) => "pending",
        };
        assert_eq!(bench.resolve(&mut attempt).await.word(), expected, "status {code}");
        bench.sandbox.settle();
        let ledger = charges_of(&bench.sandbox, "C-2");
        let end =
            if expected == "failed" { ("failed", ChargeState::Failed) } else { ("succeeded", ChargeState::Succeeded) };
        assert_eq!((bench.resolve(&mut attempt).await.word(), ledger), (end.0, vec![end.1]), "status {code}");
    }
}

/// An inquiry that is too old is made anew before the payment; the payment names the new one.
#[tokio::test]
async fn an_expired_inquiry_is_renewed_before_the_payment() {
    let bench = Bench::new();
    for (minutes, inquiries) in [(29, 1), (30, 2), (24 * 60, 2)] {
        let before = bench.tape.count("/bill/check");
        let mut attempt = bench.biller.prepare(bill(&format!("E-{minutes}"), "123223341")).await.unwrap();
        bench.clock.advance(Duration::from_secs(60 * minutes));
        let outcome = bench.biller.pay(&mut attempt, &bench.records).await;
        assert_eq!(outcome.word(), "succeeded", "{minutes}");
        assert_eq!(bench.tape.count("/bill/check") - before, inquiries, "{minutes}");
    }
    assert_eq!((bench.sandbox.charges().len(), bench.payments()), (3, 3));
}

/// Without renewal the provider refuses the expired inquiry: certainly not charged.
#[tokio::test]
async fn an_expired_inquiry_that_is_not_renewed_fails_without_a_charge() {
    let bench = Bench::with(|config| config.with_inquiry_lifetime(48 * HOUR));
    let mut attempt = bench.biller.prepare(bill("E-1", "123223341")).await.unwrap();
    bench.clock.advance(Duration::from_secs(31 * 60));
    let Outcome::Failed(refusal) = bench.biller.pay(&mut attempt, &bench.records).await else { panic!("not failed") };
    assert_eq!(refusal.code(), Some("312"));
    assert!(bench.sandbox.charges().is_empty());
}

/// A renewal that fails, or that finds another amount, sends nothing, and the attempt is over.
#[tokio::test]
async fn a_renewal_that_fails_sends_nothing() {
    let bench = Bench::new();
    let mut attempt = bench.biller.prepare(bill("E-2", "123223341")).await.unwrap();
    bench.clock.advance(HOUR);
    bench.sandbox.arm(Fault::new("biller-v2", FaultKind::LoseReply).on(Operation::Inquiry)).unwrap();
    let Outcome::Failed(refusal) = bench.biller.pay(&mut attempt, &bench.records).await else { panic!("not failed") };
    assert_eq!(refusal.kind(), ErrorKind::Connection);
    assert_eq!((bench.payments(), attempt.stage()), (0, Stage::Failed));
    let again = bench.biller.pay(&mut attempt, &bench.records).await;
    assert!(matches!(&again, Outcome::Unknown(error) if error.kind() == ErrorKind::AlreadySent), "{again:?}");
    assert_eq!(bench.payments(), 0);

    let dearer = |request: &http::Request<bytes::Bytes>| {
        let first = request.uri().path().ends_with("/bill/check");
        let body = r#"{"responseCode":300,"data":{"inquiryId":1,"amount":747251}}"#;
        first.then(|| Ok(biller_tests::reply(200, body)))
    };
    let tape = biller_tests::Tape::new(biller_tests::Invented(dearer).over(bench.sandbox.transport()));
    let other = BillerV2::new(crate::client(config("http://127.0.0.1/biller-v2"), &tape, &bench.clock));
    let mut attempt = bench.biller.prepare(bill("E-3", "123223341")).await.unwrap();
    bench.clock.advance(HOUR);
    let Outcome::Failed(refusal) = other.pay(&mut attempt, &bench.records).await else { panic!("not failed") };
    assert_eq!((refusal.kind(), tape.count("/bill/payment")), (ErrorKind::PriceChanged, 0));
}

/// An inquiry that has expired before it was answered is made again, once.
#[tokio::test]
async fn an_inquiry_answered_as_expired_is_made_again() {
    for code in [312, 409, 330] {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let expired_once = move |_: &http::Request<bytes::Bytes>| {
            let first = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
            first.then(|| Ok(biller_tests::reply(200, format!(r#"{{"responseCode":{code}}}"#))))
        };
        let bench = Bench::new();
        let tape = biller_tests::Tape::new(biller_tests::Invented(expired_once).over(bench.sandbox.transport()));
        let biller = BillerV2::new(crate::client(config("http://127.0.0.1/biller-v2"), &tape, &bench.clock));
        let prepared = biller.prepare(bill("X-1", "123223341")).await;
        assert_eq!((prepared.is_ok(), tape.sent().len()), if code == 330 { (false, 1) } else { (true, 2) }, "{code}");
    }
}

/// The plan of looks: first after the wait that the documents ask for, never sooner; a person after a day; no more after three.
#[tokio::test]
async fn looks_follow_the_specified_waits() {
    for n in 0..50 {
        let bench = Bench::new();
        bench.sandbox.arm(Fault::new("biller-v2", FaultKind::LoseRequest).on(Operation::Payment)).unwrap();
        let (mut attempt, outcome) = bench.buy(bill(&format!("W-{n}"), "123223341")).await;
        assert_eq!(outcome.word(), "unknown");
        let sent = attempt.sent_at().unwrap();
        let mut last = sent;
        for (look, wait) in [150, 300, 600, 1200, 2400, 3600, 3600].into_iter().enumerate() {
            let next = bench.biller.schedule().next_look(&attempt).unwrap();
            let (waited, exact) = (next.since(last), Duration::from_secs(wait));
            let least = if look == 0 { exact } else { exact * 9 / 10 };
            assert!(waited >= least && waited <= exact * 11 / 10, "{look}: {waited:?}");
            bench.clock.set(next);
            assert_eq!(bench.resolve(&mut attempt).await.word(), "unknown");
            last = next;
        }
        bench.clock.set(sent.after(73 * HOUR));
        bench.resolve(&mut attempt).await;
        assert_eq!(bench.biller.schedule().next_look(&attempt), None);
        assert_eq!(attempt.stage(), Stage::Unknown, "time alone never decides");
    }
}

#[tokio::test]
async fn three_answers_that_prove_nothing_over_an_hour_call_a_person() {
    let bench = Bench::new();
    let (mut attempt, _) = bench.buy(bill("U-1", "997188000001")).await;
    bench.clock.advance(Duration::from_secs(150));
    for look in 0..3 {
        bench.resolve(&mut attempt).await;
        assert!(attempt.attention().is_empty(), "{look}");
        bench.clock.advance(Duration::from_secs(1200));
    }
    for _ in 0..2 {
        bench.resolve(&mut attempt).await;
    }
    let reasons: Vec<_> = attempt.attention().iter().map(|attention| attention.reason.as_str()).collect();
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assert!(
        reasons[0].starts_with("status answers keep proving nothing: ") && reasons[0].contains("code 188"),
        "{reasons:?}"
    );
    bench.clock.advance(24 * HOUR);
    assert_eq!(bench.resolve(&mut attempt).await.word(), "pending");
    assert_eq!(attempt.attention().len(), 2);
    bench.sandbox.settle();
    assert_eq!(bench.resolve(&mut attempt).await.word(), "succeeded");
}

/// A record about something else is for a person, and the purchase stays open.
#[tokio::test]
async fn a_mismatch_calls_a_person() {
    let stranger = |request: &http::Request<bytes::Bytes>| {
        let body = r#"{"responseCode":0,"data":{"refNumber":"M-1","accountNumber":"999","amount":747250}}"#;
        request.uri().path().ends_with("/bill/status").then(|| Ok(biller_tests::reply(200, body)))
    };
    let bench = Bench::new();
    let tape = biller_tests::Tape::new(biller_tests::Invented(stranger).over(bench.sandbox.transport()));
    let biller = BillerV2::new(crate::client(config("http://127.0.0.1/biller-v2"), &tape, &bench.clock));
    let (mut attempt, _) = bench.buy(bill("M-1", "998102000001")).await;
    let Outcome::Unknown(error) = biller.resolve(&mut attempt, &bench.records).await else { panic!("not unknown") };
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    assert_eq!(attempt.attention().len(), 1);
    assert_eq!(bench.resolve(&mut attempt).await.word(), "pending");
}

/// Another process goes on with what was written down.
#[tokio::test]
async fn a_restart_resolves_what_was_written_down() {
    let bench = Bench::new();
    bench.sandbox.arm(Fault::new("biller-v2", FaultKind::LoseReply).on(Operation::Payment)).unwrap();
    let (_, outcome) = bench.buy(bill("R-1", "123223341")).await;
    assert_eq!(outcome.word(), "unknown");
    let text = serde_json::to_string(&bench.records.get("biller-v2", "R-1").unwrap()).unwrap();
    let mut attempt: Attempt = serde_json::from_str(&text).unwrap();
    let again = bench.biller.pay(&mut attempt, &bench.records).await;
    assert!(matches!(&again, Outcome::Unknown(error) if error.kind() == ErrorKind::AlreadySent), "{again:?}");
    assert_eq!(bench.payments(), 1);
    assert_eq!(bench.resolve(&mut attempt).await.word(), "succeeded");
    assert_eq!(bench.sandbox.charges().len(), 1);
}

/// A final outcome stays: a later contradiction is for a person.
#[tokio::test]
async fn a_contradiction_is_reported_and_changes_nothing() {
    let bench = Bench::new();
    let (mut attempt, paid) = bench.buy(bill("K-1", "123223341")).await;
    assert_eq!(paid.word(), "succeeded");
    let failed = |_: &http::Request<bytes::Bytes>| {
        Some(Ok(biller_tests::reply(200, r#"{"responseCode":100,"data":{"refNumber":"K-1"}}"#)))
    };
    let tape = biller_tests::Tape::new(biller_tests::Invented(failed));
    let biller = BillerV2::new(crate::client(config("http://127.0.0.1/biller-v2"), &tape, &bench.clock));
    assert_eq!(biller.resolve(&mut attempt, &bench.records).await.word(), "succeeded");
    assert_eq!(attempt.attention().len(), 1);
}

#[tokio::test]
async fn the_neutral_face_says_what_there_is() {
    let bench = Bench::new();
    let capabilities = bench.biller.capabilities();
    assert!(capabilities.inquiry && capabilities.products && capabilities.balance && capabilities.callback);
    assert!(capabilities.own_reference && capabilities.distinguishes_equal_purchases && !capabilities.history);
    assert_eq!(bench.biller.provider(), "biller-v2");
    assert_eq!(bench.biller.balance().await.unwrap(), Rupiah::new(100_000_000));
    let products = bench.biller.products().await.unwrap();
    let find = |code: &str| products.iter().find(|product| product.code.as_str() == code).unwrap();
    assert_eq!((find("SBPULSA10").price, find("SBTV01").price), (crate::rupiah(10_500), None));
    assert!(!find("SBOFF01").available);
}
