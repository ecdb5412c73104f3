//! The remote calls as plain values: what each can do, how its request is built and how its reply is read.

use biller_core::{
    Effect, Error, ErrorKind, Execution, Operation, RawJson, Reference, Rupiah, Spec, Timestamp, Verdict,
};
use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;

use crate::auth::Signer;
use crate::codes::{Call, is_usable_list, verdict};
use crate::model::{
    Balance, Envelope, InquiryReply, InquiryRequest, Language, Payment, ProductList, Purchase, State, Status,
    Transaction,
};

/// Every operation with its effect and the source of that claim.
pub const ALL: &[&Spec] = &[&INQUIRY_SPEC, &PAYMENT_SPEC, &STATUS_SPEC, &PRODUCTS_SPEC, &BALANCE_SPEC];

/// Asks who the customer is and what there is to pay.
#[derive(Clone, Debug)]
pub struct Inquire {
    /// What is asked about.
    pub request: InquiryRequest,
    /// In which language errors quote the provider.
    pub language: Language,
}

static INQUIRY_SPEC: Spec = Spec { name: "inquiry", effect: Effect::ReadOnly, source: "Bill Payment API v2, Inquiry" };

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InquiryMembers<'a> {
    product_code: &'a str,
    account_number: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Rupiah>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    month: Option<u32>,
}

impl Operation for Inquire {
    type Signer = Signer;
    type Output = InquiryReply;

    fn spec(&self) -> &'static Spec {
        &INQUIRY_SPEC
    }

    fn request(&self, signer: &Signer, _now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        let request = &self.request;
        let members = InquiryMembers {
            product_code: request.product_code.as_str(),
            account_number: &request.account_number,
            amount: request.amount,
            zone_id: request.zone_id.as_deref(),
            month: request.month,
        };
        signer.post("/api/v2/bill/check", &members)
    }

    fn interpret(&self, response: &Response<Bytes>) -> Result<InquiryReply, Error> {
        let answer = Answer::read(response, Call::Inquiry, self.language)?;
        answer.expect_no_trouble()?;
        answer.expect_no_error()?;
        let data = answer.data.clone().ok_or_else(|| answer.unusable("data is missing"))?;
        InquiryReply::read(data, answer.message.clone(), &self.request)
            .map_err(Error::unreadable)?
            .ok_or_else(|| answer.unusable("inquiryId or amount is missing"))
    }
}

/// Pays: the one call that moves money.
#[derive(Clone, Debug)]
pub struct Pay {
    /// What is paid.
    pub purchase: Purchase,
    /// In which language errors quote the provider.
    pub language: Language,
}

static PAYMENT_SPEC: Spec = Spec {
    name: "payment",
    effect: Effect::MovesMoney,
    source: "Bill Payment API v2, Payment; no page promises that a repeated refNumber is refused",
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PaymentMembers<'a> {
    ref_number: &'a str,
    account_number: &'a str,
    product_code: &'a str,
    amount: Rupiah,
    inquiry_id: i64,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    callback_urls: &'a [String],
}

impl Operation for Pay {
    type Signer = Signer;
    type Output = Payment;

    fn spec(&self) -> &'static Spec {
        &PAYMENT_SPEC
    }

    fn reference(&self) -> Option<&str> {
        Some(self.purchase.reference.as_str())
    }

    fn request(&self, signer: &Signer, _now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        let purchase = &self.purchase;
        let members = PaymentMembers {
            ref_number: purchase.reference.as_str(),
            account_number: &purchase.account_number,
            product_code: purchase.product_code.as_str(),
            amount: purchase.amount,
            inquiry_id: purchase.inquiry_id,
            callback_urls: &purchase.callback_urls,
        };
        signer.post("/api/v2/bill/payment", &members)
    }

    fn interpret(&self, response: &Response<Bytes>) -> Result<Payment, Error> {
        let answer = Answer::read(response, Call::Payment, self.language)?;
        if !(answer.verdict == Verdict::Pending && response.status().is_server_error()) {
            answer.expect_no_trouble()?;
        }
        if let Verdict::Unknown(_) = answer.verdict {
            answer.expect_no_error()?;
        }
        let transaction = answer.transaction()?;
        match transaction.ref_number.as_deref() {
            Some(reference) if reference != self.purchase.reference.as_str() => {
                return Err(answer.mismatch("refNumber"));
            }
            None if response.status().is_client_error() && answer.verdict != Verdict::Pending => {
                return Err(answer.unproven("a final code beside an HTTP error, without our refNumber"));
            }
            _ => {}
        }
        if answer.verdict != Verdict::Pending
            && let Some(field) = self.purchase.difference(&transaction)
        {
            return Err(answer.mismatch(field));
        }
        answer.expect_no_error()?;
        Ok(Payment {
            succeeded: answer.verdict == Verdict::Succeeded,
            code: answer.code,
            message: answer.message,
            transaction,
        })
    }
}

/// Asks what became of a payment, by the partner's reference.
#[derive(Clone, Debug)]
pub struct AskStatus {
    /// The partner's reference.
    pub reference: Reference,
    /// In which language errors quote the provider.
    pub language: Language,
}

static STATUS_SPEC: Spec = Spec { name: "status", effect: Effect::ReadOnly, source: "Bill Payment API v2, Status" };

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusMembers<'a> {
    ref_number: &'a str,
}

impl Operation for AskStatus {
    type Signer = Signer;
    type Output = Status;

    fn spec(&self) -> &'static Spec {
        &STATUS_SPEC
    }

    fn reference(&self) -> Option<&str> {
        Some(self.reference.as_str())
    }

    fn request(&self, signer: &Signer, _now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        signer.post("/api/v2/bill/status", &StatusMembers { ref_number: self.reference.as_str() })
    }

    fn interpret(&self, response: &Response<Bytes>) -> Result<Status, Error> {
        let answer = Answer::read(response, Call::Status, self.language)?;
        answer.expect_no_trouble()?;
        let state = match answer.verdict {
            Verdict::Succeeded => State::Succeeded,
            Verdict::Pending => State::Pending,
            Verdict::Failed(_) => State::Failed,
            Verdict::Unknown(_) => return Err(answer.error()),
        };
        let transaction = answer.transaction()?;
        match transaction.ref_number.as_deref() {
            Some(reference) if reference == self.reference.as_str() => {}
            Some(_) => return Err(answer.mismatch("refNumber")),
            None => return Err(answer.unusable("refNumber is missing")),
        }
        Ok(Status { state, code: answer.code, message: answer.message, transaction })
    }
}

/// Lists the products.
#[derive(Clone, Copy, Debug)]
pub struct ListProducts {
    /// In which language errors quote the provider.
    pub language: Language,
}

static PRODUCTS_SPEC: Spec = Spec {
    name: "product list",
    effect: Effect::ReadOnly,
    source: "Bill Payment API v2, Product List; the reply is not documented",
};

/// The payload is the partner's id alone.
#[derive(Serialize)]
struct NoMembers {}

impl Operation for ListProducts {
    type Signer = Signer;
    type Output = ProductList;

    fn spec(&self) -> &'static Spec {
        &PRODUCTS_SPEC
    }

    fn request(&self, signer: &Signer, _now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        signer.post("/api/v2/partner/products", &NoMembers {})
    }

    fn interpret(&self, response: &Response<Bytes>) -> Result<ProductList, Error> {
        let data = list_data(response, self.language)?;
        let entries = [Some(data.clone()), data.get("products")]
            .into_iter()
            .flatten()
            .find_map(|entries| entries.parse::<Vec<RawJson>>().ok())
            .ok_or_else(|| unreadable("no list of products in data"))?;
        Ok(ProductList::read(entries))
    }
}

/// Asks what is left of the deposit.
#[derive(Clone, Copy, Debug)]
pub struct AskBalance {
    /// In which language errors quote the provider.
    pub language: Language,
}

static BALANCE_SPEC: Spec = Spec {
    name: "balance",
    effect: Effect::ReadOnly,
    source: "Bill Payment API v2, Check Balance; the reply is not documented",
};

impl Operation for AskBalance {
    type Signer = Signer;
    type Output = Balance;

    fn spec(&self) -> &'static Spec {
        &BALANCE_SPEC
    }

    fn request(&self, signer: &Signer, _now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        signer.post("/api/v2/partner/balance", &NoMembers {})
    }

    fn interpret(&self, response: &Response<Bytes>) -> Result<Balance, Error> {
        let data = list_data(response, self.language)?;
        let balance = data
            .get("balance")
            .and_then(|balance| Rupiah::parse_machine_signed(balance.as_str().trim_matches('"')).ok())
            .ok_or_else(|| unreadable("no balance in data"))?;
        let currency = data.get("currency").and_then(|currency| currency.parse().ok());
        Ok(Balance { balance, currency, raw: Some(data) })
    }
}

/// The data of a list or balance. A code is not needed, but one that is there has to be a good one.
fn list_data(response: &Response<Bytes>, language: Language) -> Result<RawJson, Error> {
    let envelope = envelope(response)?;
    match envelope.code {
        Some(code) if !is_usable_list(code) => {
            let answer = Answer::new(response.status(), code, envelope, Call::Inquiry, language);
            return Err(answer.error());
        }
        None if envelope.has_code => return Err(no_code(response.status())),
        _ if response.status() != StatusCode::OK => return Err(no_code(response.status())),
        _ => {}
    }
    envelope.data.ok_or_else(|| unreadable("data is missing"))
}

/// A reply with a usable code.
struct Answer {
    status: StatusCode,
    code: u64,
    verdict: Verdict,
    message: crate::model::Message,
    data: Option<RawJson>,
    language: Language,
}

impl Answer {
    fn read(response: &Response<Bytes>, call: Call, language: Language) -> Result<Self, Error> {
        let envelope = envelope(response)?;
        let code = envelope.code.ok_or_else(|| no_code(response.status()))?;
        Ok(Self::new(response.status(), code, envelope, call, language))
    }

    fn new(status: StatusCode, code: u64, envelope: Envelope, call: Call, language: Language) -> Self {
        let Envelope { message, data, .. } = envelope;
        Self { status, code, verdict: verdict(code, call), message, data, language }
    }

    /// A status of the server's trouble or of a detour proves nothing, whatever the body says.
    fn expect_no_trouble(&self) -> Result<(), Error> {
        let status = self.status;
        if status.is_success() || status.is_client_error() {
            return Ok(());
        }
        Err(self.signed(trouble(status).with_detail("a code beside an HTTP status that proves nothing")))
    }

    /// Refused and unproven verdicts as errors.
    fn expect_no_error(&self) -> Result<(), Error> {
        match self.verdict.error() {
            Some(_) => Err(self.error()),
            None => Ok(()),
        }
    }

    /// The error of the verdict; a verdict that has none proves nothing here.
    fn error(&self) -> Error {
        let error = self.verdict.error().unwrap_or_else(|| Error::new(ErrorKind::Unproven, Execution::Unknown));
        self.signed(error)
    }

    fn mismatch(&self, field: &'static str) -> Error {
        let error = Error::new(ErrorKind::Mismatch, Execution::Unknown);
        self.signed(error.with_detail(format!("{field} is not the one asked for")))
    }

    fn unproven(&self, detail: &'static str) -> Error {
        self.signed(Error::new(ErrorKind::Unproven, Execution::Unknown).with_detail(detail))
    }

    fn unusable(&self, detail: &'static str) -> Error {
        self.signed(unreadable(detail))
    }

    fn signed(&self, error: Error) -> Error {
        error.with_code(self.code.to_string()).with_provider_message(self.message.text(self.language))
    }

    /// The record; an empty one where there is none.
    fn transaction(&self) -> Result<Transaction, Error> {
        match self.data.clone() {
            Some(data) => Transaction::read(data).map_err(|error| self.signed(Error::unreadable(error))),
            None => Ok(Transaction::default()),
        }
    }
}

/// Reads a reply as far as that goes. One that is no JSON is told apart by its HTTP status.
fn envelope(response: &Response<Bytes>) -> Result<Envelope, Error> {
    Envelope::read(response.body()).map_err(|source| {
        let status = response.status();
        if status.is_success() { Error::unreadable(source) } else { trouble(status).with_detail(source.to_string()) }
    })
}

/// A reply without a code that can be relied on.
fn no_code(status: StatusCode) -> Error {
    if status.is_success() { unreadable("no usable responseCode") } else { trouble(status) }
}

/// What a status says by itself: never that nothing was executed.
fn trouble(status: StatusCode) -> Error {
    let kind = match status {
        StatusCode::TOO_MANY_REQUESTS => ErrorKind::Throttled,
        status if status.is_server_error() => ErrorKind::Unavailable,
        _ => ErrorKind::UnreadableReply,
    };
    Error::new(kind, Execution::Unknown)
}

fn unreadable(detail: &'static str) -> Error {
    Error::new(ErrorKind::UnreadableReply, Execution::Unknown).with_detail(detail)
}
