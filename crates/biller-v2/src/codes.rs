//! What response codes say about a purchase.
//!
//! Only the code decides: neither `success` nor any text takes part, since both differ between answers with the same code. The
//! provider publishes no list of codes. What its documents show is read as they say; what only other partners' programs know is
//! taken for a failure only where nothing can have been charged.
//!
//! Source: Bill Payment API v2, the pages named in each row; what a code proves about money is this crate's reading of it.

use biller_core::{ErrorKind, Verdict};

/// The calls that a code is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// Inquiry: no money can move, so that a failure is a refusal and may be tried again.
    Inquiry,
    /// Payment.
    Payment,
    /// Status.
    Status,
    /// A callback, which is read as a status.
    Callback,
}

impl Call {
    /// Every call, in the order of a purchase.
    pub const ALL: [Self; 4] = [Self::Inquiry, Self::Payment, Self::Status, Self::Callback];
}

/// One row of the table: one code, or all codes of a range that have no row of their own.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The first code.
    pub from: u64,
    /// The last code.
    pub to: u64,
    /// What it is said to mean.
    pub meaning: &'static str,
    /// Read for inquiries.
    pub inquiry: Verdict,
    /// Read for payments.
    pub payment: Verdict,
    /// Read for status calls and callbacks.
    pub status: Verdict,
    /// Where the meaning is known from.
    pub source: &'static str,
}

impl Row {
    /// What the row says about a call.
    pub fn verdict(&self, call: Call) -> Verdict {
        match call {
            Call::Inquiry => self.inquiry,
            Call::Payment => self.payment,
            Call::Status | Call::Callback => self.status,
        }
    }
}

const SAMPLES: &str = "Bill Payment API v2, Internet and TV";
const DATA_PACKAGES: &str = "Bill Payment API v2, Paket Data";
const PAYMENT: &str = "Bill Payment API v2, Payment";
const PARTNERS: &str = "other partners' programs";

const NOTHING: Verdict = Verdict::UNPROVEN;
const REFUSED: Verdict = Verdict::REFUSED;

const fn range(
    from: u64,
    to: u64,
    meaning: &'static str,
    [inquiry, payment, status]: [Verdict; 3],
    source: &'static str,
) -> Row {
    Row { from, to, meaning, inquiry, payment, status, source }
}

const fn row(code: u64, meaning: &'static str, verdicts: [Verdict; 3], source: &'static str) -> Row {
    range(code, code, meaning, verdicts, source)
}

/// Done: charged and delivered. No inquiry answers so.
const fn done(code: u64, source: &'static str) -> Row {
    row(code, "successful", [NOTHING, Verdict::Succeeded, Verdict::Succeeded], source)
}

/// Certainly not charged, or given back.
const fn failed(code: u64, meaning: &'static str) -> Row {
    row(code, meaning, [REFUSED, REFUSED, REFUSED], PARTNERS)
}

/// A refused inquiry; on a payment it proves nothing.
const fn inquiry_refused(code: u64, meaning: &'static str) -> Row {
    row(code, meaning, [REFUSED, NOTHING, NOTHING], PARTNERS)
}

/// A refused inquiry; a payment or status with this code is still to be asked about.
const fn open(code: u64, meaning: &'static str) -> Row {
    row(code, meaning, [REFUSED, NOTHING, NOTHING], PAYMENT)
}

/// Lies in the range of failures and is none: another purchase, or this one, may live.
const fn not_final(code: u64, meaning: &'static str, kind: ErrorKind) -> Row {
    row(code, meaning, [REFUSED, Verdict::Unknown(kind), Verdict::Unknown(kind)], PARTNERS)
}

/// Every code with a row of its own, in order.
pub const TABLE: &[Row] = &[
    done(0, SAMPLES),
    done(1, PARTNERS),
    done(2, PARTNERS),
    done(3, PARTNERS),
    done(4, DATA_PACKAGES),
    done(99, PARTNERS),
    failed(100, "operator fault"),
    failed(101, "connection fault"),
    not_final(102, "duplicate transaction: the first one may live", ErrorKind::Duplicate),
    failed(103, "wrong customer number"),
    failed(104, "invalid amount"),
    failed(105, "customer blocked by the biller"),
    failed(106, "limit exceeded"),
    failed(107, "customer blocked by the biller"),
    not_final(108, "duplicate transaction: the first one may live", ErrorKind::Duplicate),
    failed(109, "cut-off time"),
    failed(110, "product not available"),
    failed(111, "limit exceeded"),
    failed(112, "customer number blocked"),
    failed(114, "amount does not match"),
    failed(180, "system error"),
    failed(181, "inquiry service down"),
    not_final(183, "reference number not available: taken, or not found", ErrorKind::Unproven),
    failed(184, "product offline, or a problem of the partner"),
    failed(185, "inquiry not available"),
    failed(186, "product not found"),
    not_final(188, "transaction not available: reference not known", ErrorKind::NotFound),
    failed(198, "failed by hand"),
    failed(199, "general error"),
    row(299, "processing", [NOTHING, Verdict::Pending, Verdict::Pending], SAMPLES),
    row(300, "inquiry successful", [Verdict::Succeeded, NOTHING, NOTHING], SAMPLES),
    inquiry_refused(301, "bill older than three months, or over the limit"),
    inquiry_refused(302, "bill already paid"),
    inquiry_refused(303, "no bill"),
    inquiry_refused(304, "wrong customer number"),
    inquiry_refused(305, "biller disturbed, cut-off or product unavailable: later again"),
    inquiry_refused(306, "wrong customer number"),
    inquiry_refused(307, "wrong customer number"),
    inquiry_refused(308, "wrong customer number"),
    inquiry_refused(309, "bill already paid"),
    inquiry_refused(310, "biller disturbed, cut-off or product unavailable: later again"),
    inquiry_refused(311, "biller disturbed, cut-off or product unavailable: later again"),
    failed(312, "inquiry expired"),
    failed(313, "inquiry and payment differ"),
    inquiry_refused(314, "a mandatory bill is missing"),
    inquiry_refused(315, "above the maximum"),
    inquiry_refused(316, "configuration at the provider"),
    inquiry_refused(317, "configuration at the provider"),
    inquiry_refused(318, "configuration at the provider"),
    inquiry_refused(319, "configuration at the provider"),
    inquiry_refused(320, "only at the counter"),
    inquiry_refused(321, "bad request"),
    inquiry_refused(322, "configuration at the provider"),
    inquiry_refused(323, "configuration at the provider"),
    inquiry_refused(324, "last instalment"),
    inquiry_refused(330, "repeated within 30 minutes"),
    inquiry_refused(341, "product not found"),
    inquiry_refused(364, "operator error"),
    inquiry_refused(399, "general error"),
    open(401, "not authorised"),
    open(402, "cancelled"),
    open(403, "amount differs"),
    open(409, "inquiry expired"),
    open(490, "cancelled by the system"),
    open(495, "expired by the system"),
];

/// What the ranges say about codes without a row of their own.
pub const RANGES: &[Row] = &[
    range(0, 99, "successful, by range", [NOTHING, Verdict::Succeeded, Verdict::Succeeded], PARTNERS),
    range(100, 199, "failed and refunded, by range", [REFUSED, Verdict::UNLISTED, REFUSED], PARTNERS),
    range(200, 298, "processing, by range", [NOTHING, Verdict::Pending, Verdict::Pending], PARTNERS),
    range(301, 399, "inquiry failed, by range", [REFUSED, Verdict::UNLISTED, Verdict::UNLISTED], PARTNERS),
];

/// Reads a code for a call. Whatever lies outside of rows and ranges proves nothing.
pub fn verdict(code: u64, call: Call) -> Verdict {
    TABLE
        .iter()
        .chain(RANGES)
        .find(|row| (row.from..=row.to).contains(&code))
        .map_or(Verdict::UNLISTED, |row| row.verdict(call))
}

/// Whether a product list or a balance with this code can be used.
pub fn is_usable_list(code: u64) -> bool {
    matches!(code, 0..=99 | 300)
}
