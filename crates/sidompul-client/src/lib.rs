#![doc = include_str!("../README.md")]

pub mod auth;
mod biller;
mod client;
pub mod codes;
mod config;
pub mod gateway;
mod matching;
pub mod model;
pub mod operations;

pub use biller::Sidompul;
pub use client::Client;
pub use config::{Config, InjectKey, Pin};
pub use model::{PurchasePackage, PurchaseReply, ReloadPulsa};
