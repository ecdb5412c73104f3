use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use biller_core::{Biller, Order, Rupiah, Secret, Wiring};
use bytes::Bytes;
use klikoo::auth::{PrivateKey, RsaSigner};
use klikoo::{Client, Config};

use super::{Side, credential, member, schedule};
use crate::world::World;

pub struct Klikoo;

/// The same text has the same signature, and most seeds ask for their tokens at the same times.
struct Signer {
    key: PrivateKey,
    known: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
}

/// More are forgotten.
const SIGNATURES_KEPT: usize = 50_000;

impl RsaSigner for Signer {
    fn sign(&self, text: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        if let Some(signature) = self.known.lock().unwrap().get(text) {
            return Ok(signature.clone());
        }
        let signature = self.key.sign(text)?;
        let mut known = self.known.lock().unwrap();
        if known.len() >= SIGNATURES_KEPT {
            known.clear();
        }
        known.insert(text.to_vec(), signature.clone());
        Ok(signature)
    }
}

fn config() -> Config {
    static CONFIG: LazyLock<Config> = LazyLock::new(|| {
        let key = PrivateKey::from_pem(&Secret::new(credential(&Klikoo, "private_key_pem"))).unwrap();
        let signer = Signer { key, known: Mutex::default() };
        let (id, secret) = (credential(&Klikoo, "client_id"), credential(&Klikoo, "client_secret"));
        Config::new("http://127.0.0.1/klikoo", id, secret, signer).unwrap().with_schedule(schedule())
    });
    CONFIG.clone()
}

impl Side for Klikoo {
    fn provider(&self) -> &'static str {
        "klikoo"
    }

    fn biller(&self, wiring: Wiring) -> Arc<dyn Biller> {
        Arc::new(klikoo::Klikoo::new(Client::with_wiring(config(), wiring)))
    }

    fn order(&self, world: &World, n: usize) -> Order {
        let digit = world.draw(10);
        let phone = format!("08120000{n:03}{digit}");
        let meter = format!("011056{n:04}{digit}");
        let (product, customer, price) = match world.draw(7) {
            0 => ("PLN20", meter, 20_500),
            1 => ("GOPAY10", phone, 10_250),
            2 => ("DNOPEN", phone, 2_000_000),
            // Another price than the provider's.
            3 if world.draw(3) == 0 => ("PLN50", meter, 49_000),
            // Refused, and answered as if refused although it is executed.
            4 if world.draw(2) == 0 => ("CODE-404027011", phone, 10_000),
            4 => ("CODEX-500026500", phone, 10_000),
            _ => ("S10", phone, 10_450),
        };
        Order::new(&format!("SIM-{n}"), product, &customer).unwrap().with_expected_price(Rupiah::new(price))
    }

    fn courses(&self) -> [Order; 3] {
        ["081200000001", "081200000002", "081200000003"]
            .map(|phone| Order::new("SIM-0", "S10", phone).unwrap().with_expected_price(Rupiah::new(10_450)))
    }

    fn paid_for(&self, request: &http::Request<Bytes>) -> Option<String> {
        request.uri().path().ends_with("/products/buy").then(|| member(request, "partner_reference_id"))
    }

    fn secret_members(&self) -> &'static [&'static str] {
        &["sn", "access_token"]
    }

    fn lies(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("\"FAILED\"", "\"SUCCESS\""),
            ("\"SUCCESS\"", "\"FAILED\""),
            ("\"transaction_id\":\"", "\"transaction_id\":\"9"),
            ("\"amount\":\"", "\"amount\":\"1"),
            ("\"SIM-", "\"SIM-1"),
        ]
    }
}
