#![allow(clippy::unwrap_used)]

use std::time::Duration;

use biller_core::{Transport as _, TransportError};
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::{ChargeState, Fault, FaultKind, ManualClock, Operation, Sandbox};

/// 2024-02-07 10:28:35 WIB.
const START: u64 = 1_707_276_515;
const OK: &str = "6287700000011";
const PENDING: &str = "6287700000012";
const FAILING: &str = "6287700000013";
const REFUSED: &str = "6287700000014";

/// A partner who knows the wire format and nothing else.
struct Partner {
    sandbox: Sandbox,
    clock: ManualClock,
    token: String,
    pair: (String, String),
}

/// Status and body; JSON where it is JSON.
type Answer = (u16, Value);

impl Partner {
    async fn new() -> Self {
        let clock = ManualClock::at_unix(START);
        let sandbox = Sandbox::builder().clock(clock.clone()).build();
        let pair = ("sbx-api-id".to_owned(), "sbx-api-key".to_owned());
        let mut partner = Self { sandbox, clock, token: String::new(), pair };
        partner.log_in().await;
        partner
    }

    async fn log_in(&mut self) {
        let (status, reply) = self.token_call(FORM, "sbx-sidompul-secret", "client_credentials").await;
        assert_eq!(status, 200);
        self.token = reply["access_token"].as_str().unwrap().to_owned();
    }

    async fn token_call(&self, content_type: &str, secret: &str, grant: &str) -> Answer {
        let body = format!("grant_type={grant}&client_id=sbx-sidompul-client&client_secret={secret}");
        let request =
            Request::post("http://sandbox/sidompul/token").header("content-type", content_type).body(body.into());
        self.send(request.unwrap()).await.unwrap()
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Answer, TransportError> {
        let reply = self.sandbox.transport().send(request, 1 << 20).await?;
        let text = String::from_utf8(reply.body().to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok((reply.status().as_u16(), body))
    }

    fn request(&self, method: &str, call: &str, body: &str) -> Request<Bytes> {
        let mut request =
            Request::builder().method(method).uri(format!("http://sandbox/sidompul/sidompul/openapi/v1/{call}"));
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        request
            .header("apiid", &self.pair.0)
            .header("apikey", &self.pair.1)
            .header("language", "ID")
            .header("content-type", "application/json")
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .unwrap()
    }

    async fn try_post(&self, call: &str, body: &Value) -> Result<Answer, TransportError> {
        self.send(self.request("POST", call, &body.to_string())).await
    }

    async fn post(&self, call: &str, body: &Value) -> Answer {
        self.try_post(call, body).await.unwrap()
    }

    async fn get(&self, call: &str) -> Answer {
        self.send(self.request("GET", call, "")).await.unwrap()
    }

    async fn data(&self, call: &str) -> Value {
        let (status, mut body) = self.get(call).await;
        assert_eq!((status, code(&body)), (200, "00"), "{call}");
        body["result"]["data"].take()
    }

    async fn pin(&self) -> String {
        let (_, body) = self.post("post-encrypt", &json!({ "data": "1234" })).await;
        body["result"]["data"].as_str().unwrap().to_owned()
    }

    async fn reload(&self, msisdn: &str, denom: i64) -> Answer {
        self.post("post-w2p", &json!({ "msisdn": msisdn, "pin": self.pin().await, "denom": denom })).await
    }

    async fn package(&self, call: &str, msisdn: &str, product: &str) -> Answer {
        self.post(call, &json!({ "msisdn": msisdn, "pin": self.pin().await, "productCode": product })).await
    }

    async fn stock_item(&self, brand: &str, allow_type: &str) -> Value {
        let list = self.data(&format!("get-{brand}-stock")).await;
        let item = list.as_array().unwrap().iter().find(|item| item["allowType"] == allow_type);
        item.unwrap().clone()
    }

    async fn inject_body(&self, brand: &str, allow_type: &str, command: &str, targets: &[&str]) -> Value {
        let item = self.stock_item(brand, allow_type).await;
        json!({ "target": targets, "pin": self.pin().await, "vId": item["vId"], "command": command, "allowType": allow_type })
    }

    async fn inject(&self, brand: &str, allow_type: &str, command: &str, targets: &[&str]) -> Answer {
        let body = self.inject_body(brand, allow_type, command, targets).await;
        self.post(&format!("post-{brand}-tembak"), &body).await
    }

    fn charges(&self) -> Vec<(String, String, i64, ChargeState)> {
        self.sandbox.charges().into_iter().map(|c| (c.customer, c.product, c.amount, c.state)).collect()
    }

    fn balance(&self) -> i64 {
        self.sandbox.balances()["sidompul"]
    }
}

const FORM: &str = "application/x-www-form-urlencoded";
const TODAY: &str = "startdate=2024-02-07&enddate=2024-02-07";

fn code(body: &Value) -> &str {
    body["result"]["errorCode"].as_str().unwrap_or_default()
}

fn fault_code(body: &Value) -> u64 {
    body["fault"]["code"].as_u64().unwrap_or_default()
}

#[tokio::test]
async fn tokens_live_an_hour_and_are_handed_out_again() {
    let mut partner = Partner::new().await;
    let first = partner.token.clone();
    partner.clock.advance(Duration::from_secs(3590));
    let (_, reply) = partner.token_call(FORM, "sbx-sidompul-secret", "client_credentials").await;
    assert_eq!(reply["access_token"], first);
    assert_eq!(reply["expires_in"], 10);
    assert_eq!(partner.get("get-dompul-balance").await.0, 200);
    partner.clock.advance(Duration::from_secs(10));
    let (status, body) = partner.get("get-dompul-balance").await;
    assert_eq!((status, fault_code(&body)), (401, 900_901));
    partner.log_in().await;
    assert_ne!(partner.token, first);
    assert_eq!(partner.get("get-dompul-balance").await.0, 200);
}

#[tokio::test]
async fn token_calls_are_checked() {
    let partner = Partner::new().await;
    for (content_type, secret, grant, status, error) in [
        (FORM, "wrong", "client_credentials", 401, "invalid_client"),
        (FORM, "sbx-sidompul-secret", "password", 400, "unsupported_grant_type"),
        ("application/json", "sbx-sidompul-secret", "client_credentials", 400, "invalid_request"),
    ] {
        let (got, body) = partner.token_call(content_type, secret, grant).await;
        assert_eq!((got, body["error"].as_str().unwrap()), (status, error));
    }
    let basic = Request::post("http://sandbox/sidompul/token")
        .header("content-type", FORM)
        .header("authorization", format!("Basic {}", crate::crypto::base64(b"sbx-sidompul-client:sbx-sidompul-secret")))
        .body(Bytes::from("grant_type=client_credentials"));
    assert_eq!(partner.send(basic.unwrap()).await.unwrap().0, 200);
}

#[tokio::test]
async fn checks_come_in_order() {
    let mut partner = Partner::new().await;
    let token = std::mem::take(&mut partner.token);
    partner.pair.1 = "wrong".to_owned();
    let (status, body) = partner.get("no-such-call").await;
    assert_eq!((status, fault_code(&body)), (401, 900_902));
    partner.token = "another".to_owned();
    let (status, body) = partner.get("no-such-call").await;
    assert_eq!((status, fault_code(&body)), (401, 900_901));
    partner.token = token;
    let (status, body) = partner.get("no-such-call").await;
    assert_eq!((status, &body["code"], &body["type"]), (404, &json!("404"), &json!("Status report")));
    let (status, body) = partner.get("post-w2p").await;
    assert_eq!((status, &body["code"]), (405, &json!("405")));
    let (status, body) = partner.post("post-w2p", &json!({})).await;
    assert_eq!((status, &body["statusCode"]), (401, &json!(401)));
    partner.pair.1 = "sbx-api-key".to_owned();
    let (status, body) = partner.post("post-w2p", &json!({ "msisdn": OK, "denom": 5000 })).await;
    assert_eq!((status, code(&body)), (400, "SBX-BADREQUEST"));
    let (status, body) = partner.post("post-w2p", &json!({ "msisdn": "08", "pin": "1234", "denom": 5000 })).await;
    assert_eq!((status, code(&body)), (400, "SBX-PIN"));
    let pin = partner.pin().await;
    let (status, body) =
        partner.post("post-w2p", &json!({ "msisdn": "087700000014", "pin": pin, "denom": 5000 })).await;
    assert_eq!((status, code(&body)), (400, "SBX-MSISDN"));
    let (status, body) = partner.reload(REFUSED, 2_500_000).await;
    assert_eq!((status, code(&body)), (400, "SBX-BALANCE"));
    let (status, body) = partner.reload(REFUSED, 5000).await;
    assert_eq!((status, code(&body)), (400, "SBX-REFUSED"));
    let (status, body) = partner.package("post-package", REFUSED, "NO_SUCH").await;
    assert_eq!((status, code(&body)), (200, "SBX-PRODUCT"));
    let (status, body) = partner.package("post-package", REFUSED, "XC_FLEX_S").await;
    assert_eq!((status, code(&body)), (200, "SBX-REFUSED"));
    assert!(partner.charges().is_empty());
    assert_eq!(partner.balance(), 2_500_000);
}

#[tokio::test]
async fn key_pairs_are_diagnosed() {
    let mut partner = Partner::new().await;
    let body = json!({ "msisdn": OK, "pin": partner.pin().await, "denom": 5000 });
    partner.pair = ("sbx-api-id.post-w2p".to_owned(), "sbx-api-key.post-w2p".to_owned());
    assert_eq!(partner.post("post-w2p", &body).await.0, 200);
    for (id, key, part) in [
        ("sbx-api-id.post-w2p", "sbx-api-key.post-w2p", "apiid and apikey are the pair of post-w2p"),
        ("sbx-api-key", "sbx-api-id", "apiid and apikey are swapped"),
        ("sbx-api-id", "", "the header apiid or apikey is missing or empty"),
        ("sbx-api-id", "secret", "apiid sbx-… and apikey secr… are no pair"),
    ] {
        partner.pair = (id.to_owned(), key.to_owned());
        assert_eq!(partner.get("get-dompul-balance").await.0, 401);
        let verdict = partner.sandbox.requests()[0].verdict.clone();
        assert_eq!((verdict.accepted, verdict.part, verdict.explanation.as_deref()), (false, Some("key"), Some(part)));
    }
}

#[tokio::test]
async fn encryption_is_static_and_short() {
    let partner = Partner::new().await;
    let pin = partner.pin().await;
    assert_eq!((pin.len(), &pin), (24, &partner.pin().await));
    // openssl dgst -sha256 -hmac 'sidompul-pin:1', first 16 bytes.
    assert_eq!(pin, "PpwMLpcu6caKkYb3y9zpBQ==");
    for data in [json!("1234567890123456"), json!(1234), json!("")] {
        let (status, body) = partner.post("post-encrypt", &json!({ "data": data })).await;
        assert_eq!((status, code(&body)), (400, "SBX-BADREQUEST"));
    }
}

#[tokio::test]
async fn reloads_follow_the_customer() {
    let partner = Partner::new().await;
    let (_, body) = partner.reload(OK, 5000).await;
    let data = &body["result"]["data"];
    assert_eq!((&data["msisdn"], &data["denomination"]), (&json!(OK), &json!(5000)));
    assert_eq!(data["transactionId"].as_str().unwrap().len(), 40);
    let trace = data["description"].as_str().unwrap().to_owned();
    assert!(trace.starts_with("Transaksi dgn No. TKXL0702") && trace.ends_with(" berhasil."), "{trace}");
    for customer in [PENDING, FAILING] {
        let (_, body) = partner.reload(customer, 5000).await;
        assert_eq!(body["result"]["data"]["description"], "Transaksi sedang di proses");
    }
    partner.reload(REFUSED, 5000).await;
    assert_eq!(partner.balance(), 2_500_000 - 3 * 5850);
    let statuses = |rows: &Value| {
        rows.as_array().unwrap().iter().map(|row| row["status"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let history = format!("get-transaction-history?{TODAY}");
    let rows = partner.data(&history).await;
    assert_eq!(statuses(&rows), ["success", "pending", "pending", "failed"]);
    let first = &rows[0];
    assert_eq!(
        (&first["service_type"], &first["amount"], &first["date"]),
        (&json!("w2p"), &json!("5850.0"), &json!("2024-02-07 10:28:35.000"))
    );
    assert_eq!(
        (&first["product"], &first["dest_number"], &first["payment_method"]),
        (&json!("Reload Pulsa 5000"), &json!(OK), &json!("DOMPUL"))
    );
    assert!(trace.contains(first["serial_number"].as_str().unwrap()));
    partner.sandbox.settle();
    assert_eq!(statuses(&partner.data(&history).await), ["success", "success", "GAGAL", "failed"]);
    assert_eq!(partner.balance(), 2_500_000 - 2 * 5850);
    let states = partner.charges();
    let w2p = |customer: &str, state| (customer.to_owned(), "W2P-5000".to_owned(), 5850, state);
    assert_eq!(
        states,
        [w2p(OK, ChargeState::Succeeded), w2p(PENDING, ChargeState::Succeeded), w2p(FAILING, ChargeState::Failed)]
    );
    let failed =
        partner.data(&format!("get-transaction-history-detail?msisdnB={FAILING}&orderStatus=BUSINESSERROR")).await;
    assert_eq!((failed[0]["transactionType"].as_str(), failed[0]["amount"].as_str()), (Some("w2p"), Some("5850")));
    let none = partner.data(&format!("get-transaction-history-detail?msisdnB={FAILING}&orderStatus=SUCCESS")).await;
    assert_eq!(none, json!([]));
}

#[tokio::test]
async fn packages_are_paid_from_dompul_or_pulsa() {
    let partner = Partner::new().await;
    let (_, body) = partner.package("post-package", OK, "GAME_FF_5").await;
    assert!(body["result"]["data"]["denomination"].is_null());
    assert_eq!(body["result"]["data"]["transactionId"].as_str().unwrap().len(), 40);
    let (_, body) = partner.package("post-package-pulsa", OK, "XC_FLEX_S").await;
    assert_eq!(body["result"]["data"], json!({ "description": "Transaksi sedang di proses" }));
    assert_eq!(partner.data("get-dompul-balance").await, json!(2_499_000));
    assert_eq!(partner.data("get-pulsa-balance").await, json!(500_000 - 13_703));
    let rows = partner.data(&format!("get-transaction-history?{TODAY}")).await;
    assert_eq!(
        (&rows[0]["product"], &rows[0]["service_type"]),
        (&json!("Free Fire 5 Diamonds + 100MB"), &json!("fulfillment"))
    );
    assert_eq!((&rows[1]["payment_method"], &rows[1]["status"]), (&json!("PULSA"), &json!("success")));
    partner.package("post-package-pulsa", FAILING, "XC_FLEX_S").await;
    partner.sandbox.settle();
    assert_eq!(partner.data("get-pulsa-balance").await, json!(500_000 - 13_703));
    assert_eq!(partner.data("get-product-list").await.as_array().unwrap().len(), 26);
}

#[tokio::test]
async fn gateway_customers_get_faults() {
    let partner = Partner::new().await;
    for (customer, status, code, executed) in [
        ("628779009020", 401, 900_902, 0),
        ("628779008030", 429, 900_803, 0),
        ("628779008010", 503, 900_801, 0),
        ("628773030010", 503, 303_001, 0),
        ("628771015040", 504, 101_504, 0),
        ("628771015039", 500, 101_503, 1),
        ("628779009089", 403, 900_908, 2),
    ] {
        let (got, body) = partner.reload(customer, 5000).await;
        assert_eq!((got, fault_code(&body)), (status, code), "{customer}");
        assert_eq!(partner.charges().len(), executed, "{customer}");
    }
    assert!(partner.charges().iter().all(|(.., state)| *state == ChargeState::Succeeded));
    let (status, body) = partner.reload("628779009018", 5000).await;
    let xml = body.as_str().unwrap();
    assert_eq!(status, 401);
    assert!(
        xml.starts_with("<ams:fault xmlns:ams=\"http://wso2.org/apimanager/security\"><ams:code>900901</ams:code>"),
        "{xml}"
    );
    let (_, body) = partner.reload("628779008028", 5000).await;
    assert!(body.as_str().unwrap().starts_with("<amt:fault xmlns:amt=\"http://wso2.org/apimanager/throttling\">"));
    let (_, body) = partner.reload("628771015558", 5000).await;
    assert!(body.as_str().unwrap().contains("<am:type>Status report</am:type>"));
    // Not a code of the gateway's, or a longer number: customers like any other.
    for customer in ["628771234560", "6287790090200", "628779009021"] {
        assert_eq!(partner.reload(customer, 5000).await.0, 200, "{customer}");
    }
}

#[tokio::test]
async fn stock_lists_hold_what_clients_need() {
    let partner = Partner::new().await;
    for (brand, prefix, allow_types) in
        [("awg", "AX-", ["TRS", "VSFU", "T", "V"].as_slice()), ("xwg", "XL-", &["RZE", "TRE", "V"])]
    {
        let list = partner.data(&format!("get-{brand}-stock")).await;
        let rows = list.as_array().unwrap();
        assert!(rows.len() >= 6);
        let ids: Vec<_> = rows.iter().map(|row| row["vId"].as_str().unwrap()).collect();
        assert!(ids.iter().any(|id| id.contains("%2B")) && ids.iter().any(|id| id.contains("%2F")));
        assert!(rows.iter().all(|row| row["voucherTypeCode"].as_str().unwrap().starts_with(prefix)));
        assert!(allow_types.iter().all(|wanted| rows.iter().any(|row| row["allowType"] == *wanted)));
        assert_eq!(rows.iter().filter(|row| row["voucherBalance"] == 0).count(), 1);
        assert_eq!(rows.iter().filter(|row| row["expirationDate"] == "28-01-2024").count(), 1);
        let some = partner.data(&format!("get-{brand}-stock?roType=MINI-GROSIR")).await;
        assert!((1..rows.len()).contains(&some.as_array().unwrap().len()));
        assert_eq!(partner.data(&format!("get-{brand}-stock?roType=OTHER")).await, json!([]));
    }
}

#[tokio::test]
async fn injects_settle_target_by_target() {
    let partner = Partner::new().await;
    let targets = ["6283800000011", "6283800000012", "6283800000013"];
    let (_, body) = partner.inject("awg", "TRS", "tembak-paket-ir", &targets).await;
    assert_eq!(body["result"]["errorMessage"], "Success");
    let master_id = body["result"]["data"].as_str().unwrap().to_owned();
    assert_eq!(master_id, "TEMBAKTXL170178240207102835000");
    let (_, body) = partner.inject("awg", "T", "tembak-paket-ir", &targets[..1]).await;
    assert_eq!(body["result"]["data"], "TEMBAKTXL170178240207102835001");
    assert_eq!(partner.stock_item("awg", "TRS").await["voucherBalance"], 37);
    partner.sandbox.settle();
    assert_eq!(partner.stock_item("awg", "TRS").await["voucherBalance"], 38);
    assert_eq!(partner.balance(), 2_500_000);
    let (_, body) = partner
        .post(
            "post-awg-transaction-info-detail",
            &json!({ "command": "info-detail-voucher", "masterTrxId": master_id }),
        )
        .await;
    let rows = body["result"]["data"].as_array().unwrap().iter();
    let rows: Vec<_> = rows.map(|row| (row["bMsisdn"].as_str().unwrap(), row["status"].as_str().unwrap())).collect();
    assert_eq!(rows, [(targets[0], "Success"), (targets[1], "Success"), (targets[2], "Failed")]);
    let list =
        partner.data("get-awg-transaction-info?beginDate=07-02-2024&endDate=07-02-2024&servicetype=SELLVOUCHER").await;
    let kinds: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["type"].as_str().unwrap(), row["status"].as_str().unwrap()))
        .collect();
    let bulk = "SELLVOUCHER-BULK";
    assert_eq!(kinds, [(bulk, "SUKSES"), (bulk, "SUKSES"), (bulk, "GAGAL"), ("SELLVOUCHER-SATUAN", "SUKSES")]);
    let charged: Vec<_> =
        partner.charges().into_iter().map(|(.., product, amount, state)| (product, amount, state)).collect();
    assert_eq!(charged[2], ("AX-RM580808TK-TSP".to_owned(), 6_000, ChargeState::Failed));
    assert_eq!(charged.len(), 4);
}

#[tokio::test]
async fn xwg_details_say_why() {
    let partner = Partner::new().await;
    let serials = ["1011640000921101", "1011640000921103"];
    let (_, body) = partner.inject("xwg", "RZE", "tembak-paket", &serials).await;
    let master_id = body["result"]["data"].as_str().unwrap().to_owned();
    assert_eq!(master_id, "ISI101162240207102835000");
    partner.sandbox.settle();
    let detail = |command: &'static str| json!({ "command": command, "masterTrxId": master_id });
    let (_, body) = partner.post("post-xwg-transaction-info-detail", &detail("physicalvoucher-detail")).await;
    let rows = &body["result"]["data"];
    assert_eq!(rows[0], json!({ "masterTrxId": master_id, "bMsisdn": serials[0], "status": "SUKSES" }));
    assert_eq!((&rows[1]["status"], &rows[1]["statusDetail"]), (&json!("GAGAL"), &json!("INVALID_SID")));
    let (_, body) = partner.post("post-xwg-transaction-info-detail", &detail("sellvoucher-detail")).await;
    assert_eq!(body["result"]["data"], json!([]));
    let (status, _) = partner.post("post-xwg-transaction-info-detail", &detail("info-detail-pv")).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn injects_are_checked() {
    let partner = Partner::new().await;
    let good = partner.inject_body("awg", "TRS", "tembak-paket-ir", &[OK]).await;
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    for (body, expected) in [
        (with("target", json!([])), "SBX-BADREQUEST"),
        (with("target", json!([OK, OK])), "SBX-BADREQUEST"),
        (with("target", json!(OK)), "SBX-BADREQUEST"),
        (with("command", json!("sell-voucher")), "SBX-BADREQUEST"),
        (with("command", json!("tembak-paket-pv")), "SBX-BADREQUEST"),
        (with("allowType", json!("T")), "SBX-BADREQUEST"),
        (with("pin", json!("1234")), "SBX-PIN"),
        (with("target", json!(["1026220002320751"])), "SBX-MSISDN"),
        (with("vId", json!("unknown%2B")), "SBX-STOCK"),
        (with("target", json!([OK, REFUSED])), "SBX-REFUSED"),
    ] {
        let (status, reply) = partner.post("post-awg-tembak", &body).await;
        assert_eq!((status, code(&reply)), (400, expected), "{body}");
    }
    let list = partner.data("get-awg-stock").await;
    let unusable = list
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["voucherBalance"] == 0 || row["expirationDate"] == "28-01-2024");
    for row in unusable {
        let mut body = with("vId", row["vId"].clone());
        body["allowType"] = row["allowType"].clone();
        assert_eq!(code(&partner.post("post-awg-tembak", &body).await.1), "SBX-STOCK");
    }
    let decoded = good["vId"].as_str().unwrap().replace("%2B", "+").replace("%2F", "/");
    assert_eq!(code(&partner.post("post-awg-tembak", &with("vId", json!(decoded))).await.1), "SBX-STOCK");
    assert!(partner.charges().is_empty());
    assert_eq!(
        partner.data("get-awg-transaction-info?beginDate=07-02-2024&endDate=07-02-2024&servicetype=SELLVOUCHER").await,
        json!([])
    );
    for spelling in ["vid", "vld"] {
        let mut body = good.clone();
        body[spelling] = body["vId"].take();
        assert_eq!(partner.post("post-awg-tembak", &body).await.0, 200, "{spelling}");
    }
}

#[tokio::test]
async fn queries_are_checked() {
    let partner = Partner::new().await;
    for call in [
        "get-transaction-history",
        "get-transaction-history?startdate=2024-02-07",
        "get-transaction-history?startdate=07-02-2024&enddate=07-02-2024",
        "get-transaction-history?startdate=2024-2-7&enddate=2024-02-07",
        "get-awg-transaction-info?beginDate=2024-02-07&endDate=2024-02-07&servicetype=SELLVOUCHER",
        "get-awg-transaction-info?beginDate=07-02-2024&endDate=07-02-2024&servicetype=TEMBAKSTOK",
        "get-xwg-transaction-info?beginDate=07-02-2024&endDate=07-02-2024",
    ] {
        let (status, body) = partner.get(call).await;
        assert_eq!((status, code(&body)), (400, "SBX-BADREQUEST"), "{call}");
    }
    let old = partner.data("get-transaction-history?startdate=2022-01-01&enddate=2024-02-07").await;
    assert_eq!(old.as_array().unwrap().len(), 3);
    let balance =
        partner.data("get-xwg-transaction-info?beginDate=01-01-2022&endDate=07-02-2024&servicetype=TEMBAKSTOK").await;
    assert_eq!(balance, json!([]));
}

#[tokio::test]
async fn faults_act_where_they_are_armed() {
    let mut partner = Partner::new().await;
    let arm = |kind, operation| partner.sandbox.arm(Fault::new("sidompul", kind).on(operation)).unwrap();
    let body = json!({ "msisdn": OK, "pin": partner.pin().await, "denom": 5000 });
    arm(FaultKind::LoseReply, Operation::Payment);
    assert!(partner.try_post("post-w2p", &body).await.is_err());
    assert_eq!(partner.charges().len(), 1);
    arm(FaultKind::Throttle, Operation::Payment);
    let (status, reply) = partner.post("post-w2p", &body).await;
    assert_eq!((status, fault_code(&reply)), (429, 900_803));
    arm(FaultKind::StatusNotFound, Operation::History);
    assert_eq!(partner.data(&format!("get-transaction-history?{TODAY}")).await, json!([]));
    assert_eq!(partner.data(&format!("get-transaction-history?{TODAY}")).await.as_array().unwrap().len(), 1);
    arm(FaultKind::StatusNotFound, Operation::Status);
    let detail = format!("get-transaction-history-detail?msisdnB={OK}");
    assert_eq!(partner.data(&detail).await, json!([]));
    assert_eq!(partner.data(&detail).await.as_array().unwrap().len(), 1);
    arm(FaultKind::ExpireToken, Operation::Payment);
    let (status, reply) = partner.post("post-w2p", &body).await;
    assert_eq!((status, fault_code(&reply)), (401, 900_901));
    let (status, _) = partner.post("post-w2p", &body).await;
    assert_eq!(status, 401, "the token has ended");
    partner.log_in().await;
    assert_eq!(partner.post("post-w2p", &body).await.0, 200);
    assert_eq!(partner.charges().len(), 2, "every accepted purchase is a new charge");
    assert_eq!(partner.sandbox.arm(Fault::new("sidompul", FaultKind::CallbackLost)).unwrap_err().status(), 422);
}

#[tokio::test]
async fn malformed_requests_are_answered() {
    let partner = Partner::new().await;
    for body in ["", "{", "[]", "null", "{\"msisdn\":[]}", "{\"msisdn\":\"\u{1F600}\",\"pin\":\"p\",\"denom\":1e400}"] {
        for call in ["post-w2p", "post-package", "post-awg-tembak", "post-xwg-transaction-info-detail", "post-encrypt"]
        {
            let (status, _) = partner.send(partner.request("POST", call, body)).await.unwrap();
            assert_eq!(status, 400, "{call} {body}");
        }
    }
}
