//! The remote calls as plain values: what each can do, how its request is built and how its reply is read.

use std::sync::Arc;
use std::time::Duration;

use biller_core::{
    Effect, Error, ErrorKind, Execution, InvalidValue, Msisdn, Operation, RawJson, Rupiah, Secret, Spec, Timestamp,
    Verdict, decode, shape_of,
};
use bytes::Bytes;
use http::Method;
use http::header::{DATE, RETRY_AFTER};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::auth::Signer;
use crate::codes::{Call, description_verdict, gateway_meaning, gateway_verdict, http_verdict};
use crate::config::InjectKey;
use crate::gateway::{Fault, scalar};
use crate::model::{
    Brand, Envelope, EnvelopeResult, HistoryDetailQuery, HistoryDetailRow, HistoryQuery, HistoryRow, Inject, Injected,
    IssuedToken, MasterTrxId, Product, ProductList, PurchasePackage, PurchaseReply, ReloadPulsa, StockItem, StockQuery,
    TokenData, TokenRefusal, WgTargetResult, WgTransaction, WgTransactionQuery,
};

/// Every operation with its effect and the source of that claim, in the order of the document.
pub const ALL: &[&Spec] = &[
    &TOKEN_SPEC,
    &ENCRYPT_SPEC,
    &PACKAGE_SPEC,
    &HISTORY_SPEC,
    &RELOAD_SPEC,
    &DOMPUL_SPEC,
    &PULSA_SPEC,
    &PRODUCTS_SPEC,
    &PACKAGE_WITH_PULSA_SPEC,
    &AWG_STOCK_SPEC,
    &AWG_TRANSACTIONS_SPEC,
    &AWG_DETAIL_SPEC,
    &AWG_INJECT_SPEC,
    &XWG_STOCK_SPEC,
    &XWG_TRANSACTIONS_SPEC,
    &XWG_DETAIL_SPEC,
    &XWG_INJECT_SPEC,
    &HISTORY_DETAIL_SPEC,
];

/// The methods of the client whose `apiid` and `apikey` may be a pair of their own.
pub const METHODS: &[&str] = &[
    "encrypt_pin",
    "purchase_package",
    "transaction_history",
    "reload_pulsa",
    "dompul_balance",
    "pulsa_balance",
    "list_products",
    "purchase_package_with_pulsa",
    "awg_stock",
    "awg_transactions",
    "awg_transaction_detail",
    "awg_inject",
    "xwg_stock",
    "xwg_transactions",
    "xwg_transaction_detail",
    "xwg_inject",
    "transaction_history_detail",
];

macro_rules! spec {
    ($name:ident, $method:literal, $effect:ident, $section:literal) => {
        static $name: Spec =
            Spec { name: $method, effect: Effect::$effect, source: concat!("SIDOMPUL Open API 1.5, ", $section) };
    };
}

spec!(TOKEN_SPEC, "fetch_token", ReadOnly, "2.1.1 Get Token");
spec!(ENCRYPT_SPEC, "encrypt_pin", ReadOnly, "2.2.1 Encrypt");
spec!(PACKAGE_SPEC, "purchase_package", MovesMoney, "2.3.1 Purchase Package");
spec!(HISTORY_SPEC, "transaction_history", ReadOnly, "2.3.2 Transaction History");
spec!(RELOAD_SPEC, "reload_pulsa", MovesMoney, "2.3.3 Reload Pulsa (W2P)");
spec!(DOMPUL_SPEC, "dompul_balance", ReadOnly, "2.3.4 Get Dompul Balance");
spec!(PULSA_SPEC, "pulsa_balance", ReadOnly, "2.3.5 Get Pulsa Balance");
spec!(PRODUCTS_SPEC, "list_products", ReadOnly, "2.3.6 Get List Product Code");
spec!(PACKAGE_WITH_PULSA_SPEC, "purchase_package_with_pulsa", MovesMoney, "2.3.7 Purchase Package Deduct Pulsa");
spec!(AWG_STOCK_SPEC, "awg_stock", ReadOnly, "2.3.8 AWG Get Stock");
spec!(AWG_TRANSACTIONS_SPEC, "awg_transactions", ReadOnly, "2.3.9 AWG Get Info Transaction");
spec!(AWG_DETAIL_SPEC, "awg_transaction_detail", ReadOnly, "2.3.10 AWG Get Info Transaction Detail");
spec!(AWG_INJECT_SPEC, "awg_inject", MovesMoney, "2.3.11 AWG Inject Stock");
spec!(XWG_STOCK_SPEC, "xwg_stock", ReadOnly, "2.3.12 XWG Get Stock");
spec!(XWG_TRANSACTIONS_SPEC, "xwg_transactions", ReadOnly, "2.3.13 XWG Get Info Transaction");
spec!(XWG_DETAIL_SPEC, "xwg_transaction_detail", ReadOnly, "2.3.14 XWG Get Info Transaction Detail");
spec!(XWG_INJECT_SPEC, "xwg_inject", MovesMoney, "2.3.15 XWG Inject Stock");
spec!(HISTORY_DETAIL_SPEC, "transaction_history_detail", ReadOnly, "2.3.16 Transaction History Detail");

/// Asks for an access token.
#[derive(Clone, Copy, Debug)]
pub struct RequestToken;

impl Operation for RequestToken {
    type Signer = Signer;
    type Output = IssuedToken;

    fn spec(&self) -> &'static Spec {
        &TOKEN_SPEC
    }

    fn request(&self, signer: &Signer, _now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        signer.token_request()
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<IssuedToken, Error> {
        if let Some(error) = gateway_error(response, Call::Read) {
            return Err(error);
        }
        let status = response.status();
        if !status.is_success() {
            let refusal: TokenRefusal = decode::json(response.body()).unwrap_or_default();
            return Err(match refusal.error {
                Some(word) if status.is_client_error() => Error::new(ErrorKind::Refused, Execution::NotExecuted)
                    .with_detail("check client_id and client_secret")
                    .with_code(word)
                    .with_provider_message(refusal.error_description),
                _ => by_status(response),
            });
        }
        let reply: TokenData = decode::json(response.body()).map_err(Error::unreadable)?;
        if reply.access_token.is_empty() {
            return Err(unreadable("access_token is empty"));
        }
        let lifetime = reply.expires_in.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
        Ok(IssuedToken { secret: reply.access_token, lifetime: lifetime.map(Duration::from_secs) })
    }
}

/// Has a PIN encrypted: the same PIN gives the same text, which is as secret as the PIN.
#[derive(Clone, Debug)]
pub struct EncryptPin(pub Secret);

#[derive(Serialize)]
struct EncryptBody<'a> {
    data: &'a str,
}

impl Operation for EncryptPin {
    type Signer = Signer;
    type Output = Secret;

    fn spec(&self) -> &'static Spec {
        &ENCRYPT_SPEC
    }

    fn request(&self, signer: &Signer, _now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        post(signer, &ENCRYPT_SPEC, "post-encrypt", &EncryptBody { data: self.0.expose() })
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<Secret, Error> {
        let data = read(response)?.and_then(|data| scalar(&data)).filter(|text| !text.is_empty());
        data.map(Secret::new).ok_or_else(|| unreadable("data is missing"))
    }
}

/// Who pays: the encrypted PIN, and the error codes that the caller knows to be refusals.
#[derive(Clone, Debug)]
pub struct Payer {
    /// As the encryption call returned it.
    pub pin: Secret,
    /// The setting `refused_codes`.
    pub refused_codes: Arc<[String]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PackageBody<'a> {
    msisdn: String,
    pin: &'a str,
    product_code: &'a str,
}

/// Buys a package: moves money.
#[derive(Clone, Debug)]
pub struct BuyPackage {
    /// What for whom.
    pub package: PurchasePackage,
    /// Whether it is paid from the dealer's pulsa; otherwise from the dompul balance.
    pub with_pulsa: bool,
    /// Who pays.
    pub payer: Payer,
}

impl Operation for BuyPackage {
    type Signer = Signer;
    type Output = PurchaseReply;

    fn spec(&self) -> &'static Spec {
        if self.with_pulsa { &PACKAGE_WITH_PULSA_SPEC } else { &PACKAGE_SPEC }
    }

    fn request(&self, signer: &Signer, _now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        let body = PackageBody {
            msisdn: self.package.msisdn.to_62(),
            pin: self.payer.pin.expose(),
            product_code: self.package.product_code.as_str(),
        };
        post(signer, self.spec(), if self.with_pulsa { "post-package-pulsa" } else { "post-package" }, &body)
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<PurchaseReply, Error> {
        bought(response, &self.payer, &self.package.msisdn, None)
    }
}

#[derive(Serialize)]
struct ReloadBody<'a> {
    msisdn: String,
    pin: &'a str,
    denom: i64,
}

/// Reloads pulsa: moves money.
#[derive(Clone, Debug)]
pub struct Reload {
    /// How much for whom.
    pub reload: ReloadPulsa,
    /// Who pays.
    pub payer: Payer,
}

impl Operation for Reload {
    type Signer = Signer;
    type Output = PurchaseReply;

    fn spec(&self) -> &'static Spec {
        &RELOAD_SPEC
    }

    fn request(&self, signer: &Signer, _now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        let body = ReloadBody {
            msisdn: self.reload.msisdn.to_62(),
            pin: self.payer.pin.expose(),
            denom: self.reload.denomination.get(),
        };
        post(signer, &RELOAD_SPEC, "post-w2p", &body)
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<PurchaseReply, Error> {
        bought(response, &self.payer, &self.reload.msisdn, Some(self.reload.denomination))
    }
}

/// Lists the history of some days.
#[derive(Clone, Copy, Debug)]
pub struct TransactionHistory(pub HistoryQuery);

impl Operation for TransactionHistory {
    type Signer = Signer;
    /// Dates are read as WIB; the client moves them to the zone of the setting.
    type Output = Vec<HistoryRow>;

    fn spec(&self) -> &'static Spec {
        &HISTORY_SPEC
    }

    fn request(&self, signer: &Signer, _now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        let days = [("startdate", Some(self.0.start.to_string())), ("enddate", Some(self.0.end.to_string()))];
        get(signer, &HISTORY_SPEC, "get-transaction-history", &days)
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<Vec<HistoryRow>, Error> {
        Ok(rows::<RawJson>(response)?.into_iter().map(HistoryRow::read).collect())
    }
}

/// Lists details of the history.
#[derive(Clone, Debug)]
pub struct TransactionHistoryDetail(pub HistoryDetailQuery);

impl Operation for TransactionHistoryDetail {
    type Signer = Signer;
    /// Dates are read as WIB; the client moves them to the zone of the setting.
    type Output = Vec<HistoryDetailRow>;

    fn spec(&self) -> &'static Spec {
        &HISTORY_DETAIL_SPEC
    }

    fn request(&self, signer: &Signer, _now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        let query = &self.0;
        let filters = [
            ("transactionId", query.transaction_id.clone()),
            ("msisdnB", query.msisdn.as_ref().map(Msisdn::to_62)),
            ("orderStatus", query.order_status.clone()),
        ];
        get(signer, &HISTORY_DETAIL_SPEC, "get-transaction-history-detail", &filters)
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<Vec<HistoryDetailRow>, Error> {
        rows(response)
    }
}

/// Asks for a balance of the dealer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// The dompul balance, which sales are paid from.
    Dompul,
    /// The pulsa on the dealer's own number.
    Pulsa,
}

impl Operation for Balance {
    type Signer = Signer;
    type Output = Rupiah;

    fn spec(&self) -> &'static Spec {
        match self {
            Self::Dompul => &DOMPUL_SPEC,
            Self::Pulsa => &PULSA_SPEC,
        }
    }

    fn request(&self, signer: &Signer, _now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        let path = match self {
            Self::Dompul => "get-dompul-balance",
            Self::Pulsa => "get-pulsa-balance",
        };
        get(signer, self.spec(), path, &[])
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<Rupiah, Error> {
        let text = read(response)?.and_then(|data| scalar(&data)).ok_or_else(|| unreadable("data is missing"))?;
        Rupiah::parse_machine_signed(&text).map_err(|_| unreadable("data is no balance in whole rupiah"))
    }
}

/// Lists the packages.
#[derive(Clone, Copy, Debug)]
pub struct ListProducts;

impl Operation for ListProducts {
    type Signer = Signer;
    type Output = ProductList;

    fn spec(&self) -> &'static Spec {
        &PRODUCTS_SPEC
    }

    fn request(&self, signer: &Signer, _now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        get(signer, &PRODUCTS_SPEC, "get-product-list", &[])
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<ProductList, Error> {
        let rows: Vec<RawJson> = rows(response)?;
        let products: Vec<Product> = rows.iter().filter_map(Product::read).collect();
        Ok(ProductList { dropped: rows.len() - products.len(), products })
    }
}

/// Lists voucher stock.
#[derive(Clone, Debug)]
pub struct Stock {
    /// Whose.
    pub brand: Brand,
    /// Which.
    pub query: StockQuery,
}

impl Operation for Stock {
    type Signer = Signer;
    type Output = Vec<StockItem>;

    fn spec(&self) -> &'static Spec {
        of_brand(self.brand, &AWG_STOCK_SPEC, &XWG_STOCK_SPEC)
    }

    fn request(&self, signer: &Signer, _now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        let path = format!("get-{}-stock", self.brand.as_str());
        get(signer, self.spec(), &path, &[("roType", self.query.ro_type.clone())])
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<Vec<StockItem>, Error> {
        rows(response)
    }
}

/// Lists stock transactions.
#[derive(Clone, Debug)]
pub struct StockTransactions {
    /// Whose.
    pub brand: Brand,
    /// Which.
    pub query: WgTransactionQuery,
}

impl Operation for StockTransactions {
    type Signer = Signer;
    type Output = Vec<WgTransaction>;

    fn spec(&self) -> &'static Spec {
        of_brand(self.brand, &AWG_TRANSACTIONS_SPEC, &XWG_TRANSACTIONS_SPEC)
    }

    fn request(&self, signer: &Signer, _now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        let query = &self.query;
        if !query.service_type.is_of(self.brand) {
            let shape = format!("{} of {}", query.service_type, self.brand.as_str());
            return Err(InvalidValue::new("service_type", shape, "a service type that AWG has").into());
        }
        let path = format!("get-{}-transaction-info", self.brand.as_str());
        let filters = [
            ("beginDate", Some(query.begin.to_dmy())),
            ("endDate", Some(query.end.to_dmy())),
            ("servicetype", Some(query.service_type.as_str().to_owned())),
        ];
        get(signer, self.spec(), &path, &filters)
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<Vec<WgTransaction>, Error> {
        rows(response)
    }
}

/// Asks what became of each target of an inject.
#[derive(Clone, Debug)]
pub struct StockTransactionDetail {
    /// From whose stock.
    pub brand: Brand,
    /// The word for the kind of inject.
    pub command: String,
    /// The inject.
    pub master_trx_id: MasterTrxId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DetailBody<'a> {
    command: &'a str,
    master_trx_id: &'a str,
}

impl Operation for StockTransactionDetail {
    type Signer = Signer;
    type Output = Vec<WgTargetResult>;

    fn spec(&self) -> &'static Spec {
        of_brand(self.brand, &AWG_DETAIL_SPEC, &XWG_DETAIL_SPEC)
    }

    fn request(&self, signer: &Signer, _now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        let id = self.master_trx_id.as_str();
        if id.is_empty() {
            return Err(InvalidValue::new("master_trx_id", shape_of(id), "the id that the inject returned").into());
        }
        let path = format!("post-{}-transaction-info-detail", self.brand.as_str());
        post(signer, self.spec(), &path, &DetailBody { command: &self.command, master_trx_id: id })
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<Vec<WgTargetResult>, Error> {
        rows(response)
    }
}

/// Injects voucher stock: moves money.
#[derive(Clone, Debug)]
pub struct InjectStock {
    /// What from which row into which targets.
    pub inject: Inject,
    /// How the voucher id is called.
    pub key: InjectKey,
    /// Who pays.
    pub payer: Payer,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InjectBody<'a> {
    target: Vec<String>,
    pin: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    v_id: Option<&'a str>,
    #[serde(rename = "vid", skip_serializing_if = "Option::is_none")]
    vid: Option<&'a str>,
    command: &'a str,
    allow_type: &'a str,
}

impl Operation for InjectStock {
    type Signer = Signer;
    type Output = Injected;

    fn spec(&self) -> &'static Spec {
        of_brand(self.inject.brand, &AWG_INJECT_SPEC, &XWG_INJECT_SPEC)
    }

    fn request(&self, signer: &Signer, _now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        let inject = &self.inject;
        let id = inject.voucher_id.expose();
        let body = InjectBody {
            target: inject.targets.iter().map(crate::model::Target::to_wire).collect(),
            pin: self.payer.pin.expose(),
            v_id: (self.key == InjectKey::VId).then_some(id),
            vid: (self.key == InjectKey::Vid).then_some(id),
            command: &inject.command,
            allow_type: inject.allow_type.as_str(),
        };
        post(signer, self.spec(), &format!("post-{}-tembak", inject.brand.as_str()), &body)
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<Injected, Error> {
        let id = paid(response, &self.payer)?.and_then(|data| scalar(&data)).filter(|id| !id.trim().is_empty());
        Ok(Injected { master_trx_id: id.map(|id| MasterTrxId(id.trim().to_owned())) })
    }
}

fn of_brand(brand: Brand, awg: &'static Spec, xwg: &'static Spec) -> &'static Spec {
    match brand {
        Brand::Awg => awg,
        Brand::Xwg => xwg,
    }
}

/// Reads a purchase that is described in words: the echo first, then the words.
fn bought(
    response: &http::Response<Bytes>,
    payer: &Payer,
    msisdn: &Msisdn,
    denomination: Option<Rupiah>,
) -> Result<PurchaseReply, Error> {
    let data = paid(response, payer)?;
    let mut reply = match &data {
        Some(data) if data.as_str().starts_with('{') => data.parse().map_err(Error::unreadable)?,
        Some(data) => PurchaseReply { description: scalar(data), ..PurchaseReply::default() },
        None => PurchaseReply::default(),
    };
    let echo = reply.msisdn.as_deref().filter(|echo| !echo.trim().is_empty());
    let difference = if echo.is_some_and(|echo| Msisdn::parse(echo).map_or(true, |echo| echo != *msisdn)) {
        Some("msisdn")
    } else if matches!((reply.denomination, denomination), (Some(echo), Some(asked)) if echo != asked) {
        Some("denomination")
    } else {
        None
    };
    if let Some(field) = difference {
        return Err(Error::new(ErrorKind::Mismatch, Execution::Unknown)
            .with_detail(format!("{field} is not the one asked for"))
            .with_code("00"));
    }
    let verdict = description_verdict(reply.description.as_deref().unwrap_or_default());
    if let Some(error) = verdict.error() {
        return Err(error
            .with_detail("code 00 with a description of failure")
            .with_code("00")
            .with_provider_message(reply.description));
    }
    reply.succeeded = verdict == Verdict::Succeeded;
    reply.raw = data;
    Ok(reply)
}

/// Reads the reply to a call that moves no money.
fn read(response: &http::Response<Bytes>) -> Result<Option<RawJson>, Error> {
    data(response, Call::Read, &[])
}

/// Reads the reply to a purchase.
fn paid(response: &http::Response<Bytes>, payer: &Payer) -> Result<Option<RawJson>, Error> {
    data(response, Call::Purchase, &payer.refused_codes)
}

/// `data` of a reply with code `00`. Tried in this order: gateway fault, the provider's envelope, HTTP status, body.
fn data(response: &http::Response<Bytes>, call: Call, refused_codes: &[String]) -> Result<Option<RawJson>, Error> {
    if let Some(error) = gateway_error(response, call) {
        return Err(error);
    }
    let envelope: Result<Envelope, _> = decode::json(response.body());
    let envelope = match envelope {
        Ok(envelope) if envelope.result.is_some() || envelope.status_code.is_some() => envelope,
        Ok(_) => return Err(by_status(response)),
        Err(_) if !response.status().is_success() => return Err(by_status(response)),
        Err(error) => return Err(Error::unreadable(error)),
    };
    let EnvelopeResult { error_code, error_message, data } = envelope.result.unwrap_or_default();
    let status = response.status();
    let code = error_code.unwrap_or_default();
    let error = match code.as_str() {
        "00" if status.is_success() && envelope.status_code.is_none_or(|status| status == 200) => {
            return Ok(data.filter(|data| data.as_str() != "null"));
        }
        "00" => Error::new(ErrorKind::Unproven, Execution::Unknown).with_detail("code 00 beside another HTTP status"),
        code if refused_codes.iter().any(|refused| refused == code) => {
            Error::new(ErrorKind::Refused, Execution::NotExecuted).with_detail("a code of the setting refused_codes")
        }
        _ if status.as_u16() == 401 && envelope.status_code == Some(401) => {
            Error::new(ErrorKind::Refused, Execution::NotExecuted).with_detail("check apiid and apikey")
        }
        "" => Error::new(ErrorKind::Unlisted, Execution::Unknown).with_detail("errorCode is missing"),
        _ => Error::new(ErrorKind::Unlisted, Execution::Unknown),
    };
    Err(error.with_code(code).with_provider_message(error_message))
}

/// The rows of a list; absent and `null` are an empty list.
fn rows<T: DeserializeOwned>(response: &http::Response<Bytes>) -> Result<Vec<T>, Error> {
    read(response)?.map_or(Ok(Vec::new()), |data| data.parse()).map_err(Error::unreadable)
}

/// The error that a gateway fault stands for, if the body is one.
fn gateway_error(response: &http::Response<Bytes>, call: Call) -> Option<Error> {
    let fault = Fault::read(response.body())?;
    let verdict = gateway_verdict(fault.code, fault.is_status_report, call);
    // A gateway code never means success, so there always is an error.
    let error = verdict.error()?;
    let wait = match fault.code {
        303_001 => Some(Duration::from_secs(30)),
        _ if response.headers().contains_key(RETRY_AFTER) => None,
        _ => fault.next_access.and_then(|at| {
            let date = response.headers().get(DATE)?.to_str().ok()?;
            Some(at.since(Timestamp::parse_http_date(date)?))
        }),
    };
    Some(
        error
            .with_detail(format!("the gateway says: {}", gateway_meaning(fault.code, fault.is_status_report)))
            .with_code(fault.code.to_string())
            .with_provider_message(fault.message)
            .with_retry_after(wait),
    )
}

/// The error of a reply whose body says nothing.
fn by_status(response: &http::Response<Bytes>) -> Error {
    let verdict = http_verdict(response.status().as_u16());
    let error = verdict.error().unwrap_or_else(|| Error::new(ErrorKind::UnreadableReply, Execution::Unknown));
    error.with_detail("neither a gateway fault nor the provider's envelope")
}

fn unreadable(detail: &'static str) -> Error {
    Error::new(ErrorKind::UnreadableReply, Execution::Unknown).with_detail(detail)
}

fn post(signer: &Signer, spec: &Spec, path: &str, body: &impl Serialize) -> Result<http::Request<Bytes>, Error> {
    let body = serde_json::to_string(body).map_err(|error| {
        Error::new(ErrorKind::Signing, Execution::NotExecuted)
            .with_detail("the request cannot be written")
            .with_source(error)
    })?;
    signer.request(spec.name, Method::POST, path, body)
}

fn get(
    signer: &Signer,
    spec: &Spec,
    path: &str,
    query: &[(&str, Option<String>)],
) -> Result<http::Request<Bytes>, Error> {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    for (name, value) in query {
        if let Some(value) = value {
            pairs.append_pair(name, value);
        }
    }
    let query = pairs.finish();
    let path = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    signer.request(spec.name, Method::GET, &path, String::new())
}
