use crate::{ProductCode, Rupiah};

/// A row of a provider's price list, in words that every provider has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Product {
    /// The code to order it by.
    pub code: ProductCode,
    /// The provider's name of it.
    pub name: String,
    /// What the partner pays, where the list says so.
    pub price: Option<Rupiah>,
    /// Its face value, where it has one.
    pub face_value: Option<Rupiah>,
    /// Whether it can be bought now.
    pub available: bool,
}

impl Product {
    /// A product that can be bought, without price and face value.
    pub fn new(code: ProductCode, name: impl Into<String>) -> Self {
        Self { code, name: name.into(), price: None, face_value: None, available: true }
    }
}
