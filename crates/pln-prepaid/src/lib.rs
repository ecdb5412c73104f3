#![doc = include_str!("../README.md")]

pub mod auth;
pub mod bill;
mod biller;
pub mod callback;
mod client;
pub mod codes;
mod config;
pub mod model;
pub mod operations;
pub mod struk;

pub use bill::{BillDescription, ElectricityReceipt};
pub use biller::PlnPrepaid;
pub use client::Client;
pub use config::{AuthorizationScheme, Config, SignatureForm};
pub use model::{InquiryRequest, Purchase, Transaction};
pub use struk::Struk;
