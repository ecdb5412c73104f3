//! Biller V2.
