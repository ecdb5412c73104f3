//! What the provider posts when a purchase has become final.
//!
//! No signature, header or source address is documented, so anybody can send one: a callback is a hint that a result exists. It may
//! come twice, before the payment's reply, out of order, or contradict another. Store it, answer, then
//! [`confirm`](biller_core::Biller::confirm) it. Let the address that you register hold a long random segment.
//!
//! Source: Bill Payment API v2, page "Callback".

use biller_core::{Claim, Error, ErrorKind, Execution, Hint, Verdict};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

use crate::codes::{Call, verdict};
use crate::model::{Envelope, Transaction};

/// Larger bodies are refused unread.
pub const MAX_BODY: usize = 256 << 10;

/// Reads a callback. `data.refNumber` is required, all else is optional.
///
/// An error says that the request is no callback; it says nothing about any purchase.
pub fn parse(request: &http::Request<Bytes>) -> Result<Hint, Error> {
    let refuse = |detail: &'static str| Error::new(ErrorKind::UnreadableReply, Execution::Unknown).with_detail(detail);
    if request.body().len() > MAX_BODY {
        return Err(refuse("larger than 256 KiB"));
    }
    let envelope = Envelope::read(request.body()).map_err(Error::unreadable)?;
    let data = envelope.data.ok_or_else(|| refuse("data is missing"))?;
    let transaction = Transaction::read(data).map_err(Error::unreadable)?;
    let reference = transaction.ref_number.clone().ok_or_else(|| refuse("data.refNumber is missing"))?;
    let claim = match envelope.code.map(|code| verdict(code, Call::Callback)) {
        Some(Verdict::Succeeded) => Claim::Succeeded,
        Some(Verdict::Pending) => Claim::Pending,
        Some(Verdict::Failed(_)) => Claim::Failed,
        Some(Verdict::Unknown(_)) | None => Claim::Unlisted,
    };
    let mut hint = Hint::new(reference, claim);
    hint.provider_id = transaction.transaction_id.map(|id| id.to_string());
    hint.customer = transaction.account_number;
    hint.product = transaction.product_code;
    hint.amount = transaction.amount;
    hint.raw = transaction.raw;
    Ok(hint)
}

/// The answer: 200 once the hint is stored, also for an unknown purchase; 400 for what is no callback; 503 when it could not be
/// stored and should come again.
pub fn answer(hint: Result<&Hint, &Error>) -> http::Response<Bytes> {
    let (status, body) = match hint {
        Ok(_) => (StatusCode::OK, "OK"),
        Err(error) if error.kind() == ErrorKind::UnreadableReply => (StatusCode::BAD_REQUEST, "no callback"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "not stored"),
    };
    let mut response = http::Response::new(Bytes::from_static(body.as_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}
