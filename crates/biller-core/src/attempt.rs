use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Clock, Error, ErrorKind, Evidence, Execution, Inquiry, Order, Outcome, Receipt, RecordError, Records, Refusal,
    Rupiah, Timestamp,
};

/// One purchase on its way: everything that paying and finding out needs, and no secret.
///
/// Made by [`Biller::prepare`](crate::Biller::prepare), written down through [`Records`] before it is sent, and serialisable, so
/// that another process can go on with it. A final stage never changes.
#[derive(Clone, Serialize, Deserialize)]
pub struct Attempt {
    provider: String,
    order: Order,
    key: String,
    stage: Stage,
    price: Option<Rupiah>,
    inquiry: Option<Inquiry>,
    provider_id: Option<String>,
    prepared_at: Timestamp,
    sent_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    looks: u32,
    last_look: Option<Timestamp>,
    refusal: Option<Refusal>,
    attention: Vec<Attention>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contradicted_by: Option<Stage>,
    facts: Value,
}

/// How far a purchase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// Checked; nothing has been sent as far as this record knows.
    Prepared,
    /// About to be sent, or sent; a crash leaves it here, and it counts as unknown.
    Sent,
    /// The provider works on it.
    Pending,
    /// May have been charged.
    Unknown,
    /// Final: charged and delivered.
    Succeeded,
    /// Final: not charged, or charged and given back.
    Failed,
}

impl Stage {
    /// Whether it never changes again.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// Something that a person has to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attention {
    /// When it came up.
    pub at: Timestamp,
    /// Why, in one line without secrets.
    pub reason: String,
}

impl Attempt {
    /// A prepared attempt. `key` names what the provider takes for the same purchase: two attempts with one key must not be open
    /// at once where the provider cannot tell them apart. `facts` is what the provider crate needs later, without secrets.
    pub fn new(
        provider: &'static str,
        order: Order,
        key: impl Into<String>,
        now: Timestamp,
        facts: &impl Serialize,
    ) -> Result<Self, Error> {
        let mut attempt = Self {
            provider: provider.to_owned(),
            order,
            key: key.into(),
            stage: Stage::Prepared,
            price: None,
            inquiry: None,
            provider_id: None,
            prepared_at: now,
            sent_at: None,
            ended_at: None,
            looks: 0,
            last_look: None,
            refusal: None,
            attention: Vec::new(),
            contradicted_by: None,
            facts: Value::Null,
        };
        attempt.set_facts(facts)?;
        Ok(attempt)
    }

    /// The provider, by the name of its feature in the facade.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// What is being bought.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// What the provider takes for the same purchase.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// How far it is.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// What the partner will pay, in rupiah, where it is known before.
    pub fn price(&self) -> Option<Rupiah> {
        self.price
    }

    /// What the provider said before the payment.
    pub fn inquiry(&self) -> Option<&Inquiry> {
        self.inquiry.as_ref()
    }

    /// The provider's own id of the purchase, once it is proven to be of this one.
    pub fn provider_id(&self) -> Option<&str> {
        self.provider_id.as_deref()
    }

    /// When the payment was sent, written down before it was.
    pub fn sent_at(&self) -> Option<Timestamp> {
        self.sent_at
    }

    /// When the payment's reply came or was given up.
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.ended_at
    }

    /// When it was sent; before that, when it was prepared.
    pub fn started_at(&self) -> Timestamp {
        self.sent_at.unwrap_or(self.prepared_at)
    }

    /// How often the provider has been asked what became of it.
    pub fn looks(&self) -> u32 {
        self.looks
    }

    /// When the provider was asked last.
    pub fn last_look(&self) -> Option<Timestamp> {
        self.last_look
    }

    /// Why it failed, when it did.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// What a person has to look at, oldest first; empty when nothing.
    pub fn attention(&self) -> &[Attention] {
        &self.attention
    }

    /// What the provider claimed last against the final stage, which stays; `None` when it never did.
    pub fn contradicted_by(&self) -> Option<Stage> {
        self.contradicted_by
    }

    /// What the provider crate has noted.
    pub fn facts<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_value(self.facts.clone()).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, Execution::Unknown)
                .with_detail(format!("the attempt was not made by this crate: {error}"))
        })
    }

    /// Replaces what the provider crate has noted. Never holds a secret.
    pub fn set_facts(&mut self, facts: &impl Serialize) -> Result<(), Error> {
        self.facts = serde_json::to_value(facts)
            .map_err(|error| Error::configuration(format!("facts cannot be written down: {error}")))?;
        Ok(())
    }

    /// Notes what the partner will pay.
    pub fn set_price(&mut self, price: Option<Rupiah>) {
        self.price = price;
    }

    /// Notes what the provider said before the payment.
    pub fn set_inquiry(&mut self, inquiry: Inquiry) {
        self.inquiry = Some(inquiry);
    }

    /// Notes the provider's id, once it is proven to be of this purchase.
    pub fn set_provider_id(&mut self, id: impl Into<String>) {
        self.provider_id = Some(id.into());
    }

    /// Calls a person; the same reason is noted once.
    pub fn call_person(&mut self, at: Timestamp, reason: impl Into<String>) {
        let reason = reason.into();
        if !self.attention.iter().any(|attention| attention.reason == reason) {
            tracing::warn!(provider = self.provider, reference = %self.order.reference(), reason, "a person has to decide");
            self.attention.push(Attention { at, reason });
        }
    }

    fn contradict(&mut self, now: Timestamp, stage: Stage, reason: impl Into<String>) {
        self.contradicted_by = Some(stage);
        self.call_person(now, reason);
    }

    /// Whether `other` is another attempt at the same provider for the same customer, in whatever writing; see
    /// [`Order::plain_customer`].
    pub fn is_for_same_customer(&self, other: &Self) -> bool {
        self.provider == other.provider
            && self.order.reference() != other.order.reference()
            && self.order.plain_customer() == other.order.plain_customer()
    }

    /// The first half of paying: marks the attempt as sent and has it written down. On `Err` nothing may be sent, and the
    /// outcome says why.
    ///
    /// An order is paid once: where the records hold an earlier attempt of it that has been sent, this one is refused. Where that one
    /// failed, so does this one: buying after a failure takes a new reference.
    pub async fn begin_payment(&mut self, records: &dyn Records, clock: &dyn Clock) -> Result<(), Outcome> {
        let already_sent = Error::new(ErrorKind::AlreadySent, Execution::Unknown)
            .with_detail("an order is paid once; ask what became of it instead")
            .with_reference(self.order.reference().as_str());
        if self.stage != Stage::Prepared {
            return Err(Outcome::Unknown(already_sent));
        }
        let earlier = records.load(&self.provider, self.order.reference()).await;
        match earlier.map_err(|error| self.unrecorded(&error))? {
            Some(earlier) if earlier.stage == Stage::Failed => {
                let detail = "not paid: an earlier attempt of this order failed; a new purchase takes a new reference";
                return Err(Outcome::Failed(Refusal::new(ErrorKind::AlreadySent, detail)));
            }
            Some(earlier) if earlier.stage != Stage::Prepared => return Err(Outcome::Unknown(already_sent)),
            _ => {}
        }
        self.stage = Stage::Sent;
        self.sent_at = Some(clock.now());
        if let Err(error) = records.save(self).await {
            self.stage = Stage::Prepared;
            self.sent_at = None;
            return Err(self.unrecorded(&error));
        }
        Ok(())
    }

    fn unrecorded(&self, error: &RecordError) -> Outcome {
        let error = Error::new(ErrorKind::NotRecorded, Execution::NotExecuted).with_detail(error.to_string());
        Outcome::from(error.with_reference(self.order.reference().as_str()))
    }

    /// The second half of paying: notes the time, and what was learnt.
    pub async fn end_payment(&mut self, learnt: Outcome, records: &dyn Records, clock: &dyn Clock) -> Outcome {
        self.ended_at = Some(clock.now());
        self.conclude(learnt, records, clock).await
    }

    /// What a look answers, without asking the provider, about an attempt that was never sent as far as this record knows; `None` for
    /// every other one. It is not failed: an older record may be in hand than the one that was sent.
    pub fn never_sent(&self) -> Option<Outcome> {
        let error = Error::new(ErrorKind::Unproven, Execution::Unknown)
            .with_detail("not paid, as far as this record knows")
            .with_reference(self.order.reference().as_str());
        (self.stage == Stage::Prepared).then_some(Outcome::Unknown(error))
    }

    /// The end of one look: counts it, and notes what was learnt. An error while asking means that nothing was, whatever it
    /// says about the call that asked.
    ///
    /// Past `decide_after` since the sending, a purchase that is still open calls a person.
    pub async fn end_look(
        &mut self,
        learnt: Result<Outcome, Error>,
        decide_after: std::time::Duration,
        records: &dyn Records,
        clock: &dyn Clock,
    ) -> Outcome {
        let learnt = learnt.unwrap_or_else(|error| Outcome::Unknown(error.about_the_purchase()));
        let now = clock.now();
        self.looks += 1;
        self.last_look = Some(now);
        if !self.stage.is_final() && !learnt.is_final() && now.since(self.started_at()) >= decide_after {
            self.call_person(now, format!("no final answer within {} h", decide_after.as_secs() / 3600));
        }
        self.conclude(learnt, records, clock).await
    }

    /// Merges what was learnt into what is known, and has it written down.
    async fn conclude(&mut self, learnt: Outcome, records: &dyn Records, clock: &dyn Clock) -> Outcome {
        let known = self.merge(learnt, clock.now());
        if let Err(error) = records.save(self).await {
            tracing::error!(provider = self.provider, reference = %self.order.reference(), %error, "attempt not written down");
        }
        known
    }

    fn merge(&mut self, mut learnt: Outcome, now: Timestamp) -> Outcome {
        if let Outcome::Unknown(error) = learnt {
            let error = error.with_reference(self.order.reference().as_str());
            if error.kind().needs_person() {
                self.call_person(now, error.to_string());
            }
            learnt = Outcome::Unknown(error);
        }
        match (self.stage, learnt) {
            (Stage::Succeeded, Outcome::Succeeded(receipt)) => Outcome::Succeeded(receipt),
            (Stage::Succeeded, learnt) => {
                match learnt {
                    Outcome::Failed(refusal) => {
                        self.contradict(now, Stage::Failed, format!("succeeded, but the provider now says: {refusal}"));
                    }
                    Outcome::Pending => {
                        self.contradict(now, Stage::Pending, "succeeded, but the provider now says: pending");
                    }
                    Outcome::Succeeded(_) | Outcome::Unknown(_) => {}
                }
                Outcome::Succeeded(self.recorded_receipt())
            }
            (Stage::Failed, learnt) => {
                match learnt {
                    Outcome::Succeeded(receipt) => {
                        let id = receipt.provider_id.as_deref().unwrap_or("-");
                        let reason = format!("failed, but the provider now says that {id} succeeded");
                        self.contradict(now, Stage::Succeeded, reason);
                    }
                    Outcome::Pending => {
                        self.contradict(now, Stage::Pending, "failed, but the provider now says: pending");
                    }
                    Outcome::Failed(_) | Outcome::Unknown(_) => {}
                }
                Outcome::Failed(self.refusal.clone().unwrap_or_else(|| Refusal::new(ErrorKind::Refused, "failed")))
            }
            (_, Outcome::Succeeded(receipt)) => {
                self.stage = Stage::Succeeded;
                self.provider_id = receipt.provider_id.clone().or(self.provider_id.take());
                Outcome::Succeeded(receipt)
            }
            (_, Outcome::Failed(refusal)) => {
                self.stage = Stage::Failed;
                self.refusal = Some(refusal.clone());
                Outcome::Failed(refusal)
            }
            (_, Outcome::Pending) => {
                self.stage = Stage::Pending;
                Outcome::Pending
            }
            (Stage::Pending, Outcome::Unknown(_)) => Outcome::Pending,
            (_, Outcome::Unknown(error)) => {
                self.stage = Stage::Unknown;
                Outcome::Unknown(error)
            }
        }
    }

    /// What can be said of a success without asking again.
    fn recorded_receipt(&self) -> Receipt {
        let order = &self.order;
        let mut receipt = Receipt::new(
            &self.provider,
            order.reference().as_str(),
            order.product().as_str(),
            order.customer(),
            Evidence::Recorded,
        );
        receipt.provider_id = self.provider_id.clone();
        receipt
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("provider", &self.provider)
            .field("order", &self.order)
            .field("stage", &self.stage)
            .field("price", &self.price)
            .field("provider_id", &self.provider_id)
            .field("sent_at", &self.sent_at)
            .field("looks", &self.looks)
            .field("attention", &self.attention)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
