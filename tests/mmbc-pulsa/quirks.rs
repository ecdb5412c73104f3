//! What MMBC does that a client has to absorb, one test each.

use std::sync::Arc;
use std::time::Duration;

use biller_core::{
    Attempt, Biller, BoxFuture, ErrorKind, Evidence, Execution, MemoryRecords, Operation as _, Outcome, RecordError,
    Records, Rupiah, Stage,
};
use biller_sandbox::{ChargeState, Fault, FaultKind, Operation};
use biller_tests::{Invented, reply};
use mmbc_pulsa::TopUp;
use mmbc_pulsa::model::{State, StatusRequest};
use mmbc_pulsa::operations::{AskPriceList, AskStatus, SendTopUp};

use crate::{Bench, called_for, no, ok, pulsa};

const CUSTOMER: &str = "081234567891";

fn sent() -> SendTopUp {
    SendTopUp(TopUp::new("TEL5", CUSTOMER).unwrap().with_denomination(Some(Rupiah::new(5000))))
}

fn asked() -> AskStatus {
    AskStatus(StatusRequest::about(&sent().0, "TRX1").unwrap())
}

fn lose(bench: &Bench, kind: FaultKind) {
    bench.sandbox.arm(Fault::new("mmbc", kind).on(Operation::Payment)).unwrap();
}

/// An attempt whose first reply is lost after MMBC has executed it, or before.
async fn lost(bench: &Bench, kind: FaultKind, customer: &str) -> Attempt {
    lose(bench, kind);
    let mut attempt = bench.prepare(pulsa("Q-1", customer)).await;
    let outcome = bench.pay(&mut attempt).await;
    assert_eq!(outcome.word(), "unknown");
    attempt
}

#[tokio::test]
async fn quirk_01_ok_with_pending_is_pending_and_ok_with_gagal_is_failed() {
    let pending = sent().interpret(&reply(200, r#"{"result":"ok","status":"Pending"}"#)).unwrap();
    assert!(!pending.succeeded);
    let failed = asked().interpret(&reply(200, r#"{"result":"ok","status":"gagal"}"#)).unwrap();
    assert_eq!(failed.state, State::Failed);
    // In the reply to a top-up the word is not documented.
    for status in [r#""gagal""#, r#""refund""#, "null", r#""""#] {
        let error = sent().interpret(&reply(200, format!(r#"{{"result":"ok","status":{status}}}"#))).unwrap_err();
        assert_eq!(error.execution(), Execution::Unknown, "{status}");
    }

    let bench = Bench::new();
    let mut attempt = bench.prepare(pulsa("Q-1", "081234567893")).await;
    assert_eq!(bench.pay(&mut attempt).await.word(), "pending");
    bench.sandbox.settle();
    let Outcome::Failed(refusal) = bench.resolve(&mut attempt).await else { panic!() };
    assert_eq!((refusal.kind(), refusal.code()), (ErrorKind::Refused, Some("gagal")));
    assert_eq!(bench.ledger(), [ChargeState::Failed]);
}

#[test]
fn quirk_02_two_names_for_number_and_debit() {
    for (number, debit) in [("nomorpelanggan", "debet"), ("nomortujuan", "debit")] {
        let body = format!(r#"{{"result":"ok","status":"sukses","{number}":"{CUSTOMER}","{debit}":"5630"}}"#);
        let transaction = sent().interpret(&reply(200, body)).unwrap().transaction;
        assert_eq!(transaction.destination.as_deref(), Some(CUSTOMER));
        assert_eq!(transaction.debited, Some(Rupiah::new(5630)));
    }
    let both =
        format!(r#"{{"result":"ok","status":"sukses","nomortujuan":"{CUSTOMER}","nomorpelanggan":"081299999999"}}"#);
    assert_eq!(sent().interpret(&reply(200, both)).unwrap_err().kind(), ErrorKind::Mismatch);
}

#[test]
fn quirk_03_numbers_as_strings_and_as_numbers() {
    for (nominal, debet) in [(r#""5000""#, r#""5630""#), ("5000", "5630"), ("5000.0", "5630.00")] {
        let body = format!(r#"{{"result":"ok","status":"sukses","nominal":{nominal},"debet":{debet},"saldo":-100}}"#);
        let transaction = sent().interpret(&reply(200, body)).unwrap().transaction;
        assert_eq!((transaction.denomination, transaction.debited), (Some(Rupiah::new(5000)), Some(Rupiah::new(5630))));
        assert_eq!(transaction.balance, Some(Rupiah::new(-100)));
    }
    for (code, expected) in [(r#""00""#, "00"), ("0", "00"), (r#""62""#, "62"), ("62", "62"), (r#"" 62 ""#, "62")] {
        let error = sent().interpret(&reply(200, format!(r#"{{"result":"no","reason_code":{code}}}"#))).unwrap_err();
        assert_eq!(error.code(), Some(expected));
        let execution = if expected == "00" { Execution::Unknown } else { Execution::NotExecuted };
        assert_eq!(error.execution(), execution, "{code}");
    }
}

#[test]
fn quirk_04_an_object_instead_of_the_price_list() {
    let error = AskPriceList.interpret(&reply(200, r#"{"result": "no", "reason": "invalid login"}"#)).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::Refused, Execution::NotExecuted));
    assert_eq!(error.provider_message(), Some("invalid login"));
    for body in ["{}", r#"{"result":"ok"}"#, "<html>", "", r#""no""#] {
        assert_eq!(AskPriceList.interpret(&reply(200, body)).unwrap_err().kind(), ErrorKind::UnreadableReply, "{body}");
    }
}

#[test]
fn quirk_05_json_under_another_name_with_blanks_around() {
    let mut response = reply(200, "\u{feff}\r\n\r\n{\"result\":\"ok\",\"status\":\"sukses\"}\r\n");
    response.headers_mut().insert("content-type", "text/html; charset=UTF-8".parse().unwrap());
    assert!(sent().interpret(&response).unwrap().succeeded);
}

#[tokio::test]
async fn quirk_06_a_page_with_http_200_is_unknown() {
    let bench = Bench::answering("/isipulsa", &[(200, "<html>Maintenance</html>")]);
    let mut attempt = bench.prepare(pulsa("Q-1", CUSTOMER)).await;
    let Outcome::Unknown(error) = bench.pay(&mut attempt).await else { panic!() };
    assert_eq!(error.kind(), ErrorKind::UnreadableReply);
    assert_eq!(attempt.stage(), Stage::Unknown);
}

#[tokio::test]
async fn quirk_07_no_such_transaction_changes_nothing() {
    let bench = Bench::new();
    let mut attempt = bench.prepare(pulsa("Q-1", "081234567892")).await;
    assert_eq!(bench.pay(&mut attempt).await.word(), "pending");
    for _ in 0..3 {
        bench.sandbox.arm(Fault::new("mmbc", FaultKind::StatusNotFound)).unwrap();
        assert_eq!(bench.resolve_after(60, &mut attempt).await.word(), "pending");
    }
    assert_eq!(bench.top_ups(), 1);
    bench.sandbox.settle();
    assert_eq!(bench.resolve(&mut attempt).await.word(), "succeeded");
}

#[test]
fn quirk_08_a_status_refusal_with_or_without_a_code_proves_nothing() {
    for code in
        ["", r#","reason_code":"12""#, r#","reason_code":"51""#, r#","reason_code":77"#, r#","reason_code":null"#]
    {
        let body = format!(r#"{{"result":"no","reason":"Tidak ada transaksi"{code}}}"#);
        assert_eq!(asked().interpret(&reply(200, body)).unwrap_err().execution(), Execution::Unknown, "{code}");
    }
}

#[test]
fn quirk_09_balance_and_serial_may_be_negative_empty_or_missing() {
    for (fields, balance, serial) in [
        (r#","saldo":"-2500","serial":"004""#, Some(-2500), Some("004")),
        (r#","saldo":"","serial":"""#, None, None),
        (r#","saldo":"Rp 5","serial":null"#, None, None),
        ("", None, None),
    ] {
        let body = format!(r#"{{"result":"ok","status":"sukses"{fields}}}"#);
        let transaction = sent().interpret(&reply(200, body)).unwrap().transaction;
        assert_eq!(transaction.balance.map(Rupiah::get), balance, "{fields}");
        assert_eq!(transaction.serial.as_ref().map(|serial| serial.expose()), serial, "{fields}");
    }
}

#[tokio::test]
async fn quirk_10_the_number_is_sent_in_the_0_form() {
    for (n, customer) in ["+62 812-3456-7891", "6281234567891", "81234567891", " 081234567891"].into_iter().enumerate()
    {
        let bench = Bench::new();
        let mut attempt = bench.prepare(pulsa(&format!("Q-{n}"), customer)).await;
        assert!(attempt.key().starts_with("081234567891/TEL5/1/"), "{}", attempt.key());
        assert_eq!(bench.pay(&mut attempt).await.word(), "succeeded");
        let body = bench.tape.sent().last().unwrap().body().clone();
        assert!(String::from_utf8_lossy(&body).ends_with("&nomortujuan=081234567891"));
    }
}

#[test]
fn quirk_11_another_writing_of_the_number_is_the_same_and_another_number_is_not() {
    let said = |field: &str, value: &str| {
        let body = format!(r#"{{"result":"ok","status":"sukses","{field}":"{value}"}}"#);
        (sent().interpret(&reply(200, body.clone())).map(drop), asked().interpret(&reply(200, body)).map(drop))
    };
    for number in [CUSTOMER, "6281234567891", "+62 812-3456-7891", ""] {
        assert!(said("nomorpelanggan", number).0.is_ok(), "{number}");
        assert!(said("nomortujuan", number).1.is_ok(), "{number}");
    }
    for (field, value) in
        [("nomortujuan", "081234567890"), ("nomorpelanggan", "0812xxxx7891"), ("kodeoperator", "TEL10")]
    {
        let (top_up, status) = said(field, value);
        assert_eq!(top_up.unwrap_err().kind(), ErrorKind::Mismatch, "{field}");
        assert_eq!(status.unwrap_err().kind(), ErrorKind::Mismatch, "{field}");
    }
    assert_eq!(said("nominal", "10000").0.unwrap_err().kind(), ErrorKind::Mismatch);
    assert!(said("nominal", "5 GB").0.is_ok());
    assert_eq!(said("invoice", "TRX2").1.unwrap_err().kind(), ErrorKind::Mismatch);
}

#[tokio::test]
async fn quirk_12_a_lost_reply_is_found_again() {
    let bench = Bench::new();
    let mut attempt = lost(&bench, FaultKind::LoseReply, CUSTOMER).await;
    let Outcome::Succeeded(receipt) = bench.resolve_after(120, &mut attempt).await else { panic!() };
    assert_eq!(receipt.evidence, Evidence::DuplicateRefused);
    assert!(receipt.serial.is_none() && receipt.provider_id.is_none() && receipt.charged.is_none());
    assert_eq!((bench.ledger(), bench.top_ups()), (vec![ChargeState::Succeeded], 2));
    let sent = bench.tape.sent();
    let bodies: Vec<_> = sent.iter().filter(|request| request.uri().path().ends_with("/isipulsa")).collect();
    assert_eq!(bodies[0].body(), bodies[1].body());
}

#[tokio::test]
async fn quirk_13_a_lost_request_is_made_up_for() {
    let bench = Bench::new();
    let mut attempt = lost(&bench, FaultKind::LoseRequest, CUSTOMER).await;
    let Outcome::Succeeded(receipt) = bench.resolve_after(120, &mut attempt).await else { panic!() };
    assert_eq!((receipt.evidence, receipt.charged), (Evidence::Reply, Some(Rupiah::new(5630))));
    assert_eq!(receipt.provider_id.as_deref(), Some("TRX11111"));
    assert_eq!((bench.ledger(), bench.top_ups()), (vec![ChargeState::Succeeded], 2));
}

#[tokio::test]
async fn quirk_14_a_lost_reply_of_a_pending_top_up() {
    // 41, then 51.
    let (in_process, once) = (no("41"), no("51"));
    let bench = Bench::answering("/isipulsa", &[(200, ""), (200, &in_process), (200, &once)]);
    let mut attempt = bench.prepare(pulsa("Q-1", CUSTOMER)).await;
    assert_eq!(bench.pay(&mut attempt).await.word(), "unknown");
    assert_eq!(bench.resolve_after(120, &mut attempt).await.word(), "pending");
    assert_eq!(bench.resolve_after(60, &mut attempt).await.word(), "pending");
    assert_eq!(bench.resolve_after(60, &mut attempt).await.word(), "succeeded");
    assert_eq!((bench.top_ups(), attempt.attention().len()), (3, 0));

    // 41, then an `ok` with an invoice, whose status decides.
    let pending = ok("pending");
    let bench = Bench::answering("/isipulsa", &[(200, "<html>"), (200, &in_process), (200, &pending)]);
    let mut attempt = bench.prepare(pulsa("Q-1", CUSTOMER)).await;
    bench.pay(&mut attempt).await;
    for _ in 0..4 {
        assert_eq!(bench.resolve_after(120, &mut attempt).await.word(), "pending");
    }
    assert_eq!(attempt.provider_id(), Some("TRX77777"));
    assert_eq!((bench.top_ups(), bench.tape.count("/cekstatus")), (3, 2));
}

#[tokio::test]
async fn quirk_15_a_refused_resend_says_nothing_of_the_first() {
    for code in ["11", "12", "31", "61", "62", "71", "00", "91", "77"] {
        let refusal = no(code);
        let bench = Bench::answering(
            "/isipulsa",
            &[(500, "<html>"), (200, &refusal), (200, r#"{"result":"no","reason":"invalid login"}"#)],
        );
        let mut attempt = bench.prepare(pulsa("Q-1", CUSTOMER)).await;
        bench.pay(&mut attempt).await;
        for _ in 0..2 {
            let Outcome::Unknown(error) = bench.resolve_after(120, &mut attempt).await else { panic!("{code}") };
            assert_eq!(error.execution(), Execution::Unknown, "{code}");
        }
        assert_eq!((attempt.stage(), bench.top_ups()), (Stage::Unknown, 3), "{code}");
    }
}

#[tokio::test]
async fn quirk_16_nothing_is_sent_again_near_midnight_or_on_another_day() {
    for (sent_at, now) in [
        ("2026-03-10 23:40:00", "2026-03-10 23:50:00"),
        ("2026-03-10 12:00:00", "2026-03-10 23:59:59"),
        ("2026-03-10 12:00:00", "2026-03-11 00:00:00"),
        ("2026-03-10 12:00:00", "2026-03-11 00:05:00"),
        ("2026-03-10 12:00:00", "2026-03-11 00:10:00"),
        ("2026-03-10 12:00:00", "2026-03-11 12:00:00"),
        ("2026-03-10 12:00:00", "2026-04-10 12:00:00"),
        ("2026-03-10 00:05:00", "2026-03-10 00:15:00"),
        ("2026-03-10 00:10:00", "2026-03-10 12:00:00"),
    ] {
        let bench = Bench::new().at(sent_at);
        let mut attempt = lost(&bench, FaultKind::LoseReply, CUSTOMER).await;
        let bench = bench.at(now);
        assert_eq!(bench.resolve(&mut attempt).await.word(), "unknown", "{sent_at} {now}");
        assert_eq!(bench.top_ups(), 1, "{sent_at} {now}");
        assert!(called_for(&attempt, "cannot be sent again"), "{sent_at} {now}: {:?}", attempt.attention());
    }
    for (sent_at, now) in [
        ("2026-03-10 23:40:00", "2026-03-10 23:49:59"),
        ("2026-03-10 00:10:01", "2026-03-10 00:12:01"),
        ("2026-03-10 00:11:00", "2026-03-10 23:49:00"),
    ] {
        let bench = Bench::new().at(sent_at);
        let mut attempt = lost(&bench, FaultKind::LoseReply, CUSTOMER).await;
        assert_eq!(bench.at(now).resolve(&mut attempt).await.word(), "succeeded", "{sent_at} {now}");
    }
    // A first sending at 23:55 is never sent again, and a person hears of it at once.
    let bench = Bench::new().at("2026-03-10 23:55:00");
    let attempt = lost(&bench, FaultKind::LoseRequest, CUSTOMER).await;
    assert!(called_for(&attempt, "within 10 minutes of WIB midnight"));
}

#[tokio::test]
async fn quirk_16_every_sending_of_an_attempt_has_the_same_itrx() {
    let bench = Bench::new();
    bench.sandbox.arm(Fault::new("mmbc", FaultKind::LoseRequest).on(Operation::Payment).times(4)).unwrap();
    let mut attempt = bench.prepare(pulsa("Q-1", CUSTOMER).with_repeat(3)).await;
    bench.pay(&mut attempt).await;
    for _ in 0..4 {
        bench.resolve_after(600, &mut attempt).await;
    }
    assert_eq!(attempt.stage(), Stage::Succeeded);
    let sent = bench.tape.sent();
    let sent: Vec<_> = sent.iter().filter(|request| request.uri().path().ends_with("/isipulsa")).collect();
    assert_eq!(sent.len(), 5);
    assert!(sent.iter().all(|request| String::from_utf8_lossy(request.body()).contains("&itrx=3&")));
}

#[tokio::test]
async fn quirk_17_two_minutes_between_sendings_and_one_resolver_at_a_time() {
    let bench = Bench::new();
    bench.sandbox.arm(Fault::new("mmbc", FaultKind::LoseRequest).on(Operation::Payment).times(0)).unwrap();
    let mut attempt = bench.prepare(pulsa("Q-1", CUSTOMER)).await;
    bench.pay(&mut attempt).await;
    for (seconds, sendings) in [(0, 1), (119, 1), (1, 2), (119, 2), (1, 3)] {
        bench.resolve_after(seconds, &mut attempt).await;
        assert_eq!(bench.top_ups(), sendings);
    }
    // Two resolvers that hold the same state, at once and one after the other.
    bench.clock.advance(Duration::from_secs(120));
    let (mut one, mut other) = (attempt.clone(), attempt.clone());
    let clone = bench.mmbc.clone();
    tokio::join!(clone.resolve(&mut one, &bench.records), bench.mmbc.resolve(&mut other, &bench.records));
    assert_eq!(bench.top_ups(), 4);
    bench.resolve(&mut attempt).await;
    assert_eq!(bench.top_ups(), 4);

    // After a crash the end of the last sending is not known: it may have taken its whole minute.
    let mut crashed: serde_json::Value = serde_json::to_value(&one).unwrap();
    crashed["facts"]["last_ended"] = serde_json::Value::Null;
    crashed["facts"]["last_sent"] = serde_json::to_value(biller_core::Clock::now(&bench.clock)).unwrap();
    let mut crashed: Attempt = serde_json::from_value(crashed).unwrap();
    bench.resolve_after(179, &mut crashed).await;
    assert_eq!(bench.top_ups(), 4);
    bench.resolve_after(1, &mut crashed).await;
    assert_eq!(bench.top_ups(), 5);
}

/// Shows a twin from the second question on, as when both were sent at the same moment.
struct LateTwin {
    twin: Attempt,
    asked: std::sync::atomic::AtomicBool,
}

impl Records for LateTwin {
    fn save<'a>(&'a self, _: &'a Attempt) -> BoxFuture<'a, Result<(), RecordError>> {
        Box::pin(async { Ok(()) })
    }

    fn load<'a>(
        &'a self,
        _provider: &'a str,
        _reference: &'a biller_core::Reference,
    ) -> BoxFuture<'a, Result<Option<Attempt>, RecordError>> {
        Box::pin(async { Ok(None) })
    }
    fn others<'a>(&'a self, _: &'a Attempt) -> BoxFuture<'a, Result<Vec<Attempt>, RecordError>> {
        let asked = self.asked.swap(true, std::sync::atomic::Ordering::SeqCst);
        Box::pin(async move { Ok(if asked { vec![self.twin.clone()] } else { Vec::new() }) })
    }
}

#[tokio::test]
async fn quirk_18_a_duplicate_on_a_first_sending() {
    for code in ["41", "51"] {
        // Without a known twin it is unknown, and a person decides; the invoice would be the twin's.
        let refusal = format!(r#"{{"result":"no","reason_code":"{code}","invoice":"TRX5"}}"#);
        let bench = Bench::answering("/isipulsa", &[(200, &refusal)]);
        let mut attempt = bench.prepare(pulsa("Q-1", CUSTOMER)).await;
        let Outcome::Unknown(error) = bench.pay(&mut attempt).await else { panic!("{code}") };
        assert_eq!((error.kind(), error.code()), (ErrorKind::Duplicate, Some(code)));
        assert!(called_for(&attempt, code), "{:?}", attempt.attention());
        assert_eq!(bench.resolve_after(3600, &mut attempt).await.word(), "unknown");
        assert_eq!((bench.top_ups(), bench.tape.count("/cekstatus")), (1, 0));
    }

    // With a twin that MMBC has confirmed it has failed.
    let mut charges = 0;
    for customer in [CUSTOMER, "081234567892"] {
        let bench = Bench::new();
        let mut twin = bench.prepare(pulsa("TWIN", customer)).await;
        bench.pay(&mut twin).await;
        let mut attempt = bench.prepare(pulsa("Q-1", customer)).await;
        let records = LateTwin { twin, asked: false.into() };
        let Outcome::Failed(refusal) = bench.mmbc.pay(&mut attempt, &records).await else { panic!("{customer}") };
        assert_eq!((refusal.kind(), refusal.to_string().as_str()), (ErrorKind::Duplicate, "duplicate of TWIN"));
        charges += bench.ledger().len();
    }
    assert_eq!(charges, 2);

    // A twin that is unknown itself proves nothing.
    let bench = Bench::new();
    let mut attempt = bench.prepare(pulsa("Q-1", CUSTOMER)).await;
    let mut twin = bench.prepare(pulsa("TWIN", CUSTOMER)).await;
    lose(&bench, FaultKind::LoseReply);
    bench.mmbc.pay(&mut twin, &MemoryRecords::default()).await;
    let records = LateTwin { twin, asked: false.into() };
    assert_eq!(bench.mmbc.pay(&mut attempt, &records).await.word(), "unknown");
}

#[tokio::test]
async fn quirk_18_an_equal_top_up_is_not_begun_beside_another() {
    for (fault, customer) in [
        (None, CUSTOMER),
        (None, "081234567892"),
        (Some(FaultKind::LoseReply), CUSTOMER),
        (Some(FaultKind::LoseRequest), CUSTOMER),
    ] {
        let bench = Bench::new();
        if let Some(kind) = fault {
            lose(&bench, kind);
        }
        let mut first = bench.prepare(pulsa("Q-1", customer)).await;
        bench.pay(&mut first).await;
        // The same number in another writing, and the same face value under another code.
        for (reference, product) in [("Q-2", "TEL5"), ("Q-3", "AXM5")] {
            let order = biller_core::Order::new(reference, product, &customer.replacen('0', "62", 1)).unwrap();
            let mut second = bench.prepare(order).await;
            let Outcome::Failed(refusal) = bench.pay(&mut second).await else { panic!("{fault:?}") };
            assert_eq!(refusal.kind(), ErrorKind::Duplicate);
            assert!(refusal.to_string().contains("Q-1 is the same top-up of the same day"), "{refusal}");
        }
        assert_eq!(bench.top_ups(), 1);
        // Another one of the day by the caller's own number, and one of the next day.
        let mut second = bench.prepare(pulsa("Q-4", customer).with_repeat(2)).await;
        assert_ne!(bench.pay(&mut second).await.word(), "failed");
        bench.clock.advance(Duration::from_secs(24 * 3600));
        let mut third = bench.prepare(pulsa("Q-5", customer)).await;
        assert_ne!(bench.pay(&mut third).await.word(), "failed");
        assert_eq!(bench.top_ups(), 3);
    }
}

#[tokio::test]
async fn quirk_19_what_asks_for_a_person_is_not_sent_again() {
    for code in ["21", "81", "82"] {
        // Executed all the same, as the first answer and as that of a re-send.
        let customer = format!("08119990{code}9");
        let bench = Bench::new();
        let mut attempt = bench.prepare(pulsa("Q-1", &customer)).await;
        let Outcome::Unknown(error) = bench.pay(&mut attempt).await else { panic!("{code}") };
        assert_eq!(error.kind(), ErrorKind::NeedsPerson);
        assert!(!attempt.attention().is_empty());
        assert_eq!(bench.resolve_after(3600, &mut attempt).await.word(), "unknown");
        assert_eq!((bench.top_ups(), bench.ledger()), (1, vec![ChargeState::Succeeded]));

        let bench = Bench::new();
        let mut attempt = lost(&bench, FaultKind::LoseRequest, &customer).await;
        assert_eq!(bench.resolve_after(120, &mut attempt).await.word(), "unknown");
        assert!(called_for(&attempt, "a person has to act"));
        assert_eq!(bench.resolve_after(3600, &mut attempt).await.word(), "unknown");
        assert_eq!(bench.top_ups(), 2);
    }
}

#[tokio::test]
async fn quirk_20_an_invoice_in_an_error_is_asked_by() {
    let sandbox_knows = r#"{"result":"ok","invoice":"TRX11111","status":"sukses"}"#;
    let another_word = r#"{"result":"ok","invoice":"TRX11111","status":"diproses"}"#;
    let no_word = r#"{"result":"ok","invoice":"TRX11111"}"#;
    for (status, body) in [
        (500, sandbox_knows),
        (502, r#"{"invoice":"TRX11111"}"#),
        (302, sandbox_knows),
        (200, another_word),
        (200, no_word),
        (200, r#"{"invoice":"TRX11111"}"#),
    ] {
        let bench = Bench::answering("/isipulsa", &[(status, body)]);
        // The sandbox has executed it under this invoice, by another client's request.
        let wiring = biller_core::Wiring::over(bench.sandbox.transport());
        let other = mmbc_pulsa::Client::with_wiring(crate::config("http://127.0.0.1/mmbc"), wiring);
        other.top_up(&TopUp::new("TEL5", CUSTOMER).unwrap()).await.unwrap();
        let mut attempt = bench.prepare(pulsa("Q-1", CUSTOMER)).await;
        assert_eq!(bench.pay(&mut attempt).await.word(), "unknown", "{status}");
        let Outcome::Succeeded(receipt) = bench.resolve_after(120, &mut attempt).await else { panic!("{status}") };
        assert_eq!((receipt.evidence, receipt.provider_id.as_deref()), (Evidence::Status, Some("TRX11111")));
        assert_eq!((bench.top_ups(), bench.tape.count("/cekstatus")), (1, 1));
    }
}

#[tokio::test]
async fn quirk_20_an_invoice_in_a_mismatch_is_asked_by() {
    let other = ok("sukses").replace(CUSTOMER, "081299999999");
    let bench = Bench::answering("/isipulsa", &[(200, &other)]);
    let mut attempt = bench.prepare(pulsa("Q-1", CUSTOMER)).await;
    let Outcome::Unknown(error) = bench.pay(&mut attempt).await else { panic!() };
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    assert!(!attempt.attention().is_empty());
    assert_eq!(attempt.provider_id(), None);
    assert_eq!(bench.resolve_after(120, &mut attempt).await.word(), "unknown");
    assert_eq!((bench.top_ups(), bench.tape.count("/cekstatus")), (1, 1));
}

#[tokio::test]
async fn quirk_21_rows_without_denomination_and_closed_rows() {
    let bench = Bench::new();
    let list = bench.mmbc.client().price_list().await.unwrap();
    assert_eq!(list.find("TRID2").unwrap().denomination, None);
    let rows =
        r#"[{"tipe":"PULSA","operator":"XL","kodeoperator":"XL5","nominal":"5000","harga":"5850","status":"close"}]"#;
    let list = mmbc_pulsa::PriceList::parse(rows).unwrap();
    assert!(!list.find("XL5").unwrap().is_ready());

    let mut attempt = bench.prepare(biller_core::Order::new("Q-1", "TRID2", CUSTOMER).unwrap()).await;
    assert_eq!(bench.pay(&mut attempt).await.word(), "succeeded");
    let error = bench.mmbc.prepare(biller_core::Order::new("Q-2", "TRI100", CUSTOMER).unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::Refused, Execution::NotExecuted));
}

// 22, no secret in any log, error, Debug text or stored attempt: see the module `secrets`.

#[tokio::test]
async fn quirk_23_a_contradiction_after_the_end_is_reported() {
    let (failed, done) = (r#"{"result":"ok","status":"gagal"}"#, r#"{"result":"ok","status":"sukses"}"#);
    for (first, second, word) in [(failed, done, "failed"), (done, failed, "succeeded")] {
        let bench = Bench::answering("/cekstatus", &[(200, first), (200, second)]);
        let mut attempt = bench.prepare(pulsa("Q-1", "081234567892")).await;
        assert_eq!(bench.pay(&mut attempt).await.word(), "pending");
        assert_eq!(bench.resolve_after(10, &mut attempt).await.word(), word);
        assert!(attempt.attention().is_empty());
        assert_eq!(bench.resolve_after(10, &mut attempt).await.word(), word);
        assert!(called_for(&attempt, "but the provider now says"), "{:?}", attempt.attention());
    }
}

#[tokio::test]
async fn callbacks_and_balance_are_unsupported() {
    let bench = Bench::new();
    let request = http::Request::post("/callback").body(bytes::Bytes::new()).unwrap();
    assert_eq!(bench.mmbc.parse_callback(&request).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(bench.mmbc.balance().await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(!bench.mmbc.capabilities().distinguishes_equal_purchases);
}

/// A debit that is not the price of the list: what was asked has been delivered, and a person hears of the difference.
#[tokio::test]
async fn another_debit_is_told_to_a_person() {
    for (status, first) in [("sukses", "succeeded"), ("pending", "pending")] {
        let bench = Bench::build(
            |config| config,
            |sandbox| {
                let invented = Invented(move |request: &http::Request<bytes::Bytes>| match request.uri().path() {
                    path if path.ends_with("/isipulsa") => Some(Ok(reply(200, ok(status).replace("5630", "9999")))),
                    path if path.ends_with("/cekstatus") => Some(Ok(reply(200, ok("sukses")))),
                    _ => None,
                });
                Arc::new(invented.over(sandbox.transport()))
            },
        );
        let mut attempt = bench.prepare(pulsa("Q-1", CUSTOMER)).await;
        assert_eq!(bench.pay(&mut attempt).await.word(), first);
        assert_eq!(attempt.attention().len(), usize::from(first == "succeeded"));
        let Outcome::Succeeded(receipt) = bench.resolve(&mut attempt).await else { panic!() };
        assert_eq!(receipt.charged, Some(Rupiah::new(9_999)));
        assert_eq!(attempt.attention().len(), 1);
        assert!(called_for(&attempt, "a reply says that Rp9.999 was debited instead of Rp5.630"));
    }
}
