//! What the stores over SQL share: how a purchase and an event stand in a row.

use biller_core::{Order, Reference, Timestamp};

use crate::{Cause, Event, Purchase, State, StoreError};

/// What counts as open, in SQL; the same as [`State::is_open`].
pub(crate) const OPEN: &str = "('sending', 'pending', 'unknown', 'needs_person')";

/// The columns of a [`RawPurchase`], in order.
pub(crate) const COLUMNS: &str =
    "provider, content, state, reason, attempt, submitted_at, changed_at, due_at, receipt_rank, tries, fence";

/// A stored purchase before its texts are parsed.
pub(crate) struct RawPurchase {
    pub(crate) provider: String,
    pub(crate) content: String,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) attempt: Option<String>,
    pub(crate) submitted_at: i64,
    pub(crate) changed_at: i64,
    pub(crate) due_at: Option<i64>,
    pub(crate) receipt_rank: i64,
    pub(crate) tries: i64,
    pub(crate) fence: i64,
}

impl RawPurchase {
    pub(crate) fn purchase(self) -> Result<Purchase, StoreError> {
        Ok(Purchase {
            provider: self.provider,
            order: serde_json::from_str::<Order>(&self.content).map_err(unreadable)?,
            state: state(&self.state)?,
            reason: self.reason,
            attempt: self.attempt.as_deref().map(serde_json::from_str).transpose().map_err(unreadable)?,
            submitted_at: Timestamp::from_unix_millis(self.submitted_at),
            changed_at: Timestamp::from_unix_millis(self.changed_at),
            due_at: self.due_at.map(Timestamp::from_unix_millis),
            receipt_rank: u8::try_from(self.receipt_rank).map_err(unreadable)?,
            tries: u32::try_from(self.tries).map_err(unreadable)?,
            fence: self.fence,
        })
    }
}

/// The columns of a [`RawEvent`], in order.
pub(crate) const EVENT_COLUMNS: &str = "number, reference, provider, at, from_state, to_state, cause, evidence";

/// A stored event before its texts are parsed.
pub(crate) struct RawEvent {
    pub(crate) number: i64,
    pub(crate) reference: Option<String>,
    pub(crate) provider: String,
    pub(crate) at: i64,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    pub(crate) cause: String,
    pub(crate) evidence: String,
}

impl RawEvent {
    pub(crate) fn event(self) -> Result<Event, StoreError> {
        Ok(Event {
            number: self.number,
            reference: self.reference.as_deref().map(Reference::parse).transpose().map_err(unreadable)?,
            provider: self.provider,
            at: Timestamp::from_unix_millis(self.at),
            from: self.from.as_deref().map(state).transpose()?,
            to: self.to.as_deref().map(state).transpose()?,
            cause: Cause::from_word(&self.cause).ok_or_else(|| unreadable(format!("cause {}", self.cause)))?,
            evidence: self.evidence,
        })
    }
}

/// One count of [`Stats`](crate::Stats): a provider, a state's word, and how many.
pub(crate) fn count(row: (String, String, i64)) -> Result<((String, State), u64), StoreError> {
    let (provider, word, count) = row;
    Ok(((provider, state(&word)?), count.unsigned_abs()))
}

fn state(word: &str) -> Result<State, StoreError> {
    State::from_word(word).ok_or_else(|| unreadable(format!("state {word}")))
}

pub(crate) fn text(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(unreadable)
}

pub(crate) fn unreadable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unreadable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_in_sql_is_open() {
        let open = State::ALL.into_iter().filter(|state| state.is_open()).map(|state| format!("'{}'", state.word()));
        assert_eq!(OPEN, format!("({})", open.collect::<Vec<_>>().join(", ")));
    }
}
