//! The remote calls as plain values: what each can do, how its request is built and how its reply is read.

use std::sync::Arc;

use biller_core::{Effect, Error, ErrorKind, Execution, Operation, Spec, Timestamp, Verdict};
use bytes::Bytes;
use http::{Method, StatusCode, header};

use crate::codes::{Call, status_verdict, verdict};
use crate::config::Config;
use crate::model::{Reply, State, StatusReply, StatusRequest, TopUp, TopUpReply, Transaction};
use crate::price_list::PriceList;

/// Every operation with its effect and the source of that claim.
pub const ALL: &[&Spec] = &[&PRICE_LIST_SPEC, &TOP_UP_SPEC, &STATUS_SPEC];

/// Asks for all products and prices.
#[derive(Clone, Copy, Debug)]
pub struct AskPriceList;

static PRICE_LIST_SPEC: Spec =
    Spec { name: "price list", effect: Effect::ReadOnly, source: "MMBC API Pulsa 3.1, Daftar Harga Pulsa" };

impl Operation for AskPriceList {
    type Signer = Arc<Config>;
    type Output = PriceList;

    fn spec(&self) -> &'static Spec {
        &PRICE_LIST_SPEC
    }

    fn request(&self, config: &Arc<Config>, _now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        post(config, "/json/pulsa/daftarharga", &[])
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<PriceList, Error> {
        check_status(response)?;
        PriceList::parse(response.body().clone()).map_err(|error| match read(response, Call::PriceList) {
            // An object instead of the list: a refusal, which says why.
            Err(refusal) if refusal.kind() != ErrorKind::UnreadableReply => refusal,
            _ => Error::unreadable(error),
        })
    }
}

/// Tops up: the one call that moves money.
#[derive(Clone, Debug)]
pub struct SendTopUp(pub TopUp);

static TOP_UP_SPEC: Spec = Spec {
    name: "top-up",
    effect: Effect::MovesMoney,
    source: "MMBC API Pulsa 3.1, Isi Pulsa; reason code 51 refuses an equal one of the day, but the document does not say what counts as equal",
};

impl Operation for SendTopUp {
    type Signer = Arc<Config>;
    type Output = TopUpReply;

    fn spec(&self) -> &'static Spec {
        &TOP_UP_SPEC
    }

    fn reference(&self) -> Option<&str> {
        self.0.reference.as_ref().map(|reference| reference.as_str())
    }

    fn request(&self, config: &Arc<Config>, _now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        let TopUp { repeat, product_code, destination, .. } = &self.0;
        let fields = [
            ("itrx", &*repeat.to_string()),
            ("kodeoperator", product_code.as_str()),
            ("nomortujuan", &*destination.to_0()),
        ];
        post(config, "/json/pulsa/isipulsa", &fields)
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<TopUpReply, Error> {
        let transaction = read(response, Call::TopUp)?;
        let TopUp { product_code, destination, denomination, .. } = &self.0;
        if let Some(field) = transaction.difference(destination, Some(product_code), *denomination) {
            return Err(mismatch(field));
        }
        let state = judge(&transaction, Call::TopUp)?;
        Ok(TopUpReply { succeeded: state == State::Succeeded, transaction })
    }
}

/// Asks what became of a top-up, by MMBC's invoice.
#[derive(Clone, Debug)]
pub struct AskStatus(pub StatusRequest);

static STATUS_SPEC: Spec = Spec {
    name: "transaction status",
    effect: Effect::ReadOnly,
    source: "MMBC API Pulsa 3.1, Cek Status Transaksi Pulsa",
};

impl Operation for AskStatus {
    type Signer = Arc<Config>;
    type Output = StatusReply;

    fn spec(&self) -> &'static Spec {
        &STATUS_SPEC
    }

    fn reference(&self) -> Option<&str> {
        self.0.reference.as_ref().map(|reference| reference.as_str())
    }

    fn request(&self, config: &Arc<Config>, _now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        let fields = [("invoice", &*self.0.invoice), ("nomortujuan", &*self.0.destination.to_0())];
        post(config, "/json/pulsa/cekstatus", &fields)
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<StatusReply, Error> {
        let transaction = read(response, Call::Status)?;
        let StatusRequest { invoice, destination, product_code, .. } = &self.0;
        if transaction.invoice.as_ref().is_some_and(|said| said != invoice) {
            return Err(mismatch("invoice"));
        }
        if let Some(field) = transaction.difference(destination, product_code.as_ref(), None) {
            return Err(mismatch(field));
        }
        let state = judge(&transaction, Call::Status)?;
        Ok(StatusReply { state, transaction })
    }
}

fn post(config: &Config, path: &str, fields: &[(&str, &str)]) -> Result<http::Request<Bytes>, Error> {
    http::Request::builder()
        .method(Method::POST)
        .uri(config.base_url.join(path))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .body(config.credentials.form(fields))
        .map_err(|error| Error::configuration("the request cannot be built").with_source(error))
}

/// A server's 5xx, a redirect and a bare refusal of a gateway prove nothing, whatever their body says.
fn check_status(response: &http::Response<Bytes>) -> Result<(), Error> {
    let kind = match response.status() {
        status if status.is_server_error() => ErrorKind::Unavailable,
        StatusCode::TOO_MANY_REQUESTS if response.body().is_empty() => ErrorKind::Throttled,
        status if status.is_success() || status.is_client_error() => return Ok(()),
        _ => ErrorKind::UnreadableReply,
    };
    Err(Error::new(kind, Execution::Unknown))
}

/// Reads a reply with `ok` in it; a refusal is the error that the table makes of it.
fn read(response: &http::Response<Bytes>, call: Call) -> Result<Transaction, Error> {
    check_status(response)?;
    let reply = Reply::read(response.body())?;
    match reply.accepted {
        Some(true) => Ok(reply.transaction),
        Some(false) => {
            let verdict = verdict(reply.reason_code.as_deref(), reply.reason.as_deref(), call);
            let error = error_of(verdict).with_provider_message(reply.reason);
            Err(match reply.reason_code {
                Some(code) => error.with_code(code),
                None => error,
            })
        }
        None => {
            Err(Error::new(ErrorKind::UnreadableReply, Execution::Unknown).with_detail("result is neither ok nor no"))
        }
    }
}

/// What the status word says; words that prove nothing are errors.
fn judge(transaction: &Transaction, call: Call) -> Result<State, Error> {
    match status_verdict(transaction.status.as_deref(), call) {
        Verdict::Succeeded => Ok(State::Succeeded),
        Verdict::Pending => Ok(State::Pending),
        Verdict::Failed(_) => Ok(State::Failed),
        // The word is no reason code, so it does not stand in the error's code.
        unknown @ Verdict::Unknown(_) => Err(error_of(unknown).with_detail("the status word proves nothing")),
    }
}

/// The error that a verdict stands for; in doubt one that proves nothing.
fn error_of(verdict: Verdict) -> Error {
    verdict.error().unwrap_or_else(|| Error::new(ErrorKind::Unproven, Execution::Unknown))
}

fn mismatch(field: &'static str) -> Error {
    Error::new(ErrorKind::Mismatch, Execution::Unknown).with_detail(format!("{field} is not the one asked for"))
}
