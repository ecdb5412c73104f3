//! What gateway codes, error codes and words say about a call.
//!
//! SIDOMPUL publishes one code of its own, `00`; every other one proves nothing unless the caller names it in the setting
//! `refused_codes`. The gateway's codes do prove something: most of them say that the request never reached the backend.

use std::ops::RangeInclusive;

use biller_core::{ErrorKind, Verdict};

/// The calls that a code is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// Token, encryption, balances, lists, history and details.
    Read,
    /// Everything that moves money: reload, packages, injects.
    Purchase,
}

/// One row of the gateway's table.
#[derive(Clone, Debug)]
pub struct Row {
    /// The codes, both ends included.
    pub codes: RangeInclusive<u32>,
    /// What they mean.
    pub meaning: &'static str,
    /// Read for a call that moves no money.
    pub read: Verdict,
    /// Read for a purchase.
    pub purchase: Verdict,
    /// The document that says so.
    pub source: &'static str,
}

const ERROR_HANDLING: &str = "WSO2 API Manager, Error Handling";
const SUSPENSION: &str = "WSO2 API Manager, Endpoint Suspension";

const fn row(codes: RangeInclusive<u32>, meaning: &'static str, verdict: Verdict, source: &'static str) -> Row {
    Row { codes, meaning, read: verdict, purchase: verdict, source }
}

const TOKEN: Verdict = Verdict::Failed(ErrorKind::TokenRefused);
const THROTTLED: Verdict = Verdict::Failed(ErrorKind::Throttled);

/// The gateway's codes. In a read and in a purchase they prove the same: whether the backend can have seen the request.
pub const GATEWAY: &[Row] = &[
    row(900_901..=900_901, "token invalid", TOKEN, ERROR_HANDLING),
    row(900_903..=900_904, "token expired or inactive", TOKEN, ERROR_HANDLING),
    row(900_902..=900_902, "no credentials", Verdict::REFUSED, ERROR_HANDLING),
    row(900_905..=900_911, "access refused before the backend", Verdict::REFUSED, ERROR_HANDLING),
    row(
        900_900..=900_900,
        "key check failed before the backend",
        Verdict::Failed(ErrorKind::Unavailable),
        ERROR_HANDLING,
    ),
    row(900_800..=900_807, "throttled before the backend", THROTTLED, ERROR_HANDLING),
    row(700_700..=700_700, "API blocked", THROTTLED, ERROR_HANDLING),
    row(303_001..=303_001, "endpoint suspended, not forwarded", Verdict::Failed(ErrorKind::Unavailable), SUSPENSION),
    // The code is a base plus a protocol state: the connection may have been refused, or lost after the request went out.
    row(101_000..=101_599, "transport to the backend failed", Verdict::Unknown(ErrorKind::Unavailable), ERROR_HANDLING),
    row(102_511..=102_511, "incomplete payload", Verdict::UNPROVEN, ERROR_HANDLING),
    row(303_000..=303_000, "endpoint not ready", Verdict::UNPROVEN, ERROR_HANDLING),
    row(303_002..=303_002, "endpoint switched off", Verdict::UNPROVEN, ERROR_HANDLING),
];

/// What the gateway answers where it has no such API, resource or method: a setting is wrong.
pub const STATUS_REPORT: &[Row] = &[row(
    403..=405,
    "no such API, resource or method at the gateway",
    Verdict::Failed(ErrorKind::Configuration),
    ERROR_HANDLING,
)];

/// Reads a gateway fault.
pub fn gateway_verdict(code: u32, is_status_report: bool, call: Call) -> Verdict {
    row_of(code, is_status_report).map_or(Verdict::UNLISTED, |row| match call {
        Call::Read => row.read,
        Call::Purchase => row.purchase,
    })
}

/// What a gateway code means, where it is listed.
pub fn gateway_meaning(code: u32, is_status_report: bool) -> &'static str {
    row_of(code, is_status_report).map_or("a gateway code that is not listed", |row| row.meaning)
}

fn row_of(code: u32, is_status_report: bool) -> Option<&'static Row> {
    let reports = if is_status_report { STATUS_REPORT } else { &[] };
    GATEWAY.iter().chain(reports).find(|row| row.codes.contains(&code))
}

/// Reads an HTTP status where the body says nothing: it proves nothing about a purchase, and says whether to ask again.
///
/// Source: SIDOMPUL Open API 1.5, General Response Code, which explains HTTP in general.
pub fn http_verdict(status: u16) -> Verdict {
    match status {
        429 => Verdict::Unknown(ErrorKind::Throttled),
        500..=599 => Verdict::Unknown(ErrorKind::Unavailable),
        200..=299 => Verdict::Unknown(ErrorKind::UnreadableReply),
        _ => Verdict::UNLISTED,
    }
}

/// Words in the description of a purchase with code `00`, in lower case; the first that occurs decides.
///
/// Source: SIDOMPUL Open API 1.5, Reload Pulsa and Purchase Package Deduct Pulsa; the words beyond the two samples are this crate's.
pub const DESCRIPTIONS: &[(&str, Verdict)] = &[
    ("tidak berhasil", CONTRADICTION),
    ("belum berhasil", CONTRADICTION),
    ("gagal", CONTRADICTION),
    ("ditolak", CONTRADICTION),
    ("failed", CONTRADICTION),
    ("error", CONTRADICTION),
    ("di proses", Verdict::Pending),
    ("diproses", Verdict::Pending),
    ("dalam proses", Verdict::Pending),
    ("sedang proses", Verdict::Pending),
    ("menunggu", Verdict::Pending),
    ("pending", Verdict::Pending),
    ("berhasil", Verdict::Succeeded),
    ("sukses", Verdict::Succeeded),
    ("success", Verdict::Succeeded),
];

const CONTRADICTION: Verdict = Verdict::Unknown(ErrorKind::Contradiction);

/// Reads the description of a purchase with code `00`. Without a known word it is pending: accepted, not confirmed.
pub fn description_verdict(description: &str) -> Verdict {
    let description = description.to_lowercase();
    let found = DESCRIPTIONS.iter().find(|(words, _)| description.contains(words));
    found.map_or(Verdict::Pending, |(_, verdict)| *verdict)
}

/// Status words of history rows, stock transactions and details, in lower case without `_` and blanks.
///
/// Source: SIDOMPUL Open API 1.5, samples of Transaction History, AWG and XWG Get Info Transaction, Transaction History Detail.
pub const STATUS_WORDS: &[(&str, Verdict)] = &[
    ("success", Verdict::Succeeded),
    ("sukses", Verdict::Succeeded),
    ("berhasil", Verdict::Succeeded),
    ("gagal", Verdict::REFUSED),
    ("businesserror", Verdict::REFUSED),
    ("failed", Verdict::REFUSED),
    ("pending", Verdict::Pending),
    ("process", Verdict::Pending),
    ("processing", Verdict::Pending),
    ("proses", Verdict::Pending),
    ("diproses", Verdict::Pending),
    ("inprogress", Verdict::Pending),
];

/// Reads a status word in any letter case. One that is not listed proves nothing.
pub fn status_verdict(word: &str) -> Verdict {
    let word: String = word.chars().filter(|c| !c.is_whitespace() && *c != '_').flat_map(char::to_lowercase).collect();
    STATUS_WORDS.iter().find(|(listed, _)| *listed == word).map_or(Verdict::UNLISTED, |(_, verdict)| *verdict)
}
