//! What a provider brings to the simulation: one file, one implementation of [`Side`].

mod biller_v2;
mod klikoo;
mod mmbc_pulsa;
mod pln_prepaid;
mod sidompul;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use biller_core::{Attempt, Biller, Order, Schedule, Wiring};
use biller_sandbox::{Charge, Sandbox};
use bytes::Bytes;
use serde_json::Value;

use crate::world::World;

pub trait Side: Sync {
    /// The provider, as its client names it.
    fn provider(&self) -> &'static str;

    /// Its name in the sandbox.
    fn sandbox(&self) -> &'static str {
        self.provider()
    }

    /// The real client.
    fn biller(&self, wiring: Wiring) -> Arc<dyn Biller>;

    /// An order with a course drawn from the seed; `n` makes its reference and customer its own.
    fn order(&self, world: &World, n: usize) -> Order;

    /// Orders that succeed at once, succeed later and fail later, where nothing goes wrong.
    fn courses(&self) -> [Order; 3];

    /// The purchase that a payment moves money for, as the ledger names it; `None` for every other request.
    fn paid_for(&self, request: &http::Request<Bytes>) -> Option<String>;

    /// What the ledger and the payments name an order by: its reference, or where the provider takes none, the customer. Several orders
    /// may share a name then.
    fn name(&self, order: &Order) -> String {
        order.reference().to_string()
    }

    /// The same of a charge.
    fn charged_for(&self, charge: &Charge) -> String {
        charge.reference.clone().unwrap_or_default()
    }

    /// How often the attempt was sent by its own record: once, but for a guarded re-send.
    fn sends(&self, attempt: &Attempt) -> usize {
        usize::from(attempt.sent_at().is_some())
    }

    /// Whether the provider's rule has a lost payment sent again.
    fn sends_again(&self) -> bool {
        false
    }

    /// Whether a copy of a payment that the network makes is known as one. Where not, no client can help it, and none is made.
    fn knows_copies(&self) -> bool {
        true
    }

    /// Whether the charge was taken from the deposit.
    fn takes_from_deposit(&self, _charge: &Charge) -> bool {
        true
    }

    /// Members of replies whose values must stand in no record.
    fn secret_members(&self) -> &'static [&'static str];

    /// Parts of a callback and what a forger puts there instead.
    fn lies(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Whether a success that the provider has shown comes with the provider's own record of it.
    fn shows_its_record(&self) -> bool {
        true
    }

    /// What is worth counting about an order that has come to rest, beside what is counted for all.
    fn notable(&self, _attempt: &Attempt) -> Vec<&'static str> {
        Vec::new()
    }
}

pub const ALL: [&dyn Side; 5] =
    [&klikoo::Klikoo, &pln_prepaid::PlnPrepaid, &mmbc_pulsa::MmbcPulsa, &biller_v2::BillerV2, &sidompul::Sidompul];

/// The side whose client has that name.
pub fn called(provider: &str) -> &'static dyn Side {
    ALL.into_iter().find(|side| side.provider() == provider).expect("a provider of the simulation")
}

/// What the side's client needs to connect.
fn credential(side: &dyn Side, name: &str) -> String {
    static KNOWN: LazyLock<Sandbox> = LazyLock::new(Sandbox::new);
    match &KNOWN.credentials(side.sandbox()).expect("the sandbox knows the provider")[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Short enough that a simulated working day sees its end.
fn schedule() -> Schedule {
    let mut schedule = Schedule::from_seconds(&[5, 15, 30, 60, 120, 300], 1800);
    schedule.decide_after = Duration::from_secs(3 * 3600);
    schedule.stop_after = Some(Duration::from_secs(5 * 3600));
    schedule
}

/// The text at that place in a JSON body.
fn member(request: &http::Request<Bytes>, name: &str) -> String {
    let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    body[name].as_str().unwrap_or_default().to_owned()
}
