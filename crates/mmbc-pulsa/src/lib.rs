#![doc = include_str!("../README.md")]

pub mod auth;
mod biller;
mod client;
pub mod codes;
mod config;
pub mod model;
pub mod operations;
pub mod price_list;

pub use biller::MmbcPulsa;
pub use client::Client;
pub use config::Config;
pub use model::{TopUp, Transaction};
pub use price_list::{PriceItem, PriceList};
