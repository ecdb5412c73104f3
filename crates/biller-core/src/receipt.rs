use std::fmt;

use crate::order::hidden;
use crate::{RawJson, Rupiah, Secret, StroomToken, Timestamp};

/// What a purchase that succeeded brought.
///
/// Serials and stroom tokens are bearer money: whoever reads one can spend it. They are shown only by an explicit call, and a
/// receipt is never part of an [`Attempt`](crate::Attempt).
#[derive(Clone)]
#[non_exhaustive]
pub struct Receipt {
    /// The provider, by the name of its feature in the facade.
    pub provider: String,
    /// The partner's reference.
    pub reference: String,
    /// The provider's own id of the purchase.
    pub provider_id: Option<String>,
    /// The product code that was bought.
    pub product: String,
    /// Who got it.
    pub customer: String,
    /// The customer's name as the provider knows it.
    pub customer_name: Option<String>,
    /// What the partner paid, in rupiah, where the provider said so; what was to be paid is [`Attempt::price`](crate::Attempt::price).
    pub charged: Option<Rupiah>,
    /// When the provider says that it happened.
    pub at: Option<Timestamp>,
    /// The serial number: proof of delivery, or the voucher itself.
    pub serial: Option<Secret>,
    /// The electricity token.
    pub stroom_token: Option<StroomToken>,
    /// How the success is known.
    pub evidence: Evidence,
    /// The provider's own record, for what this type has no field for.
    pub raw: Option<RawJson>,
}

/// How the success of a purchase is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Evidence {
    /// The reply to the payment says so.
    Reply,
    /// The provider said so when it was asked.
    Status,
    /// The provider refused an equal purchase because this one went through. Serial and price have to be had elsewhere.
    DuplicateRefused,
    /// It was known before; the details were not asked for again.
    Recorded,
}

impl Receipt {
    /// A receipt that says no more than who bought what; the rest is set field by field.
    pub fn new(
        provider: impl Into<String>,
        reference: impl Into<String>,
        product: impl Into<String>,
        customer: impl Into<String>,
        evidence: Evidence,
    ) -> Self {
        Self {
            provider: provider.into(),
            reference: reference.into(),
            provider_id: None,
            product: product.into(),
            customer: customer.into(),
            customer_name: None,
            charged: None,
            at: None,
            serial: None,
            stroom_token: None,
            evidence,
            raw: None,
        }
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt")
            .field("provider", &self.provider)
            .field("reference", &self.reference)
            .field("provider_id", &self.provider_id)
            .field("product", &self.product)
            .field("customer", &hidden(&self.customer))
            .field("charged", &self.charged)
            .field("at", &self.at)
            .field("serial", &self.serial)
            .field("stroom_token", &self.stroom_token)
            .field("evidence", &self.evidence)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Outcome;

    #[test]
    fn debug_shows_no_bearer_money_and_no_customer() {
        let mut receipt = Receipt::new("klikoo", "A-1", "PLN20", "01105691111", Evidence::Reply);
        receipt.customer_name = Some("SITI AMINAH".to_owned());
        receipt.serial = Some(Secret::new("SERIAL-4711"));
        receipt.stroom_token = Some(StroomToken::parse("6156-0790-0556-6477-7418").unwrap());
        receipt.raw = Some(RawJson::from_slice(br#"{"sn": "SERIAL-4711"}"#).unwrap());
        assert_eq!(
            format!("{:?}", Outcome::Succeeded(receipt)),
            "Succeeded(Receipt { provider: \"klikoo\", reference: \"A-1\", provider_id: None, product: \"PLN20\", \
             customer: \"*******1111\", charged: None, at: None, serial: Some(Secret(..)), \
             stroom_token: Some(StroomToken(..)), evidence: Reply, .. })"
        );
    }
}
