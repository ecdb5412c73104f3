//! Biller V2: checks in their order, business rules, scenarios, faults, settling, callbacks.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use biller_core::Transport as _;
use biller_sandbox::{ChargeState, Fault, FaultKind, ManualClock, Mount, Operation, Sandbox};
use bytes::Bytes;
use serde_json::{Value, json};

const KEY: &str = "sandbox-partner";
const BODY_ONLY: &str = "sandbox-partner-body-only";
const SECRET: &str = "sandbox-api-secret-biller-v2";
const CHECK: &str = "/api/v2/bill/check";
const PAYMENT: &str = "/api/v2/bill/payment";
const STATUS: &str = "/api/v2/bill/status";
const PRODUCTS: &str = "/api/v2/partner/products";
const BALANCE: &str = "/api/v2/partner/balance";
const UNAUTHORIZED: &str =
    r#"{"responseCode":401,"success":false,"message":{"ID":"Tidak sah","EN":"Unauthorized"},"data":{}}"#;

struct Partner {
    sandbox: Sandbox,
    clock: ManualClock,
    transport: Mount,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    text: String,
    json: Value,
}

impl Answer {
    fn code(&self) -> Value {
        self.json["responseCode"].clone()
    }

    fn data(&self) -> &Value {
        &self.json["data"]
    }
}

impl Partner {
    /// At 28 Dec 2022, 14:11 in WIB.
    fn new() -> Self {
        let clock = ManualClock::at_unix(1_672_211_460);
        let sandbox = Sandbox::builder().clock(clock.clone()).build();
        let transport = sandbox.transport();
        Self { sandbox, clock, transport }
    }

    async fn send(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Option<Answer> {
        let mut request = http::Request::post(format!("http://sandbox.test/biller-v2{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let reply = self.transport.send(request.body(Bytes::from(body.to_owned())).unwrap(), 1 << 20).await.ok()?;
        let text = String::from_utf8(reply.body().to_vec()).unwrap();
        Some(Answer { status: reply.status().as_u16(), json: serde_json::from_str(&text).unwrap_or(Value::Null), text })
    }

    /// As a careful client sends it, with the partner's id added.
    async fn try_call(&self, path: &str, claims: &Value) -> Option<Answer> {
        let mut claims = claims.clone();
        claims["partnerId"] = json!(KEY);
        let payload = claims.to_string();
        let token = token(&payload);
        self.send(path, &[("KEY", KEY), ("TOKEN", &token), ("VERSION", "2.0")], &payload).await
    }

    async fn call(&self, path: &str, claims: Value) -> Answer {
        self.try_call(path, &claims).await.unwrap()
    }

    async fn inquire(&self, product: &str, account: &str) -> Answer {
        self.call(CHECK, json!({ "productCode": product, "accountNumber": account })).await
    }

    async fn buy(&self, reference: &str, product: &str, account: &str) -> Answer {
        let inquiry = self.inquire(product, account).await;
        self.call(PAYMENT, order(reference, account, product, &inquiry)).await
    }

    async fn status(&self, reference: &str) -> Answer {
        self.call(STATUS, json!({ "refNumber": reference })).await
    }

    fn states(&self) -> Vec<ChargeState> {
        self.sandbox.charges().iter().map(|charge| charge.state).collect()
    }

    fn balance(&self) -> i64 {
        self.sandbox.balances()["biller-v2"]
    }
}

/// What a payment after this inquiry says.
fn order(reference: &str, account: &str, product: &str, inquiry: &Answer) -> Value {
    json!({
        "refNumber": reference, "accountNumber": account, "productCode": product,
        "amount": inquiry.data()["amount"], "inquiryId": inquiry.data()["inquiryId"],
    })
}

fn mac(signed: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), signed.as_bytes())
}

fn sign(header: &str, payload: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = URL_SAFE_NO_PAD.encode(mac(&signed));
    format!("{signed}.{signature}")
}

fn token(payload: &str) -> String {
    sign(r#"{"alg":"HS256","typ":"JWT"}"#, payload)
}

#[tokio::test]
async fn requests_are_checked_in_order() {
    let partner = Partner::new();
    let claims = format!(r#"{{"partnerId":"{KEY}"}}"#);
    let good = token(&claims);
    let other = token(r#"{"partnerId":"somebody"}"#);
    let list = token(r#"["partnerId"]"#);
    let twice = token(&format!(r#"{{"partnerId":"{KEY}","PARTNERID":"{KEY}"}}"#));
    let none = sign(r#"{"alg":"none","typ":"JWT"}"#, &claims);
    let cut = &good[..good.len() - 1];
    let more = format!(r#"{{"partnerId":"{KEY}","more":1}}"#);
    let refused: &[(&str, &str, &str, &str, &str)] = &[
        ("", "", "", "", "key"),
        ("somebody", "1.0", "x", "x", "key"),
        (KEY, "1.0", "x", "x", "version"),
        (KEY, "2", "x", "x", "version"),
        (KEY, "", "x", "x", "version"),
        (KEY, "2.0", "", &claims, "token"),
        (KEY, "2.0", "a.b", "x", "token"),
        (KEY, "2.0", "a.b.c", "x", "token"),
        (KEY, "2.0", &none, "x", "token"),
        (KEY, "2.0", cut, "x", "token"),
        (KEY, "2.0", &list, "x", "token"),
        (KEY, "2.0", &twice, "x", "token"),
        (KEY, "2.0", &other, "x", "key"),
        (BODY_ONLY, "2.0", &good, "x", "key"),
        (KEY, "2.0", &good, "x", "body"),
        (KEY, "2.0", &good, r#"{"partnerId":"other"}"#, "body"),
        (KEY, "2.0", &good, &more, "body"),
        (BODY_ONLY, "2.0", "", "", "body"),
        (BODY_ONLY, "2.0", "", "[]", "body"),
        (BODY_ONLY, "2.0", "", &claims, "key"),
    ];
    for (key, version, token, body, part) in refused {
        let headers: Vec<_> =
            [("KEY", *key), ("VERSION", *version), ("TOKEN", *token)].into_iter().filter(|h| !h.1.is_empty()).collect();
        let answer = partner.send(BALANCE, &headers, body).await.unwrap();
        assert_eq!((answer.status, answer.text.as_str()), (401, UNAUTHORIZED), "{key} {version} {token} {body}");
        let verdict = partner.sandbox.requests()[0].verdict.clone();
        assert_eq!((verdict.accepted, verdict.part), (false, Some(*part)), "{key} {version} {token} {body}");
    }
}

#[tokio::test]
async fn every_accepted_form_passes() {
    let partner = Partner::new();
    let claims = format!(r#"{{"partnerId":"{KEY}","note":"ÿÿÿ>>>???"}}"#);
    let reordered = format!(r#"{{ "NOTE": "ÿÿÿ>>>???", "PartnerId": "{KEY}" }}"#);
    let good = token(&claims);
    let signed = good.rsplit_once('.').unwrap().0.to_owned();
    assert!(signed.contains(['-', '_']), "{signed}");
    // The signature is over the segments as they are sent, in whatever alphabet.
    let resigned = |signed: String| {
        let signature = STANDARD.encode(mac(&signed));
        format!("{signed}.{signature}")
    };
    let tokens = [
        good.clone(),
        format!("{good}="),
        resigned(signed.replace('-', "+").replace('_', "/")),
        resigned(signed.replacen('-', "+", 1)),
        sign(r#"{"typ":"JWT","alg":"HS256"}"#, &claims),
    ];
    for token in tokens {
        for body in ["", "{}", " {} ", claims.as_str(), reordered.as_str()] {
            let answer = partner.send(BALANCE, &[("key", KEY), ("Token", &token), ("version", "2.0")], body).await;
            assert_eq!(answer.unwrap().code(), 0, "{token} {body}");
            assert!(partner.sandbox.requests()[0].verdict.accepted);
        }
    }
    let body = format!(r#"{{"PartnerID":"{BODY_ONLY}"}}"#);
    let answer = partner.send(BALANCE, &[("KEY", BODY_ONLY), ("VERSION", "2.0")], &body).await.unwrap();
    assert_eq!(*answer.data(), json!({"balance": 100_000_000, "currency": "IDR", "partnerId": BODY_ONLY}));
    let unknown = partner.call("/api/v2/bill/refund", json!({})).await;
    assert_eq!((unknown.status, unknown.text.contains("<html>")), (404, true));
}

#[tokio::test]
async fn an_internet_bill_is_answered_member_for_member() {
    let partner = Partner::new();
    let inquiry = partner.inquire("SBTV01", "123223342").await;
    assert_eq!(
        inquiry.text,
        concat!(
            r#"{"responseCode":300,"success":true,"message":{"ID":"Inkuiri berhasil","EN":"Inquiry is successful"},"data":{"#,
            r#""inquiryId":4600001,"accountNumber":"123223342","customerName":"PELANGGAN UJI","productName":"TV Kabel Satu","#,
            r#""productCode":"SBTV01","category":"Internet dan TV Kabel","amount":747250,"totalAdmin":2500,"processingFee":0,"#,
            r#""denom":"","validity":"","customerDetails":[{"key":"Nama Pelanggan","value":"PELANGGAN UJI"},"#,
            r#"{"key":"Tanggal & Waktu Pembayaran","value":"28 Dec 2022 | 14:11"},"#,
            r#"{"key":"Nomor Pelanggan","value":"123223342"}],"#,
            r#""billDetails":[{"billId":"1","billInfo":[{"key":"Bulan","value":"N/A"}],"isMandatory":true,"#,
            r#""key":"Jumlah Tagihan","value":744750},"#,
            r#"{"billId":"0","billInfo":[],"isMandatory":true,"key":"Biaya Administrasi","value":2500}],"#,
            r#""productDetails":[{"key":"Periode","value":"N/A"}],"extraFields":[]}}"#,
        )
    );
    let payment = partner.call(PAYMENT, order("BV0000000000000001", "123223342", "SBTV01", &inquiry)).await;
    assert_eq!(
        payment.text,
        concat!(
            r#"{"responseCode":299,"success":true,"message":{"ID":"Transaksi sedang dalam proses","#,
            r#""EN":"Your transaction is processing"},"#,
            r#""data":{"refNumber":"BV0000000000000001","transactionId":221002,"accountNumber":"123223342","amount":747250,"#,
            r#""totalAdmin":2500,"processingFee":0,"denom":"","productCode":"SBTV01","productName":"TV Kabel Satu","#,
            r#""category":"Internet dan TV Kabel","token":"","customerName":"N/A","validity":"","customerDetails":[],"#,
            r#""billDetails":[],"productDetails":[],"extraFields":[]}}"#,
        )
    );
    assert_eq!((partner.balance(), partner.states()), (100_000_000 - 747_250, vec![ChargeState::Pending]));
    assert_eq!(partner.status("BV0000000000000001").await.code(), 299);
    partner.clock.advance(Duration::from_secs(2));
    let status = partner.status("BV0000000000000001").await;
    let data = status.data();
    assert_eq!(
        json!([status.code(), data["transactionId"], data["customerName"]]),
        json!([0, 221_001, "PELANGGAN UJI"])
    );
    let token = data["token"].as_str().unwrap();
    assert!(token.len() == 8 && token.bytes().all(|b| b.is_ascii_hexdigit()), "{token}");
    let rows = json!([{"key":"Periode","value":"N/A"},{"key":"Nomor Referensi","value":token}]);
    assert_eq!(data["productDetails"], rows);
    assert_eq!(data["billDetails"][0].get("isMandatory"), None);
    assert_eq!(partner.states(), [ChargeState::Succeeded]);
    let charge = &partner.sandbox.charges()[0];
    assert_eq!(
        (charge.reference.as_deref(), charge.customer.as_str(), charge.product.as_str(), charge.amount),
        (Some("BV0000000000000001"), "123223342", "SBTV01", 747_250)
    );
}

#[tokio::test]
async fn inquiries_are_refused_by_the_documented_rules() {
    let partner = Partner::new();
    for (claims, code) in [
        (json!({"productCode":"SBTV01"}), 321),
        (json!({"accountNumber":"1"}), 321),
        (json!({"productCode":"SBTV01","accountNumber":1}), 321),
        (json!({"productCode":"SBTV01","accountNumber":""}), 321),
        (json!({"productCode":"SBNONE","accountNumber":"1"}), 341),
        (json!({"productCode":"SBOFF01","accountNumber":"1"}), 184),
        (json!({"productCode":"SBEMONOPEN","accountNumber":"081200000002"}), 321),
        (json!({"productCode":"SBEMONOPEN","accountNumber":"081200000002","amount":"20000"}), 321),
        (json!({"productCode":"SBEMONOPEN","accountNumber":"081200000002","amount":9999}), 104),
        (json!({"productCode":"SBEMONOPEN","accountNumber":"081200000002","amount":2_000_001}), 104),
        (json!({"productCode":"SBEMONOPEN","accountNumber":"081200000002","amount":10_000}), 300),
        (json!({"productCode":"SBDRIVER","accountNumber":"B 1235 XYZ","amount":20_000}), 304),
        (json!({"productCode":"SBDRIVER","accountNumber":"B 1232 XYZ","amount":2_000_000}), 300),
        (json!({"productCode":"SBBPJSBPU","accountNumber":"317100000000002"}), 321),
        (json!({"productCode":"SBBPJSBPU","accountNumber":"317100000000002","month":13}), 321),
        (json!({"productCode":"SBBPJSBPU","accountNumber":"317100000000002","month":12}), 300),
        (json!({"productCode":"SBTV01","accountNumber":"123223345"}), 304),
        (json!({"productCode":"SBTV01","accountNumber":"999302000001"}), 302),
        (json!({"productCode":"SBTV01","accountNumber":"999409000001"}), 409),
        (json!({"productCode":"SBTV01","accountNumber":"998100000005"}), 300),
        (json!({"productCode":"SBTV01","accountNumber":"123223342","amount":"ignored"}), 300),
    ] {
        let answer = partner.call(CHECK, claims.clone()).await;
        assert_eq!((answer.status, answer.code()), (200, json!(code)), "{claims}");
        assert_eq!(*answer.data() == json!({}), code != 300, "{claims}");
    }
    let game = partner.call(CHECK, json!({"productCode":"SBGAME70","accountNumber":"123"})).await;
    assert_eq!(game.code(), "321");
    let game = partner.call(CHECK, json!({"productCode":"SBGAME70","accountNumber":"123","zoneId":"2001"})).await;
    assert_eq!(game.code(), "300");
    assert!(partner.sandbox.charges().is_empty());
}

#[tokio::test]
async fn payments_are_refused_in_the_documented_order() {
    let partner = Partner::new();
    let inquiry = partner.inquire("SBTV01", "123223341").await;
    let good = order("R", "123223341", "SBTV01", &inquiry);
    let changed = |name: &str, value: Value| {
        let mut order = good.clone();
        order[name] = value;
        order
    };
    for (order, code) in [
        (changed("refNumber", json!("")), 321),
        (changed("refNumber", json!(7)), 321),
        (changed("amount", json!("747250")), 321),
        (changed("inquiryId", Value::Null), 321),
        (changed("callbackUrls", json!("http://callback.test")), 321),
        (changed("inquiryId", json!(4_600_002)), 185),
        (changed("inquiryId", json!(-1)), 185),
        (changed("inquiryId", json!(i64::MIN)), 185),
        (changed("productCode", json!("SBNET01")), 313),
        (changed("accountNumber", json!("123223342")), 313),
        (changed("amount", json!(747_251)), 114),
    ] {
        let answer = partner.call(PAYMENT, order.clone()).await;
        assert_eq!((answer.status, answer.code(), answer.data()), (200, json!(code), &json!({})), "{order}");
        assert_eq!(partner.status("R").await.code(), 188);
    }
    partner.clock.advance(Duration::from_secs(30 * 60));
    assert_eq!(partner.call(PAYMENT, good.clone()).await.code(), 0);
    partner.clock.advance(Duration::from_secs(1));
    assert_eq!(partner.call(PAYMENT, changed("refNumber", json!("S"))).await.code(), 312);
    let repeated = partner.call(PAYMENT, good.clone()).await;
    assert_eq!((repeated.code(), repeated.data()), (json!(102), &json!({})));
    assert_eq!(partner.buy("F", "SBTV01", "123223344").await.code(), 103);
    assert_eq!(partner.buy("F", "SBTV01", "123223344").await.code(), 108);
    assert_eq!(partner.states(), [ChargeState::Succeeded]);
    let unlisted = partner.buy("T", "SBTV01", "998401000001").await;
    assert_eq!(
        unlisted.text,
        r#"{"responseCode":401,"success":false,"message":{"ID":"Transaksi gagal (401)","EN":"Transaction failed (401)"},"data":{}}"#
    );
}

#[tokio::test]
async fn a_deposit_that_is_too_low_refuses_and_records_nothing() {
    let partner = Partner::new();
    let claims = json!({"productCode":"SBDRIVER","accountNumber":"B 1231 XYZ","amount":2_000_000});
    let inquiry = partner.call(CHECK, claims).await;
    for number in 0..50 {
        let order = order(&format!("R{number}"), "B 1231 XYZ", "SBDRIVER", &inquiry);
        assert_eq!(partner.call(PAYMENT, order).await.code(), 0);
    }
    assert_eq!(partner.balance(), 0);
    let answer = partner.buy("LAST", "SBTV01", "123223341").await;
    assert_eq!((answer.code(), answer.data()), (json!(199), &json!({})));
    assert_eq!(partner.status("LAST").await.code(), 188);
}

#[tokio::test]
async fn accounts_decide_about_payment_status_and_charge() {
    use ChargeState::{Failed, Pending, Succeeded};
    // Account; the payment's code and whether it has data; status before and after settling; charge before and after.
    type Row = (&'static str, u16, bool, u16, u16, Option<ChargeState>, Option<ChargeState>);
    let rows: &[Row] = &[
        ("123223341", 0, true, 0, 0, Some(Succeeded), Some(Succeeded)),
        ("123223342", 299, true, 299, 0, Some(Pending), Some(Succeeded)),
        ("123223343", 299, true, 299, 100, Some(Pending), Some(Failed)),
        ("123223344", 103, true, 103, 103, None, None),
        ("123223340", 299, true, 299, 0, Some(Pending), Some(Succeeded)),
        ("pelanggan", 299, true, 299, 0, Some(Pending), Some(Succeeded)),
        ("998004000001", 4, true, 4, 4, Some(Succeeded), Some(Succeeded)),
        ("998100000001", 100, true, 100, 100, None, None),
        ("998312000001", 312, false, 188, 188, None, None),
        ("998313000001", 313, false, 188, 188, None, None),
        ("998250000001", 250, true, 299, 0, Some(Pending), Some(Succeeded)),
        ("998102000001", 102, false, 299, 0, Some(Pending), Some(Succeeded)),
        ("998150000001", 150, false, 299, 0, Some(Pending), Some(Succeeded)),
        ("998302000001", 302, false, 299, 0, Some(Pending), Some(Succeeded)),
        ("998401000001", 401, false, 299, 0, Some(Pending), Some(Succeeded)),
        ("998999000001", 999, false, 299, 0, Some(Pending), Some(Succeeded)),
        ("997005000001", 299, true, 299, 5, Some(Pending), Some(Succeeded)),
        ("997150000001", 299, true, 299, 150, Some(Pending), Some(Failed)),
        ("997312000001", 299, true, 299, 312, Some(Pending), Some(Failed)),
        ("997188000001", 299, true, 299, 188, Some(Pending), Some(Pending)),
        ("997250000001", 299, true, 299, 250, Some(Pending), Some(Pending)),
        ("997409000001", 299, true, 299, 409, Some(Pending), Some(Pending)),
    ];
    for (account, answer, has_data, before, after, charged, ends) in rows {
        let partner = Partner::new();
        let payment = partner.buy("R", "SBTV01", account).await;
        assert_eq!((payment.code(), *payment.data() != json!({})), (json!(answer), *has_data), "{account}");
        assert_eq!(partner.status("R").await.code(), *before, "{account}");
        assert_eq!(partner.states(), Vec::from_iter(*charged), "{account}");
        partner.clock.advance(Duration::from_secs(2));
        let status = partner.status("R").await;
        assert_eq!((status.status, status.code()), (200, json!(after)), "{account}");
        assert_eq!(partner.states(), Vec::from_iter(*ends), "{account}");
        let held = matches!(ends, Some(Pending | Succeeded));
        assert_eq!(partner.balance(), 100_000_000 - if held { 747_250 } else { 0 }, "{account}");
        let has_token = status.data()["token"].as_str().is_some_and(|token| !token.is_empty());
        assert_eq!(has_token, *after <= 99, "{account}");
        if *ends == Some(Pending) {
            assert_eq!(partner.sandbox.settle(), 1);
            assert_eq!((partner.status("R").await.code(), partner.states()), (json!(0), vec![Succeeded]), "{account}");
        }
    }
}

#[tokio::test]
async fn a_used_inquiry_is_charged_again_under_another_reference() {
    let partner = Partner::new();
    let inquiry = partner.inquire("SBPLNPOST3", "530000000011").await;
    assert_eq!(inquiry.data()["amount"], 145_750);
    let rows = inquiry.data()["billDetails"].as_array().unwrap();
    let values: Vec<_> = rows.iter().map(|row| json!([row["billId"], row["value"]])).collect();
    assert_eq!(json!(values), json!([["1", 38_500], ["2", 46_000], ["3", 52_250], ["0", 9000]]));
    assert_eq!(rows[0]["billInfo"][6], json!({"key":"Bulan","value":"SEP22"}));
    for reference in ["A", "B"] {
        let order = order(reference, "530000000011", "SBPLNPOST3", &inquiry);
        assert_eq!(partner.call(PAYMENT, order).await.code(), 0);
    }
    assert_eq!(partner.sandbox.charges().len(), 2);
    let ids = [partner.status("A").await, partner.status("B").await].map(|s| s.data()["transactionId"].clone());
    assert_eq!(json!(ids), json!([221_001, 221_003]));
}

#[tokio::test]
async fn quirks_are_built_into_the_categories() {
    let partner = Partner::new();
    // Pulsa and data packages: `customerDetail`, no rows; no name; another product code.
    let pulsa = partner.inquire("SBPULSA10", "081200000001").await;
    assert_eq!((&pulsa.data()["customerDetail"], pulsa.data().get("customerDetails")), (&json!([]), None));
    assert_eq!(pulsa.data()["customerName"], "N/A");
    assert_eq!(partner.inquire("SBDATA1", "081200000001").await.data()["customerName"], "");
    let data = partner.buy("D", "SBDATA1", "081200000001").await;
    assert_eq!((data.code(), &data.data()["productCode"]), (json!(4), &json!("UPSBDATA1")));
    assert_eq!((data.data().get("customerName"), data.data().get("validity")), (None, None));
    let serial = data.data()["token"].as_str().unwrap();
    assert!(serial.len() == 12 && serial.starts_with("SN"), "{serial}");
    assert_eq!(data.data()["productDetails"], json!([{"key":"Serial Nomor","value":serial}]));
    // eMoney: the provider's own reference, another order, no processing fee; 299 without success.
    let emoney = partner.inquire("SBEMON50", "081200000002").await;
    let begins = r#""data":{"requestId":"REQ7000001","refNumber":7000001,"inquiryId":"#;
    assert!(emoney.text.contains(begins), "{}", emoney.text);
    assert_eq!((emoney.data().get("processingFee"), emoney.data().get("denom")), (None, None));
    let pending = partner.buy("E", "SBEMON50", "081200000002").await;
    assert_eq!((pending.code(), &pending.json["success"]), (json!(299), &json!(false)));
    // Electricity: `N/A` until it has succeeded.
    let pln = partner.buy("P", "SBPLN20", "32123456782").await;
    assert_eq!(pln.data()["token"], "N/A");
    partner.sandbox.settle();
    let token = partner.status("P").await.data()["token"].clone();
    assert!(token.as_str().is_some_and(|t| t.len() == 20 && t.bytes().all(|b| b.is_ascii_digit())), "{token}");
    // Games: the code is a string in every answer.
    let inquiry = partner.call(CHECK, json!({"productCode":"SBGAME70","accountNumber":"11","zoneId":"2001"})).await;
    let paid = partner.call(PAYMENT, order("G", "11", "SBGAME70", &inquiry)).await;
    assert_eq!((paid.code(), partner.status("G").await.code()), (json!("0"), json!("0")));
    // Google Play: nothing to pay in the inquiry; another account in the status.
    let play = partner.inquire("SBGPLAY50", "pembeli1@contoh.id").await;
    assert_eq!(play.data()["amount"], 0);
    assert_eq!(play.data()["customerDetails"][2], json!({"key":"Nomor Pelanggan","value":"0811111111111"}));
    let mut paying = order("GP", "pembeli1@contoh.id", "SBGPLAY50", &play);
    assert_eq!(partner.call(PAYMENT, paying.clone()).await.code(), 114);
    paying["amount"] = json!(50_000);
    assert_eq!(partner.call(PAYMENT, paying).await.data()["accountNumber"], "pembeli1@contoh.id");
    assert_eq!(partner.status("GP").await.data()["accountNumber"], "0811111111111");
}

#[tokio::test]
async fn social_insurance_names_another_account_and_adds_its_administration() {
    let partner = Partner::new();
    let unit = partner.inquire("SBBPJSPU", "3171000000000001").await;
    assert_eq!(json!([unit.data()["amount"], unit.data()["totalAdmin"]]), json!([108_990, 2500]));
    assert_eq!(unit.data()["accountNumber"], "210800000001");
    assert_eq!(unit.data()["customerDetails"][2]["value"], "14:11 | 28 Dec 2022");
    for (reference, account, amount, code) in [
        ("A", "3171000000000001", 108_990, 0),
        ("B", "210800000001", 111_490, 0),
        ("C", "210800000002", 108_990, 313),
        ("D", "210800000001", 111_491, 114),
    ] {
        let mut paying = order(reference, account, "SBBPJSPU", &unit);
        paying["amount"] = json!(amount);
        let paid = partner.call(PAYMENT, paying).await;
        assert_eq!(paid.code(), code, "{reference}");
        if code == 0 {
            assert_eq!(json!([paid.data()["amount"], paid.data()["accountNumber"]]), json!([111_490, account]));
            assert_eq!(paid.data()["billDetails"][0]["value"], 108_990);
            assert_eq!(partner.status(reference).await.data()["billDetails"][0]["value"], "108990");
        }
    }
    assert_eq!(partner.balance(), 100_000_000 - 2 * 111_490);
    let claims = json!({"productCode":"SBBPJSBPU","accountNumber":"3171000000000001","month":2});
    let own = partner.call(CHECK, claims).await;
    assert_eq!(own.data()["amount"], 2 * 36_800 + 2500);
    assert_eq!(own.data()["billDetails"][0]["billInfo"][0], json!({"key":"Iuran JHT","value":"40000"}));
}

#[tokio::test]
async fn lists_show_every_product() {
    let partner = Partner::new();
    let list = partner.call(PRODUCTS, json!({})).await;
    let products = list.data().as_array().unwrap();
    assert_eq!((list.code(), products.len()), (json!(0), 24));
    assert!(list.text.contains(concat!(
        r#"{"name":"PLN Prepaid 20.000","description":"Token listrik","code":"SBPLN20","logo":"","amount":20000,"adminFee":0,"#,
        r#""biller":"PLN","category":"Listrik","active":true,"type":"prepaid"}"#
    )));
    for (code, amount, active, kind) in [
        ("SBTV01", 0, true, "postpaid"),
        ("SBPULSA10", 10_500, true, "prepaid"),
        ("SBEMONOPEN", 0, true, "prepaid"),
        ("SBGPLAY20", 20_000, true, "prepaid"),
        ("SBBPJSPU", 0, true, "postpaid"),
        ("SBOFF01", 0, false, "postpaid"),
    ] {
        let product = products.iter().find(|product| product["code"] == code).unwrap();
        assert_eq!(json!([product["amount"], product["active"], product["type"]]), json!([amount, active, kind]));
    }
    let overview = http::Request::get("http://sandbox.test/_sandbox").body(Bytes::new()).unwrap();
    let overview = partner.transport.send(overview, 1 << 20).await.unwrap();
    let overview: Value = serde_json::from_slice(overview.body()).unwrap();
    let about = &overview["providers"]["biller-v2"];
    assert_eq!(about["base_url"], "http://sandbox.test/biller-v2");
    assert_eq!(about["credentials"], json!({"api_key": KEY, "api_secret": SECRET, "api_key_body_only": BODY_ONLY}));
    let scenarios = about["scenarios"].as_array().unwrap();
    assert_eq!(scenarios.len(), 24);
    for entry in scenarios {
        assert_eq!(entry["customers"].as_array().unwrap().len(), 13, "{entry}");
    }
}

#[tokio::test]
async fn faults_do_what_their_names_say() {
    for (kind, charges, status) in [
        (FaultKind::LoseRequest, 0, None),
        (FaultKind::LoseReply, 1, None),
        (FaultKind::GarbleReply, 1, Some(200)),
        (FaultKind::ErrorBefore, 0, Some(503)),
        (FaultKind::ErrorAfter, 1, Some(500)),
        (FaultKind::Throttle, 0, Some(429)),
        (FaultKind::ExpireToken, 0, Some(401)),
    ] {
        let partner = Partner::new();
        let inquiry = partner.inquire("SBTV01", "123223341").await;
        let order = order("R", "123223341", "SBTV01", &inquiry);
        partner.sandbox.arm(Fault::new("biller-v2", kind).on(Operation::Payment)).unwrap();
        let answer = partner.try_call(PAYMENT, &order).await;
        assert_eq!(answer.as_ref().map(|answer| answer.status), status, "{kind:?}");
        assert!(answer.is_none_or(|answer| answer.json.is_null() || answer.text == UNAUTHORIZED), "{kind:?}");
        assert_eq!(partner.sandbox.charges().len(), charges, "{kind:?}");
        let again = partner.try_call(PAYMENT, &order).await.unwrap();
        assert_eq!(again.code(), if charges == 1 { 102 } else { 0 }, "{kind:?}");
        assert_eq!(partner.sandbox.charges().len(), 1, "{kind:?}");
    }
}

#[tokio::test]
async fn a_refused_payment_does_not_use_up_a_fault() {
    let partner = Partner::new();
    partner.sandbox.arm(Fault::new("biller-v2", FaultKind::LoseReply).on(Operation::Payment)).unwrap();
    let inquiry = partner.inquire("SBTV01", "123223341").await;
    let mut order = order("R", "123223341", "SBTV01", &inquiry);
    order["amount"] = json!(1);
    assert_eq!(partner.try_call(PAYMENT, &order).await.unwrap().code(), 114);
    order["amount"] = json!(747_250);
    assert!(partner.try_call(PAYMENT, &order).await.is_none());
    assert_eq!(partner.states(), [ChargeState::Succeeded]);
}

#[tokio::test]
async fn a_transaction_can_be_hidden_from_a_status_call() {
    let partner = Partner::new();
    partner.buy("R", "SBTV01", "123223341").await;
    partner.sandbox.arm(Fault::new("biller-v2", FaultKind::StatusNotFound)).unwrap();
    assert_eq!(partner.status("NONE").await.code(), 188);
    assert_eq!(
        partner.status("R").await.text,
        concat!(
            r#"{"responseCode":188,"success":false,"message":{"ID":"transaksi tidak tersedia","#,
            r#""EN":"transaction is not available"},"#,
            r#""data":{"refNumber":"","transactionId":0,"accountNumber":"","amount":0,"totalAdmin":0,"processingFee":0,"denom":"","#,
            r#""productCode":"","productName":"","category":"","token":"","customerDetails":null,"billDetails":null,"#,
            r#""productDetails":null,"extraFields":null}}"#,
        )
    );
    assert_eq!(partner.status("R").await.code(), 0);
    assert!(partner.sandbox.arm(Fault::new("biller-v2", FaultKind::StatusNotFound).on(Operation::Payment)).is_err());
}

#[tokio::test]
async fn a_failed_reference_can_be_charged_again_under_the_fault() {
    let partner = Partner::new();
    partner.buy("R", "SBTV01", "123223343").await;
    partner.sandbox.settle();
    partner.sandbox.arm(Fault::new("biller-v2", FaultKind::ChargeOnResend)).unwrap();
    assert_eq!(partner.buy("R", "SBTV01", "123223341").await.code(), 0);
    assert_eq!(partner.states(), [ChargeState::Failed, ChargeState::Succeeded]);
    assert_eq!(partner.status("R").await.code(), 0);
    assert_eq!(partner.buy("R", "SBTV01", "123223341").await.code(), 102);
}

#[tokio::test]
async fn callbacks_carry_the_status_answer_once_it_is_final() {
    let partner = Partner::new();
    partner.sandbox.send_callbacks_to("biller-v2", "http://partner.test/default").unwrap();
    partner.buy("NOW", "SBTV01", "123223341").await;
    partner.buy("LATER", "SBTV01", "123223343").await;
    partner.buy("REFUSED", "SBTV01", "123223344").await;
    let inquiry = partner.inquire("SBPULSA10", "081200000001").await;
    let mut order = order("OWN", "081200000001", "SBPULSA10", &inquiry);
    order["callbackUrls"] = json!(["http://partner.test/a", "http://partner.test/b"]);
    partner.call(PAYMENT, order).await;
    let urls: Vec<_> = partner.sandbox.take_callbacks().iter().map(|callback| callback.url.clone()).collect();
    assert_eq!(urls, ["http://partner.test/default", "http://partner.test/a", "http://partner.test/b"]);
    partner.clock.advance(Duration::from_secs(2));
    let late = partner.sandbox.take_callbacks();
    assert_eq!(late.len(), 1);
    assert_eq!(String::from_utf8(late[0].body.to_vec()).unwrap(), partner.status("LATER").await.text);
    assert_eq!(partner.status("LATER").await.code(), 100);
}

#[tokio::test]
async fn callback_faults_do_what_their_names_say() {
    for (kind, codes) in [
        (FaultKind::CallbackLost, vec![]),
        (FaultKind::CallbackTwice, vec![(0, false), (0, false)]),
        (FaultKind::CallbackConflicting, vec![(100, false), (0, false)]),
        (FaultKind::CallbackBeforeReply, vec![(0, true)]),
    ] {
        let partner = Partner::new();
        partner.sandbox.send_callbacks_to("biller-v2", "http://partner.test/").unwrap();
        partner.sandbox.arm(Fault::new("biller-v2", kind)).unwrap();
        for (account, settles, expected) in [("123223342", 1, codes), ("123223341", 0, vec![(0, false)])] {
            partner.buy(account, "SBTV01", account).await;
            assert_eq!(partner.sandbox.settle(), settles);
            let callbacks = partner.sandbox.take_callbacks();
            let seen = callbacks.iter().map(|callback| {
                let body: Value = serde_json::from_slice(&callback.body).unwrap();
                (body["responseCode"].as_i64().unwrap(), callback.before_reply)
            });
            assert_eq!(seen.collect::<Vec<_>>(), expected, "{kind:?} {account}");
        }
    }
}

#[tokio::test]
async fn the_same_seed_answers_the_same_bytes() {
    let mut texts = Vec::new();
    for _ in 0..2 {
        let partner = Partner::new();
        let mut text = String::new();
        for (reference, product) in [("A", "SBPLN50"), ("B", "SBVOUCH50"), ("C", "SBPULSA25"), ("D", "SBHALO")] {
            text += &partner.buy(reference, product, "081200000001").await.text;
        }
        texts.push(text);
    }
    assert_eq!(texts[0], texts[1]);
}
