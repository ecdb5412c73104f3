//! Klikoo, held to the rules.

use std::sync::{Arc, LazyLock};

use biller_core::{Biller, Order, Rupiah, Secret, Spec, Verdict, Wiring};
use klikoo::auth::PrivateKey;
use klikoo::codes::{self, TABLE};
use klikoo::model::{Bill, HistoryQuery};
use klikoo::{Client, Config, Purchase};
use serde_json::{Value, json};

use crate::subject::{Call, Course, Echo, Reader, Subject, call, reader};

pub struct Klikoo;

fn client(wiring: Wiring) -> Client {
    static CONFIG: LazyLock<Config> = LazyLock::new(|| {
        let key = PrivateKey::from_pem(&Secret::new(Klikoo.credential("private_key_pem"))).expect("the sandbox's key");
        let (id, secret) = (Klikoo.credential("client_id"), Klikoo.credential("client_secret"));
        Config::new("http://127.0.0.1/klikoo", id, secret, key).expect("valid settings")
    });
    Client::with_wiring(CONFIG.clone(), wiring)
}

fn pln(reference: &str) -> Purchase {
    Purchase::new(reference, "PLN20", "01105691111", Rupiah::new(20_500)).expect("a valid purchase")
}

impl Subject for Klikoo {
    fn folder(&self) -> &'static str {
        "klikoo"
    }

    fn sandbox_name(&self) -> &'static str {
        "klikoo"
    }

    fn specs(&self) -> &'static [&'static Spec] {
        klikoo::operations::ALL
    }

    fn routes(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("/access-token", "access token"),
            ("/products/inquiry", "inquiry prepaid"),
            ("/products/buy", "buy"),
            ("/transactions/inquiry-postpaid", "inquiry postpaid"),
            ("/transactions/", "transaction detail"),
            ("/transactions", "transaction history"),
            ("/balance", "balance"),
        ]
    }

    fn biller(&self, wiring: Wiring) -> Arc<dyn Biller> {
        Arc::new(klikoo::Klikoo::new(client(wiring)))
    }

    fn order(&self, course: Course, reference: &str) -> Option<Order> {
        let customer = match course {
            Course::AtOnce => "01105691111",
            Course::Settles => "01105691112",
            Course::Fails => "01105691113",
        };
        let order = Order::new(reference, "PLN20", customer).expect("a valid order");
        Some(order.with_expected_price(Rupiah::new(20_500)))
    }

    fn calls(&self) -> Vec<Call> {
        vec![
            call!("access token", |client| client.access_token()),
            call!("inquiry prepaid", |client| client.inquiry_prepaid(&pln("CALL-1"))),
            call!("buy", |client| client.buy(&pln("CALL-2"))),
            call!("inquiry postpaid", |client| {
                let bill = Bill::new("RBASRBPJSKSH", "8888801433177151").expect("a valid bill").with_period(Some(1));
                async move { client.inquiry_postpaid(&bill).await }
            }),
            call!("transaction detail", |client| client.transaction_detail("14430001")),
            call!("transaction history", |client| client.transaction_history(&HistoryQuery::new())),
            call!("balance", |client| client.balance()),
        ]
    }

    fn codes(&self, operation: &str) -> Vec<(String, Verdict)> {
        let call = match operation {
            "buy" => codes::Call::Buy,
            "transaction detail" | "transaction history" => codes::Call::Status,
            _ => codes::Call::Inquiry,
        };
        let codes = TABLE.iter().map(|row| format!("{}02{:04}", row.http, row.case));
        codes.map(|code| (code.clone(), codes::verdict(&code, call))).collect()
    }

    fn coded(&self, code: &str, valid: &Value) -> (u16, Value) {
        let mut body = valid.clone();
        body["response_code"] = json!(code);
        let status = code.get(..3).and_then(|status| status.parse().ok()).filter(|status| (200..600).contains(status));
        (status.unwrap_or(200), body)
    }

    fn echoes(&self) -> &'static [Echo] {
        &[
            ("/data/partner_reference_id", "ANOTHER-1"),
            ("/data/value", "01105699999"),
            ("/data/product_code", "PLN50"),
            ("/data/amount", "50500"),
        ]
    }

    fn amounts(&self) -> &'static [(&'static str, &'static str)] {
        &[("buy", "amount"), ("transaction detail", "amount")]
    }

    fn readers(&self) -> Vec<Reader> {
        use klikoo::operations as op;
        vec![
            reader!("access token", op::RequestToken),
            reader!("inquiry prepaid", op::InquiryPrepaid(pln("READ-1"))),
            reader!("buy", op::Buy(pln("READ-1"))),
            reader!("inquiry postpaid", op::InquiryPostpaid(Bill::new("PDAMMJK", "1726010024").expect("a bill"))),
            reader!("transaction detail", op::TransactionDetail { transaction_id: "1".to_owned() }),
            reader!("transaction history", op::TransactionHistory(HistoryQuery::new())),
            reader!("balance", op::Balance),
            Reader {
                name: "callback",
                read: |body| format!("{:?}", klikoo::callback::parse(&http::Request::new(body))),
            },
        ]
    }

    fn secret_names(&self) -> &'static [&'static str] {
        &["client_secret", "private_key_pem"]
    }

    fn token(&self) -> Option<(&'static str, u64)> {
        Some(("access token", 900))
    }
}
