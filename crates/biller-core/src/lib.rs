#![doc = include_str!("../README.md")]

mod transport;

pub use transport::{BoxFuture, Delivery, Transport, TransportError};
