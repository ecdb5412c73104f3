//! Which row of the history is a purchase: SIDOMPUL takes no reference of ours, so destination, amount, product and time decide.
//!
//! Pure. A row is never taken when another purchase could be its owner, and the absence of a row proves nothing.

use std::time::Duration;

use biller_core::{Msisdn, Rupiah, Timestamp, Verdict};
use serde::{Deserialize, Serialize};

use crate::model::{HistoryDetailRow, HistoryRow};

/// How far the provider's clock may be behind ours.
pub(crate) const SKEW: Duration = Duration::from_secs(120);
/// How late a purchase may be dated after its reply.
const LATEST: Duration = Duration::from_secs(15 * 60);
/// How far the dates of one sale may lie apart in history and detail.
const SAME_SALE: Duration = Duration::from_secs(120);
/// What a reload may cost beyond its denomination.
const FEE: Rupiah = Rupiah::new(2_000);

/// What is bought, as far as a row can show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Goods {
    Reload { denomination: Rupiah, expected_price: Option<Rupiah> },
    Package { code: String, name: String, price: Option<Rupiah> },
}

impl Goods {
    /// Whether a record with this amount can be of it: always, where no price is known.
    pub(crate) fn may_cost(&self, amount: Rupiah) -> bool {
        match self {
            Self::Reload { denomination, expected_price } => reload_costs(*denomination, *expected_price, amount),
            Self::Package { price, .. } => price.is_none_or(|price| amount == price),
        }
    }
}

/// A sale as history and detail show it, without its status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trace {
    pub date: Option<Timestamp>,
    pub service_type: Option<String>,
    pub product: Option<String>,
    pub amount: Option<Rupiah>,
    /// `serial_number` in the history, `traceId` in the detail.
    pub serial: Option<String>,
    /// In the detail only.
    pub transaction_id: Option<String>,
    /// Whether it was read in the detail.
    pub is_detail: bool,
}

/// A row about the destination.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub trace: Trace,
    pub verdict: Verdict,
    pub word: Option<String>,
    pub message: Option<String>,
}

/// A purchase that was sent: what is needed to recognise it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub goods: Goods,
    pub sent_at: Timestamp,
    pub ended_at: Timestamp,
    /// The rows about the destination that were there before; none where nobody looked.
    pub seen: Option<Vec<Trace>>,
    pub trace_no: Option<String>,
    pub transaction_id: Option<String>,
    /// The row that it has been credited with.
    pub claimed: Option<Trace>,
}

/// What a list of rows says about one purchase.
#[derive(Debug)]
pub(crate) enum Match<'a> {
    /// Exactly this row.
    One(&'a Row),
    /// None, or one that does not fit well enough or may be another purchase's.
    Unproven(Vec<&'a Row>),
    /// Several.
    Ambiguous(Vec<&'a Row>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Strength {
    Weak,
    Strong,
}

/// Finds the row of `ours` among rows about its destination. `others` are all other purchases for it that may have left a row.
pub(crate) fn find<'a>(rows: &'a [Row], ours: &Sent, others: &[Sent]) -> Match<'a> {
    let free = |row: &&Row| !others.iter().any(|other| other.owns(&row.trace, rows));
    if let Some(row) = ours.named_row(rows) {
        return if free(&row) { Match::One(row) } else { Match::Ambiguous(vec![row]) };
    }
    let candidates: Vec<(&Row, Strength)> =
        rows.iter().filter(free).filter_map(|row| ours.strength(&row.trace).map(|strength| (row, strength))).collect();
    match candidates.as_slice() {
        [] => Match::Unproven(Vec::new()),
        [(row, Strength::Strong)] if !is_contested(row, rows, others) => Match::One(row),
        [(row, _)] => Match::Unproven(vec![row]),
        several => Match::Ambiguous(several.iter().map(|(row, _)| *row).collect()),
    }
}

/// The provider's id in the one detail row that shows the sale `trace` of the history and cannot be another purchase's.
pub(crate) fn id_of<'a>(trace: &Trace, details: &'a [Row], others: &[Sent]) -> Option<&'a str> {
    let mut same = details.iter().filter(|row| row.verdict == Verdict::Succeeded && row.trace.same_sale(trace));
    let row = same.next().filter(|_| same.next().is_none())?;
    if is_contested(row, details, others) {
        return None;
    }
    row.trace.transaction_id.as_deref()
}

/// Whether a row is known to be another purchase's, or could be that of one whose row is not known.
fn is_contested(row: &Row, rows: &[Row], others: &[Sent]) -> bool {
    others
        .iter()
        .any(|other| other.owns(&row.trace, rows) || (!other.is_settled_in(rows) && other.could_be(&row.trace)))
}

impl Sent {
    /// How well a row fits; `None` when it is not taken for this purchase.
    fn strength(&self, trace: &Trace) -> Option<Strength> {
        if self.seen.iter().flatten().any(|seen| seen.same_sale(trace)) {
            return None;
        }
        let from = if self.seen.is_some() { self.sent_at.before(SKEW) } else { self.sent_at };
        self.fit(trace, from)
    }

    /// Whether a row could be this purchase's, in doubt yes: then it is no other's.
    fn could_be(&self, trace: &Trace) -> bool {
        !self.seen.iter().flatten().any(|seen| seen == trace) && self.fit(trace, self.sent_at.before(SKEW)).is_some()
    }

    /// How well kind, product, amount and date fit.
    fn fit(&self, trace: &Trace, from: Timestamp) -> Option<Strength> {
        if self.is_other_kind(trace) {
            return None;
        }
        let fit = match &self.goods {
            Goods::Reload { .. } => match trace.amount.map(|amount| self.goods.may_cost(amount)) {
                Some(true) => Strength::Strong,
                Some(false) => return None,
                None => Strength::Weak,
            },
            Goods::Package { code, name, price } => {
                let product = trace.product.as_deref().map(plain).filter(|product| !product.is_empty());
                let product = product.map(|product| product == plain(name) || product == plain(code));
                let amount = trace.amount.filter(|_| price.is_some()).map(|amount| self.goods.may_cost(amount));
                match (product, amount) {
                    (Some(true), Some(true) | None) | (None, Some(true)) => Strength::Strong,
                    (Some(true), Some(false)) | (None, None) | (Some(false), Some(true)) => Strength::Weak,
                    (None, Some(false)) | (Some(false), Some(false) | None) => return None,
                }
            }
        };
        let Some(date) = trace.date else { return Some(Strength::Weak) };
        (from <= date && date <= self.ended_at.after(LATEST)).then_some(fit)
    }

    fn is_other_kind(&self, trace: &Trace) -> bool {
        let kind = trace.service_type.as_deref().unwrap_or_default().trim().to_lowercase();
        match self.goods {
            Goods::Reload { .. } => kind == "fulfillment" || kind == "package",
            Goods::Package { .. } => kind == "w2p",
        }
    }

    /// The one row that carries the number which the purchase's reply showed.
    fn named_row<'a>(&self, rows: &'a [Row]) -> Option<&'a Row> {
        let number = self.trace_no.as_deref()?;
        let mut named = rows.iter().filter(|row| row.trace.serial.as_deref().map(str::trim) == Some(number));
        named.next().filter(|_| named.next().is_none())
    }

    /// Whether a row is known to be this purchase's.
    fn owns(&self, trace: &Trace, rows: &[Row]) -> bool {
        let same_id = self.transaction_id.is_some() && self.transaction_id == trace.transaction_id;
        same_id
            || self.claimed.as_ref().is_some_and(|claimed| claimed.same_sale(trace))
            || self.named_row(rows).is_some_and(|row| row.trace == *trace)
    }

    /// Whether this purchase's row is known, so that it has no use for another.
    fn is_settled_in(&self, rows: &[Row]) -> bool {
        self.claimed.is_some() || rows.iter().any(|row| self.owns(&row.trace, rows))
    }
}

impl Trace {
    /// Whether both show the same sale. Between history and detail only amount and date can be compared.
    pub(crate) fn same_sale(&self, other: &Self) -> bool {
        if self.is_detail == other.is_detail {
            return self == other;
        }
        let agree = |one: Option<Rupiah>, two: Option<Rupiah>| one.zip(two).is_none_or(|(one, two)| one == two);
        let near = self.date.zip(other.date).is_none_or(|(one, two)| one.since(two).max(two.since(one)) <= SAME_SALE);
        agree(self.amount, other.amount) && near
    }
}

/// The denomination or the expected price; or from 95 % of the denomination to 2.000 above it, because a sale of 5.000 has been seen
/// at 5.850.
fn reload_costs(denomination: Rupiah, expected_price: Option<Rupiah>, amount: Rupiah) -> bool {
    let not_below = amount.checked_mul(100) >= denomination.checked_mul(95);
    let not_above = denomination.checked_add(FEE).is_some_and(|most| amount <= most);
    Some(amount) == expected_price || (not_below && not_above)
}

/// Without regard to case and to how many blanks there are.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// The rows of the history about one number.
pub(crate) fn from_history(rows: Vec<HistoryRow>, destination: &Msisdn) -> Vec<Row> {
    let about = |number: &Option<String>| is_number(number.as_deref(), destination);
    let rows = rows.into_iter().filter(|row| about(&row.dest_number));
    rows.map(|row| Row {
        verdict: row.status(),
        trace: Trace {
            date: row.date,
            service_type: row.service_type,
            product: row.product,
            amount: row.amount,
            serial: row.serial_number,
            transaction_id: None,
            is_detail: false,
        },
        word: row.status,
        message: None,
    })
    .collect()
}

/// The rows of the detail about one number.
pub(crate) fn from_detail(rows: Vec<HistoryDetailRow>, destination: &Msisdn) -> Vec<Row> {
    let rows = rows.into_iter().filter(|row| is_number(row.msisdn_b.as_deref(), destination));
    rows.map(|row| Row {
        verdict: row.status(),
        trace: Trace {
            date: row.date,
            service_type: row.transaction_type,
            product: None,
            amount: row.amount,
            serial: row.trace_id,
            transaction_id: row.transaction_id,
            is_detail: true,
        },
        word: row.status,
        message: row.status_detail,
    })
    .collect()
}

fn is_number(text: Option<&str>, number: &Msisdn) -> bool {
    text.and_then(|text| Msisdn::parse(text).ok()).is_some_and(|other| other == *number)
}

/// For a person: date, amount and status of each row, nothing that could be spent.
pub(crate) fn list(rows: &[&Row]) -> String {
    let one = |row: &&Row| {
        let date = row.trace.date.map_or("no date".to_owned(), |date| date.to_wib_seconds());
        let amount = row.trace.amount.map_or("no amount".to_owned(), |amount| amount.to_string());
        format!("{date} {amount} {}", row.verdict)
    };
    rows.iter().map(one).collect::<Vec<_>>().join("; ")
}
