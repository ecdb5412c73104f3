//! What a payment leaves behind.

use bytes::Bytes;
use jiff::Timestamp;

use super::answers;
use super::products::{Answer, Purchase};
use super::scenario::{Class, Plan, status_class};
use crate::callbacks::NewCallback;
use crate::clock::later;
use crate::context::Context;
use crate::ledger::ChargeState;

/// A recorded payment.
pub(super) struct Transaction {
    pub reference: String,
    pub purchase: Purchase,
    /// The account number that the payment named.
    pub account: String,
    /// The payment's `transactionId`; status calls answer the one before.
    pub number: u64,
    /// Shown once it has succeeded.
    pub token: String,
    pub at: Timestamp,
    pub plan: Plan,
    pub settled: bool,
    /// Its number in the ledger; none if it was refused.
    pub charge: Option<u64>,
    pub callback_urls: Vec<String>,
    /// Whether its one callback has been posted before the payment's reply.
    pub called_back: bool,
}

impl Transaction {
    /// The code that a status call answers.
    pub(super) fn code(&self, context: &Context<'_>) -> u16 {
        match self.plan.stuck {
            _ if self.settled => self.plan.end,
            Some(stuck) if context.now >= later(self.at, context.settle_after()) => stuck,
            _ => 299,
        }
    }

    /// Whether it ended without a delivery.
    pub(super) fn has_failed(&self) -> bool {
        self.settled && status_class(self.plan.end) == Class::Failed
    }

    /// What is posted when it is final.
    pub(super) fn callback(&self) -> NewCallback {
        let body = |code| {
            let envelope = answers::transaction(self, code, Answer::Status);
            Bytes::from(serde_json::to_vec(&envelope).unwrap_or_default())
        };
        let opposite = if status_class(self.plan.end) == Class::Succeeded { 100 } else { 0 };
        let last = body(self.plan.end);
        NewCallback { urls: self.callback_urls.clone(), conflicting: vec![body(opposite), last.clone()], body: last }
    }

    /// Makes a charged transaction final and tells the partner.
    pub(super) fn settle(&mut self, context: &mut Context<'_>) {
        let Some(charge) = self.charge else { return };
        self.settled = true;
        if self.has_failed() {
            context.add_to_balance(self.purchase.product.charged(self.purchase.inquired()));
            context.set_charge_state(charge, ChargeState::Failed);
        } else {
            context.set_charge_state(charge, ChargeState::Succeeded);
        }
        if !self.called_back {
            context.call_back(&self.callback());
        }
    }
}
