use std::sync::{Arc, LazyLock};

use biller_core::{Attempt, BaseUrl, Biller, Order, Rupiah, Secret, Stage, Wiring};
use biller_sandbox::Charge;
use bytes::Bytes;
use serde_json::Value;
use sidompul_client::{Client, Config, Pin};

use super::{Side, credential, member, schedule};
use crate::world::World;

pub struct Sidompul;

/// A voucher type in stock.
const VOUCHER: &str = "AX-RM580808TK-TSP";

fn config() -> Config {
    static CONFIG: LazyLock<Config> = LazyLock::new(|| {
        let credential = |name: &str| credential(&Sidompul, name);
        let pin = Pin::Plain(Secret::new(credential("pin")));
        let (id, secret) = (credential("client_id"), credential("client_secret"));
        let config = Config::new(id, secret, credential("api_id"), credential("api_key"), pin).unwrap();
        config.with_base_url(BaseUrl::parse("http://127.0.0.1/sidompul").unwrap()).with_schedule(schedule())
    });
    CONFIG.clone()
}

fn reload(reference: &str, customer: &str, amount: i64) -> Order {
    Order::new(reference, "W2P", customer).unwrap().with_amount(Rupiah::new(amount))
}

impl Side for Sidompul {
    fn provider(&self) -> &'static str {
        "sidompul"
    }

    fn biller(&self, wiring: Wiring) -> Arc<dyn Biller> {
        Arc::new(sidompul_client::Sidompul::new(Client::with_wiring(config(), wiring)))
    }

    fn order(&self, world: &World, n: usize) -> Order {
        // One in four repeats an earlier customer, with the same or another product.
        let of = if n > 0 && world.draw(4) == 0 { world.draw(n) } else { n };
        let customer = match world.draw(8) {
            // The gateway's fault, once in front of the provider and once behind it.
            0 => ["628771015040", "628771015049"][world.draw(2)].to_owned(),
            _ => format!("6287700{of:05}{}", [1, 1, 2, 3, 4][(of + world.seed as usize) % 5]),
        };
        let reference = format!("SIM-{n}");
        match world.draw(6) {
            0 => Order::new(&reference, "XTRA_EDUKASI", &customer).unwrap().with_expected_price(Rupiah::new(3_275)),
            // Another price than the provider's.
            1 if world.draw(3) == 0 => {
                Order::new(&reference, "XTRA_CHAT_7D", &customer).unwrap().with_expected_price(Rupiah::new(4_000))
            }
            2 => Order::new(&reference, VOUCHER, &customer).unwrap().with_option("stock", "awg"),
            3 => reload(&reference, &customer, [10_000, 50_000][world.draw(2)]),
            _ => reload(&reference, &customer, 5_000),
        }
    }

    fn courses(&self) -> [Order; 3] {
        ["6287700000011", "6287700000012", "6287700000013"].map(|phone| reload("SIM-0", phone, 5_000))
    }

    fn paid_for(&self, request: &http::Request<Bytes>) -> Option<String> {
        let path = request.uri().path();
        if path.ends_with("-tembak") {
            let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
            return Some(body["target"][0].as_str().unwrap_or_default().to_owned());
        }
        let sells = ["/post-w2p", "/post-package", "/post-package-pulsa"].iter().any(|call| path.ends_with(call));
        sells.then(|| member(request, "msisdn"))
    }

    fn name(&self, order: &Order) -> String {
        order.customer().to_owned()
    }

    fn charged_for(&self, charge: &Charge) -> String {
        charge.customer.clone()
    }

    fn knows_copies(&self) -> bool {
        false
    }

    /// Vouchers come from stock that has been paid for.
    fn takes_from_deposit(&self, charge: &Charge) -> bool {
        charge.product != VOUCHER
    }

    fn secret_members(&self) -> &'static [&'static str] {
        &["access_token", "vId"]
    }

    fn shows_its_record(&self) -> bool {
        false
    }

    fn notable(&self, attempt: &Attempt) -> Vec<&'static str> {
        let facts = attempt.facts::<Value>().unwrap_or_default();
        let claimed = !facts["sale"]["Listed"]["claimed"].is_null();
        let inject = !facts["sale"]["Inject"].is_null();
        [
            ("found in history or detail", claimed && attempt.stage() == Stage::Succeeded),
            ("an inject succeeded", inject && attempt.stage() == Stage::Succeeded),
        ]
        .into_iter()
        .filter_map(|(what, seen)| seen.then_some(what))
        .collect()
    }
}
