//! Pending transactions: they become final when their time has come, computed when somebody looks.

use jiff::Timestamp;

/// A transaction that is not final.
pub(crate) struct Pending {
    pub provider: &'static str,
    /// The provider's own key of the transaction.
    pub key: u64,
    /// When it settles by itself; none: only on demand.
    pub due: Option<Timestamp>,
}

/// In the order of acceptance.
#[derive(Default)]
pub(crate) struct Schedule(Vec<Pending>);

impl Schedule {
    pub(crate) fn push(&mut self, pending: Pending) {
        self.0.push(pending);
    }

    /// The moment at which the next one settles.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.0.iter().filter_map(|pending| pending.due).min()
    }

    /// Removes the one that was due first, if it was due by now.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<Pending> {
        let due = self.next_due().filter(|due| *due <= now)?;
        let index = self.0.iter().position(|pending| pending.due == Some(due))?;
        Some(self.0.remove(index))
    }

    /// Removes all, due or not.
    pub(crate) fn take_all(&mut self) -> Vec<Pending> {
        std::mem::take(&mut self.0)
    }
}
