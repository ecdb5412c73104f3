use biller_core::{Attempt, Order, Timestamp};

use crate::State;

/// One purchase as the journal knows it.
#[derive(Clone, Debug)]
pub struct Purchase {
    /// The provider, by the name of its feature in the facade.
    pub provider: String,
    /// What the caller handed in.
    pub order: Order,
    /// How far it is.
    pub state: State,
    /// Why it is not final, why it failed, or why a person should look at its success, in one line without secrets.
    pub reason: Option<String>,
    /// What paying and asking need; from the first check on.
    pub attempt: Option<Attempt>,
    /// When it was handed in.
    pub submitted_at: Timestamp,
    /// When its state changed last.
    pub changed_at: Timestamp,
    /// When a worker acts on it next; `None` when nothing is planned.
    pub due_at: Option<Timestamp>,
    /// How much of a receipt is stored: 0 none, 1 one without serial and token, 2 one with either.
    pub receipt_rank: u8,
    /// How often a fuller receipt was asked for, or how often preparing met trouble.
    pub tries: u32,
    /// Counts the workers that have taken the purchase; only the latest may write.
    pub fence: i64,
}

impl Purchase {
    /// An order that was handed in now, due at once.
    pub fn new(provider: impl Into<String>, order: Order, now: Timestamp) -> Self {
        Self {
            provider: provider.into(),
            order,
            state: State::Created,
            reason: None,
            attempt: None,
            submitted_at: now,
            changed_at: now,
            due_at: Some(now),
            receipt_rank: 0,
            tries: 0,
            fence: 0,
        }
    }

    /// Whether waiting for it is over: final, or left to a person.
    pub fn is_settled(&self) -> bool {
        self.state.is_final() || self.state == State::NeedsPerson
    }
}
