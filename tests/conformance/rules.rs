//! What must hold after every case, judged by the server's own ledger and count.

use std::fmt;

use biller_core::{Attempt, ErrorKind, Outcome, Rupiah};
use biller_sandbox::{Charge, ChargeState};

use crate::bench::Bench;

/// The invariants, and three rules that cases without a fault add.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    SentOnce,
    NeverDenied,
    NeverInvented,
    EndsWithTheLedger,
    NoSecretShown,
    WrittenFirst,
    KeepsItsCourse,
    ExactMoney,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SentOnce => "invariant 1, money is asked for once",
            Self::NeverDenied => "invariant 2, what was executed is not denied",
            Self::NeverInvented => "invariant 3, what is said to be executed is in the ledger",
            Self::EndsWithTheLedger => "invariant 4, the end is the ledger's or a person's",
            Self::NoSecretShown => "invariant 5, no secret is shown",
            Self::WrittenFirst => "rule 6, written down before it is sent",
            Self::KeepsItsCourse => "rule 7, undisturbed it goes as it should",
            Self::ExactMoney => "rule 8, amounts are exact",
        })
    }
}

/// A rule that was broken, and how.
#[derive(Debug)]
pub struct Violation {
    pub rule: Rule,
    pub detail: String,
}

pub type Judgement = Result<(), Violation>;

pub fn require(holds: bool, rule: Rule, detail: impl FnOnce() -> String) -> Judgement {
    if holds { Ok(()) } else { Err(Violation { rule, detail: detail() }) }
}

/// (1) Of all requests that move money, one was received and one charged at most. Where the specification sends again to find out,
/// the ledger alone counts once that may have happened.
pub fn sent_once(bench: &Bench, resolving: bool) -> Judgement {
    let charges = bench.charges().len();
    require(charges <= 1, Rule::SentOnce, || format!("{charges} charges"))?;
    let received = bench.received();
    let may_send_again = resolving && bench.subject.sends_again_to_resolve();
    require(received <= 1 || may_send_again, Rule::SentOnce, || format!("the server received {received} payments"))
}

/// (2) and (3), for what was said of the purchase so far.
pub fn said(bench: &Bench, attempt: &Attempt, outcome: &Outcome) -> Judgement {
    let charges = bench.charges();
    match outcome {
        Outcome::Failed(refusal) => {
            let live = charges.iter().find(|charge| charge.state != ChargeState::Failed);
            require(live.is_none(), Rule::NeverDenied, || {
                format!("said failed ({refusal}); the ledger has {}", line(live))
            })
        }
        Outcome::Succeeded(receipt) => {
            let paid = charges.iter().find(|charge| charge.state == ChargeState::Succeeded);
            require(paid.is_some(), Rule::NeverInvented, || {
                format!("said succeeded; the ledger has {}", line(charges.first()))
            })?;
            // Where a reply lies about the amount, a person has been told what it says.
            let is_true = |amount: Rupiah| {
                let told = || attempt.attention().iter().any(|told| told.reason.contains(&amount.to_string()));
                paid.is_some_and(|paid| paid.amount == amount.get()) || told()
            };
            require(receipt.charged.is_none_or(is_true), Rule::ExactMoney, || {
                format!("charged {:?}, no person told; the ledger has {}", receipt.charged, line(paid))
            })
        }
        Outcome::Pending | Outcome::Unknown(_) => Ok(()),
    }
}

/// (4) The last word is the ledger's, or a person has been called and told the reference.
pub fn ended(bench: &Bench, attempt: &Attempt, outcome: &Outcome) -> Judgement {
    said(bench, attempt, outcome)?;
    if outcome.is_final() {
        return Ok(());
    }
    let called = !attempt.attention().is_empty();
    require(called, Rule::EndsWithTheLedger, || {
        format!("ends {} with no person called; the ledger has {}", show(outcome), line(bench.charges().first()))
    })?;
    let Outcome::Unknown(error) = outcome else { return Ok(()) };
    let reference = attempt.order().reference().as_str();
    require(error.reference() == Some(reference), Rule::EndsWithTheLedger, || {
        format!("left to a person without the reference: {error}")
    })
}

/// (5) Nothing that was shown holds a secret.
pub fn no_secret_shown(bench: &Bench) -> Judgement {
    let text = bench.shown.text();
    require(!text.is_empty(), Rule::NoSecretShown, || "nothing was shown, so nothing was tested".to_owned())?;
    let shown = bench.secrets().into_iter().find(|secret| text.contains(secret.as_str()));
    require(shown.is_none(), Rule::NoSecretShown, || {
        let secret = shown.unwrap_or_default();
        let row = text.lines().find(|line| line.contains(&secret)).unwrap_or_default();
        format!("a secret of {} characters in: {}", secret.len(), row.replace(&secret, "[secret]"))
    })
}

/// Every request for money found its purchase in the records, and what is known stands there too.
pub fn written(bench: &Bench, attempt: &Attempt) -> Judgement {
    let unwritten = bench.line.seen().into_iter().find(|seen| !seen.written);
    require(unwritten.is_none(), Rule::WrittenFirst, || {
        "money was asked for before the purchase was written down".to_owned()
    })?;
    if bench.received() == 0 {
        return Ok(());
    }
    let kept = bench.records.get(attempt.provider(), attempt.order().reference().as_str()).map(|kept| kept.stage());
    require(kept == Some(attempt.stage()), Rule::WrittenFirst, || {
        format!("the records say {kept:?}, the attempt {:?}", attempt.stage())
    })
}

/// An outcome in words, with what kind of doubt.
pub fn show(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Unknown(error) if error.kind() != ErrorKind::NotFound => format!("unknown ({error})"),
        other => other.word().to_owned(),
    }
}

fn line(charge: Option<&Charge>) -> String {
    charge.map_or("nothing".to_owned(), |charge| {
        format!("a {:?} charge of {} for {:?}", charge.state, charge.amount, charge.reference)
    })
}
