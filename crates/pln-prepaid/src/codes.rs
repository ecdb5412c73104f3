//! What MyBills' codes say about a purchase.
//!
//! A code is a text of two characters, `401` of three. Messages are never looked at, and the HTTP status plays no part: nothing says
//! how it goes with the code.
//!
//! Source of codes and meanings: MyBills documentation, response codes; 00 and 03 also in PLN Prepaid. What a code proves about
//! money is this crate's reading of it, except where a row's source says otherwise.

use biller_core::{ErrorKind, Verdict};

/// The calls that a code is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// No money can move: `Failed` means refused, `Unknown` no usable answer.
    Inquiry,
    /// The call that moves money.
    Payment,
    /// What is now known of the purchase; `Unknown`: nothing was learnt.
    Advice,
    /// What a callback claims. It settles nothing, whatever it says.
    Callback,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The code.
    pub code: &'static str,
    /// What the document calls it.
    pub meaning: &'static str,
    /// Read for an inquiry.
    pub inquiry: Verdict,
    /// Read for a payment.
    pub payment: Verdict,
    /// Read for an advice.
    pub advice: Verdict,
    /// Read for a callback: what it claims.
    pub callback: Verdict,
    /// Where code and meaning stand, and who says what it proves.
    pub source: &'static str,
}

const REFUSED: Verdict = Verdict::REFUSED;
const NOTHING: Verdict = Verdict::UNPROVEN;
const TWIN: Verdict = Verdict::Unknown(ErrorKind::Duplicate);
const NOT_FOUND: Verdict = Verdict::Unknown(ErrorKind::NotFound);
const TROUBLE: Verdict = Verdict::Unknown(ErrorKind::Unavailable);
const TRY_LATER: Verdict = Verdict::Failed(ErrorKind::Unavailable);

const LISTED: &str = "MyBills documentation, response codes; reading of this crate";
const FLOW: &str = "MyBills documentation, response codes and biller flow";
const SCENARIOS: &str = "MyBills documentation, response codes and test scenarios; reading of this crate at payment";
const PRINTED: &str = "MyBills documentation, response codes; PLN Prepaid, API Callback";

const fn row(code: &'static str, meaning: &'static str, inquiry: Verdict, payment: Verdict, advice: Verdict) -> Row {
    Row { code, meaning, inquiry, payment, advice, callback: advice, source: LISTED }
}

const fn from(source: &'static str, row: Row) -> Row {
    Row { source, ..row }
}

/// Every listed code.
pub const TABLE: &[Row] = &[
    from(PRINTED, row("00", "success", Verdict::Succeeded, Verdict::Succeeded, Verdict::Succeeded)),
    from(FLOW, row("02", "pending", NOTHING, Verdict::Pending, Verdict::Pending)),
    from(PRINTED, row("03", "failed", REFUSED, REFUSED, REFUSED)),
    row("05", "expired", REFUSED, NOTHING, REFUSED),
    row("06", "suspect", NOTHING, NOTHING, NOTHING),
    row("07", "system error", TROUBLE, TROUBLE, TROUBLE),
    row("08", "transaction terminated", REFUSED, NOTHING, NOTHING),
    row("09", "duplicate partnerReferenceNo", Verdict::Failed(ErrorKind::Duplicate), TWIN, NOTHING),
    row("10", "product code does not exist", REFUSED, REFUSED, NOTHING),
    row("12", "invalid partner id", REFUSED, REFUSED, NOTHING),
    row("13", "invalid signature", REFUSED, REFUSED, NOTHING),
    row(
        "401",
        "JWT expired",
        Verdict::Failed(ErrorKind::TokenRefused),
        Verdict::Failed(ErrorKind::TokenRefused),
        Verdict::Unknown(ErrorKind::TokenRefused),
    ),
    row("14", "invalid customer id", REFUSED, REFUSED, REFUSED),
    row("15", "invalid transaction", REFUSED, NOTHING, NOTHING),
    row("16", "inactive customer or account", REFUSED, REFUSED, REFUSED),
    row("17", "payment already paid", Verdict::Failed(ErrorKind::Duplicate), TWIN, NOTHING),
    from(SCENARIOS, row("18", "inquiry already paid", Verdict::Failed(ErrorKind::Duplicate), TWIN, REFUSED)),
    row("19", "period above the maximum", REFUSED, REFUSED, REFUSED),
    row("20", "inquiry only, or purchase data not available", REFUSED, NOTHING, NOT_FOUND),
    row("21", "transaction aborted", REFUSED, NOTHING, REFUSED),
    row("22", "transaction not found", Verdict::Failed(ErrorKind::NotFound), NOT_FOUND, NOT_FOUND),
    row("24", "cannot be processed by biller or operator", REFUSED, REFUSED, REFUSED),
    row("25", "already succeeded within 24 hours", Verdict::Failed(ErrorKind::Duplicate), TWIN, NOTHING),
    row("26", "cross cluster or region", REFUSED, REFUSED, REFUSED),
    row("27", "duplicate transaction", Verdict::Failed(ErrorKind::Duplicate), TWIN, NOTHING),
    row("28", "total kWh above the maximum", REFUSED, REFUSED, REFUSED),
    row("29", "product disruption", TRY_LATER, TROUBLE, TROUBLE),
    row("30", "product closed", REFUSED, REFUSED, REFUSED),
    row("36", "excessive balance", REFUSED, REFUSED, REFUSED),
    row("37", "customer account blocked", REFUSED, REFUSED, REFUSED),
    row("38", "amount below minimum", REFUSED, REFUSED, REFUSED),
    row("39", "invalid request parameter", REFUSED, REFUSED, NOTHING),
    row(
        "40",
        "time limit reached, wait a moment",
        Verdict::Failed(ErrorKind::Throttled),
        Verdict::Unknown(ErrorKind::Throttled),
        Verdict::Unknown(ErrorKind::Throttled),
    ),
    from(SCENARIOS, row("96", "biller disruption", TRY_LATER, TROUBLE, REFUSED)),
    row("97", "system cut-off", TRY_LATER, TROUBLE, TROUBLE),
];

/// Reads a code for a call. What the table does not list proves nothing.
pub fn verdict(code: &str, call: Call) -> Verdict {
    TABLE.iter().find(|row| row.code == code).map_or(Verdict::UNLISTED, |row| match call {
        Call::Inquiry => row.inquiry,
        Call::Payment => row.payment,
        Call::Advice => row.advice,
        Call::Callback => row.callback,
    })
}

/// Whether an advice that is answered so says that our own settings or requests are wrong.
pub(crate) fn blames_us(code: &str) -> bool {
    matches!(code, "10" | "12" | "13" | "39")
}
