//! What MMBC's reason codes and status words say about a top-up.
//!
//! A refusal (`result` = `no`) carries a reason code of two digits since July 2019. The text beside it is never looked at, with one
//! exception: a refused login has no code, only the words `invalid login`.
//!
//! Source: MMBC API Pulsa 3.1, "Deskripsi failure reason_code"; what a code proves about money is this crate's reading of it: the
//! codes that name a check made before a top-up is sent count as refused before execution.

use std::fmt;

use biller_core::{Error, ErrorKind, Verdict};

/// The calls that a code is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// A price list: no money can move.
    PriceList,
    /// A top-up that is sent for the first time.
    TopUp,
    /// The same top-up once more, because the answer to the first one got lost: a refusal speaks of this sending only.
    Resend,
    /// Status: a refusal tells nothing about the top-up.
    Status,
}

/// A documented reason of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// 00: the system is in trouble; does not say since when.
    SystemTrouble,
    /// 11: the number is badly formed.
    BadNumber,
    /// 12: this denomination is in trouble.
    DenominationTrouble,
    /// 21: the deposit could not be topped up by credit card.
    CardTopUpProblem,
    /// 31: the account may not transact.
    NotAllowed,
    /// 41: the same top-up is in process.
    InProcess,
    /// 51: the same number and denomination at most once a day.
    OncePerDay,
    /// 61: the deposit is locked.
    BalanceLocked,
    /// 62: the deposit is too low.
    BalanceTooLow,
    /// 71: the account is not verified.
    NotVerified,
    /// 81: a notice was sent by e-mail.
    CheckEmail,
    /// 82: a code was sent by SMS and has to be entered.
    EnterSmsCode,
    /// 91: an unknown error, or trouble at the biller, who may have been asked already.
    BillerTrouble,
    /// No code, but the words `invalid login`: username or password is wrong.
    InvalidLogin,
}

impl Reason {
    /// The reason of a code as an error carries it; `None` for codes that no table lists.
    pub fn from_code(code: &str) -> Option<Self> {
        find(Some(code), None).map(|row| row.reason)
    }

    /// The reason in an error of this crate.
    pub fn of(error: &Error) -> Option<Self> {
        find(error.code(), error.provider_message()).map(|row| row.reason)
    }

    /// The code of two digits; empty for a refused login.
    pub fn code(self) -> &'static str {
        TABLE.iter().find(|row| row.reason == self).map_or("", |row| row.code)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(TABLE.iter().find(|row| row.reason == *self).map_or("", |row| row.meaning))
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The code of two digits; empty for the refused login.
    pub code: &'static str,
    /// The same, typed.
    pub reason: Reason,
    /// What the document calls it.
    pub meaning: &'static str,
    /// Read for price lists and for a top-up that is sent for the first time.
    pub top_up: Verdict,
    /// Read for the guarded re-send. Only two codes say something about the top-up before.
    pub resend: Verdict,
    /// Read for status.
    pub status: Verdict,
    /// Where it is documented.
    pub source: &'static str,
}

const NOTHING: Verdict = Verdict::UNPROVEN;
const REASON_CODES: &str = "MMBC API Pulsa 3.1, Deskripsi failure reason_code";

/// Refused by a check that comes before a top-up is sent.
const fn refused(code: &'static str, reason: Reason, meaning: &'static str) -> Row {
    Row { code, reason, meaning, top_up: Verdict::REFUSED, resend: NOTHING, status: NOTHING, source: REASON_CODES }
}

/// Trouble that leaves everything open.
const fn trouble(code: &'static str, reason: Reason, meaning: &'static str) -> Row {
    let open = Verdict::Unknown(ErrorKind::Unavailable);
    Row { code, reason, meaning, top_up: open, resend: open, status: open, source: REASON_CODES }
}

/// Asks for a human act, which may still release the top-up.
const fn person(code: &'static str, reason: Reason, meaning: &'static str) -> Row {
    let person = Verdict::Unknown(ErrorKind::NeedsPerson);
    Row { code, reason, meaning, top_up: person, resend: person, status: person, source: REASON_CODES }
}

/// An equal top-up of this day exists: on a first sending it may be another one.
const fn twin(code: &'static str, reason: Reason, meaning: &'static str, resend: Verdict) -> Row {
    let top_up = Verdict::Unknown(ErrorKind::Duplicate);
    Row { code, reason, meaning, top_up, resend, status: NOTHING, source: REASON_CODES }
}

/// Every documented code, and the refused login.
pub const TABLE: &[Row] = &[
    trouble("00", Reason::SystemTrouble, "system in trouble"),
    refused("11", Reason::BadNumber, "number badly formed"),
    refused("12", Reason::DenominationTrouble, "denomination in trouble"),
    person("21", Reason::CardTopUpProblem, "problem with a top-up by credit card"),
    refused("31", Reason::NotAllowed, "account may not transact"),
    twin("41", Reason::InProcess, "top-up is in process", Verdict::Pending),
    twin("51", Reason::OncePerDay, "at most once a day to the same number and denomination", Verdict::Succeeded),
    refused("61", Reason::BalanceLocked, "balance locked"),
    refused("62", Reason::BalanceTooLow, "balance too low"),
    refused("71", Reason::NotVerified, "account not verified"),
    person("81", Reason::CheckEmail, "check the notice e-mail"),
    person("82", Reason::EnterSmsCode, "enter the SMS code"),
    trouble("91", Reason::BillerTrouble, "unknown error, or trouble at the biller"),
    Row {
        code: "",
        reason: Reason::InvalidLogin,
        meaning: INVALID_LOGIN,
        top_up: Verdict::REFUSED,
        resend: NOTHING,
        status: NOTHING,
        source: "seen at a sister endpoint; the document shows no refused login",
    },
];

const INVALID_LOGIN: &str = "invalid login";

/// Reads a refusal for a call, by its code, or without one by its words. What the table does not list proves nothing.
pub fn verdict(code: Option<&str>, words: Option<&str>, call: Call) -> Verdict {
    match (find(code, words), code, call) {
        (Some(row), _, Call::PriceList | Call::TopUp) => row.top_up,
        (Some(row), _, Call::Resend) => row.resend,
        (Some(row), _, Call::Status) => row.status,
        // "No such transaction", which proves nothing either.
        (None, None, Call::Status) => Verdict::Unknown(ErrorKind::NotFound),
        (None, None, _) => Verdict::UNPROVEN,
        (None, Some(_), _) => Verdict::UNLISTED,
    }
}

fn find(code: Option<&str>, words: Option<&str>) -> Option<&'static Row> {
    TABLE.iter().find(|row| match code {
        Some(code) => row.code == code && !code.is_empty(),
        None => {
            row.reason == Reason::InvalidLogin
                && words.is_some_and(|words| words.trim().eq_ignore_ascii_case(INVALID_LOGIN))
        }
    })
}

/// Status words beside `result` = `ok`, compared trimmed and without case: the word, what it says in the reply to a top-up, and in
/// the reply to a status call.
///
/// Source: MMBC API Pulsa 3.1, the lists of parameters. A failed top-up has `ok` with `gagal`, in the status call only.
pub const WORDS: &[(&str, Verdict, Verdict)] = &[
    ("sukses", Verdict::Succeeded, Verdict::Succeeded),
    ("pending", Verdict::Pending, Verdict::Pending),
    ("gagal", Verdict::UNPROVEN, Verdict::REFUSED),
    ("", Verdict::UNPROVEN, Verdict::UNPROVEN),
];

/// Reads a status word for a call. Any word that is not listed proves nothing.
pub fn status_verdict(word: Option<&str>, call: Call) -> Verdict {
    let word = word.unwrap_or_default().trim();
    WORDS.iter().find(|(listed, ..)| listed.eq_ignore_ascii_case(word)).map_or(
        Verdict::UNLISTED,
        |(_, top_up, status)| match call {
            Call::Status => *status,
            Call::PriceList | Call::TopUp | Call::Resend => *top_up,
        },
    )
}
