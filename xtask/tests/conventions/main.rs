//! The conventions of this repository, in copies of it.

#![allow(clippy::unwrap_used)]

mod copy;
mod new_provider;
mod tidy;
