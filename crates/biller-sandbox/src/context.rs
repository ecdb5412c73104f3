//! What a provider works with while it handles one request or settles one transaction.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;

use crate::callbacks::{Delivery, NewCallback};
use crate::clock::later;
use crate::faults::{Acting, FaultKind};
use crate::ledger::{ChargeState, NewCharge};
use crate::provider::Profile;
use crate::random::Random;
use crate::requests::Verdict;
use crate::sandbox::Books;
use crate::settle::Pending;

pub(crate) struct Context<'a> {
    /// The present moment, the same during one call.
    pub now: Timestamp,
    pub random: &'a mut Random,
    /// The verdict of the authentication check, for the request log.
    pub verdict: Verdict,
    /// What callbacks of this call carry beside their content type.
    pub callback_headers: HeaderMap,
    profile: &'static Profile,
    books: &'a mut Books,
    settle_after: Duration,
    acting: Option<Acting>,
    hiding: bool,
    resend: Option<Acting>,
    /// Callbacks of this call, in order.
    pub(crate) outbox: Vec<Delivery>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        now: Timestamp,
        profile: &'static Profile,
        books: &'a mut Books,
        random: &'a mut Random,
        settle_after: Duration,
        acting: Option<Acting>,
    ) -> Self {
        let verdict = Verdict::unchecked("not checked");
        Self {
            now,
            random,
            verdict,
            callback_headers: HeaderMap::new(),
            profile,
            books,
            settle_after,
            acting,
            hiding: false,
            resend: None,
            outbox: Vec::new(),
        }
    }

    /// The partner's deposit in rupiah.
    pub(crate) fn balance(&self) -> i64 {
        self.books.ledger.balances.get(self.profile.name).copied().unwrap_or(0)
    }

    /// Changes the deposit; negative amounts take from it.
    pub(crate) fn add_to_balance(&mut self, amount: i64) {
        *self.books.ledger.balances.entry(self.profile.name).or_default() += amount;
    }

    /// The sum of this provider's charges that are not final.
    pub(crate) fn pending_amount(&self) -> i64 {
        let charges = self.books.ledger.charges.iter();
        charges.filter(|c| c.provider == self.profile.name && c.state == ChargeState::Pending).map(|c| c.amount).sum()
    }

    /// Enters a purchase into the ledger and returns its number; the balance is the caller's business. Uses up the fault
    /// `charge_on_resend` where [`Context::charges_resend`] let this purchase through.
    pub(crate) fn charge(&mut self, charge: &NewCharge<'_>) -> u64 {
        if let Some(acting) = self.resend.take() {
            self.books.faults.use_up(acting);
        }
        self.books.ledger.add(self.profile.name, charge, self.now)
    }

    /// Changes what became of a charge; the balance is the caller's business.
    pub(crate) fn set_charge_state(&mut self, charge: u64, state: ChargeState) {
        self.books.ledger.set_state(charge, state);
    }

    /// How long a pending transaction takes.
    pub(crate) fn settle_after(&self) -> Duration {
        self.settle_after
    }

    /// Has [`crate::provider::Provider::settle`] called with `key` when the settling time has passed.
    pub(crate) fn settle_later(&mut self, key: u64) {
        let due = Some(later(self.now, self.settle_after));
        self.books.schedule.push(Pending { provider: self.profile.name, key, due });
    }

    /// Has [`crate::provider::Provider::settle`] called with `key` at `POST /_sandbox/settle` only.
    pub(crate) fn settle_on_demand(&mut self, key: u64) {
        self.books.schedule.push(Pending { provider: self.profile.name, key, due: None });
    }

    /// Whether the fault `status_not_found` hides the transaction that this call found. Ask only about one that exists: the answer yes
    /// uses up the fault, once per request.
    pub(crate) fn hides_transaction(&mut self) -> bool {
        if let Some(acting) = self.acting.take_if(|acting| acting.kind == FaultKind::StatusNotFound) {
            self.books.faults.use_up(acting);
            self.hiding = true;
        }
        self.hiding
    }

    /// Whether a re-sent purchase whose first attempt failed is taken as a new one. Ask only about such a purchase.
    pub(crate) fn charges_resend(&mut self) -> bool {
        self.resend = self.books.faults.on_resend(self.profile);
        self.resend.is_some()
    }

    /// Posts the result of a transaction that became final, unless no URL is known for it.
    pub(crate) fn call_back(&mut self, callback: &NewCallback) {
        let urls = self.urls(callback);
        if urls.is_empty() {
            return;
        }
        let acting = self.books.faults.on_delivery(self.profile, false);
        if let Some(acting) = acting {
            self.books.faults.use_up(acting);
        }
        let bodies = match acting.map(|acting| acting.kind) {
            Some(FaultKind::CallbackLost) => vec![],
            Some(FaultKind::CallbackTwice) => vec![&callback.body, &callback.body],
            Some(FaultKind::CallbackConflicting) => callback.conflicting.iter().collect(),
            _ => vec![&callback.body],
        };
        for body in bodies {
            self.deliver(&urls, body, false);
        }
    }

    /// Posts a payment's callback, telling how it will end, before the payment's reply, if the fault `callback_before_reply` is armed
    /// and a URL is known. If so, the transaction's one callback is spent.
    pub(crate) fn call_back_early(&mut self, callback: &NewCallback) -> bool {
        let urls = self.urls(callback);
        let acting = self.books.faults.on_delivery(self.profile, true);
        match acting.filter(|acting| acting.kind == FaultKind::CallbackBeforeReply && !urls.is_empty()) {
            Some(acting) => {
                self.books.faults.use_up(acting);
                self.deliver(&urls, &callback.body, true);
                true
            }
            None => false,
        }
    }

    fn urls(&self, callback: &NewCallback) -> Vec<String> {
        if callback.urls.is_empty() {
            self.books.callbacks.urls.get(self.profile.name).cloned().into_iter().collect()
        } else {
            callback.urls.clone()
        }
    }

    fn deliver(&mut self, urls: &[String], body: &Bytes, before_reply: bool) {
        self.outbox.extend(urls.iter().map(|url| Delivery {
            provider: self.profile.name,
            url: url.clone(),
            headers: self.callback_headers.clone(),
            body: body.clone(),
            before_reply,
            due: self.now,
            retries: self.profile.callback_retries,
            era: self.books.callbacks.era,
        }));
    }
}
