#![doc = include_str!("../README.md")]

pub mod auth;
mod biller;
pub mod callback;
mod client;
pub mod codes;
mod config;
pub mod model;
pub mod operations;

pub use biller::Klikoo;
pub use client::Client;
pub use config::{Config, InquiryKind, MethodCase};
pub use model::{Purchase, Transaction};
