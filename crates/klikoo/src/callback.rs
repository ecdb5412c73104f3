//! What Klikoo posts when a purchase has become final.
//!
//! No signature, token or source address is documented, so anybody can send one: a callback is a hint that a result exists.
//! Store it, answer, then [`confirm`](biller_core::Biller::confirm) it.
//!
//! Source: Klikoo Open API, page "Purchase Callback API".

use biller_core::{Claim, Error, ErrorKind, Execution, Hint, RawJson, Verdict};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

use crate::codes::status_verdict;
use crate::model::Transaction;

/// Reads a callback. `partner_reference_id`, `transaction_id` and `transaction_status` are required, all else is optional.
///
/// An error says that the request is no callback; it says nothing about any purchase.
pub fn parse(request: &http::Request<Bytes>) -> Result<Hint, Error> {
    let raw = RawJson::from_slice(request.body()).map_err(Error::unreadable)?;
    let transaction = Transaction::read(raw).map_err(Error::unreadable)?;
    let required = |name: &'static str, field: &Option<String>| {
        field.clone().filter(|text| !text.is_empty()).ok_or_else(|| {
            Error::new(ErrorKind::UnreadableReply, Execution::Unknown).with_detail(format!("{name} is missing"))
        })
    };
    let status = required("transaction_status", &transaction.status)?;
    let claim = match status_verdict(Some(&status)) {
        Verdict::Succeeded => Claim::Succeeded,
        Verdict::Pending => Claim::Pending,
        Verdict::Failed(_) => Claim::Failed,
        Verdict::Unknown(_) => Claim::Unlisted,
    };
    let mut hint = Hint::new(required("partner_reference_id", &transaction.partner_reference_id)?, claim);
    hint.provider_id = Some(required("transaction_id", &transaction.transaction_id)?);
    hint.customer = transaction.value;
    hint.product = transaction.product_code;
    hint.amount = transaction.amount;
    hint.raw = transaction.raw;
    Ok(hint)
}

/// The answer: 200 once the hint is stored, 400 for what is no JSON object, 500 when it could not be stored and should come again.
pub fn answer(hint: Result<&Hint, &Error>) -> http::Response<Bytes> {
    let (status, body) = match hint {
        Ok(_) => (StatusCode::OK, r#"{"response_code":"2000200","response_message":"Success"}"#),
        Err(error) if error.kind() == ErrorKind::UnreadableReply => (StatusCode::BAD_REQUEST, "{}"),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "{}"),
    };
    let mut response = http::Response::new(Bytes::from_static(body.as_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
