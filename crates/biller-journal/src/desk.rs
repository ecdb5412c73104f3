use biller_core::Reference;

use crate::{Cause, Change, Journal, Purchase, State, StoreError};

/// What a person has found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// The customer was charged and has got it.
    Charged,
    /// The customer was not charged, or got the money back.
    NotCharged,
}

/// Why a verdict was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecideError {
    /// There is no such purchase.
    #[error("no purchase has the reference")]
    NotFound,
    /// In this state there is nothing to decide, or not this.
    #[error("a purchase that is {0} cannot be decided so")]
    NotOpen(State),
    /// The note says nothing.
    #[error("a verdict needs a note that says how it is known")]
    NoNote,
    /// The store does not work, or the purchase kept changing meanwhile.
    #[error("the verdict was not written down")]
    Store(#[from] StoreError),
}

impl Journal {
    /// Records what a person has found out about a purchase, with the note that says how.
    ///
    /// An open purchase becomes succeeded or failed; one that was never sent can only become failed; one that failed becomes succeeded
    /// only after its late success. While it is being sent nothing can be decided. The attempt keeps the machine's last
    /// knowledge beside the verdict.
    ///
    /// # Errors
    /// See [`DecideError`].
    pub async fn decide(&self, reference: &Reference, ruling: Ruling, note: &str) -> Result<Purchase, DecideError> {
        if note.trim().is_empty() {
            return Err(DecideError::NoNote);
        }
        let mut tries = 0;
        loop {
            let purchase = self.get(reference).await?.ok_or(DecideError::NotFound)?;
            let to = match ruling {
                Ruling::Charged => State::Succeeded,
                Ruling::NotCharged => State::Failed,
            };
            let decidable = match (purchase.state, ruling) {
                (State::Pending | State::Unknown | State::NeedsPerson, _) => true,
                (State::Created | State::Prepared, Ruling::NotCharged) => true,
                (State::Failed, Ruling::Charged) => {
                    self.history(reference).await?.iter().any(|event| event.cause == Cause::LateSuccess)
                }
                _ => false,
            };
            if !decidable {
                return Err(DecideError::NotOpen(purchase.state));
            }
            let mut change = Change::of(purchase, self.inner.clock.now());
            change.raise_fence = true;
            change.purchase.reason = (to == State::Failed).then(|| note.trim().to_owned());
            change.purchase.due_at = None;
            change.note(Cause::Decided, to, note.trim().to_owned());
            match self.inner.watched(self.inner.store.write(&change).await) {
                Err(StoreError::Fenced) if tries < 5 => tries += 1,
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    self.inner.report(&change);
                    return Ok(change.purchase);
                }
            }
        }
    }
}
