//! Biller V2, held to the rules.

use std::sync::{Arc, LazyLock};

use biller_core::{Biller, Operation as _, Order, Reference, Rupiah, Spec, Verdict, Wiring};
use biller_v2::codes::{self, RANGES, TABLE};
use biller_v2::model::Language;
use biller_v2::operations as op;
use biller_v2::{Client, Config, InquiryRequest, Purchase};
use serde_json::{Value, json};

use crate::subject::{Call, Course, Echo, Reader, Subject, call, reader};

pub struct BillerV2;

const BILL: &str = "SBTV01";

fn client(wiring: Wiring) -> Client {
    static CONFIG: LazyLock<Config> = LazyLock::new(|| {
        let (key, secret) = (BillerV2.credential("api_key"), BillerV2.credential("api_secret"));
        Config::new("http://127.0.0.1/biller-v2", key, secret).expect("valid settings")
    });
    Client::with_wiring(CONFIG.clone(), wiring)
}

fn inquiry() -> InquiryRequest {
    InquiryRequest::new(BILL, "123223341").expect("a valid inquiry")
}

fn inquire() -> op::Inquire {
    op::Inquire { request: inquiry(), language: Language::English }
}

fn purchase() -> Purchase {
    let reply =
        json!({ "responseCode": 300, "data": { "inquiryId": 7, "accountNumber": "123223341", "amount": 747_250 } });
    let reply = inquire().interpret(&http::Response::new(reply.to_string().into())).expect("a valid reply");
    Purchase::new("READ-1", &inquiry(), &reply, None).expect("a valid purchase")
}

impl Subject for BillerV2 {
    fn folder(&self) -> &'static str {
        "biller-v2"
    }

    fn sandbox_name(&self) -> &'static str {
        "biller-v2"
    }

    fn specs(&self) -> &'static [&'static Spec] {
        op::ALL
    }

    fn routes(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("/bill/check", "inquiry"),
            ("/bill/payment", "payment"),
            ("/bill/status", "status"),
            ("/partner/products", "product list"),
            ("/partner/balance", "balance"),
        ]
    }

    fn biller(&self, wiring: Wiring) -> Arc<dyn Biller> {
        Arc::new(biller_v2::BillerV2::new(client(wiring)))
    }

    fn order(&self, course: Course, reference: &str) -> Option<Order> {
        let account = match course {
            Course::AtOnce => "123223341",
            Course::Settles => "123223342",
            Course::Fails => "123223343",
        };
        let order = Order::new(reference, BILL, account).expect("a valid order");
        Some(order.with_expected_price(Rupiah::new(747_250)))
    }

    fn calls(&self) -> Vec<Call> {
        vec![
            call!("inquiry", |client| client.inquiry(&inquiry())),
            call!("payment", |client| async move {
                let reply = client.inquiry(&inquiry()).await?;
                client.payment(&Purchase::new("CALL-1", &inquiry(), &reply, None)?).await
            }),
            call!("status", |client| async move {
                client.status(&Reference::parse("EARLIER-1").expect("a reference")).await
            }),
            call!("product list", |client| client.product_list()),
            call!("balance", |client| client.balance()),
        ]
    }

    fn codes(&self, operation: &str) -> Vec<(String, Verdict)> {
        let call = match operation {
            "inquiry" => codes::Call::Inquiry,
            "payment" => codes::Call::Payment,
            "status" => codes::Call::Status,
            _ => return Vec::new(),
        };
        let codes = TABLE.iter().map(|row| row.from).chain(RANGES.iter().map(|row| row.to));
        codes.map(|code| (code.to_string(), codes::verdict(code, call))).collect()
    }

    fn coded(&self, code: &str, valid: &Value) -> (u16, Value) {
        let mut body = valid.clone();
        body["responseCode"] = code.parse::<u64>().map_or(json!(code), |code| json!(code));
        (200, body)
    }

    fn echoes(&self) -> &'static [Echo] {
        &[
            ("/data/refNumber", "ANOTHER-1"),
            ("/data/accountNumber", "999999999"),
            ("/data/productCode", "SBTV02"),
            ("/data/amount", "50500"),
        ]
    }

    fn amounts(&self) -> &'static [(&'static str, &'static str)] {
        &[("payment", "amount"), ("status", "amount")]
    }

    fn readers(&self) -> Vec<Reader> {
        fn status() -> op::AskStatus {
            let reference = Reference::parse("READ-1").expect("a reference");
            op::AskStatus { reference, language: Language::English }
        }
        vec![
            reader!("inquiry", inquire()),
            reader!("payment", op::Pay { purchase: purchase(), language: Language::English }),
            reader!("status", status()),
            reader!("product list", op::ListProducts { language: Language::English }),
            reader!("balance", op::AskBalance { language: Language::English }),
            Reader {
                name: "callback",
                read: |body| format!("{:?}", biller_v2::callback::parse(&http::Request::new(body))),
            },
        ]
    }

    fn secret_names(&self) -> &'static [&'static str] {
        &["api_key", "api_secret"]
    }
}
