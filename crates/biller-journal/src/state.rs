use std::fmt;

use serde::{Deserialize, Serialize};

/// How far a purchase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Submitted and durable; nothing has been asked yet.
    Created,
    /// Checked, and held back before sending for the reason that stands beside it.
    Prepared,
    /// About to be sent, or sent; the answer is not written down yet.
    Sending,
    /// The provider works on it.
    Pending,
    /// May have been charged; the provider is asked by its own rule.
    Unknown,
    /// Only a person can settle it, unless the provider still gives a final answer.
    NeedsPerson,
    /// Final: charged and delivered.
    Succeeded,
    /// Final: not charged, or charged and given back.
    Failed,
}

impl State {
    /// Every state, in the order of a purchase's life.
    pub const ALL: [Self; 8] = [
        Self::Created,
        Self::Prepared,
        Self::Sending,
        Self::Pending,
        Self::Unknown,
        Self::NeedsPerson,
        Self::Succeeded,
        Self::Failed,
    ];

    /// The word for it in stores, logs and tables.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Prepared => "prepared",
            Self::Sending => "sending",
            Self::Pending => "pending",
            Self::Unknown => "unknown",
            Self::NeedsPerson => "needs_person",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// The state of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether it never changes again by itself.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }

    /// Whether money may have moved without a final answer: an equal purchase must wait where the provider cannot tell them apart.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Sending | Self::Pending | Self::Unknown | Self::NeedsPerson)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What brought an event about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// The caller handed the order in.
    Submitted,
    /// The provider or its client checked the order.
    Prepared,
    /// The purchase has to wait before it is sent.
    HeldBack,
    /// The purchase is about to be sent.
    Sending,
    /// The payment's answer, or the lack of one.
    Paid,
    /// It was being sent when its worker vanished.
    Recovered,
    /// The provider was asked.
    Looked,
    /// The provider was asked because a callback came.
    CallbackFollowed,
    /// The time for sending ran out.
    Expired,
    /// A fuller receipt was had.
    ReceiptCompleted,
    /// The provider now says success of a purchase that had failed.
    LateSuccess,
    /// The provider contradicts a final state in another way.
    Contradiction,
    /// The serial or token is also that of another purchase at the provider: one of the two has not got its own.
    SerialShared,
    /// A person decided.
    Decided,
    /// The deposit fell below the threshold, or rose above it again.
    Balance,
}

impl Cause {
    const ALL: [Self; 15] = [
        Self::Submitted,
        Self::Prepared,
        Self::HeldBack,
        Self::Sending,
        Self::Paid,
        Self::Recovered,
        Self::Looked,
        Self::CallbackFollowed,
        Self::Expired,
        Self::ReceiptCompleted,
        Self::LateSuccess,
        Self::Contradiction,
        Self::SerialShared,
        Self::Decided,
        Self::Balance,
    ];

    /// The word for it in stores, logs and tables.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Prepared => "prepared",
            Self::HeldBack => "held_back",
            Self::Sending => "sending",
            Self::Paid => "paid",
            Self::Recovered => "recovered",
            Self::Looked => "looked",
            Self::CallbackFollowed => "callback_followed",
            Self::Expired => "expired",
            Self::ReceiptCompleted => "receipt_completed",
            Self::LateSuccess => "late_success",
            Self::Contradiction => "contradiction",
            Self::SerialShared => "serial_shared",
            Self::Decided => "decided",
            Self::Balance => "balance",
        }
    }

    /// The cause of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.word() == word)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A row of [`TRANSITIONS`]: from these states, this cause may lead to those.
#[derive(Clone, Copy, Debug)]
pub struct Transition {
    /// Where it may begin.
    pub from: &'static [State],
    /// What brings it about.
    pub cause: Cause,
    /// Where it may end.
    pub to: &'static [State],
}

const fn row(from: &'static [State], cause: Cause, to: &'static [State]) -> Transition {
    Transition { from, cause, to }
}

use State::{Created, Failed, NeedsPerson, Pending, Prepared, Sending, Succeeded, Unknown};

/// Every change of state that is possible; a store refuses all others.
pub const TRANSITIONS: &[Transition] = &[
    row(&[Created], Cause::Prepared, &[Prepared, Failed]),
    row(&[Created, Prepared], Cause::HeldBack, &[Prepared]),
    row(&[Created, Prepared], Cause::Expired, &[Failed]),
    row(&[Created, Prepared], Cause::Decided, &[Failed]),
    row(&[Prepared], Cause::Prepared, &[Failed]),
    row(&[Created, Prepared], Cause::Sending, &[Sending]),
    row(&[Created, Prepared], Cause::Paid, &[Failed]),
    row(&[Sending], Cause::Paid, &[Pending, Unknown, NeedsPerson, Succeeded, Failed]),
    row(&[Sending], Cause::Recovered, &[Unknown]),
    row(&[Pending], Cause::Looked, &[NeedsPerson, Succeeded, Failed]),
    row(&[Pending], Cause::CallbackFollowed, &[NeedsPerson, Succeeded, Failed]),
    row(&[Unknown], Cause::Looked, &[Pending, NeedsPerson, Succeeded, Failed]),
    row(&[Unknown], Cause::CallbackFollowed, &[Pending, NeedsPerson, Succeeded, Failed]),
    row(&[NeedsPerson], Cause::Looked, &[Succeeded, Failed]),
    row(&[NeedsPerson], Cause::CallbackFollowed, &[Succeeded, Failed]),
    row(&[Pending, Unknown, NeedsPerson], Cause::Decided, &[Succeeded, Failed]),
    row(&[Failed], Cause::Decided, &[Succeeded]),
];

/// Whether the table has that change.
pub(crate) fn allowed(from: State, cause: Cause, to: State) -> bool {
    TRANSITIONS.iter().any(|row| row.cause == cause && row.from.contains(&from) && row.to.contains(&to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_one_state_and_one_cause_each() {
        for state in State::ALL {
            assert_eq!(State::from_word(state.word()), Some(state));
        }
        for cause in Cause::ALL {
            assert_eq!(Cause::from_word(cause.word()), Some(cause));
        }
        assert_eq!((State::from_word("paid"), Cause::from_word("")), (None, None));
    }

    #[test]
    fn nothing_leaves_a_final_state_but_a_persons_word_on_a_late_success() {
        let leaving: Vec<_> = TRANSITIONS.iter().filter(|row| row.from.iter().any(|from| from.is_final())).collect();
        assert_eq!(leaving.len(), 1);
        assert_eq!(
            (leaving[0].from, leaving[0].cause, leaving[0].to),
            (&[Failed][..], Cause::Decided, &[Succeeded][..])
        );
    }

    #[test]
    fn sending_is_entered_only_before_anything_was_sent() {
        for from in State::ALL {
            for cause in Cause::ALL {
                let fresh = matches!(from, Created | Prepared) && cause == Cause::Sending;
                assert_eq!(allowed(from, cause, Sending), fresh, "{from} {cause}");
            }
        }
    }

    #[test]
    fn a_purchase_that_may_have_been_charged_never_goes_back() {
        for from in [Sending, Pending, Unknown, NeedsPerson, Succeeded, Failed] {
            for cause in Cause::ALL {
                assert!(!allowed(from, cause, Created) && !allowed(from, cause, Prepared), "{from} {cause}");
            }
        }
    }

    #[test]
    fn the_readme_prints_the_table() {
        let words = |states: &[State]| states.iter().map(|state| state.word()).collect::<Vec<_>>().join(", ");
        let printed: Vec<String> = TRANSITIONS
            .iter()
            .map(|row| format!("| {} | {} | {} |", words(row.from), row.cause, words(row.to)))
            .collect();
        let readme = include_str!("../README.md").replace("\r\n", "\n");
        assert!(readme.contains(&printed.join("\n")), "the README should have\n{}", printed.join("\n"));
    }
}
