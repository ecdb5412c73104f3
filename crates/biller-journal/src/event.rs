use biller_core::{Reference, Timestamp};

use crate::{Cause, State};

/// Something that happened, kept for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place among all events of the journal, counted from 1; a cursor is the last number that was handled. 0 before it is stored.
    pub number: i64,
    /// The purchase; `None` for what concerns a provider as a whole.
    pub reference: Option<Reference>,
    /// The provider, by the name of its feature in the facade.
    pub provider: String,
    /// When it happened.
    pub at: Timestamp,
    /// The state before; `None` for the first event, and for what concerns a provider.
    pub from: Option<State>,
    /// The state after; the same as before where nothing but knowledge was gained.
    pub to: Option<State>,
    /// What brought it about.
    pub cause: Cause,
    /// What is known, in one line without secrets.
    pub evidence: String,
}

/// Reads events in order and remembers how far it got, under a name, in the store.
///
/// At least once: what was read and not [`done`](crate::Journal::done) comes again after a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub(crate) String);

impl Cursor {
    /// The cursor of that name; a new name begins at the first event.
    pub fn named(name: impl Into<String>) -> Self {
        Self(name.into())
    }
}
