#![allow(clippy::unwrap_used)]

use std::time::Duration;

use biller_core::Transport as _;
use bytes::Bytes;
use serde_json::Value;

use crate::{ChargeState, Fault, FaultKind, ManualClock, Operation, Sandbox};

const LOGIN: &str = "username=sbx-mmbc&password=sbx-mmbc-password";
const FORM: &str = "application/x-www-form-urlencoded";
/// 2026-03-10 10:00:00 WIB.
const MORNING: u64 = 1_773_111_600;

struct Bench {
    sandbox: Sandbox,
    clock: ManualClock,
}

impl Bench {
    fn new() -> Self {
        let clock = ManualClock::at_unix(MORNING);
        let sandbox = Sandbox::builder().clock(clock.clone()).settle_after(Duration::from_secs(30)).build();
        Self { sandbox, clock }
    }

    async fn send(&self, method: &str, path: &str, content_type: &str, body: &str) -> Option<http::Response<Bytes>> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("http://sandbox/mmbc{path}"))
            .header("content-type", content_type)
            .body(Bytes::from(body.to_owned()))
            .unwrap();
        self.sandbox.transport().send(request, 1 << 20).await.ok()
    }

    async fn call(&self, operation: &str, fields: &str) -> Value {
        let reply =
            self.send("POST", &format!("/json/pulsa/{operation}"), FORM, &format!("{LOGIN}{fields}")).await.unwrap();
        assert_eq!(reply.status(), 200);
        assert_eq!(reply.headers()["content-type"], "text/html; charset=UTF-8");
        serde_json::from_slice(reply.body()).unwrap()
    }

    async fn top_up(&self, customer: &str, code: &str) -> Value {
        self.call("isipulsa", &format!("&itrx=1&kodeoperator={code}&nomortujuan={customer}")).await
    }

    async fn status(&self, invoice: &str, customer: &str) -> Value {
        self.call("cekstatus", &format!("&invoice={invoice}&nomortujuan={customer}")).await
    }

    /// Customer, product, amount, state of every charge.
    fn ledger(&self) -> Vec<(String, String, i64, ChargeState)> {
        self.sandbox.charges().into_iter().map(|c| (c.customer, c.product, c.amount, c.state)).collect()
    }

    fn balance(&self) -> i64 {
        self.sandbox.balances()["mmbc"]
    }
}

fn code(reply: &Value) -> &str {
    assert_eq!(reply["result"], "no", "{reply}");
    reply["reason_code"].as_str().unwrap()
}

#[tokio::test]
async fn replies_have_the_documented_fields_in_their_order() {
    let bench = Bench::new();
    let body = format!("{LOGIN}&itrx=1&kodeoperator=TEL5&nomortujuan=08123456781");
    let reply = bench.send("POST", "/json/pulsa/isipulsa", FORM, &body).await.unwrap();
    let text = String::from_utf8(reply.body().to_vec()).unwrap();
    let parsed: Value = serde_json::from_str(&text).unwrap();
    let serial = parsed["serial"].as_str().unwrap();
    assert!(serial.len() == 15 && serial.bytes().all(|b| b.is_ascii_digit()), "{serial}");
    let expected = format!(
        r#"{{"result":"ok","tanggal":"2026-03-10 10:00:00","invoice":"TRX11111","transaksi":"PULSA","operator":"TELKOMSEL","kodeoperator":"TEL5","nominal":"5000","nomorpelanggan":"08123456781","serial":"{serial}","debet":"5630","saldo":"4994370","kodeagen":"JKT-11111","status":"sukses"}}"#
    );
    assert_eq!(text, expected);
    let body = format!("{LOGIN}&invoice=TRX11111&nomortujuan=08123456781");
    let reply = bench.send("POST", "/json/pulsa/cekstatus", FORM, &body).await.unwrap();
    let expected = format!(
        r#"{{"result":"ok","tanggal":"2026-03-10 10:00:00","invoice":"TRX11111","transaksi":"PULSA","operator":"TELKOMSEL","kodeoperator":"TEL5","nominal":"5000","nomortujuan":"08123456781","serial":"{serial}","description":"Status transaksi PULSA TELKOMSEL(TEL5) dgn Invoice TRX11111 ke nomor 08123456781 adalah sukses berhasil terkirim SN Operator: {serial}, Silakan cek pulsa di *888#","kodeagen":"JKT-11111","status":"sukses"}}"#
    );
    assert_eq!(reply.body(), expected.as_bytes());
}

#[tokio::test]
async fn the_price_list_has_77_rows_of_strings() {
    let bench = Bench::new();
    let list = bench.call("daftarharga", "").await;
    let rows = list.as_array().unwrap();
    assert_eq!(rows.len(), 77);
    let expected = serde_json::json!({
        "tipe": "PULSA", "operator": "AXIS", "kodeoperator": "AXM5", "keterangan": "Pulsa Reguler",
        "nominal": "5000", "harga": "5850", "status": "Ready",
    });
    assert_eq!(rows[0], expected);
}

#[tokio::test]
async fn wrong_credentials_are_refused_in_all_calls() {
    let bench = Bench::new();
    for operation in ["daftarharga", "isipulsa", "cekstatus"] {
        let path = format!("/json/pulsa/{operation}");
        let in_query = format!("{path}?{LOGIN}");
        for (path, content_type, body, part) in [
            (&path, FORM, "username=sbx-mmbc&password=wrong", "key"),
            (&path, FORM, "username=other&password=sbx-mmbc-password", "key"),
            (&path, FORM, "username=sbx-mmbc", "body"),
            (&path, FORM, "", "body"),
            (&path, "application/json", LOGIN, "body"),
            (&path, "text/plain", LOGIN, "body"),
            (&in_query, FORM, "itrx=1", "body"),
        ] {
            let reply = bench.send("POST", path, content_type, body).await.unwrap();
            assert_eq!(reply.status(), 200);
            assert_eq!(reply.body(), &br#"{"result":"no","reason":"invalid login"}"#[..], "{operation} {body}");
            let logged = &bench.sandbox.requests()[0];
            assert_eq!((logged.verdict.accepted, logged.verdict.part), (false, Some(part)), "{operation} {body}");
            assert!(!format!("{logged:?}").contains("sbx-mmbc-password"));
        }
    }
    let reply =
        bench.send("POST", "/json/pulsa/daftarharga", "Application/X-WWW-Form-Urlencoded; charset=UTF-8", LOGIN).await;
    assert!(reply.unwrap().body().starts_with(b"[{"));
    assert!(bench.sandbox.requests()[0].verdict.accepted);
}

#[tokio::test]
async fn other_methods_and_paths_get_a_page() {
    let bench = Bench::new();
    for (method, path) in [
        ("GET", "/json/pulsa/daftarharga"),
        ("PUT", "/json/pulsa/isipulsa"),
        ("POST", "/json/pulsa/saldo"),
        ("POST", "/json/pulsa/isipulsa/"),
        ("POST", ""),
    ] {
        let reply = bench.send(method, path, FORM, LOGIN).await.unwrap();
        assert_eq!(reply.status(), 404, "{method} {path}");
        assert!(reply.body().starts_with(b"<html>"));
    }
}

#[tokio::test]
async fn checks_come_in_their_order() {
    let bench = Bench::new();
    let cases = [
        ("&itrx=0&kodeoperator=NONE&nomortujuan=628123456781", "11"),
        ("&itrx=0&kodeoperator=NONE&nomortujuan=081234567", "11"),
        ("&itrx=0&kodeoperator=NONE&nomortujuan=08123456789012", "11"),
        ("&itrx=0&kodeoperator=NONE&nomortujuan=0812345678x", "11"),
        ("&itrx=0&kodeoperator=NONE", "11"),
        ("&itrx=0&kodeoperator=NONE&nomortujuan=0812345671", "12"),
        ("&itrx=0&kodeoperator=TRI100&nomortujuan=0812345671", "12"),
        ("&itrx=0&nomortujuan=0812345671", "12"),
        ("&itrx=0&kodeoperator=TEL5&nomortujuan=0812345671", "91"),
        ("&itrx=-1&kodeoperator=TEL5&nomortujuan=0812345671", "91"),
        ("&itrx=%2B1&kodeoperator=TEL5&nomortujuan=0812345671", "91"),
        ("&itrx=&kodeoperator=TEL5&nomortujuan=0812345671", "91"),
        ("&itrx=1.0&kodeoperator=TEL5&nomortujuan=0812345671", "91"),
        ("&itrx=99999999999999999999&kodeoperator=TEL5&nomortujuan=0812345671", "91"),
        ("&itrx=1&kodeoperator=TEL5&nomortujuan=0812345674", "12"),
    ];
    for (fields, expected) in cases {
        assert_eq!(code(&bench.call("isipulsa", fields).await), expected, "{fields}");
    }
    assert_eq!(bench.ledger(), []);
    assert_eq!(bench.balance(), 5_000_000);
    for customer in ["0812345671", "0812345678901"] {
        assert_eq!(bench.top_up(customer, "TEL5").await["status"], "sukses", "{customer}");
    }
}

#[tokio::test]
async fn a_purchase_is_refused_when_the_balance_is_too_low() {
    let bench = Bench::new();
    for number in 0..25 {
        let reply = bench.top_up(&format!("0812000{number:03}1"), "TEL200").await;
        assert_eq!(reply["status"], "sukses", "{number}");
    }
    assert_eq!(bench.balance(), 75_000);
    let reply = bench.top_up("08123456781", "SI100").await;
    assert_eq!(
        reply,
        serde_json::json!({
            "result": "no", "reason_code": "62",
            "reason": "Maaf, Saldo anda tidak cukup untuk isi ulang PULSA TELKOMSEL 100.000(SI100) senilai 96950, Saldo JKT-11111: 75000",
        })
    );
    // A top-up that was refused holds no key, and the key comes before the balance.
    assert_eq!(bench.top_up("08123456781", "TEL5").await["saldo"], "69370");
    assert_eq!(code(&bench.top_up("08120000001", "TEL200").await), "51");
}

#[tokio::test]
async fn one_denomination_to_one_number_once_a_day_per_itrx() {
    let bench = Bench::new();
    let again =
        |repeat: &str, code: &str, customer: &str| format!("&itrx={repeat}&kodeoperator={code}&nomortujuan={customer}");
    let ok = |reply: Value| assert_eq!(reply["result"], "ok", "{reply}");
    ok(bench.call("isipulsa", "&kodeoperator=TEL5&nomortujuan=08123456781").await);
    // Another code of the same face value is the same top-up; a missing itrx is 1.
    for same in [again("1", "TEL5", "08123456781"), again("01", "AXM5", "08123456781")] {
        assert_eq!(code(&bench.call("isipulsa", &same).await), "51", "{same}");
    }
    for other in
        [again("2", "TEL5", "08123456781"), again("1", "TEL10", "08123456781"), again("1", "TEL5", "08123456791")]
    {
        ok(bench.call("isipulsa", &other).await);
    }
    // Packages go by their codes: XLD1 (28 000) and TELD1 are told apart whatever their face values.
    ok(bench.top_up("08123456701", "TRID2").await);
    ok(bench.top_up("08123456701", "TRID1").await);
    assert_eq!(code(&bench.top_up("08123456701", "TRID2").await), "51");
    // 23:59:59 WIB, then midnight.
    bench.clock.advance(Duration::from_secs(14 * 3600 - 1));
    assert_eq!(code(&bench.top_up("08123456781", "TEL5").await), "51");
    bench.clock.advance(Duration::from_secs(1));
    ok(bench.top_up("08123456781", "TEL5").await);
    assert_eq!(bench.ledger().len(), 7);
}

#[tokio::test]
async fn pending_top_ups_settle() {
    let bench = Bench::new();
    let first = bench.top_up("08123456782", "TEL5").await;
    let second = bench.top_up("08123456783", "AXM10").await;
    for (reply, invoice) in [(&first, "TRX11111"), (&second, "TRX11112")] {
        assert_eq!(
            (&reply["status"], &reply["serial"], &reply["invoice"]),
            (&"pending".into(), &"".into(), &invoice.into())
        );
    }
    assert_eq!(second["saldo"], "4983470");
    assert_eq!(code(&bench.top_up("08123456782", "TEL5").await), "41");
    assert_eq!(bench.status("TRX11111", "08123456782").await["status"], "pending");
    bench.clock.advance(Duration::from_secs(30));
    let status = bench.status("TRX11111", "08123456782").await;
    assert_eq!(status["status"], "sukses");
    assert_eq!(status["serial"].as_str().unwrap().len(), 15);
    let failed = bench.status("TRX11112", "08123456783").await;
    assert_eq!((&failed["result"], &failed["status"], &failed["serial"]), (&"ok".into(), &"gagal".into(), &"".into()));
    assert_eq!(bench.balance(), 4_994_370);
    assert_eq!(
        bench.ledger(),
        [
            ("08123456782".to_owned(), "TEL5".to_owned(), 5630, ChargeState::Succeeded),
            ("08123456783".to_owned(), "AXM10".to_owned(), 10_900, ChargeState::Failed),
        ]
    );
    assert_eq!(code(&bench.top_up("08123456782", "TEL5").await), "51");
    // A failed top-up keeps its key, and costs nothing when it is sent again, unless the fault is armed.
    assert_eq!(code(&bench.top_up("08123456783", "AXM10").await), "12");
    bench.sandbox.arm(Fault::new("mmbc", FaultKind::ChargeOnResend)).unwrap();
    assert_eq!(bench.top_up("08123456783", "AXM10").await["invoice"], "TRX11113");
    assert_eq!(code(&bench.top_up("08123456783", "AXM10").await), "41");
    assert_eq!(bench.ledger().len(), 3);
}

#[tokio::test]
async fn the_status_call_knows_invoice_and_number_together() {
    let bench = Bench::new();
    bench.top_up("08123456781", "TEL5").await;
    for (invoice, customer) in
        [("TRX11112", "08123456781"), ("TRX11111", "08123456789"), ("", ""), ("TRX11111", "628123456781")]
    {
        let reply = bench.status(invoice, customer).await;
        let reason = format!(
            "Tidak ada transaksi pulsa dengan Invoice {invoice} ke nomor tujuan {customer}, silakan anda periksa kembali."
        );
        assert_eq!(reply, serde_json::json!({ "result": "no", "reason": reason }));
    }
}

#[tokio::test]
async fn code_customers_get_their_code() {
    let bench = Bench::new();
    let open = ["00", "21", "81", "82", "91", "77", "13"];
    for reason in ["00", "11", "12", "21", "31", "61", "62", "71", "81", "82", "91", "77", "13"] {
        let before = bench.ledger().len();
        assert_eq!(code(&bench.top_up(&format!("08119990{reason}0"), "TEL5").await), reason);
        assert_eq!(bench.ledger().len(), before);
        let reply = bench.top_up(&format!("08119990{reason}9"), "TEL5").await;
        match open.contains(&reason) {
            true => assert_eq!(code(&reply), reason),
            false => assert_eq!(reply["status"], "sukses", "{reason}"),
        }
        assert_eq!(bench.ledger().last().unwrap().3, ChargeState::Succeeded);
        assert_eq!(bench.ledger().len(), before + 1);
        assert_eq!(code(&bench.top_up(&format!("08119990{reason}9"), "TEL5").await), "51");
    }
    for last in ["0", "9"] {
        let reply = bench.top_up(&format!("0811999099{last}"), "TEL5").await;
        assert_eq!(reply["result"], "no");
        assert_eq!(reply.get("reason_code"), None);
    }
    assert_eq!(bench.ledger().last().unwrap().0, "08119990999");
    // Duplicates cannot be asked for, and only eleven digits ask.
    for customer in ["08119990410", "08119990510", "08119990519", "081199908200"] {
        assert_eq!(bench.top_up(customer, "TEL5").await["status"], "sukses", "{customer}");
    }
    assert_eq!(bench.top_up("08119990622", "TEL5").await["status"], "pending");
}

#[tokio::test]
async fn faults_act_on_the_three_calls() {
    let bench = Bench::new();
    let lost = |bench: Bench, kind, charged| async move {
        bench.sandbox.arm(Fault::new("mmbc", kind).on(Operation::Payment)).unwrap();
        let body = format!("{LOGIN}&itrx=1&kodeoperator=TEL5&nomortujuan=08123456781");
        assert!(bench.send("POST", "/json/pulsa/isipulsa", FORM, &body).await.is_none());
        assert_eq!(bench.ledger().len(), charged);
        bench
    };
    let bench = lost(bench, FaultKind::LoseRequest, 0).await;
    let bench = lost(bench, FaultKind::LoseReply, 1).await;
    // A refused re-send is answered and leaves the fault armed.
    bench.sandbox.arm(Fault::new("mmbc", FaultKind::LoseReply).on(Operation::Payment)).unwrap();
    assert_eq!(code(&bench.top_up("08123456781", "TEL5").await), "51");
    let body = format!("{LOGIN}&itrx=2&kodeoperator=TEL5&nomortujuan=08123456781");
    assert!(bench.send("POST", "/json/pulsa/isipulsa", FORM, &body).await.is_none());

    bench.sandbox.arm(Fault::new("mmbc", FaultKind::StatusNotFound)).unwrap();
    assert_eq!(bench.status("TRX11111", "08123456781").await["result"], "no");
    assert_eq!(bench.status("TRX11111", "08123456781").await["status"], "sukses");

    bench.sandbox.arm(Fault::new("mmbc", FaultKind::Throttle).on(Operation::PriceList)).unwrap();
    let reply = bench.send("POST", "/json/pulsa/daftarharga", FORM, LOGIN).await.unwrap();
    assert_eq!((reply.status().as_u16(), reply.body().len()), (429, 0));
    assert_eq!(reply.headers()["retry-after"], "1");

    bench.sandbox.arm(Fault::new("mmbc", FaultKind::GarbleReply).on(Operation::PriceList)).unwrap();
    let reply = bench.send("POST", "/json/pulsa/daftarharga", FORM, LOGIN).await.unwrap();
    assert!(serde_json::from_slice::<Value>(reply.body()).is_err());

    for (kind, operation) in [
        (FaultKind::ExpireToken, None),
        (FaultKind::CallbackLost, None),
        (FaultKind::CallbackTwice, None),
        (FaultKind::LoseReply, Some(Operation::Token)),
        (FaultKind::LoseReply, Some(Operation::Inquiry)),
        (FaultKind::LoseReply, Some(Operation::History)),
        (FaultKind::StatusNotFound, Some(Operation::Payment)),
    ] {
        let fault = Fault::new("mmbc", kind);
        let fault = operation.map_or(fault.clone(), |operation| fault.on(operation));
        assert_eq!(bench.sandbox.arm(fault).unwrap_err().status(), 422);
    }
    assert!(bench.sandbox.send_callbacks_to("mmbc", "http://127.0.0.1:1/").is_err());
}

#[tokio::test]
async fn the_same_seed_gives_the_same_bytes() {
    let serials = |seed| async move {
        let sandbox = Sandbox::builder().seed(seed).clock(ManualClock::at_unix(MORNING)).build();
        let bench = Bench { sandbox, clock: ManualClock::at_unix(MORNING) };
        let first = bench.top_up("08123456781", "TEL5").await;
        bench.sandbox.reset();
        assert_eq!(bench.top_up("08123456781", "TEL5").await, first);
        first
    };
    assert_eq!(serials(1).await, serials(1).await);
    assert_ne!(serials(1).await["serial"], serials(2).await["serial"]);
}
