#![doc = include_str!("../README.md")]

pub mod auth;
mod biller;
pub mod callback;
mod client;
pub mod codes;
mod config;
pub mod model;
pub mod operations;

pub use biller::BillerV2;
pub use client::Client;
pub use config::{Body, Config};
pub use model::{InquiryReply, InquiryRequest, Language, Purchase, Transaction};
