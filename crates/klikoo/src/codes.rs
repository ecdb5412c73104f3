//! What Klikoo's codes and status words say about a purchase.
//!
//! A code has nine digits: HTTP status (3), service (2), case (4); the service plays no part. Seven-digit codes occur too: HTTP
//! status (3), service (2), case (2); of these only success means something. Messages are never looked at: one case has two
//! different texts.
//!
//! Source: Klikoo Open API, page "APIs Response Code"; what a code proves about money is this crate's reading of it.

use biller_core::{ErrorKind, Verdict};

/// The calls that a code is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// Token, inquiries and balance: no money can move.
    Inquiry,
    /// Buy.
    Buy,
    /// Detail and history: a code other than success tells nothing about the purchase.
    Status,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// First three digits: the HTTP status.
    pub http: u16,
    /// Last four digits: the case.
    pub case: u16,
    /// What the document calls it.
    pub meaning: &'static str,
    /// Read for token, inquiries and balance.
    pub inquiry: Verdict,
    /// Read for buy. `Pending` for the success codes: accepted, and the status word decides.
    pub buy: Verdict,
    /// Read for detail and history. `Succeeded`: there is a record to read.
    pub status: Verdict,
}

const NOTHING: Verdict = Verdict::UNPROVEN;

const fn row(http: u16, case: u16, meaning: &'static str, inquiry: Verdict, buy: Verdict, status: Verdict) -> Row {
    Row { http, case, meaning, inquiry, buy, status }
}

/// Refused before anything ran, on every call that could run something.
const fn refused(http: u16, case: u16, meaning: &'static str) -> Row {
    row(http, case, meaning, Verdict::REFUSED, Verdict::REFUSED, NOTHING)
}

/// Trouble on the provider's side, which leaves everything open.
const fn trouble(http: u16, case: u16, meaning: &'static str) -> Row {
    let open = Verdict::Unknown(ErrorKind::Unavailable);
    row(http, case, meaning, open, open, open)
}

/// The token was refused before anything ran: it is renewed once.
const fn token(http: u16, case: u16, meaning: &'static str) -> Row {
    let refused = Verdict::Failed(ErrorKind::TokenRefused);
    row(http, case, meaning, refused, refused, refused)
}

/// Every listed code; the case 9998 is a definite refusal of an inquiry although its HTTP part is 503.
pub const TABLE: &[Row] = &[
    row(200, 2000, "success", Verdict::Succeeded, Verdict::Pending, Verdict::Succeeded),
    row(201, 2001, "created", Verdict::Succeeded, Verdict::Pending, Verdict::Succeeded),
    refused(400, 6505, "time does not fit"),
    refused(400, 6508, "signature does not fit"),
    refused(400, 6510, "validation error"),
    refused(400, 6512, "field must not be empty"),
    refused(400, 6525, "product does not fit"),
    refused(404, 6525, "product does not fit"),
    refused(400, 6568, "UUID does not fit"),
    refused(400, 6569, "grant type does not fit"),
    token(401, 6500, "token does not fit"),
    token(401, 6535, "token expired"),
    refused(401, 6570, "credentials do not fit"),
    refused(403, 6524, "verification needed first"),
    refused(403, 6567, "user type is not b2b"),
    refused(403, 6571, "address not in the whitelist"),
    refused(403, 6572, "user type is not irs"),
    row(404, 7001, "user data could not be fetched", Verdict::REFUSED, NOTHING, NOTHING),
    refused(404, 7002, "customer number not found"),
    refused(404, 7003, "product not found"),
    row(
        404,
        7005,
        "transaction not found",
        Verdict::Failed(ErrorKind::NotFound),
        Verdict::Unknown(ErrorKind::NotFound),
        Verdict::Unknown(ErrorKind::NotFound),
    ),
    refused(404, 7009, "account disabled or blocked"),
    refused(404, 7011, "wrong customer number"),
    refused(404, 7012, "last instalment, visit the branch"),
    row(
        409,
        6563,
        "reference already used",
        Verdict::Failed(ErrorKind::Duplicate),
        Verdict::Unknown(ErrorKind::Duplicate),
        NOTHING,
    ),
    trouble(500, 8504, "storage trouble"),
    trouble(500, 8505, "storage trouble"),
    trouble(500, 8601, "storage trouble"),
    trouble(500, 9975, "user data not set"),
    trouble(500, 9992, "provider unknown"),
    trouble(500, 9999, "ask the admin"),
    refused(501, 9976, "not implemented"),
    trouble(503, 9991, "supplier in trouble"),
    row(503, 9998, "amount below minimum plus fee, or customer not recognised", Verdict::REFUSED, NOTHING, NOTHING),
];

/// Reads a code for a call. What the table does not list proves nothing.
pub fn verdict(code: &str, call: Call) -> Verdict {
    let Some((http, case)) = split(code) else { return Verdict::UNLISTED };
    TABLE.iter().find(|row| (row.http, row.case) == (http, case)).map_or(Verdict::UNLISTED, |row| match call {
        Call::Inquiry => row.inquiry,
        Call::Buy => row.buy,
        Call::Status => row.status,
    })
}

/// HTTP part and case. The two successes among the seven-digit codes are read as the nine-digit ones.
fn split(code: &str) -> Option<(u16, u16)> {
    if !code.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let http = code.get(..3)?.parse().ok()?;
    match (code.len(), http, code.get(5..)?) {
        (9, _, case) => Some((http, case.parse().ok()?)),
        (7, 200, "00") => Some((200, 2000)),
        (7, 201, "00") => Some((201, 2001)),
        _ => None,
    }
}

/// Status words, compared without case, blanks, `_` and `-`. An absent word is pending: accepted, nothing more is known.
pub const WORDS: &[(&str, Verdict)] = &[
    ("SUCCESS", Verdict::Succeeded),
    ("SUCCEED", Verdict::Succeeded),
    ("SUCCESSFUL", Verdict::Succeeded),
    ("SUKSES", Verdict::Succeeded),
    ("", Verdict::Pending),
    ("PENDING", Verdict::Pending),
    ("INPROGRESS", Verdict::Pending),
    ("PROCESS", Verdict::Pending),
    ("PROCESSING", Verdict::Pending),
    ("PROSES", Verdict::Pending),
    ("FAILED", Verdict::REFUSED),
    ("FAIL", Verdict::REFUSED),
    ("GAGAL", Verdict::REFUSED),
];

/// Reads a status word. Any word that is not listed, `REFUND` and `CANCEL` among them, proves nothing.
pub fn status_verdict(word: Option<&str>) -> Verdict {
    let word: String = word
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_whitespace() && !"_-".contains(*c))
        .flat_map(char::to_uppercase)
        .collect();
    WORDS.iter().find(|(listed, _)| *listed == word).map_or(Verdict::UNLISTED, |(_, verdict)| *verdict)
}
