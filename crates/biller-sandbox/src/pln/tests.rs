use std::time::Duration;

use biller_core::Transport as _;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::crypto::{base64, hex, hmac_sha512, jwt_hs256, sha256};
use crate::{ChargeState, Fault, FaultKind, ManualClock, Operation, Sandbox};

const NOW: u64 = 1_642_488_604;
const TIME: &str = "2022-01-18T13:50:04+07:00";
const CLAIMS: &str =
    r#"{"merchantID":5,"merchantOutletID":896,"merchantOutletUsername":"00112233445566778899aabbccddeeff"}"#;

/// A sandbox and one call after the other, signed by the test's own code.
struct Partner {
    sandbox: Sandbox,
    clock: ManualClock,
}

/// One request, with everything that can be spoilt.
#[derive(Clone)]
struct Call {
    method: &'static str,
    path: String,
    timestamp: String,
    authorization: String,
    signature: Option<String>,
    signed_method: &'static str,
    signed_path: String,
    signed_token: String,
    signed_timestamp: String,
    hash: String,
    key: String,
    body: String,
}

fn token(claims: &str) -> String {
    jwt_hs256(claims.as_bytes(), b"sandbox-jwt-secret")
}

impl Call {
    fn new(operation: &str, body: &Value) -> Self {
        let (path, body, token) = (format!("/v2.0/{operation}"), body.to_string(), token(CLAIMS));
        Self {
            method: "POST",
            path: path.clone(),
            timestamp: TIME.to_owned(),
            authorization: format!("Bearer {token}"),
            signature: None,
            signed_method: "POST",
            signed_path: path,
            signed_token: token,
            signed_timestamp: TIME.to_owned(),
            hash: hex(&sha256(body.as_bytes())),
            key: "sandbox-api-secret".to_owned(),
            body,
        }
    }

    fn inquiry(reference: &str, product: &str, customer: &str) -> Self {
        Self::new(
            "inquiry",
            &json!({ "partnerReferenceNo": reference, "productCode": product, "customerID": customer, "customerPeriode": "" }),
        )
    }

    fn with_token(mut self, token: String) -> Self {
        self.authorization = format!("Bearer {token}");
        self.signed_token = token;
        self
    }

    fn at(mut self, timestamp: &str) -> Self {
        self.timestamp = timestamp.to_owned();
        self.signed_timestamp = timestamp.to_owned();
        self
    }

    fn text(&self) -> String {
        let Self { signed_method, signed_path, signed_token, hash, signed_timestamp, .. } = self;
        format!("{signed_method}:{signed_path}:{signed_token}:{hash}:{signed_timestamp}")
    }

    fn signature(&self) -> String {
        let made = || base64(&hmac_sha512(self.key.as_bytes(), self.text().as_bytes()));
        self.signature.clone().unwrap_or_else(made)
    }

    fn spoil(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

impl Partner {
    fn new() -> Self {
        let clock = ManualClock::at_unix(NOW);
        let sandbox = Sandbox::builder().clock(clock.clone()).build();
        sandbox.send_callbacks_to("pln", "http://partner.test/callback").expect("usable");
        Self { sandbox, clock }
    }

    /// HTTP status and body; none if the connection was closed.
    async fn raw(&self, call: &Call) -> Option<(u16, Bytes)> {
        let request = http::Request::builder()
            .method(call.method)
            .uri(format!("http://sandbox.test/pln{}", call.path))
            .header("content-type", "application/json")
            .header("host", "sandbox.test")
            .header("x-timestamp", &call.timestamp)
            .header("x-signature", call.signature())
            .header("authorization", &call.authorization)
            .body(Bytes::from(call.body.clone()))
            .expect("request");
        let reply = self.sandbox.transport().send(request, 1 << 20).await.ok()?;
        Some((reply.status().as_u16(), reply.into_body()))
    }

    async fn send(&self, call: &Call) -> (u16, Value) {
        let (status, body) = self.raw(call).await.expect("a reply");
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// The reply's code and the part that the log blames.
    async fn code(&self, call: &Call) -> String {
        self.send(call).await.1["responseCode"].as_str().unwrap_or("-").to_owned()
    }

    async fn blamed(&self, call: &Call) -> (String, Option<&'static str>) {
        let code = self.code(call).await;
        (code, self.sandbox.requests()[0].verdict.part)
    }

    /// Asks, and gives what payment and advice send.
    async fn inquire(&self, reference: &str, product: &str, customer: &str) -> (String, Value) {
        let (_, reply) = self.send(&Call::inquiry(reference, product, customer)).await;
        let pair = json!({ "partnerReferenceNo": reference, "referenceNo": reply["referenceNo"] });
        (reply["responseCode"].as_str().expect("code").to_owned(), pair)
    }

    async fn pay(&self, pair: &Value) -> Value {
        let mut body = pair.clone();
        body["partnerApprovalNo"] = json!("A-1");
        self.send(&Call::new("payment", &body).at(&self.time())).await.1
    }

    async fn advice(&self, pair: &Value) -> Value {
        self.send(&Call::new("advice", pair).at(&self.time())).await.1
    }

    /// The clock's time, for calls after it has moved.
    fn time(&self) -> String {
        use crate::Clock as _;
        super::seconds(jiff::Timestamp::try_from(self.clock.now()).expect("in range"))
    }

    fn states(&self) -> Vec<(i64, ChargeState)> {
        self.sandbox.charges().iter().map(|charge| (charge.amount, charge.state)).collect()
    }

    fn balance(&self) -> i64 {
        self.sandbox.balances()["pln"]
    }
}

fn code(reply: &Value) -> &str {
    reply["responseCode"].as_str().expect("code")
}

fn bill(reply: &Value) -> Value {
    serde_json::from_str(reply["result"]["additionalInfo"]["billDesc"].as_str().expect("text")).expect("JSON")
}

#[tokio::test]
async fn an_inquiry_answers_like_the_sample() {
    let partner = Partner::new();
    let (status, body) = partner.raw(&Call::inquiry("TRX-000000351", "PLNPR20", "86034655976")).await.expect("a reply");
    assert_eq!(status, 200);
    assert_eq!(
        std::str::from_utf8(&body).expect("text"),
        concat!(
            r#"{"responseCode":"00","responseMessage":"Success","responseDatetime":"2022-01-18T13:50:04+07:00","#,
            r#""partnerReferenceNo":"TRX-000000351","referenceNo":"DEV-220118-0000001","result":{"#,
            r#""partnerReferenceNo":"TRX-000000351","referenceNo":"DEV-220118-0000001","merchantStoreName":"MERCHANT SANDBOX","#,
            r#""merchantOutletID":896,"merchantOutletName":"OUTLET SANDBOX","productReferenceCode":"PLNPREPAIDV2","#,
            r#""productTypeID":1,"productCode":"PLNPR20","productName":"PLN PREPAID 20","productPrice":20500,"#,
            r#""productAdminFee":0,"productMerchantFee":0,"transactionDate":"2022-01-18T13:50:04+07:00","#,
            r#""customerID":"86034655976","additionalInfo":{"serialNumber":"","#,
            r#""billDesc":"{\"customerName\":\"SANDBOX 976\",\"idPelanggan\":\"586034655976\",\"nomorMeter\":\"86034655976\",\"tarifDaya\":\"R1M/900VA\"}"}}}"#,
        )
    );
    assert_eq!(partner.states(), []);
}

#[tokio::test]
async fn checks_come_in_their_order() {
    let partner = Partner::new();
    let good = Call::inquiry("R1", "PLNPR20", "829374298301");
    // Each call has the faults of all later ones too; the first check speaks.
    let no_body = good.clone().spoil(|call| {
        call.body = "[]".to_owned();
        call.hash = hex(&sha256(b"[]"));
    });
    let no_signature = no_body.clone().spoil(|call| call.signature = Some("x".to_owned()));
    let expired = no_signature.clone().with_token(token(&CLAIMS.replace('}', r#","exp":1642488603}"#)));
    let stranger = expired.clone().with_token(token(&CLAIMS.replace('5', "6")));
    let late = stranger.clone().at("2022-01-18T13:44:59+07:00");
    let elsewhere = late.clone().spoil(|call| call.path = "/v2.0/balance".to_owned());
    for (call, status, expected) in [
        (&no_body, 400, "39"),
        (&no_signature, 401, "13"),
        (&expired, 401, "401"),
        (&stranger, 401, "12"),
        (&late, 400, "39"),
    ] {
        let (found, reply) = partner.send(call).await;
        assert_eq!((found, code(&reply)), (status, expected));
        let members: Vec<_> = reply.as_object().expect("object").keys().map(String::as_str).collect();
        assert_eq!(members, ["responseCode", "responseDatetime", "responseMessage"]);
    }
    let (status, page) = partner.raw(&elsewhere).await.expect("a reply");
    assert_eq!((status, page.starts_with(b"<html>")), (404, true));
    let read = good.spoil(|call| call.method = "GET");
    assert_eq!(partner.raw(&read).await.expect("a reply").0, 404);
}

#[tokio::test]
async fn the_timestamp_may_be_300_seconds_off_and_in_any_zone() {
    let partner = Partner::new();
    for (timestamp, expected) in [
        ("2022-01-18T13:45:04+07:00", "00"),
        ("2022-01-18T13:55:04+07:00", "00"),
        ("2022-01-18T06:50:04.999Z", "00"),
        ("2022-01-18T13:45:03+07:00", "39"),
        ("2022-01-18T13:55:05+07:00", "39"),
        ("2022-01-18T13:50:04", "39"),
        ("", "39"),
    ] {
        let call = Call::inquiry(&format!("R{}", timestamp.replace(':', "")), "PLNPR20", "829374298301").at(timestamp);
        assert_eq!(partner.code(&call).await, expected, "{timestamp}");
    }
}

#[tokio::test]
async fn tokens_of_every_accepted_kind() {
    let partner = Partner::new();
    let device = r#","merchantOutletDeviceID":"SANDBOX DEVICE"}"#;
    let swapped = {
        use crate::crypto::{base64url, hmac_sha256};
        let signed = format!("{}.{}", base64url(br#"{"typ":"JWT","alg":"HS256"}"#), base64url(CLAIMS.as_bytes()));
        let signature = base64url(&hmac_sha256(b"sandbox-jwt-secret", signed.as_bytes()));
        format!("{signed}.{signature}")
    };
    for (name, token, expected) in [
        ("plain", token(CLAIMS), "00"),
        ("device", token(&CLAIMS.replace('}', device)), "00"),
        ("other device", token(&CLAIMS.replace('}', &device.replace("SANDBOX", "OTHER"))), "12"),
        ("members of the header swapped", swapped, "00"),
        ("not past", token(&CLAIMS.replace('}', r#","iat":1642488000,"exp":1642488604}"#)), "00"),
        ("past", token(&CLAIMS.replace('}', r#","exp":1642488603}"#)), "401"),
        ("a text for exp", token(&CLAIMS.replace('}', r#","exp":"soon"}"#)), "12"),
        ("other secret", jwt_hs256(CLAIMS.as_bytes(), b"other"), "12"),
        ("nonsense", "a.b.c".to_owned(), "12"),
        ("empty", String::new(), "12"),
    ] {
        let call = Call::inquiry(name, "PLNPR20", "829374298301").with_token(token);
        assert_eq!(partner.code(&call).await, expected, "{name}");
    }
    let basic = Call::inquiry("basic", "PLNPR20", "829374298301")
        .spoil(|call| call.authorization = call.authorization.replace("Bearer", "Basic"));
    assert_eq!(partner.code(&basic).await, "00");
    let variant = partner.sandbox.requests()[0].verdict.variant.clone();
    assert_eq!(variant.as_deref(), Some("Basic, sha512-base64, /{version}/{operation}, body as received"));
}

#[tokio::test]
async fn a_refused_signature_names_what_differs() {
    let partner = Partner::new();
    let earlier = token(&CLAIMS.replace('}', r#","iat":1}"#));
    assert_eq!(partner.code(&Call::inquiry("R0", "PLNPR20", "829374298301").with_token(earlier.clone())).await, "00");
    let good = Call::inquiry("R1", "PLNPR20", "829374298301");
    let body = good.body.clone();
    let pretty = crate::json::pretty(&body, "  ");
    type Spoil = Box<dyn Fn(&mut Call)>;
    let slips: Vec<(&str, Spoil)> = vec![
        ("method", Box::new(|call| call.signed_method = "post")),
        ("method", Box::new(|call| call.signed_method = "GET")),
        ("path", Box::new(|call| call.signed_path = "/v2.0/payment".to_owned())),
        ("path", Box::new(|call| call.signed_path = "http://sandbox.test/pln/v2.0/inquiry".to_owned())),
        ("path", Box::new(|call| call.signed_path = "/api/mybillsv2/v2.0/inquiry".to_owned())),
        ("path", Box::new(|call| call.signed_path = "/v2.0/inquiry?".to_owned())),
        ("token", Box::new(|call| call.signed_token = call.authorization.clone())),
        ("token", Box::new(|call| call.signed_token = String::new())),
        ("token", Box::new(move |call| call.signed_token = earlier.clone())),
        ("body", Box::new(move |call| call.hash = body.clone())),
        ("body", Box::new(move |call| call.hash = hex(&sha256(pretty.as_bytes())))),
        ("body", Box::new(|call| call.hash = call.hash.to_uppercase())),
        ("body", Box::new(|call| call.hash = hex(&sha256(b"")))),
        (
            "body",
            Box::new(|call| {
                let other = r#"{"partnerReferenceNo":"R1","customerID":"829374298301","productCode":"PLNPR20","customerPeriode":""}"#;
                call.hash = hex(&sha256(other.as_bytes()));
            }),
        ),
        ("timestamp", Box::new(|call| call.signed_timestamp = "2022-01-18T13:50:04.000+07:00".to_owned())),
        ("timestamp", Box::new(|call| call.signed_timestamp = "2022-01-18T06:50:04Z".to_owned())),
        ("timestamp", Box::new(|call| call.signed_timestamp = "2022-01-18T13:50:03+07:00".to_owned())),
        ("key", Box::new(|call| call.key = "sandbox-jwt-secret".to_owned())),
        ("key", Box::new(|call| call.key = base64(b"sandbox-api-secret"))),
        ("signature", Box::new(|call| call.key = "somebody else's".to_owned())),
        ("signature", Box::new(|call| call.signature = Some(call.signature().replace('=', "")))),
        ("signature", Box::new(|call| call.signature = Some(String::new()))),
    ];
    for (index, (part, slip)) in slips.iter().enumerate() {
        let call = good.clone().spoil(|call| slip(call));
        assert_eq!(partner.blamed(&call).await, ("13".to_owned(), Some(*part)), "slip {index}");
        let explanation = partner.sandbox.requests()[0].verdict.explanation.clone().expect("explanation");
        assert!(explanation.contains("POST:/v2.0/inquiry:eyJh…:"), "{explanation}");
        assert!(!explanation.contains("sandbox-api-secret") && !explanation.contains(&token(CLAIMS)), "{explanation}");
    }
    assert_eq!(partner.code(&good).await, "00");
}

#[tokio::test]
async fn required_texts_have_1_to_64_characters() {
    let partner = Partner::new();
    let long = "x".repeat(65);
    for body in [
        json!({ "productCode": "PLNPR20", "customerID": "829374298301" }),
        json!({ "partnerReferenceNo": "", "productCode": "PLNPR20", "customerID": "829374298301" }),
        json!({ "partnerReferenceNo": long, "productCode": "PLNPR20", "customerID": "829374298301" }),
        json!({ "partnerReferenceNo": 7, "productCode": "PLNPR20", "customerID": "829374298301" }),
    ] {
        assert_eq!(partner.send(&Call::new("inquiry", &body)).await.0, 400, "{body}");
    }
    let pair = json!({ "partnerReferenceNo": "R1", "referenceNo": "DEV-220118-0000001" });
    assert_eq!(partner.code(&Call::new("payment", &pair)).await, "39");
    assert_eq!(partner.code(&Call::new("advice", &pair)).await, "22");
}

#[tokio::test]
async fn business_rules() {
    let partner = Partner::new();
    assert_eq!(partner.inquire("R1", "PLNPR30", "829374298301").await.0, "10");
    assert_eq!(partner.inquire("R1", "PLNPR20", "8293742983").await.0, "14");
    assert_eq!(partner.inquire("R1", "PLNPR20", "82937429830x").await.0, "14");
    let (ok, pair) = partner.inquire("R1", "PLNPR20", "829374298301").await;
    assert_eq!(ok, "00");
    assert_eq!(partner.inquire("R1", "PLNPR50", "829374298311").await.0, "09");
    assert_eq!(code(&partner.advice(&pair).await), "22", "an inquiry that was never paid");
    let stranger = json!({ "partnerReferenceNo": "R2", "referenceNo": pair["referenceNo"] });
    assert_eq!(code(&partner.pay(&stranger).await), "22");
    assert_eq!(code(&partner.pay(&pair).await), "00");
    assert_eq!(code(&partner.pay(&pair).await), "17");
    let (_, later) = partner.inquire("R3", "PLNPR20", "829374298302").await;
    assert_eq!(code(&partner.pay(&later).await), "02");
    assert_eq!(code(&partner.pay(&later).await), "27");
    let (_, failing) = partner.inquire("R4", "PLNPR20", "829374298304").await;
    assert_eq!(code(&partner.pay(&failing).await), "96");
    assert_eq!(code(&partner.pay(&failing).await), "08");
    assert_eq!(
        partner.states(),
        [(20_500, ChargeState::Succeeded), (20_500, ChargeState::Pending), (20_500, ChargeState::Failed)]
    );
    assert_eq!(partner.balance(), 10_000_000 - 2 * 20_500);
}

#[tokio::test]
async fn an_empty_deposit_is_a_failed_row_without_amount() {
    let partner = Partner::new();
    for number in 0..9 {
        let (_, pair) = partner.inquire(&format!("R{number}"), "PLNPR1000", "829374298301").await;
        assert_eq!(code(&partner.pay(&pair).await), "00");
    }
    let (_, pair) = partner.inquire("R9", "PLNPR1000", "829374298301").await;
    let reply = partner.pay(&pair).await;
    assert_eq!((code(&reply), reply["responseMessage"].as_str()), ("03", Some("Failed: insufficient deposit")));
    assert_eq!(reply.as_object().expect("object").len(), 3);
    assert_eq!(partner.balance(), 10_000_000 - 9 * 1_000_500);
    assert_eq!(partner.states()[9], (0, ChargeState::Failed));
    assert_eq!(code(&partner.advice(&pair).await), "03");
    assert_eq!(code(&partner.pay(&pair).await), "08");
}

#[tokio::test]
async fn documented_scenarios_of_every_family() {
    for (product, prefix, price) in [
        ("PLNPR20", "82937429830", 20_500),
        ("EWSP20", "08128435113", 20_100),
        ("DTSFL2GB", "08128435112", 24_000),
        ("VTS25", "08128435111", 25_050),
        ("PDAMKABTANGERANG", "73571176", 164_858),
    ] {
        let partner = Partner::new();
        for (digit, inquiry, payment, advice, state) in [
            (1, "00", "00", "00", ChargeState::Succeeded),
            (2, "00", "02", "00", ChargeState::Succeeded),
            (3, "00", "02", "96", ChargeState::Failed),
            (4, "00", "96", "96", ChargeState::Failed),
        ] {
            let name = format!("{product} {digit}");
            let (found, pair) = partner.inquire(&name, product, &format!("{prefix}{digit}")).await;
            assert_eq!(found, inquiry, "{name}");
            assert_eq!(code(&partner.pay(&pair).await), payment, "{name}");
            if payment == "02" {
                assert_eq!(code(&partner.advice(&pair).await), "02", "{name}");
                assert_eq!(partner.sandbox.settle(), 1);
            }
            assert_eq!(code(&partner.advice(&pair).await), advice, "{name}");
            assert_eq!(partner.states().last(), Some(&(price, state)), "{name}");
        }
        assert_eq!(partner.inquire("five", product, &format!("{prefix}5")).await.0, "96");
        assert_eq!(partner.balance(), 10_000_000 - 2 * price, "{product}");
    }
}

#[tokio::test]
async fn numbers_that_choose_the_code() {
    let partner = Partner::new();
    for (customer, inquiry, payment, advice, state) in [
        ("829374298414", "00", "14", "03", Some(ChargeState::Failed)),
        ("829374298499", "00", "99", "03", Some(ChargeState::Failed)),
        ("829374298402", "00", "00", "00", Some(ChargeState::Succeeded)),
        ("829374298596", "00", "96", "00", Some(ChargeState::Succeeded)),
        ("829374298525", "00", "25", "00", Some(ChargeState::Succeeded)),
        ("829374298599", "00", "99", "00", Some(ChargeState::Succeeded)),
        ("829374298514", "00", "00", "00", Some(ChargeState::Succeeded)),
        ("829374298697", "97", "-", "-", None),
        ("829374298600", "00", "00", "00", Some(ChargeState::Succeeded)),
        ("86034655976", "00", "00", "00", Some(ChargeState::Succeeded)),
    ] {
        let (found, pair) = partner.inquire(customer, "PLNPR20", customer).await;
        assert_eq!(found, inquiry, "{customer}");
        if let Some(state) = state {
            let reply = partner.pay(&pair).await;
            assert_eq!(code(&reply), payment, "{customer}");
            assert_eq!(bill(&reply).get("stroomToken").is_some(), payment == "00", "{customer}");
            assert_eq!(code(&partner.advice(&pair).await), advice, "{customer}");
            assert_eq!(partner.states().last().map(|(_, state)| *state), Some(state), "{customer}");
        }
    }
}

#[tokio::test]
async fn the_same_token_at_payment_and_advice_and_the_serial_only_at_advice() {
    let partner = Partner::new();
    let (_, pair) = partner.inquire("R1", "PLNPR20", "829374298301").await;
    let (paid, told) = (partner.pay(&pair).await, partner.advice(&pair).await);
    assert_eq!(bill(&paid), bill(&told));
    let token = bill(&paid)["stroomToken"].as_str().expect("token").replace('-', "");
    let bits: u128 = token.parse().expect("digits");
    assert_eq!((token.len(), bits < 1 << 66, bits >> 27 & 0b11), (20, true, 0));
    assert_eq!(paid["result"]["additionalInfo"]["serialNumber"], "");
    assert_eq!(paid["result"].get("partnerApprovalNo"), None);
    assert_eq!(told["result"]["additionalInfo"]["serialNumber"].as_str().map(str::len), Some(19));
    assert_eq!(told["result"]["partnerApprovalNo"], "A-1");
    let (_, pair) = partner.inquire("R2", "EWOV20", "081284351139").await;
    let paid = partner.pay(&pair).await;
    assert_eq!(paid["result"]["additionalInfo"]["serialNumber"].as_str().map(str::len), Some(19));
}

#[tokio::test]
async fn one_callback_once_a_pending_purchase_is_final() {
    let partner = Partner::new();
    for (customer, expected) in [("829374298302", "00"), ("829374298303", "03")] {
        let (_, pair) = partner.inquire(customer, "PLNPR20", customer).await;
        partner.pay(&pair).await;
        assert_eq!(partner.sandbox.take_callbacks(), []);
        partner.clock.advance(Duration::from_secs(2));
        let callbacks = partner.sandbox.take_callbacks();
        assert_eq!(callbacks.len(), 1);
        let posted: Value = serde_json::from_slice(&callbacks[0].body).expect("JSON");
        assert_eq!(code(&posted), expected);
        assert_eq!(posted["result"]["referenceNo"], pair["referenceNo"]);
        assert!(posted["referenceNo"].as_str().expect("text").starts_with("Callback-"));
        assert!(posted["responseDateTime"].is_string() && posted.get("responseDatetime").is_none());
        assert_eq!(callbacks[0].headers["x-timestamp"], posted["responseDateTime"].as_str().expect("text"));
        assert_eq!(callbacks[0].headers.len(), 1);
        if expected == "00" {
            assert_eq!(bill(&posted), bill(&partner.advice(&pair).await));
        }
        assert_eq!(partner.sandbox.settle(), 0);
        assert_eq!(partner.sandbox.take_callbacks(), []);
        // The inquiry of the next round is signed for the clock's first moment, which is still near enough.
    }
    let (_, pair) = partner.inquire("at once", "PLNPR20", "829374298301").await;
    assert_eq!(code(&partner.pay(&pair).await), "00");
    partner.clock.advance(Duration::from_secs(2));
    assert_eq!(partner.sandbox.take_callbacks(), []);
}

#[tokio::test]
async fn faults_of_callbacks() {
    for (kind, customer, expected) in [
        (FaultKind::CallbackLost, "829374298302", vec![]),
        (FaultKind::CallbackTwice, "829374298302", vec!["00", "00"]),
        (FaultKind::CallbackConflicting, "829374298302", vec!["03"]),
        (FaultKind::CallbackConflicting, "829374298303", vec!["00"]),
    ] {
        let partner = Partner::new();
        partner.sandbox.arm(Fault::new("pln", kind).on(Operation::Callback)).expect("makes sense");
        let (_, pair) = partner.inquire("R1", "PLNPR20", customer).await;
        partner.pay(&pair).await;
        partner.sandbox.settle();
        let codes: Vec<_> = partner
            .sandbox
            .take_callbacks()
            .iter()
            .map(|callback| serde_json::from_slice::<Value>(&callback.body).expect("JSON")["responseCode"].clone())
            .collect();
        assert_eq!(codes, expected, "{kind:?} {customer}");
    }
    let partner = Partner::new();
    partner.sandbox.arm(Fault::new("pln", FaultKind::CallbackBeforeReply)).expect("makes sense");
    let (_, pair) = partner.inquire("R1", "PLNPR20", "829374298302").await;
    assert_eq!(code(&partner.pay(&pair).await), "02");
    let early = partner.sandbox.take_callbacks();
    assert_eq!(early.iter().map(|callback| callback.before_reply).collect::<Vec<_>>(), [true]);
    assert_eq!(code(&serde_json::from_slice(&early[0].body).expect("JSON")), "00");
    partner.sandbox.settle();
    assert_eq!(partner.sandbox.take_callbacks(), []);
}

#[tokio::test]
async fn faults_of_requests() {
    let partner = Partner::new();
    let (_, pair) = partner.inquire("R1", "PLNPR20", "829374298301").await;
    partner.sandbox.arm(Fault::new("pln", FaultKind::ExpireToken).on(Operation::Payment)).expect("makes sense");
    let (status, reply) = {
        let mut body = pair.clone();
        body["partnerApprovalNo"] = json!("A-1");
        partner.send(&Call::new("payment", &body)).await
    };
    assert_eq!((status, code(&reply)), (401, "401"));
    assert_eq!(partner.states(), []);
    partner.sandbox.arm(Fault::new("pln", FaultKind::StatusNotFound)).expect("makes sense");
    assert_eq!(code(&partner.advice(&pair).await), "22", "never paid: the fault stays");
    assert_eq!(code(&partner.pay(&pair).await), "00");
    assert_eq!(code(&partner.advice(&pair).await), "22");
    assert_eq!(code(&partner.advice(&pair).await), "00");
}

#[tokio::test]
async fn a_failed_purchase_is_sold_anew_under_its_fault() {
    let partner = Partner::new();
    let (_, pair) = partner.inquire("R1", "PLNPR20", "829374298303").await;
    partner.pay(&pair).await;
    partner.sandbox.settle();
    assert_eq!(code(&partner.pay(&pair).await), "08");
    partner.sandbox.arm(Fault::new("pln", FaultKind::ChargeOnResend)).expect("makes sense");
    assert_eq!(code(&partner.pay(&pair).await), "02");
    assert_eq!(partner.states(), [(20_500, ChargeState::Failed), (20_500, ChargeState::Pending)]);
    partner.sandbox.settle();
    assert_eq!(code(&partner.pay(&pair).await), "08", "the fault is used up");
}

#[tokio::test]
async fn the_same_seed_and_requests_give_the_same_bytes() {
    async fn run() -> Vec<Bytes> {
        let partner = Partner::new();
        let mut replies = Vec::new();
        for customer in ["829374298301", "829374298302", "86034655976"] {
            let (_, pair) = partner.inquire(customer, "PLNPR20", customer).await;
            replies.push(partner.pay(&pair).await.to_string().into());
        }
        partner.sandbox.settle();
        replies.extend(partner.sandbox.take_callbacks().into_iter().map(|callback| callback.body));
        replies
    }
    assert_eq!(run().await, run().await);
}
