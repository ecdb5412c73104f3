use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Rupiah;

/// What a provider says of a purchase before it is made.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Inquiry {
    /// The provider's name of the product.
    pub product_name: Option<String>,
    /// The customer's name, often masked by the provider.
    pub customer_name: Option<String>,
    /// What the partner will pay, in rupiah.
    pub price: Option<Rupiah>,
    /// Fee that is part of the price or comes on top, as the provider documents it.
    pub admin_fee: Option<Rupiah>,
    /// Rows to show to the customer, in the provider's order and words.
    pub rows: Vec<(String, String)>,
}

impl fmt::Debug for Inquiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inquiry")
            .field("product_name", &self.product_name)
            .field("price", &self.price)
            .field("admin_fee", &self.admin_fee)
            .field("rows", &self.rows.len())
            .finish_non_exhaustive()
    }
}
