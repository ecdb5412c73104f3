use std::sync::{Arc, LazyLock};

use biller_core::{Attempt, Biller, Order, Rupiah, Wiring};
use biller_sandbox::Charge;
use bytes::Bytes;
use mmbc_pulsa::{Client, Config};
use serde_json::Value;

use super::{Side, credential, schedule};
use crate::world::World;

pub struct MmbcPulsa;

fn config() -> Config {
    static CONFIG: LazyLock<Config> = LazyLock::new(|| {
        let config = Config::new(credential(&MmbcPulsa, "username"), credential(&MmbcPulsa, "password")).unwrap();
        config.with_base_url("http://127.0.0.1/mmbc").unwrap().with_schedule(schedule())
    });
    CONFIG.clone()
}

/// How often an attempt was sent, by its own record.
fn sends(attempt: &Attempt) -> u64 {
    attempt.facts::<Value>().ok().and_then(|facts| facts["sends"].as_u64()).unwrap_or(0)
}

impl Side for MmbcPulsa {
    fn provider(&self) -> &'static str {
        "mmbc-pulsa"
    }

    fn sandbox(&self) -> &'static str {
        "mmbc"
    }

    fn biller(&self, wiring: Wiring) -> Arc<dyn Biller> {
        Arc::new(mmbc_pulsa::MmbcPulsa::new(Client::with_wiring(config(), wiring)))
    }

    fn order(&self, world: &World, n: usize) -> Order {
        // One in four repeats an earlier customer: equal, or another one of several by the caller's word.
        let of = if n > 0 && world.draw(4) == 0 { world.draw(n) } else { n };
        let customer = match world.draw(8) {
            // Refused, and answered as if refused although it is executed.
            0 => format!("08119990{}{}", ["00", "12", "62"][world.draw(3)], 0),
            1 => format!("08119990{}{}", ["00", "77", "81", "91"][world.draw(4)], 9),
            _ => format!("08123456{of:03}{}", [1, 1, 2, 3, 4][(of + world.seed as usize) % 5]),
        };
        let (product, price) = [("TEL5", 5_630), ("TEL5", 5_630), ("SI100", 96_950)][world.draw(3)];
        // Another price than the provider's.
        let price = if world.draw(20) == 0 { price - 100 } else { price };
        let order = Order::new(&format!("SIM-{n}"), product, &customer).unwrap();
        order.with_expected_price(Rupiah::new(price)).with_repeat(1 + world.draw(4) as u32 / 3)
    }

    fn courses(&self) -> [Order; 3] {
        ["081234567891", "081234567892", "081234567893"].map(|phone| Order::new("SIM-0", "TEL5", phone).unwrap())
    }

    fn paid_for(&self, request: &http::Request<Bytes>) -> Option<String> {
        let form = std::str::from_utf8(request.body()).unwrap_or_default();
        let customer = form.split('&').find_map(|field| field.strip_prefix("nomortujuan="));
        let customer = || customer.unwrap_or_default().to_owned();
        request.uri().path().ends_with("/isipulsa").then(customer)
    }

    fn name(&self, order: &Order) -> String {
        order.customer().to_owned()
    }

    fn charged_for(&self, charge: &Charge) -> String {
        charge.customer.clone()
    }

    fn sends(&self, attempt: &Attempt) -> usize {
        sends(attempt) as usize
    }

    fn sends_again(&self) -> bool {
        true
    }

    fn secret_members(&self) -> &'static [&'static str] {
        &["serial"]
    }

    /// After a re-send that was refused as a duplicate there is none.
    fn shows_its_record(&self) -> bool {
        false
    }

    fn notable(&self, attempt: &Attempt) -> Vec<&'static str> {
        let called = |why: &str| attempt.attention().iter().any(|attention| attention.reason.contains(why));
        [
            ("sent again", sends(attempt) > 1),
            ("not sent again on the next day", called("its WIB day is over")),
            ("not sent again around midnight", called("of WIB midnight")),
            ("barred by a code", called("a reply carried code")),
        ]
        .into_iter()
        .filter_map(|(what, seen)| seen.then_some(what))
        .collect()
    }
}
