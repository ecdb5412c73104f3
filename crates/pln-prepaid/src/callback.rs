//! What MyBills posts when a pending purchase has become final.
//!
//! It carries no signature and no token, so anybody can send one: a callback is a hint that a result exists. Store it, answer, then
//! [`confirm`](biller_core::Biller::confirm) it: one advice decides, and the callback settles nothing by itself. Duplicates, callbacks
//! that overtake the payment's reply, contradictory and foreign ones are all harmless that way.
//!
//! Source: MyBills documentation, PLN Prepaid, API Callback.

use std::future::Future;

use biller_core::{Claim, Error, ErrorKind, Execution, Hint, RawJson, Timestamp, Verdict};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

use crate::codes::{Call, verdict};
use crate::model::Transaction;
use crate::operations::order_reference;

/// Reads a callback. Only `partnerReferenceNo` is required; the hint's reference is that of the order, also where the purchase was made
/// under a later inquiry of it.
///
/// An error says that the request is no callback; it says nothing about any purchase. `UnreadableReply`: no JSON object; `NotFound`:
/// an object that names no purchase.
pub fn parse(request: &http::Request<Bytes>) -> Result<Hint, Error> {
    let transaction = RawJson::from_slice(request.body()).and_then(Transaction::read).map_err(Error::unreadable)?;
    let reference = transaction.partner_reference_no.as_deref().map(str::trim).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, Execution::Unknown).with_detail("partnerReferenceNo is missing")
    })?;
    let claim = match transaction.code.as_deref().map_or(Verdict::UNLISTED, |code| verdict(code, Call::Callback)) {
        Verdict::Succeeded => Claim::Succeeded,
        Verdict::Pending => Claim::Pending,
        Verdict::Failed(_) => Claim::Failed,
        Verdict::Unknown(_) => Claim::Unlisted,
    };
    let mut hint = Hint::new(order_reference(reference), claim);
    // The number at the top level is the callback's own.
    hint.provider_id = transaction.result.reference_no;
    hint.customer = transaction.result.customer_id;
    hint.product = transaction.result.product_code;
    hint.amount = transaction.result.product_price;
    hint.raw = transaction.raw;
    Ok(hint)
}

/// The answer: 200 once the hint is stored, or when it names no purchase; 400 for what is no JSON object; 500 when it could not be
/// stored.
pub fn answer(hint: Result<&Hint, &Error>, now: Timestamp) -> http::Response<Bytes> {
    let (status, code, message) = match hint {
        Ok(_) => (StatusCode::OK, "00", "Success"),
        Err(error) => match error.kind() {
            ErrorKind::NotFound => (StatusCode::OK, "00", "Success"),
            ErrorKind::UnreadableReply => (StatusCode::BAD_REQUEST, "03", "Failed"),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "03", "Failed"),
        },
    };
    let time = now.to_wib_seconds();
    let body =
        format!(r#"{{"responseCode":"{code}","responseMessage":"{message}","responseDatetime":"{time}","result":""}}"#);
    let mut response = http::Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A whole receiver, for any framework: reads the callback, has its hint stored, and answers.
///
/// `store` puts the hint where it survives a crash and has it confirmed later; the answer does not wait for that. An error of `store`
/// is answered with 500.
///
/// ```
/// # use biller_core::Timestamp;
/// # use pln_prepaid::callback;
/// # async fn example(request: http::Request<bytes::Bytes>, queue: tokio::sync::mpsc::Sender<biller_core::Hint>) {
/// let now = Timestamp::from_unix_millis(1_642_488_604_000);
/// let response = callback::receive(&request, now, |hint| async move { queue.send(hint).await }).await;
/// # }
/// ```
pub async fn receive<S, F, E>(request: &http::Request<Bytes>, now: Timestamp, store: S) -> http::Response<Bytes>
where
    S: FnOnce(Hint) -> F,
    F: Future<Output = Result<(), E>>,
{
    match parse(request) {
        Ok(hint) => match store(hint.clone()).await {
            Ok(()) => answer(Ok(&hint), now),
            Err(_) => answer(Err(&Error::new(ErrorKind::NotRecorded, Execution::Unknown)), now),
        },
        Err(error) => answer(Err(&error), now),
    }
}
