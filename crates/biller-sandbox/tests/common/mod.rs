//! A Klikoo partner that signs by itself, and calls the control interface.
#![allow(dead_code, clippy::unwrap_used)]

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use aws_lc_rs::{digest, hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use biller_core::{Transport as _, TransportError};
use biller_sandbox::{Clock as _, ManualClock, Mount, Sandbox, SandboxBuilder};
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

pub const CLIENT_ID: &str = "3c0de7b2-1f5a-4d43-9d0c-6f2b8a4e7c10";
pub const SECRET: &str = "test0client1secret2test3client45";
/// 2024-02-07T10:28:35+07:00
pub const START: u64 = 1_707_276_515;

pub const TOKEN: &str = "/v1/open-api/access-token";
pub const INQUIRY: &str = "/v1/open-api/products/inquiry";
pub const BUY: &str = "/v1/open-api/products/buy";
pub const POSTPAID: &str = "/v1/open-api/transactions/inquiry-postpaid";
pub const BALANCE: &str = "/v1/open-api/balance";

#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {:?}", self.body))
    }

    pub fn code(&self) -> String {
        self.json()["response_code"].as_str().unwrap().to_owned()
    }
}

pub struct Partner {
    pub sandbox: Sandbox,
    pub clock: ManualClock,
    pub mount: Mount,
    token: Mutex<String>,
}

/// The parts of a call that a test may get wrong.
#[derive(Clone)]
pub struct Call {
    pub method: String,
    /// As sent, after `/klikoo`, with the query.
    pub path: String,
    pub body: String,
    pub token: String,
    pub timestamp: String,
    pub signed_method: String,
    pub signed_path: String,
    pub signed_token: String,
    pub signed_hash: String,
    pub signed_timestamp: String,
    pub key: Vec<u8>,
}

impl Call {
    pub fn signature(&self) -> String {
        STANDARD.encode(self.mac(hmac::HMAC_SHA512))
    }

    pub fn mac(&self, algorithm: hmac::Algorithm) -> Vec<u8> {
        let Self { signed_method, signed_path, signed_token, signed_hash, signed_timestamp, .. } = self;
        let text = format!("{signed_method}:{signed_path}:{signed_token}:{signed_hash}:{signed_timestamp}");
        hmac::sign(&hmac::Key::new(algorithm, &self.key), text.as_bytes()).as_ref().to_vec()
    }
}

impl Partner {
    /// With a token, at a clock that stands still.
    pub async fn new() -> Self {
        Self::with(Sandbox::builder()).await
    }

    pub async fn with(builder: SandboxBuilder) -> Self {
        let clock = ManualClock::at_unix(START);
        let sandbox = builder.clock(clock.clone()).build();
        let partner = Self { mount: sandbox.transport(), sandbox, clock, token: Mutex::default() };
        partner.log_in().await;
        partner
    }

    pub async fn log_in(&self) {
        let answer = self.access_token().await.unwrap();
        *self.token.lock().unwrap() = answer.json()["data"]["access_token"].as_str().unwrap().to_owned();
    }

    pub fn token(&self) -> String {
        self.token.lock().unwrap().clone()
    }

    pub fn timestamp(&self) -> String {
        timestamp(self.clock.now())
    }

    pub async fn access_token(&self) -> Result<Answer, TransportError> {
        let timestamp = self.timestamp();
        let signature = rsa(&format!("{CLIENT_ID}|{timestamp}"));
        self.ask_token(token_body(), &timestamp, &signature).await
    }

    pub async fn ask_token(&self, body: Value, timestamp: &str, signature: &str) -> Result<Answer, TransportError> {
        let headers = [("open-api-timestamp", timestamp), ("open-api-signature", signature)];
        self.send("POST", &format!("/klikoo{TOKEN}"), &headers, body.to_string()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.try_call(self.prepare("GET", path, "")).await.unwrap()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.try_post(path, body).await.unwrap()
    }

    pub async fn try_post(&self, path: &str, body: &Value) -> Result<Answer, TransportError> {
        self.try_call(self.prepare("POST", path, &body.to_string())).await
    }

    /// A call with everything right.
    pub fn prepare(&self, method: &str, path: &str, body: &str) -> Call {
        let (token, timestamp) = (self.token(), self.timestamp());
        Call {
            method: method.to_owned(),
            path: path.to_owned(),
            body: body.to_owned(),
            signed_method: method.to_owned(),
            signed_path: path.split('?').next().unwrap().to_owned(),
            signed_token: token.clone(),
            signed_hash: sha256(body),
            signed_timestamp: timestamp.clone(),
            token,
            timestamp,
            key: SECRET.into(),
        }
    }

    pub async fn try_call(&self, call: Call) -> Result<Answer, TransportError> {
        let signature = call.signature();
        self.send_signed(call, &signature).await
    }

    pub async fn send_signed(&self, call: Call, signature: &str) -> Result<Answer, TransportError> {
        let authorization = format!("Bearer {}", call.token);
        let headers = [
            ("open-api-timestamp", call.timestamp.as_str()),
            ("open-api-signature", signature),
            ("authorization", &authorization),
        ];
        self.send(&call.method, &format!("/klikoo{}", call.path), &headers, call.body).await
    }

    pub async fn control(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, &format!("/_sandbox{path}"), &[], body).await.unwrap()
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<Answer, TransportError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://sandbox.test{path}"))
            .header("host", "sandbox.test")
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let reply = self.mount.send(request.body(Bytes::from(body)).unwrap(), 1 << 20).await?;
        let (head, body) = reply.into_parts();
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }

    pub async fn arm(&self, operation: &str, fault: &str) {
        let armed = json!({ "provider": "klikoo", "operation": operation, "fault": fault });
        assert_eq!(self.control("POST", "/faults", armed).await.status, 200);
    }

    pub fn balance(&self) -> i64 {
        self.sandbox.balances()["klikoo"]
    }

    /// The ledger as `(reference, amount, state)`.
    pub fn books(&self) -> Vec<(String, i64, String)> {
        let charges = self.sandbox.charges().into_iter();
        charges.map(|c| (c.reference.unwrap(), c.amount, format!("{:?}", c.state))).collect()
    }
}

pub fn token_body() -> Value {
    json!({
        "grant_type": "client_credentials",
        "additional_info": { "client_id": CLIENT_ID, "client_secret": SECRET },
    })
}

/// An order for OVO10 at its price.
pub fn order(reference: &str, value: &str) -> Value {
    order_of("OVO10", "10150", reference, value)
}

pub fn order_of(product: &str, amount: &str, reference: &str, value: &str) -> Value {
    json!({
        "amount": amount, "msidn": value, "partner_reference_id": reference,
        "product_code": product, "selling_price": amount, "value": value,
    })
}

pub fn sha256(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// At +07:00 with milliseconds.
pub fn timestamp(at: SystemTime) -> String {
    let wib = at + Duration::from_secs(7 * 3600);
    let utc = format!("{:.3}", jiff::Timestamp::try_from(wib).unwrap());
    utc.replace('Z', "+07:00")
}

pub fn rsa(message: &str) -> String {
    let pem = include_str!("../../src/klikoo/test_key.pem");
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = RsaKeyPair::from_pkcs8(&STANDARD.decode(body).unwrap()).unwrap();
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &rand::SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    STANDARD.encode(signature)
}
