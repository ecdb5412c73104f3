#![doc = include_str!("../README.md")]

mod biller_v2;
mod callbacks;
mod clock;
mod context;
mod control;
mod crypto;
mod faults;
mod json;
mod klikoo;
mod ledger;
mod mmbc;
mod mount;
mod pln;
mod provider;
mod random;
mod requests;
mod sandbox;
mod serve;
mod settle;
mod sidompul;
mod slips;

pub use callbacks::Callback;
pub use clock::{Clock, ManualClock, SystemClock};
pub use control::Refusal;
pub use faults::{Fault, FaultKind};
pub use ledger::{Charge, ChargeState};
pub use mount::Mount;
pub use provider::Operation;
pub use requests::{LoggedRequest, Verdict};
pub use sandbox::{ConnectionClosed, Sandbox, SandboxBuilder};

/// Every provider, freshly set up: one line each, in the order of the documentation.
fn providers(seed: u64) -> Vec<Box<dyn provider::Provider>> {
    vec![sidompul::provider(seed), pln::provider(), mmbc::provider(), klikoo::provider(seed), biller_v2::provider()]
}
