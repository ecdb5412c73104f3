use std::sync::{Arc, LazyLock};

use biller_core::{Attempt, Biller, Order, Rupiah, Stage, Wiring};
use biller_sandbox::Charge;
use bytes::Bytes;
use pln_prepaid::auth::SelfSigned;
use pln_prepaid::operations::order_reference;
use pln_prepaid::{Client, Config};

use super::{Side, credential, member, schedule};
use crate::world::World;

pub struct PlnPrepaid;

fn config() -> Config {
    static CONFIG: LazyLock<Config> = LazyLock::new(|| {
        let number = |name: &str| credential(&PlnPrepaid, name).parse().unwrap();
        let (user, secret) =
            (credential(&PlnPrepaid, "merchant_outlet_username"), credential(&PlnPrepaid, "jwt_secret"));
        let token = SelfSigned::new(number("merchant_id"), number("merchant_outlet_id"), user, secret);
        let config = Config::new("http://127.0.0.1/pln", credential(&PlnPrepaid, "api_secret"), token);
        config.unwrap().with_schedule(schedule())
    });
    CONFIG.clone()
}

impl Side for PlnPrepaid {
    fn provider(&self) -> &'static str {
        "pln-prepaid"
    }

    fn sandbox(&self) -> &'static str {
        "pln"
    }

    fn biller(&self, wiring: Wiring) -> Arc<dyn Biller> {
        Arc::new(pln_prepaid::PlnPrepaid::new(Client::with_wiring(config(), wiring)))
    }

    fn order(&self, world: &World, n: usize) -> Order {
        let (product, customer, price) = match world.draw(9) {
            0 => ("PLNPR1000", "829374298302".to_owned(), 1_000_500),
            1 => ("PLNPR20", format!("82937429830{}", 3 + world.draw(3)), 20_500),
            2 => ("EWSP20", format!("08128435113{}", 1 + world.draw(4)), 20_100),
            // Another price than the provider's.
            3 if world.draw(3) == 0 => ("PLNPR50", "829374298301".to_owned(), 49_000),
            // Refused, and answered with a code that proves nothing although it is executed.
            4 => ("PLNPR20", format!("8293742984{}", ["03", "06", "96"][world.draw(3)]), 20_500),
            5 => ("PLNPR20", format!("8293742985{}", ["06", "07", "17", "77"][world.draw(4)]), 20_500),
            _ => ("PLNPR20", format!("82937429830{}", 1 + world.draw(3)), 20_500),
        };
        Order::new(&format!("SIM-{n}"), product, &customer).unwrap().with_expected_price(Rupiah::new(price))
    }

    fn courses(&self) -> [Order; 3] {
        ["829374298301", "829374298302", "829374298303"]
            .map(|meter| Order::new("SIM-0", "PLNPR20", meter).unwrap().with_expected_price(Rupiah::new(20_500)))
    }

    fn paid_for(&self, request: &http::Request<Bytes>) -> Option<String> {
        let reference = || order_reference(&member(request, "partnerReferenceNo")).to_owned();
        request.uri().path().ends_with("/payment").then(reference)
    }

    fn charged_for(&self, charge: &Charge) -> String {
        order_reference(charge.reference.as_deref().unwrap_or_default()).to_owned()
    }

    fn secret_members(&self) -> &'static [&'static str] {
        &["serialNumber", "token", "stroomToken"]
    }

    fn lies(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("\"responseCode\":\"00\"", "\"responseCode\":\"03\""),
            ("\"responseCode\":\"03\"", "\"responseCode\":\"00\""),
            ("\"referenceNo\":\"DEV-", "\"referenceNo\":\"DEV-9"),
            ("\"productPrice\":", "\"productPrice\":1"),
            ("\"SIM-", "\"SIM-1"),
        ]
    }

    fn notable(&self, attempt: &Attempt) -> Vec<&'static str> {
        let looked_up = attempt.stage() == Stage::Succeeded && attempt.looks() > 0;
        looked_up.then_some("found by advice").into_iter().collect()
    }
}
