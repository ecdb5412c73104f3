use std::fmt;

use crate::order::{hidden, plain};
use crate::{Order, Rupiah, Stage, Timestamp};

/// A row of a provider's own list of past transactions, as far as the provider fills it. Serials and tokens are left out.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// The provider's own id.
    pub provider_id: Option<String>,
    /// The partner's reference.
    pub reference: Option<String>,
    /// Who got it.
    pub customer: Option<String>,
    /// The product, in the provider's words.
    pub product: Option<String>,
    /// What the partner paid, in rupiah.
    pub amount: Option<Rupiah>,
    /// When it happened.
    pub at: Option<Timestamp>,
    /// What became of it; `None` where the row does not say, or says something that no table lists.
    pub stage: Option<Stage>,
}

impl HistoryEntry {
    /// Whether it names the order's customer, in whatever writing.
    pub fn is_for_customer_of(&self, order: &Order) -> bool {
        self.customer.as_deref().is_some_and(|customer| plain(customer.trim()) == order.plain_customer())
    }
}

impl fmt::Debug for HistoryEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HistoryEntry")
            .field("provider_id", &self.provider_id)
            .field("reference", &self.reference)
            .field("customer", &self.customer.as_deref().map(hidden))
            .field("product", &self.product)
            .field("amount", &self.amount)
            .field("at", &self.at)
            .field("stage", &self.stage)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_row_names_a_customer_in_any_writing_and_shows_none() {
        let order = Order::new("A-1", "S10", "081213456789").unwrap();
        for (customer, same) in [
            (Some(" 6281213456789 "), true),
            (Some("+62 812-1345-6789"), true),
            (Some("081213456780"), false),
            (None, false),
        ] {
            let entry = HistoryEntry { customer: customer.map(str::to_owned), ..HistoryEntry::default() };
            assert_eq!(entry.is_for_customer_of(&order), same, "{customer:?}");
            assert!(!format!("{entry:?}").contains("1345"));
        }
    }
}
