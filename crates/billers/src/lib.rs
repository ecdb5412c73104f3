#![doc = include_str!("../README.md")]

mod billers;

pub use biller_core as core;
#[cfg(feature = "biller-v2")]
pub use biller_v2;
pub use billers::Billers;
#[cfg(feature = "klikoo")]
pub use klikoo;
#[cfg(feature = "mmbc-pulsa")]
pub use mmbc_pulsa;
#[cfg(feature = "pln-prepaid")]
pub use pln_prepaid;
#[cfg(feature = "sidompul")]
pub use sidompul_client as sidompul;
