//! The remote calls as plain values: what each can do, how its request is built and how its reply is read.

use biller_core::decode::{self, DecodeError};
use biller_core::{
    Effect, Error, ErrorKind, Execution, Operation, RawJson, Reference, Rupiah, Spec, Timestamp, Verdict,
};
use bytes::Bytes;
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::auth::{Signer, canonical_json};
use crate::codes::{Call, status_verdict, verdict};
use crate::model::{
    Bill, Bought, Envelope, HistoryPage, HistoryQuery, InquiryReply, IssuedToken, PageMeta, Purchase, TokenData,
    Transaction,
};

pub(crate) const ACCESS_TOKEN_PATH: &str = "/v1/open-api/access-token";

/// Everything but letters, digits and `-._~:` is percent-encoded in a query value or path segment.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// Every operation with its effect and the source of that claim.
pub const ALL: &[&Spec] = &[
    &TOKEN_SPEC,
    &INQUIRY_PREPAID_SPEC,
    &BUY_SPEC,
    &INQUIRY_POSTPAID_SPEC,
    &DETAIL_SPEC,
    &HISTORY_SPEC,
    &BALANCE_SPEC,
];

/// Asks for an access token.
#[derive(Clone, Copy, Debug)]
pub struct RequestToken;

static TOKEN_SPEC: Spec =
    Spec { name: "access token", effect: Effect::ReadOnly, source: "Klikoo Open API, Access Token" };

#[derive(Serialize)]
struct TokenBody<'a> {
    additional_info: Credentials<'a>,
    grant_type: &'a str,
}

#[derive(Serialize)]
struct Credentials<'a> {
    client_id: &'a str,
    client_secret: &'a str,
}

impl Operation for RequestToken {
    type Signer = Signer;
    type Output = IssuedToken;

    fn spec(&self) -> &'static Spec {
        &TOKEN_SPEC
    }

    fn request(&self, signer: &Signer, now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        let config = &signer.config;
        let info = Credentials { client_id: &config.client_id, client_secret: config.client_secret.expose() };
        let body = canonical(&TokenBody { additional_info: info, grant_type: "client_credentials" })?;
        signer.sign_token_request(body, now)
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<IssuedToken, Error> {
        let reply: TokenData = parse_data(read(response, Call::Inquiry)?)?;
        if reply.access_token.is_empty() {
            return Err(unreadable("access_token is empty"));
        }
        let lifetime = reply.expires_in.map_or(900, |seconds| u64::try_from(seconds).unwrap_or(0));
        Ok(IssuedToken { secret: reply.access_token, lifetime: std::time::Duration::from_secs(lifetime) })
    }
}

#[derive(Serialize)]
struct PurchaseBody<'a> {
    amount: String,
    #[serde(rename = "msidn")]
    msisdn: &'a str,
    partner_reference_id: &'a str,
    product_code: &'a str,
    selling_price: String,
    value: &'a str,
}

impl<'a> From<&'a Purchase> for PurchaseBody<'a> {
    fn from(purchase: &'a Purchase) -> Self {
        Self {
            amount: purchase.amount.get().to_string(),
            msisdn: &purchase.msisdn,
            partner_reference_id: purchase.reference.as_str(),
            product_code: purchase.product_code.as_str(),
            selling_price: purchase.selling_price.get().to_string(),
            value: &purchase.value,
        }
    }
}

/// Asks who the customer of a prepaid product is and what it costs.
#[derive(Clone, Debug)]
pub struct InquiryPrepaid(pub Purchase);

static INQUIRY_PREPAID_SPEC: Spec = Spec {
    name: "inquiry prepaid",
    effect: Effect::UsesReference,
    source: "Klikoo Open API, Inquiry Prepaid; whether it uses up its reference is not documented, so it is taken to",
};

impl Operation for InquiryPrepaid {
    type Signer = Signer;
    type Output = InquiryReply;

    fn spec(&self) -> &'static Spec {
        &INQUIRY_PREPAID_SPEC
    }

    fn reference(&self) -> Option<&str> {
        Some(self.0.reference.as_str())
    }

    fn request(&self, signer: &Signer, now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        post(signer, "/v1/open-api/products/inquiry", &PurchaseBody::from(&self.0), now)
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<InquiryReply, Error> {
        inquiry_reply(response)
    }
}

/// Buys: the one call that moves money.
#[derive(Clone, Debug)]
pub struct Buy(pub Purchase);

static BUY_SPEC: Spec = Spec {
    name: "buy",
    effect: Effect::MovesMoney,
    source: "Klikoo Open API, Buy Product; case 6563 names a used reference, but no page promises that a repeated buy is refused",
};

impl Operation for Buy {
    type Signer = Signer;
    type Output = Bought;

    fn spec(&self) -> &'static Spec {
        &BUY_SPEC
    }

    fn reference(&self) -> Option<&str> {
        Some(self.0.reference.as_str())
    }

    fn request(&self, signer: &Signer, now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        post(signer, "/v1/open-api/products/buy", &PurchaseBody::from(&self.0), now)
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<Bought, Error> {
        let reply = read(response, Call::Buy)?;
        let transaction = match reply.data {
            Some(data) => Transaction::read(data).map_err(Error::unreadable)?,
            None => Transaction::default(),
        };
        let succeeded = judge(&transaction, &self.0, false)?;
        Ok(Bought { succeeded, transaction })
    }
}

/// Whether a record says that the purchase succeeded; `false` while it runs.
///
/// Failed, a word that proves nothing, and a record of something else are errors. Where the call could have found any record
/// (`named` is true), a final word counts only with our reference in it.
pub(crate) fn judge(transaction: &Transaction, purchase: &Purchase, named: bool) -> Result<bool, Error> {
    let verdict = status_verdict(transaction.status.as_deref());
    let word = transaction.status.as_deref().unwrap_or_default();
    if let Some(field) = transaction.difference(purchase) {
        return Err(Error::new(ErrorKind::Mismatch, Execution::Unknown)
            .with_detail(format!("{field} is not the one asked for"))
            .with_code(word));
    }
    if named && transaction.partner_reference_id.is_none() && matches!(verdict, Verdict::Succeeded | Verdict::Failed(_))
    {
        return Err(Error::new(ErrorKind::Mismatch, Execution::Unknown)
            .with_detail("partner_reference_id is missing")
            .with_code(word));
    }
    match verdict.error() {
        Some(error) => Err(error.with_code(word).with_provider_message(transaction.reason.clone())),
        None => Ok(verdict == Verdict::Succeeded),
    }
}

/// Asks what there is to pay on a bill.
#[derive(Clone)]
pub struct InquiryPostpaid(pub Bill);

static INQUIRY_POSTPAID_SPEC: Spec =
    Spec { name: "inquiry postpaid", effect: Effect::ReadOnly, source: "Klikoo Open API, Inquiry Postpaid" };

#[derive(Serialize)]
struct BillBody<'a> {
    account_number: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<String>,
    product_code: &'a str,
}

impl Operation for InquiryPostpaid {
    type Signer = Signer;
    type Output = InquiryReply;

    fn spec(&self) -> &'static Spec {
        &INQUIRY_POSTPAID_SPEC
    }

    fn request(&self, signer: &Signer, now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        let bill = &self.0;
        let body = BillBody {
            account_number: &bill.account_number,
            period: bill.period.map(|months| months.to_string()),
            product_code: bill.product_code.as_str(),
        };
        post(signer, "/v1/open-api/transactions/inquiry-postpaid", &body, now)
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<InquiryReply, Error> {
        inquiry_reply(response)
    }
}

/// Asks for one transaction by Klikoo's id.
#[derive(Clone, Debug)]
pub struct TransactionDetail {
    /// Klikoo's id of the transaction; opaque.
    pub transaction_id: String,
}

static DETAIL_SPEC: Spec =
    Spec { name: "transaction detail", effect: Effect::ReadOnly, source: "Klikoo Open API, Transaction Detail" };

impl Operation for TransactionDetail {
    type Signer = Signer;
    type Output = Transaction;

    fn spec(&self) -> &'static Spec {
        &DETAIL_SPEC
    }

    fn request(&self, signer: &Signer, now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        if self.transaction_id.is_empty() {
            return Err(
                biller_core::InvalidValue::new("transaction_id", "empty", "Klikoo's id of a transaction").into()
            );
        }
        get(signer, &format!("/v1/open-api/transactions/{}", encoded(&self.transaction_id)), now)
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<Transaction, Error> {
        let data = read(response, Call::Status)?.data.ok_or_else(|| unreadable("data is missing"))?;
        Transaction::read(data).map_err(Error::unreadable)
    }
}

/// Lists transactions.
#[derive(Clone, Debug)]
pub struct TransactionHistory(pub HistoryQuery);

static HISTORY_SPEC: Spec =
    Spec { name: "transaction history", effect: Effect::ReadOnly, source: "Klikoo Open API, Transaction History" };

impl Operation for TransactionHistory {
    type Signer = Signer;
    type Output = HistoryPage;

    fn spec(&self) -> &'static Spec {
        &HISTORY_SPEC
    }

    fn request(&self, signer: &Signer, now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        let query = &self.0;
        let mut path = format!("/v1/open-api/transactions?page={}&limit={}", query.page, query.limit);
        let filters = [
            ("q", query.search.clone()),
            ("from", query.from.map(Timestamp::to_utc_unzoned)),
            ("to", query.to.map(Timestamp::to_utc_unzoned)),
        ];
        for (name, value) in filters {
            if let Some(value) = value {
                path.push_str(&format!("&{name}={}", encoded(&value)));
            }
        }
        get(signer, &path, now)
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<HistoryPage, Error> {
        let reply = read(response, Call::Status)?;
        let rows: Vec<RawJson> = reply.data.map_or(Ok(Vec::new()), |data| data.parse()).map_err(Error::unreadable)?;
        let meta = reply.meta.map_or(Ok(PageMeta::default()), |meta| meta.parse()).map_err(Error::unreadable)?;
        let transactions =
            rows.into_iter().map(Transaction::read).collect::<Result<_, DecodeError>>().map_err(Error::unreadable)?;
        Ok(HistoryPage { transactions, meta })
    }
}

/// Asks what is left of the deposit.
#[derive(Clone, Copy, Debug)]
pub struct Balance;

static BALANCE_SPEC: Spec = Spec {
    name: "balance",
    effect: Effect::ReadOnly,
    source: "Klikoo Open API, Digital Signature, where the path stands as an example; the reply is not documented",
};

impl Operation for Balance {
    type Signer = Signer;
    type Output = Rupiah;

    fn spec(&self) -> &'static Spec {
        &BALANCE_SPEC
    }

    fn request(&self, signer: &Signer, now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        get(signer, "/v1/open-api/balance", now)
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<Rupiah, Error> {
        let data = read(response, Call::Inquiry)?.data.ok_or_else(|| unreadable("data is missing"))?;
        ["balance", "current_balance", "available_balance", "amount"]
            .into_iter()
            .filter_map(|name| data.get(name))
            .chain([data.clone()])
            .find_map(|value| Rupiah::parse_machine_signed(value.as_str().trim_matches('"')).ok())
            .ok_or_else(|| unreadable("no balance in data"))
    }
}

/// What a reply with a success code holds.
struct Reply {
    data: Option<RawJson>,
    meta: Option<RawJson>,
}

/// Reads the envelope and judges its code. The HTTP status plays no part: a listed code counts at any status.
fn read(response: &http::Response<Bytes>, call: Call) -> Result<Reply, Error> {
    let envelope: Envelope = decode::json(response.body()).map_err(Error::unreadable)?;
    let code =
        envelope.response_code.filter(|code| !code.is_empty()).ok_or_else(|| unreadable("response_code is missing"))?;
    if let Some(error) = verdict(&code, call).error() {
        let error = error.with_provider_message(envelope.response_message);
        let error = match &code {
            code if code.ends_with("6508") => error.with_detail(
                "the signature does not fit; settings that bear on it: method_case, signed_path_prefix, sign_query",
            ),
            code if code.ends_with("6505") => {
                error.with_detail("the timestamp does not fit; check this machine's clock")
            }
            _ => error,
        };
        return Err(error.with_code(code));
    }
    Ok(Reply { data: envelope.data, meta: envelope.meta })
}

fn parse_data<T: serde::de::DeserializeOwned>(reply: Reply) -> Result<T, Error> {
    reply.data.ok_or_else(|| unreadable("data is missing"))?.parse().map_err(Error::unreadable)
}

fn inquiry_reply(response: &http::Response<Bytes>) -> Result<InquiryReply, Error> {
    let data = read(response, Call::Inquiry)?.data.ok_or_else(|| unreadable("data is missing"))?;
    let reply: InquiryReply = data.parse().map_err(Error::unreadable)?;
    Ok(InquiryReply { raw: Some(data), ..reply })
}

fn unreadable(detail: &'static str) -> Error {
    Error::new(ErrorKind::UnreadableReply, Execution::Unknown).with_detail(detail)
}

fn post(signer: &Signer, path: &str, body: &impl Serialize, now: Timestamp) -> Result<http::Request<Bytes>, Error> {
    signer.sign(Method::POST, path, canonical(body)?, now)
}

fn get(signer: &Signer, path_and_query: &str, now: Timestamp) -> Result<http::Request<Bytes>, Error> {
    signer.sign(Method::GET, path_and_query, String::new(), now)
}

fn canonical(body: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(body).and_then(|text| canonical_json(&text)).map_err(|error| {
        Error::new(ErrorKind::Signing, Execution::NotExecuted)
            .with_detail("the request cannot be written")
            .with_source(error)
    })
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// The reference of the `n`-th inquiry (from 1) of the purchase `reference`: a UUID, version 4 in form, made of the first 16 bytes
/// of SHA-256 of `<reference>:inquiry:<n>`. Inquiries keep away from the purchase's own reference, which they might use up.
pub fn inquiry_reference(reference: &Reference, n: u32) -> Reference {
    let hash = biller_core::signing::sha256(format!("{reference}:inquiry:{n}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = biller_core::signing::hex(&bytes);
    let uuid = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
    Reference::parse(&uuid).expect("a UUID has the form of a reference")
}
