#![doc = include_str!("../README.md")]

pub mod decode;
mod invalid_value;
mod kwh;
mod meter_number;
mod msisdn;
mod operators;
mod product_code;
mod raw_json;
mod reference;
mod rupiah;
mod stroom_token;
mod transport;

pub use invalid_value::{InvalidValue, shape_of};
pub use kwh::Kwh;
pub use meter_number::MeterNumber;
pub use msisdn::Msisdn;
pub use operators::OperatorPrefixes;
pub use product_code::ProductCode;
pub use raw_json::RawJson;
pub use reference::Reference;
pub use rupiah::Rupiah;
pub use stroom_token::StroomToken;
pub use transport::{BoxFuture, Delivery, Transport, TransportError};
