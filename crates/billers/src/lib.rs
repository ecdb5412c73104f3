#![doc = include_str!("../README.md")]

mod billers;

pub use biller_core as core;
pub use billers::Billers;
#[cfg(feature = "klikoo")]
pub use klikoo;
#[cfg(feature = "mmbc-pulsa")]
pub use mmbc_pulsa;
#[cfg(feature = "pln-prepaid")]
pub use pln_prepaid;
