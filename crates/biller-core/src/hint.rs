use std::fmt;

use crate::attempt::Attempt;
use crate::order::hidden;
use crate::{RawJson, Rupiah};

/// What a callback claims.
///
/// No provider signs its callbacks, so anybody can send one: a hint never changes an outcome. It says which purchase is worth
/// asking about now.
#[derive(Clone)]
#[non_exhaustive]
pub struct Hint {
    /// The partner's reference that it speaks of.
    pub reference: String,
    /// The provider's id that it names.
    pub provider_id: Option<String>,
    /// The customer that it names.
    pub customer: Option<String>,
    /// The product that it names.
    pub product: Option<String>,
    /// The amount that it names, in rupiah.
    pub amount: Option<Rupiah>,
    /// The result that it claims.
    pub claim: Claim,
    /// The callback as it came.
    pub raw: Option<RawJson>,
}

/// The result that a callback claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// That the purchase went through.
    Succeeded,
    /// That it is not final yet.
    Pending,
    /// That it failed.
    Failed,
    /// Something that no table lists.
    Unlisted,
}

impl Hint {
    /// A hint about `reference`.
    pub fn new(reference: impl Into<String>, claim: Claim) -> Self {
        Self {
            reference: reference.into(),
            provider_id: None,
            customer: None,
            product: None,
            amount: None,
            claim,
            raw: None,
        }
    }

    /// The names of the fields in which the hint differs from the attempt, the customer compared as `same_customer` says.
    ///
    /// What the hint does not name does not differ; an amount may be any of `amounts`.
    pub fn differences(
        &self,
        attempt: &Attempt,
        amounts: &[Rupiah],
        same_customer: impl Fn(&str, &str) -> bool,
    ) -> Vec<&'static str> {
        let order = attempt.order();
        let mut differences = Vec::new();
        if self.customer.as_deref().is_some_and(|customer| !same_customer(customer, order.customer())) {
            differences.push("customer");
        }
        if self.product.as_deref().is_some_and(|product| product.trim() != order.product().as_str()) {
            differences.push("product");
        }
        if self.amount.is_some_and(|amount| !amounts.is_empty() && !amounts.contains(&amount)) {
            differences.push("amount");
        }
        differences
    }
}

impl fmt::Debug for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hint")
            .field("reference", &self.reference)
            .field("provider_id", &self.provider_id)
            .field("customer", &self.customer.as_deref().map(hidden))
            .field("product", &self.product)
            .field("amount", &self.amount)
            .field("claim", &self.claim)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{Order, Timestamp};

    #[test]
    fn names_what_differs_and_nothing_that_is_absent() {
        let order = Order::new("A-1", "S10", "081213456789").unwrap();
        let attempt = Attempt::new("klikoo", order, "key", Timestamp::from_unix_millis(0), &()).unwrap();
        let amounts = [Rupiah::new(10_000), Rupiah::new(10_450)];
        // Customer, product and amount of the hint; the amounts that would be right; what differs.
        for (customer, product, amount, amounts, expected) in [
            (None, None, None, &amounts[..], &[][..]),
            (Some("081213456789"), Some("S10"), Some(10_000), &amounts, &[]),
            (Some("081213456789"), Some(" S10 "), Some(10_450), &amounts, &[]),
            (Some("6281213456789"), None, None, &amounts, &[]),
            (Some("081213456780"), None, None, &amounts, &["customer"]),
            (Some(""), None, None, &amounts, &["customer"]),
            (None, Some("s10"), None, &amounts, &["product"]),
            (None, None, Some(10_001), &amounts, &["amount"]),
            (None, None, Some(10_001), &[], &[]),
            (Some("x"), Some("x"), Some(0), &amounts, &["customer", "product", "amount"]),
        ] {
            let mut hint = Hint::new("A-1", Claim::Succeeded);
            hint.customer = customer.map(str::to_owned);
            hint.product = product.map(str::to_owned);
            hint.amount = amount.map(Rupiah::new);
            let same = |theirs: &str, ours: &str| theirs == ours || theirs == ours.replacen('0', "62", 1);
            assert_eq!(hint.differences(&attempt, amounts, same), expected, "{customer:?} {product:?} {amount:?}");
        }
    }

    #[test]
    fn debug_shows_neither_customer_nor_body() {
        let mut hint = Hint::new("A-1", Claim::Failed);
        hint.customer = Some("081213456789".to_owned());
        hint.amount = Some(Rupiah::new(10_000));
        hint.raw = Some(RawJson::from_slice(br#"{"sn": "SERIAL-4711"}"#).unwrap());
        assert_eq!(
            format!("{hint:?}"),
            "Hint { reference: \"A-1\", provider_id: None, customer: Some(\"********6789\"), product: None, \
             amount: Some(Rupiah(10000)), claim: Failed, .. }"
        );
    }
}
