//! Remote calls as plain values: name, effect, request, reading of the reply. No network here.

use biller_core::{Effect, Error, ErrorKind, Execution, Operation, RawJson, Reference, Spec, Timestamp, Verdict};
use bytes::Bytes;
use serde::Serialize;

use crate::auth::Signer;
use crate::codes::{Call, verdict};
use crate::model::{Advised, AdvisedState, Inquired, InquiryRequest, Paid, Purchase, Transaction};

/// Every operation with its effect and the source of that claim.
pub const ALL: &[&Spec] = &[&INQUIRY_SPEC, &PAYMENT_SPEC, &ADVICE_SPEC];

/// How long the provider wants to be left alone after code 40.
const A_MOMENT: std::time::Duration = std::time::Duration::from_secs(60);

/// Asks who the customer is and what it costs.
#[derive(Clone, Debug)]
pub struct Inquiry(pub InquiryRequest);

static INQUIRY_SPEC: Spec = Spec {
    name: "inquiry",
    effect: Effect::UsesReference,
    source: "MyBills documentation, PLN Prepaid, API Inquiry; code 09 shows that the reference is used up",
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InquiryBody<'a> {
    partner_reference_no: &'a str,
    product_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_price: Option<i64>,
    #[serde(rename = "customerID")]
    customer_id: &'a str,
    customer_periode: String,
}

impl Operation for Inquiry {
    type Signer = Signer;
    type Output = Inquired;

    fn spec(&self) -> &'static Spec {
        &INQUIRY_SPEC
    }

    fn reference(&self) -> Option<&str> {
        Some(self.0.partner_reference_no.as_str())
    }

    fn request(&self, signer: &Signer, now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        let inquiry = &self.0;
        let body = InquiryBody {
            partner_reference_no: inquiry.partner_reference_no.as_str(),
            product_code: inquiry.product_code.as_str(),
            product_price: inquiry.expected_price.map(|price| price.get()),
            customer_id: &inquiry.customer_id,
            customer_periode: inquiry.months.map(|months| months.to_string()).unwrap_or_default(),
        };
        signer.sign("inquiry", written(&body)?, now)
    }

    /// Without `referenceNo` and `productPrice` a success is of no use; another price than the expected one is refused here.
    fn interpret(&self, response: &http::Response<Bytes>) -> Result<Inquired, Error> {
        let (transaction, code, verdict) = read(response, Call::Inquiry)?;
        if let Some(error) = verdict.error() {
            return Err(refused(error, &code, &transaction));
        }
        let reference_no = transaction.reference_no.clone().ok_or_else(|| unreadable("referenceNo is missing"))?;
        let price = transaction.result.product_price.ok_or_else(|| unreadable("productPrice is missing"))?;
        let inquiry = &self.0;
        let purchase = Purchase {
            partner_reference_no: inquiry.partner_reference_no.clone(),
            reference_no,
            partner_approval_no: inquiry.partner_reference_no.clone(),
            product_code: inquiry.product_code.clone(),
            product_reference_code: transaction.result.product_reference_code.clone(),
            customer_id: inquiry.customer_id.clone(),
            price,
        };
        if let Some(field) = transaction.difference(&purchase) {
            return Err(mismatch(field, &code));
        }
        match inquiry.expected_price {
            Some(expected) if expected != price => Err(Error::new(ErrorKind::PriceChanged, Execution::NotExecuted)
                .with_detail(format!("{price} instead of {expected}; nothing was bought"))),
            _ => Ok(Inquired { purchase, transaction }),
        }
    }
}

/// Pays: the one call that moves money.
#[derive(Clone, Debug)]
pub struct Payment(pub Purchase);

static PAYMENT_SPEC: Spec = Spec {
    name: "payment",
    effect: Effect::MovesMoney,
    source: "MyBills documentation, PLN Prepaid, API Payment; no page promises that a repeated payment is refused",
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PaymentBody<'a> {
    partner_approval_no: &'a str,
    partner_reference_no: &'a str,
    reference_no: &'a str,
}

impl Operation for Payment {
    type Signer = Signer;
    type Output = Paid;

    fn spec(&self) -> &'static Spec {
        &PAYMENT_SPEC
    }

    fn reference(&self) -> Option<&str> {
        Some(self.0.partner_reference_no.as_str())
    }

    fn request(&self, signer: &Signer, now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        let purchase = &self.0;
        let body = PaymentBody {
            partner_approval_no: purchase.partner_approval_no.as_str(),
            partner_reference_no: purchase.partner_reference_no.as_str(),
            reference_no: &purchase.reference_no,
        };
        signer.sign("payment", written(&body)?, now)
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<Paid, Error> {
        let (transaction, code, verdict) = read(response, Call::Payment)?;
        match judge(&transaction, &code, verdict, &self.0)? {
            Verdict::Succeeded => Ok(Paid { succeeded: true, transaction }),
            Verdict::Pending => Ok(Paid { succeeded: false, transaction }),
            verdict => Err(error(verdict, &code, &transaction)),
        }
    }
}

/// Asks what became of a purchase.
#[derive(Clone, Debug)]
pub struct Advice(pub Purchase);

static ADVICE_SPEC: Spec = Spec {
    name: "advice",
    effect: Effect::ReadOnly,
    source: "MyBills documentation, biller flow: advice is asked until the status is final",
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AdviceBody<'a> {
    partner_reference_no: &'a str,
    reference_no: &'a str,
}

impl Operation for Advice {
    type Signer = Signer;
    type Output = Advised;

    fn spec(&self) -> &'static Spec {
        &ADVICE_SPEC
    }

    fn reference(&self) -> Option<&str> {
        Some(self.0.partner_reference_no.as_str())
    }

    fn request(&self, signer: &Signer, now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        let purchase = &self.0;
        let body = AdviceBody {
            partner_reference_no: purchase.partner_reference_no.as_str(),
            reference_no: &purchase.reference_no,
        };
        signer.sign("advice", written(&body)?, now)
    }

    /// A failure of the purchase is an answer here; errors mean that nothing was learnt.
    fn interpret(&self, response: &http::Response<Bytes>) -> Result<Advised, Error> {
        let (transaction, code, verdict) = read(response, Call::Advice)?;
        let state = match judge(&transaction, &code, verdict, &self.0)? {
            Verdict::Succeeded => AdvisedState::Succeeded,
            Verdict::Pending => AdvisedState::Pending,
            Verdict::Failed(_) => AdvisedState::Failed,
            verdict => return Err(error(verdict, &code, &transaction)),
        };
        Ok(Advised { state, transaction })
    }
}

/// Reads a reply and its code. The HTTP status plays no part: a listed code counts at any status.
fn read(response: &http::Response<Bytes>, call: Call) -> Result<(Transaction, String, Verdict), Error> {
    let transaction = RawJson::from_slice(response.body()).and_then(Transaction::read).map_err(Error::unreadable)?;
    let code = transaction.code.clone().ok_or_else(|| unreadable("responseCode is missing"))?;
    let verdict = verdict(&code, call);
    Ok((transaction, code, verdict))
}

/// What a code is worth once the reply has been compared with the purchase.
///
/// A success counts only with our reference in it, and an answer about something else never does. For electricity, a success without
/// a readable token is pending: charged, and the token is still owed.
fn judge(transaction: &Transaction, code: &str, verdict: Verdict, purchase: &Purchase) -> Result<Verdict, Error> {
    if let Some(field) = transaction.difference(purchase) {
        return Err(mismatch(field, code));
    }
    if verdict != Verdict::Succeeded {
        return Ok(verdict);
    }
    if transaction.partner_reference_no.is_none() {
        return Err(mismatch("partnerReferenceNo", code));
    }
    let owed = purchase.is_electricity()
        || transaction.result.product_reference_code.as_deref().is_some_and(|code| code.starts_with("PLNPREPAID"));
    let complete = !owed || transaction.stroom_token().is_some();
    Ok(if complete { Verdict::Succeeded } else { Verdict::Pending })
}

/// What a code stands for when it is neither success nor pending.
fn error(verdict: Verdict, code: &str, transaction: &Transaction) -> Error {
    let error = match verdict {
        // Authentication is refused before anything runs, whatever the call.
        Verdict::Unknown(ErrorKind::TokenRefused) => Error::new(ErrorKind::TokenRefused, Execution::NotExecuted),
        verdict => verdict.error().unwrap_or_else(|| Error::new(ErrorKind::Unproven, Execution::Unknown)),
    };
    refused(error, code, transaction)
}

fn refused(error: Error, code: &str, transaction: &Transaction) -> Error {
    let error = match code {
        "401" => error.with_detail("the token is taken for expired; setting that bears on it: jwt_lifetime"),
        "12" => error.with_detail(
            "the partner is not accepted; settings that bear on it: merchant_id, merchant_outlet_id, \
             merchant_outlet_username, jwt_secret, authorization_scheme",
        ),
        "13" => error.with_detail(
            "the signature does not fit; settings that bear on it: api_secret, signature_form, signed_path, version",
        ),
        "40" => error.with_retry_after(Some(A_MOMENT)),
        _ if error.kind() == ErrorKind::Duplicate => {
            error.with_detail("there is an earlier one: ask what became of that")
        }
        _ => error,
    };
    error.with_code(code).with_provider_message(transaction.message.clone())
}

fn mismatch(field: &'static str, code: &str) -> Error {
    Error::new(ErrorKind::Mismatch, Execution::Unknown)
        .with_detail(format!("{field} is not the one asked for"))
        .with_code(code)
}

fn unreadable(detail: &'static str) -> Error {
    Error::new(ErrorKind::UnreadableReply, Execution::Unknown).with_detail(detail)
}

/// The compact text that is hashed and sent.
fn written(body: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(body).map_err(|error| {
        Error::new(ErrorKind::Signing, Execution::NotExecuted)
            .with_detail("the request cannot be written")
            .with_source(error)
    })
}

/// How many inquiries one order can make.
pub const INQUIRIES: u32 = 9;

/// The reference of the `n`-th inquiry of an order, counted from 1 to [`INQUIRIES`]: the order's own for the first, then the same
/// with `--2`, `--3` … `--9` behind it. `None` where that gets longer than 64 characters.
///
/// An inquiry uses up its reference, so an order that is prepared again needs another one; a payment carries that of its inquiry.
pub fn inquiry_reference(order: &Reference, n: u32) -> Option<Reference> {
    if n <= 1 { Some(order.clone()) } else { Reference::parse(&format!("{order}--{n}")).ok() }
}

/// The order's reference behind the reference of one of its inquiries.
pub fn order_reference(inquiry: &str) -> &str {
    match inquiry.split_at_checked(inquiry.len().saturating_sub(3)) {
        Some((order, "--2" | "--3" | "--4" | "--5" | "--6" | "--7" | "--8" | "--9")) if !order.is_empty() => order,
        _ => inquiry,
    }
}
