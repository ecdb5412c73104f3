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
    /// The provider, by the name of its crate's module.
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
    /// What the partner paid, in rupiah.
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
