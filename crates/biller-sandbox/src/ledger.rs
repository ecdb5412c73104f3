//! The truth that reliability tests compare against: who was charged what.

use jiff::Timestamp;
use serde::Serialize;

use crate::clock::rfc3339_wib;

/// What became of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChargeState {
    /// Accepted, not final.
    Pending,
    /// Delivered and paid.
    Succeeded,
    /// Not delivered; the money was never taken or has been given back.
    Failed,
}

/// One purchase that a provider accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Charge {
    /// The sandbox's own number of the charge, counted over all providers from 1.
    pub id: u64,
    /// The provider's name, as in the control interface.
    pub provider: &'static str,
    /// The partner's own reference; none where the provider's payment carries none.
    pub reference: Option<String>,
    /// The customer's number as the provider stores it.
    pub customer: String,
    /// The product code.
    pub product: String,
    /// Whole rupiah.
    pub amount: i64,
    /// What became of it.
    pub state: ChargeState,
    /// When the purchase was accepted: RFC 3339 at +07:00.
    pub charged_at: String,
}

/// What a provider says about a purchase that it accepts.
pub(crate) struct NewCharge<'a> {
    pub reference: Option<&'a str>,
    pub customer: &'a str,
    pub product: &'a str,
    pub amount: i64,
    pub state: ChargeState,
}

/// Charges of all providers, oldest first, and the partner's balance at each.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) charges: Vec<Charge>,
    pub(crate) balances: std::collections::BTreeMap<&'static str, i64>,
}

impl Ledger {
    pub(crate) fn add(&mut self, provider: &'static str, charge: &NewCharge<'_>, at: Timestamp) -> u64 {
        let id = self.charges.len() as u64 + 1;
        self.charges.push(Charge {
            id,
            provider,
            reference: charge.reference.map(str::to_owned),
            customer: charge.customer.to_owned(),
            product: charge.product.to_owned(),
            amount: charge.amount,
            state: charge.state,
            charged_at: rfc3339_wib(at),
        });
        id
    }

    pub(crate) fn set_state(&mut self, id: u64, state: ChargeState) {
        // Numbers count from 1.
        if let Some(charge) = self.charges.get_mut((id as usize).wrapping_sub(1)) {
            charge.state = state;
        }
    }
}
