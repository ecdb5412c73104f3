use std::sync::{Arc, LazyLock};

use biller_core::{Attempt, Biller, Order, Rupiah, Stage, Wiring};
use biller_v2::{Client, Config};
use bytes::Bytes;

use super::{Side, credential, member, schedule};
use crate::world::World;

pub struct BillerV2;

fn config() -> Config {
    static CONFIG: LazyLock<Config> = LazyLock::new(|| {
        let (key, secret) = (credential(&BillerV2, "api_key"), credential(&BillerV2, "api_secret"));
        let config = Config::new("http://127.0.0.1/biller-v2", key, secret).unwrap().with_schedule(schedule());
        config.with_callback_urls(["http://127.0.0.1/callback"]).unwrap()
    });
    CONFIG.clone()
}

impl Side for BillerV2 {
    fn provider(&self) -> &'static str {
        "biller-v2"
    }

    fn biller(&self, wiring: Wiring) -> Arc<dyn Biller> {
        Arc::new(biller_v2::BillerV2::new(Client::with_wiring(config(), wiring)))
    }

    fn order(&self, world: &World, n: usize) -> Order {
        let digit = world.draw(10);
        let (product, account, price) = match world.draw(9) {
            0 => ("SBPLN20", format!("3212345{n:03}{digit}"), 20_000),
            1 => ("SBPULSA10", format!("08120000{n:03}{digit}"), 10_500),
            // Another price than the provider's.
            2 if world.draw(3) == 0 => ("SBPLN50", format!("3212345{n:03}{digit}"), 49_000),
            // Refused; taken for a duplicate or answered with an unlisted code although executed; stuck for as long as nobody settles.
            3 => ("SBTV01", format!("998{}00000{digit}", ["103", "199", "312"][world.draw(3)]), 747_250),
            4 => ("SBTV01", format!("998{}00000{digit}", ["102", "108", "150", "250"][world.draw(4)]), 747_250),
            5 => ("SBTV01", format!("997{}00000{digit}", ["100", "188", "250", "302"][world.draw(4)]), 747_250),
            _ => ("SBTV01", format!("12322{n:03}{digit}"), 747_250),
        };
        Order::new(&format!("SIM-{n}"), product, &account).unwrap().with_expected_price(Rupiah::new(price))
    }

    fn courses(&self) -> [Order; 3] {
        ["123223341", "123223342", "123223343"]
            .map(|account| Order::new("SIM-0", "SBTV01", account).unwrap().with_expected_price(Rupiah::new(747_250)))
    }

    fn paid_for(&self, request: &http::Request<Bytes>) -> Option<String> {
        request.uri().path().ends_with("/bill/payment").then(|| member(request, "refNumber"))
    }

    fn secret_members(&self) -> &'static [&'static str] {
        &["token"]
    }

    fn lies(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("\"responseCode\":0,", "\"responseCode\":100,"),
            ("\"responseCode\":100,", "\"responseCode\":0,"),
            ("\"transactionId\":", "\"transactionId\":9"),
            ("\"amount\":", "\"amount\":1"),
            ("\"SIM-", "\"SIM-1"),
        ]
    }

    fn notable(&self, attempt: &Attempt) -> Vec<&'static str> {
        let late = attempt.stage().is_final() && attempt.looks() > 3;
        let renewed = attempt.stage() == Stage::Failed
            && attempt.refusal().is_some_and(|refusal| refusal.to_string().contains("renewed inquiry"));
        [("a late status", late), ("an inquiry that could not be renewed", renewed)]
            .into_iter()
            .filter_map(|(what, seen)| seen.then_some(what))
            .collect()
    }
}
