//! Every sample of the document, with numbers, PINs and voucher ids replaced by invented ones of the same form.

use biller_core::{AccessToken, Error, ErrorKind, Msisdn, Operation, ProductCode, Rupiah, Secret, Timestamp, Verdict};
use biller_tests::reply;
use proptest::prelude::*;
use sidompul_client::gateway::Fault;
use sidompul_client::model::{
    AwgInjectCommand, Brand, HistoryDetailQuery, HistoryQuery, Inject, InjectOutcome, MasterTrxId, ServiceType,
    StockItem, StockQuery, Target, WgTransactionQuery,
};
use sidompul_client::operations::{
    Balance, BuyPackage, EncryptPin, InjectStock, ListProducts, Payer, Reload, RequestToken, Stock,
    StockTransactionDetail, StockTransactions, TransactionHistory, TransactionHistoryDetail,
};
use sidompul_client::{InjectKey, PurchasePackage, PurchaseReply, ReloadPulsa};

const OK: &str = r#""statusCode": 200, "statusMessage": "OK", "statusDescription": "Request succeeded without error""#;

fn sample(name: &str) -> String {
    std::fs::read_to_string(format!("{}/fixtures/sidompul-client/{name}.json", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn payer(refused: &[&str]) -> Payer {
    let refused: Vec<String> = refused.iter().map(|code| (*code).to_owned()).collect();
    Payer { pin: Secret::new("AAECAwQFBgcICQoLDA0ODw=="), refused_codes: refused.into() }
}

fn reload() -> Reload {
    Reload { reload: ReloadPulsa::new("6287700000011", Rupiah::new(5_000)).unwrap(), payer: payer(&["X9"]) }
}

fn package(with_pulsa: bool) -> BuyPackage {
    let package = PurchasePackage::new("6287700000011", "XTRA_EDUKASI").unwrap();
    BuyPackage { package, with_pulsa, payer: payer(&[]) }
}

fn history() -> TransactionHistory {
    let day = Timestamp::parse_wib("2022-10-07 00:00:00").unwrap().wib_day();
    TransactionHistory(HistoryQuery::new(day, day))
}

fn detail() -> TransactionHistoryDetail {
    TransactionHistoryDetail(HistoryDetailQuery::default())
}

fn stock(brand: Brand) -> Stock {
    Stock { brand, query: StockQuery::default() }
}

fn transactions(brand: Brand) -> StockTransactions {
    let day = Timestamp::parse_wib("2022-11-01 00:00:00").unwrap().wib_day();
    StockTransactions {
        brand,
        query: WgTransactionQuery { begin: day, end: day, service_type: ServiceType::SellVoucher },
    }
}

fn target_detail(brand: Brand) -> StockTransactionDetail {
    StockTransactionDetail { brand, command: "c".to_owned(), master_trx_id: MasterTrxId("m".to_owned()) }
}

fn inject() -> InjectStock {
    let item: StockItem = serde_json::from_str(r#"{"vId": "a%2Bb", "allowType": "TRS"}"#).unwrap();
    let targets = vec![Target::parse("6287700000011").unwrap()];
    let inject = Inject::new(&item, &AwgInjectCommand::ToNumber, targets).unwrap();
    InjectStock { inject, key: InjectKey::VId, payer: payer(&[]) }
}

fn read<O: Operation>(operation: &O, status: u16, body: impl Into<Vec<u8>>) -> Result<O::Output, Error> {
    operation.interpret(&reply(status, body.into()))
}

fn with_data(data: &str) -> String {
    format!(r#"{{{OK}, "result": {{"errorCode": "00", "errorMessage": "Sukses", "data": {data}}}}}"#)
}

#[test]
fn token() {
    let token = read(&RequestToken, 200, sample("token")).unwrap();
    assert_eq!(token.secret.expose(), "00000000-0000-3000-8000-000000000001");
    assert_eq!(token.lifetime, Some(std::time::Duration::from_secs(3600)));
    let refused = read(&RequestToken, 401, sample("token_refused")).unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Refused, Some("invalid_client")));
}

/// A lifetime that is missing, zero, negative or no number is none: the token is not kept.
#[test]
fn token_lifetimes() {
    for (expires_in, seconds) in [
        ("3600", Some(3600)),
        ("\"3600\"", Some(3600)),
        ("5", Some(5)),
        ("0", None),
        ("-1", None),
        ("null", None),
        ("\"soon\"", None),
    ] {
        let body = format!(r#"{{"access_token": "t", "expires_in": {expires_in}}}"#);
        let lifetime = read(&RequestToken, 200, body).unwrap().lifetime;
        assert_eq!(lifetime.map(|lifetime| lifetime.as_secs()), seconds, "{expires_in}");
    }
    assert!(read(&RequestToken, 200, r#"{"access_token": "t"}"#).unwrap().lifetime.is_none());
    assert!(read(&RequestToken, 200, r#"{"access_token": ""}"#).is_err());
}

#[test]
fn encrypt() {
    let operation = EncryptPin(Secret::new("1234"));
    assert_eq!(read(&operation, 200, sample("encrypt")).unwrap().expose(), "AAECAwQFBgcICQoLDA0ODw==");
}

#[test]
fn reload_succeeded() {
    let reply = read(&reload(), 200, sample("reload")).unwrap();
    assert!(reply.succeeded);
    assert_eq!(reply.transaction_id.as_deref(), Some("e76836e8c52d6b58f6b1e5f7598ee0d696148f3c"));
    assert_eq!(reply.denomination, Some(Rupiah::new(5_000)));
    assert_eq!(reply.trace_no(), Some("TKXL08029355b6"));
}

/// Quirk: code 00 with `Transaksi sedang di proses` is pending, not success.
#[test]
fn code_00_in_process_is_pending() {
    let reply = read(&package(true), 200, sample("package_pulsa")).unwrap();
    assert!(!reply.succeeded);
    assert_eq!(reply.description.as_deref(), Some("Transaksi sedang di proses"));
    assert_eq!(reply.trace_no(), None);
}

#[test]
fn balances_and_products() {
    assert_eq!(read(&Balance::Dompul, 200, sample("dompul_balance")).unwrap(), Rupiah::new(12_627));
    assert_eq!(read(&Balance::Pulsa, 200, sample("pulsa_balance")).unwrap(), Rupiah::new(2_344));
    let list = read(&ListProducts, 200, sample("products")).unwrap();
    let prices: Vec<_> = list.products.iter().map(|p| (p.code.as_str(), p.name.as_str(), p.price.get())).collect();
    let expected = [("XC_FLEX_S", "Xtra Combo Flex S", 13_703), ("XC_FLEX_SPLUS", "Xtra Combo Flex S+", 24_800)];
    assert_eq!((prices.as_slice(), list.dropped), (expected.as_slice(), 0));
    let spoilt =
        with_data(r#"[{"productCode": "A", "productName": "a", "price": 1}, {"productCode": "B", "price": 2}, 7]"#);
    let list = read(&ListProducts, 200, spoilt).unwrap();
    assert_eq!((list.products.len(), list.dropped), (1, 2));
}

#[test]
fn history_row() {
    let rows = read(&history(), 200, sample("history")).unwrap();
    let row = &rows[0];
    assert_eq!(row.status(), Verdict::Succeeded);
    assert_eq!(row.amount, Some(Rupiah::new(1_000)));
    assert_eq!(row.date, Some(Timestamp::parse_rfc3339("2022-10-07T15:08:57+07:00").unwrap()));
    assert_eq!(row.dest_number.as_deref(), Some("6287700000012"));
    assert_eq!(row.next_bal.as_deref(), Some(""));
}

/// Quirk: keys with `_` and with a blank give the same row.
#[test]
fn history_keys_with_blanks() {
    let fields = |name: &str| {
        let row = read(&history(), 200, sample(name)).unwrap().remove(0);
        let texts = [
            row.service_type,
            row.serial_number,
            row.status,
            row.product,
            row.dest_number,
            row.next_bal,
            row.payment_method,
        ];
        (texts.map(Option::unwrap), row.amount.unwrap(), row.date.unwrap())
    };
    assert_eq!(fields("history_blanks"), fields("history"));
    assert_eq!(fields("history").0[1], "TK_DSUNFF5");
}

/// Quirk: `1000.0` is 1000 rupiah, `5850` is 5850; `1000.5` is no amount, and the row survives.
#[test]
fn history_amounts() {
    for (amount, rupiah) in [
        ("\"1000.0\"", Some(1000)),
        ("\"5850\"", Some(5850)),
        ("1000.0", Some(1000)),
        ("\"1000.5\"", None),
        ("\"1.000\"", None),
        ("null", None),
    ] {
        let body = with_data(&format!(r#"[{{"status": "success", "amount": {amount}}}]"#));
        let rows = read(&history(), 200, body).unwrap();
        assert_eq!((rows[0].amount.map(Rupiah::get), rows[0].status()), (rupiah, Verdict::Succeeded), "{amount}");
    }
}

/// Quirk: dates with and without a fraction in rows, `dd-MM-yyyy` in stock, `yyyy-MM-dd` in stock transactions.
#[test]
fn dates() {
    for date in ["2022-10-07 15:08:57.000", "2022-10-07 15:08:57"] {
        let rows = read(&history(), 200, with_data(&format!(r#"[{{"date": "{date}"}}]"#))).unwrap();
        assert_eq!(rows[0].date.unwrap().to_wib_seconds(), "2022-10-07T15:08:57+07:00");
        let rows = read(&detail(), 200, with_data(&format!(r#"[{{"date": "{date}"}}]"#))).unwrap();
        assert_eq!(rows[0].date.unwrap().to_wib_seconds(), "2022-10-07T15:08:57+07:00");
    }
    let rows = read(&history(), 200, with_data(r#"[{"date": "07/10/2022"}, {"date": 5}, {}]"#)).unwrap();
    assert!(rows.iter().all(|row| row.date.is_none()));
    let items = read(&stock(Brand::Awg), 200, sample("awg_stock")).unwrap();
    assert_eq!(items[0].expiration_date.unwrap().to_string(), "2022-09-27");
    assert_eq!(items[0].vou_exp_date.unwrap().to_string(), "2023-01-20");
    let rows = read(&transactions(Brand::Awg), 200, sample("awg_transactions")).unwrap();
    assert_eq!(rows[0].created_dtm.unwrap().to_string(), "2022-11-15");
}

#[test]
fn history_details() {
    let rows = read(&detail(), 200, sample("history_detail")).unwrap();
    let verdicts: Vec<_> = rows.iter().map(|row| (row.status(), row.amount.unwrap().get())).collect();
    assert_eq!(verdicts, [(Verdict::REFUSED, 1000), (Verdict::Succeeded, 5850)]);
    assert_eq!(rows[1].trace_id.as_deref(), Some("TKXL0912240e33"));
    assert_eq!(rows[1].msisdn_b.as_deref(), Some("6287700000011"));
    assert_eq!(rows[1].msisdn_a.as_deref(), Some("6287700000000"));
}

#[test]
fn stocks() {
    let awg = read(&stock(Brand::Awg), 200, sample("awg_stock")).unwrap();
    assert_eq!(awg[0].v_id.expose(), "c2FuZGJveC12b3VjaGVy%2BC0wMDAx%2FA%3D%3D");
    assert_eq!((awg[0].allow_type.as_str(), awg[0].voucher_price), ("TRS", Some(Rupiah::new(6_000))));
    let xwg = read(&stock(Brand::Xwg), 200, sample("xwg_stock")).unwrap();
    assert_eq!((xwg[0].allow_type.as_str(), xwg[0].voucher_balance), ("RZE", Some(1)));
    assert_eq!(xwg[0].voucher_type_code.as_deref(), Some("XL-WGXHSAE560658R"));
}

#[test]
fn stock_transactions() {
    let awg = read(&transactions(Brand::Awg), 200, sample("awg_transactions")).unwrap();
    let shown: Vec<_> = awg.iter().map(|row| (row.master_trx_id.as_str(), row.status())).collect();
    assert_eq!(
        shown,
        [("TEMBAKTXL170178221115185833304", Verdict::Succeeded), ("ISIU170178221111135743435", Verdict::REFUSED)]
    );
    assert_eq!(awg[1].destination_msisdn.as_deref(), Some("1026220002320751"));
    let xwg = read(&transactions(Brand::Xwg), 200, sample("xwg_transactions")).unwrap();
    assert_eq!((xwg.len(), xwg[1].kind.as_deref()), (2, Some("PHYSICALVOUCHER-BULK")));
}

/// Quirk: an inject with code 00 is accepted, and a target can fail later.
#[test]
fn injects_are_accepted_and_can_fail_later() {
    let injected = read(&inject(), 200, sample("inject")).unwrap();
    assert_eq!(injected.master_trx_id.unwrap().as_str(), "ISIU47726210129052939581");
    let rows = read(&target_detail(Brand::Xwg), 200, sample("xwg_detail")).unwrap();
    let id = MasterTrxId("TEMBAK101162221212132411526".to_owned());
    let targets = ["6287700000013", "6287700000023", "6287700000033"].map(|target| Target::parse(target).unwrap());
    let outcomes = InjectOutcome::of(&id, &targets, &rows);
    let shown: Vec<_> = outcomes.iter().map(|one| (one.verdict, one.detail.as_deref())).collect();
    let failed = (Verdict::REFUSED, Some("INVALID_SID"));
    assert_eq!(shown, [failed, failed, (Verdict::Pending, None)]);
    let rows = read(&target_detail(Brand::Awg), 200, sample("awg_detail")).unwrap();
    let id = MasterTrxId("TEMBAKTXL170178221212133349945".to_owned());
    let outcomes = InjectOutcome::of(&id, &[Target::parse("6283800000012").unwrap()], &rows);
    assert_eq!(outcomes[0].verdict, Verdict::Succeeded);
    let other = InjectOutcome::of(&MasterTrxId("another".to_owned()), &targets, &rows);
    assert!(other.iter().all(|one| one.verdict == Verdict::Pending), "rows of another inject do not count");
}

/// Rows of one target that contradict each other are unknown; one that is not final keeps it pending.
#[test]
fn rows_of_one_target_are_read_together() {
    let id = MasterTrxId("m".to_owned());
    let target = [Target::parse("6287700000011").unwrap()];
    for (words, expected) in [
        (["SUKSES", "Success"].as_slice(), "succeeded"),
        (&["GAGAL", "Failed"], "failed: refused"),
        (&["SUKSES", "GAGAL"], "unknown: contradictory answers"),
        (&["SUKSES", "PROSES"], "pending"),
        (&["SUKSES", "REFUND"], "succeeded"),
        (&["REFUND"], "unknown: unlisted answer"),
        (&[], "pending"),
    ] {
        let row = |word: &&str| format!(r#"{{"masterTrxId": "m", "bMsisdn": "087700000011", "status": "{word}"}}"#);
        let rows = words.iter().map(row).collect::<Vec<_>>().join(",");
        let rows = read(&target_detail(Brand::Awg), 200, with_data(&format!("[{rows}]"))).unwrap();
        assert_eq!(InjectOutcome::of(&id, &target, &rows)[0].verdict.to_string(), expected, "{words:?}");
    }
}

/// Quirk: a number that is too short is kept as text in replies and refused in requests.
#[test]
fn short_number() {
    assert!(Msisdn::parse("6281213123").is_err());
    let rows = read(&history(), 200, with_data(r#"[{"dest_number": "6281213123"}]"#)).unwrap();
    assert_eq!(rows[0].dest_number.as_deref(), Some("6281213123"));
}

/// Quirk: numbers may be strings, in balances and in the echo.
#[test]
fn numbers_as_strings() {
    assert_eq!(read(&Balance::Dompul, 200, with_data("\"12627\"")).unwrap(), Rupiah::new(12_627));
    assert_eq!(read(&Balance::Dompul, 200, with_data("-5")).unwrap(), Rupiah::new(-5));
    let reply = read(
        &reload(),
        200,
        with_data(r#"{"denomination": "5000", "msisdn": "087700000011", "description": "berhasil"}"#),
    );
    assert!(reply.unwrap().succeeded);
}

/// Quirk: `data` absent, null or `[]` is an empty list, and an error for balances and encryption.
#[test]
fn missing_data() {
    for body in [with_data("null"), with_data("[]"), format!(r#"{{{OK}, "result": {{"errorCode": "00"}}}}"#)] {
        assert!(read(&history(), 200, body.as_str()).unwrap().is_empty());
        assert!(read(&stock(Brand::Awg), 200, body.as_str()).unwrap().is_empty());
        assert!(read(&ListProducts, 200, body.as_str()).unwrap().products.is_empty());
        assert!(read(&Balance::Dompul, 200, body.as_str()).is_err());
        assert!(read(&EncryptPin(Secret::new("1")), 200, body.as_str()).is_err());
    }
    let injected = read(&inject(), 200, with_data("null")).unwrap();
    assert!(injected.master_trx_id.is_none(), "accepted, without an id");
}

/// Quirk: `Sukses` and `Success` in errorMessage decide nothing.
#[test]
fn messages_decide_nothing() {
    for message in ["Sukses", "Success", "GAGAL"] {
        let body = format!(r#"{{{OK}, "result": {{"errorCode": "00", "errorMessage": "{message}", "data": 1}}}}"#);
        assert_eq!(read(&Balance::Pulsa, 200, body).unwrap(), Rupiah::new(1));
        let body = format!(
            r#"{{{OK}, "result": {{"errorCode": "77", "errorMessage": "{message}", "data": {{"description": "berhasil"}}}}}}"#
        );
        let error = read(&reload(), 200, body).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::Unlisted, biller_core::Execution::Unknown));
    }
}

/// Every reply to a purchase beside the sample, with what it proves.
#[test]
fn what_replies_to_a_purchase_prove() {
    let envelope = |status: u16, code: &str| {
        format!(r#"{{"statusCode": {status}, "result": {{"errorCode": {code}, "errorMessage": "m"}}}}"#)
    };
    let fault = |code: u32| format!(r#"{{"fault": {{"code": {code}, "message": "m", "description": "d"}}}}"#);
    let mismatch = with_data(r#"{"msisdn": "6287700000012", "description": "berhasil"}"#);
    let other_denom = with_data(r#"{"denomination": 10000, "description": "berhasil"}"#);
    let mut lines = Vec::new();
    for (status, body) in [
        (200, with_data(r#"{"description": "Transaksi tidak berhasil"}"#)),
        (200, mismatch),
        (200, other_denom),
        (500, with_data("null")),
        (200, envelope(500, "\"00\"")),
        (200, envelope(200, "\"12\"")),
        (400, envelope(400, "\"12\"")),
        (200, envelope(200, "null")),
        (400, envelope(400, "\"X9\"")),
        (401, envelope(401, "\"12\"")),
        (401, envelope(200, "\"12\"")),
        (401, "{}".to_owned()),
        (429, "slow down".to_owned()),
        (429, fault(900_803)),
        (503, fault(900_803)),
        (503, fault(900_801)),
        (401, fault(900_901)),
        (200, fault(900_902)),
        (500, fault(900_900)),
        (500, fault(303_001)),
        (504, fault(101_504)),
        (500, fault(101_503)),
        (500, fault(303_000)),
        (500, fault(123_456)),
        (404, r#"{"code": "404", "type": "Status report", "message": "Not Found", "description": "d"}"#.to_owned()),
        (404, "<html>404</html>".to_owned()),
        (200, "<html>login</html>".to_owned()),
        (503, "<html>503</html>".to_owned()),
        (307, String::new()),
        (200, String::new()),
        (200, with_data("1")[..40].to_owned()),
        (200, "[]".to_owned()),
    ] {
        let shown = body.chars().take(60).collect::<String>();
        let error = read(&reload(), status, body).unwrap_err();
        lines.push(format!("{status} {shown} => {}, {}", error.kind(), error.execution()));
    }
    insta::assert_snapshot!(lines.join("\n"));
}

/// Quirk: one code in XML, JSON with a number, JSON with a string, and without the wrapper.
#[test]
fn one_fault_in_four_writings() {
    for body in [
        r#"<ams:fault xmlns:ams="http://wso2.org/apimanager/security"><ams:code>900901</ams:code><ams:message>Invalid Credentials</ams:message>
<ams:description>Access failure for API: /sidompul/openapi/v1</ams:description></ams:fault>"#,
        r#"<?xml version="1.0"?> <am:fault xmlns:am="http://wso2.org/apimanager"><am:code> 900901 </am:code><am:type>Status report</am:type></am:fault>"#,
        r#"{"fault": {"code": 900901, "message": "Invalid Credentials"}}"#,
        r#"{"fault": {"code": "900901", "message": "Invalid Credentials"}}"#,
        r#"{"code": "900901", "type": "fault", "message": "Invalid Credentials"}"#,
    ] {
        let error = read(&reload(), 500, body).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::TokenRefused, Some("900901")), "{body}");
    }
    for body in [
        "<html><b:code>900901</b:code></html>",
        "<fault><code>900901</code></fault>",
        "<a:fault><a:code>x</a:code></a:fault>",
    ] {
        assert_eq!(Fault::read(body.as_bytes()), None, "{body}");
    }
}

/// An XML fault is shown with its code and its meaning.
#[test]
fn faults_are_shown_with_code_and_meaning() {
    let body =
        r#"<amt:fault xmlns:amt="http://wso2.org/apimanager/throttling"><amt:code>900803</amt:code></amt:fault>"#;
    let error = read(&Balance::Dompul, 429, body).unwrap_err();
    assert_eq!(
        error.to_string(),
        "throttled: the gateway says: throttled before the backend, code 900803 (not executed)"
    );
}

#[test]
fn trace_numbers() {
    for (description, number) in [
        ("Transaksi dgn No. TKXL08029355b6 berhasil.", Some("TKXL08029355b6")),
        ("No. TKXL0912240e33.", Some("TKXL0912240e33")),
        ("No.TKA1", Some("TKA1")),
        ("No. TK123 berhasil", None),
        ("No. TKXL berhasil", None),
        ("No. ", None),
        ("berhasil", None),
    ] {
        let mut reply = PurchaseReply::default();
        reply.description = Some(description.to_owned());
        assert_eq!(reply.trace_no(), number, "{description}");
    }
}

proptest! {
    /// No reply makes a reader panic, and no reply that is not the sample's form makes a purchase fail or succeed.
    #[test]
    fn no_reply_panics(status in 100_u16..600, body in prop_oneof![
        any::<Vec<u8>>(),
        "[<>:/a-z\"{}\\[\\],0-9 ]{0,80}".prop_map(String::into_bytes),
        "<[a-z]{0,3}:(fault|code)[ >/]{0,2}.{0,40}".prop_map(String::into_bytes),
    ]) {
        prop_assert!(read(&reload(), status, body.clone()).is_err());
        let _ = read(&package(false), status, body.clone());
        let _ = read(&inject(), status, body.clone());
        let _ = read(&history(), status, body.clone());
        let _ = read(&detail(), status, body.clone());
        let _ = read(&stock(Brand::Xwg), status, body.clone());
        let _ = read(&RequestToken, status, body.clone());
        let _ = Fault::read(&body);
    }

    #[test]
    fn no_description_panics(description in "(No\\.)?.{0,40}") {
        let mut reply = PurchaseReply::default();
        reply.description = Some(description);
        let _ = reply.trace_no();
    }
}

/// The types that a request needs hold no more than they say.
#[test]
fn signer_needs_a_token() {
    let config = std::sync::Arc::new(crate::config("http://127.0.0.1/sidompul"));
    let now = Timestamp::from_unix_millis(0);
    let without = sidompul_client::auth::Signer::without_token(config.clone());
    assert_eq!(Balance::Dompul.request(&without, now).unwrap_err().kind(), ErrorKind::NoToken);
    let token = AccessToken::new(Secret::new("broken\ntoken"), now, None);
    let with = sidompul_client::auth::Signer::with_token(config, token);
    assert_eq!(Balance::Dompul.request(&with, now).unwrap_err().kind(), ErrorKind::Configuration);
    assert!(ProductCode::parse("XTRA_EDUKASI").is_ok());
}
