//! PLN prepaid, held to the rules.

use std::sync::{Arc, LazyLock};

use biller_core::{Biller, Order, Rupiah, Spec, Verdict, Wiring};
use pln_prepaid::auth::SelfSigned;
use pln_prepaid::codes::{self, TABLE};
use pln_prepaid::model::Purchase;
use pln_prepaid::operations as op;
use pln_prepaid::{Client, Config, InquiryRequest};
use serde_json::{Value, json};

use crate::subject::{Call, Course, Echo, Reader, Subject, call, reader};

pub struct PlnPrepaid;

fn client(wiring: Wiring) -> Client {
    static CONFIG: LazyLock<Config> = LazyLock::new(|| {
        let subject = PlnPrepaid;
        let number = |name: &str| subject.credential(name).parse().expect("a number");
        let token = SelfSigned::new(
            number("merchant_id"),
            number("merchant_outlet_id"),
            subject.credential("merchant_outlet_username"),
            subject.credential("jwt_secret"),
        );
        Config::new("http://127.0.0.1/pln", subject.credential("api_secret"), token).expect("valid settings")
    });
    Client::with_wiring(CONFIG.clone(), wiring)
}

fn inquiry(reference: &str) -> InquiryRequest {
    InquiryRequest::new(reference, "PLNPR20", "86034655976").expect("a valid inquiry")
}

/// What an inquiry of the document's sample leads to.
fn purchase() -> Purchase {
    let reply = http::Response::new(include_str!("../fixtures/pln-prepaid/inquiry.json").into());
    let inquiry = op::Inquiry(inquiry("TRX-000000351"));
    biller_core::Operation::interpret(&inquiry, &reply).expect("the sample decodes").purchase
}

/// The purchase before the calls, as it was written down.
fn earlier() -> Purchase {
    let purchase = json!({
        "partner_reference_no": "EARLIER-1", "reference_no": "DEV-240207-0000001", "partner_approval_no": "EARLIER-1",
        "product_code": "PLNPR20", "product_reference_code": "PLNPREPAID", "customer_id": "86034655976", "price": 20_500,
    });
    serde_json::from_value(purchase).expect("a valid purchase")
}

impl Subject for PlnPrepaid {
    fn folder(&self) -> &'static str {
        "pln-prepaid"
    }

    fn sandbox_name(&self) -> &'static str {
        "pln"
    }

    fn specs(&self) -> &'static [&'static Spec] {
        op::ALL
    }

    fn routes(&self) -> &'static [(&'static str, &'static str)] {
        &[("/inquiry", "inquiry"), ("/payment", "payment"), ("/advice", "advice")]
    }

    fn biller(&self, wiring: Wiring) -> Arc<dyn Biller> {
        Arc::new(pln_prepaid::PlnPrepaid::new(client(wiring)))
    }

    fn order(&self, course: Course, reference: &str) -> Option<Order> {
        let customer = match course {
            Course::AtOnce => "86034655976",
            Course::Settles => "829374298302",
            Course::Fails => "829374298303",
        };
        let order = Order::new(reference, "PLNPR20", customer).expect("a valid order");
        Some(order.with_expected_price(Rupiah::new(20_500)))
    }

    fn calls(&self) -> Vec<Call> {
        vec![
            call!("inquiry", |client| client.inquiry(&inquiry("CALL-1"))),
            call!("payment", |client| async move {
                let purchase = client.inquiry(&inquiry("CALL-2")).await?.purchase;
                client.payment(&purchase).await
            }),
            call!("advice", |client| async move { client.advice(&earlier()).await }),
        ]
    }

    fn codes(&self, operation: &str) -> Vec<(String, Verdict)> {
        let call = match operation {
            "payment" => codes::Call::Payment,
            "advice" => codes::Call::Advice,
            _ => codes::Call::Inquiry,
        };
        TABLE.iter().map(|row| (row.code.to_owned(), codes::verdict(row.code, call))).collect()
    }

    fn coded(&self, code: &str, valid: &Value) -> (u16, Value) {
        let mut body = valid.clone();
        body["responseCode"] = json!(code);
        (if code == "401" { 401 } else { 200 }, body)
    }

    fn echoes(&self) -> &'static [Echo] {
        &[
            ("/partnerReferenceNo", "ANOTHER-1"),
            ("/referenceNo", "DEV-000000-9999999"),
            ("/result/customerID", "86034600000"),
            ("/result/productCode", "PLNPR50"),
            ("/result/productPrice", "50500"),
        ]
    }

    fn amounts(&self) -> &'static [(&'static str, &'static str)] {
        &[("payment", "productPrice"), ("advice", "productPrice")]
    }

    fn readers(&self) -> Vec<Reader> {
        vec![
            reader!("inquiry", op::Inquiry(inquiry("READ-1"))),
            reader!("payment", op::Payment(purchase())),
            reader!("advice", op::Advice(purchase())),
            Reader {
                name: "callback",
                read: |body| format!("{:?}", pln_prepaid::callback::parse(&http::Request::new(body))),
            },
        ]
    }

    fn secret_names(&self) -> &'static [&'static str] {
        &["api_secret", "jwt_secret"]
    }
}
