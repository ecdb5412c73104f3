//! MMBC, held to the rules.

use std::sync::{Arc, LazyLock};

use biller_core::{Biller, Order, Rupiah, Spec, Verdict, Wiring};
use mmbc_pulsa::codes::{self, TABLE};
use mmbc_pulsa::model::StatusRequest;
use mmbc_pulsa::operations as op;
use mmbc_pulsa::{Client, Config, TopUp};
use serde_json::{Value, json};

use crate::subject::{Call, Course, Echo, Reader, Subject, call, reader};

pub struct MmbcPulsa;

fn client(wiring: Wiring) -> Client {
    static CONFIG: LazyLock<Config> = LazyLock::new(|| {
        let config = Config::new(MmbcPulsa.credential("username"), MmbcPulsa.credential("password"));
        config.and_then(|config| config.with_base_url("http://127.0.0.1/mmbc")).expect("valid settings")
    });
    Client::with_wiring(CONFIG.clone(), wiring)
}

fn top_up() -> TopUp {
    TopUp::new("TEL5", "081234567881").expect("a valid top-up").with_denomination(Some(Rupiah::new(5_000)))
}

impl Subject for MmbcPulsa {
    fn folder(&self) -> &'static str {
        "mmbc-pulsa"
    }

    fn sandbox_name(&self) -> &'static str {
        "mmbc"
    }

    fn specs(&self) -> &'static [&'static Spec] {
        op::ALL
    }

    fn routes(&self) -> &'static [(&'static str, &'static str)] {
        &[("/daftarharga", "price list"), ("/isipulsa", "top-up"), ("/cekstatus", "transaction status")]
    }

    fn biller(&self, wiring: Wiring) -> Arc<dyn Biller> {
        Arc::new(mmbc_pulsa::MmbcPulsa::new(client(wiring)))
    }

    fn order(&self, course: Course, reference: &str) -> Option<Order> {
        let customer = match course {
            Course::AtOnce => "081234567891",
            Course::Settles => "081234567892",
            Course::Fails => "081234567893",
        };
        Some(Order::new(reference, "TEL5", customer).expect("a valid order"))
    }

    fn calls(&self) -> Vec<Call> {
        vec![
            call!("price list", |client| async move { client.price_list().await.map(|list| list.iter().count()) }),
            call!("top-up", |client| client.top_up(&top_up())),
            call!("transaction status", |client| {
                let request = StatusRequest::new("TRX11111", "081234567891").expect("a valid question");
                async move { client.transaction_status(&request).await }
            }),
        ]
    }

    fn codes(&self, operation: &str) -> Vec<(String, Verdict)> {
        let call = match operation {
            "top-up" => codes::Call::TopUp,
            "transaction status" => codes::Call::Status,
            _ => codes::Call::PriceList,
        };
        let listed = TABLE.iter().filter(|row| !row.code.is_empty());
        listed.map(|row| (row.code.to_owned(), codes::verdict(Some(row.code), None, call))).collect()
    }

    fn coded(&self, code: &str, _valid: &Value) -> (u16, Value) {
        (200, json!({ "result": "no", "reason_code": code, "reason": "alasan" }))
    }

    fn echoes(&self) -> &'static [Echo] {
        &[("/kodeoperator", "TEL10"), ("/nominal", "10000"), ("/nomorpelanggan", "081234500000")]
    }

    fn amounts(&self) -> &'static [(&'static str, &'static str)] {
        &[("top-up", "debet")]
    }

    fn readers(&self) -> Vec<Reader> {
        vec![
            reader!("price list", op::AskPriceList),
            reader!("top-up", op::SendTopUp(top_up())),
            reader!("transaction status", op::AskStatus(StatusRequest::new("TRX1", "081234567891").expect("valid"))),
        ]
    }

    fn secret_names(&self) -> &'static [&'static str] {
        &["password"]
    }

    fn sends_again_to_resolve(&self) -> bool {
        true
    }
}
