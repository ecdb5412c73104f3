//! PLN prepaid and its siblings, sold through MyBills.

mod auth;
mod catalogue;
mod receipts;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use bytes::Bytes;
use http::{HeaderValue, Method};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use self::auth::{Account, OPERATIONS, Signed, TokenState, VERSION};
use self::catalogue::{Plan, Product};
use crate::callbacks::NewCallback;
use crate::clock::{rfc3339_wib, wib};
use crate::context::Context;
use crate::ledger::{ChargeState, NewCharge};
use crate::provider::{Operation, Profile, Provider, Reply, Request};
use crate::requests::Verdict;
use crate::slips;

static PROFILE: Profile = Profile {
    name: "pln",
    operations: &[Operation::Inquiry, Operation::Payment, Operation::Status, Operation::Callback],
    balance: 10_000_000,
    tokens: true,
    can_lose_transactions: &[Operation::Status],
    callback_retries: &[],
};

const STORE: &str = "MERCHANT SANDBOX";
const OUTLET: &str = "OUTLET SANDBOX";
const OUTLET_ID: i64 = 896;
/// The longest text of a request.
const LONGEST: usize = 64;
/// Tokens that clients used lately are kept for explaining refusals.
const TOKENS_KEPT: usize = 50;

pub(crate) fn provider() -> Box<dyn Provider> {
    Box::new(Pln {
        account: Account::sandbox(),
        transactions: Vec::new(),
        stroom_tokens: HashSet::new(),
        access_tokens: Vec::new(),
    })
}

struct Pln {
    account: Account,
    /// One for each accepted inquiry, oldest first; the index gives the number.
    transactions: Vec<Transaction>,
    stroom_tokens: HashSet<String>,
    /// Accepted ones, newest last.
    access_tokens: Vec<String>,
}

/// An accepted inquiry and what came of it.
struct Transaction {
    number: usize,
    reference: String,
    provider_reference: String,
    product: &'static Product,
    customer: String,
    plan: Plan,
    asked_at: Timestamp,
    purchase: Option<Purchase>,
}

/// A paid inquiry.
struct Purchase {
    charge: u64,
    state: ChargeState,
    approval: String,
    paid_at: Timestamp,
    /// What advice says once it has failed.
    failure: &'static str,
    /// Shown once it has succeeded.
    bill: String,
    serial: String,
    callback_spent: bool,
}

/// An answer, or the answer to a request that a check refused.
type Answer = Result<Reply, Reply>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    response_code: &'a str,
    response_message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_datetime: Option<String>,
    /// Callbacks spell it like this.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_date_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partner_reference_no: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference_no: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Details<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Details<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    partner_approval_no: Option<&'a str>,
    partner_reference_no: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference_no: Option<&'a str>,
    merchant_store_name: &'a str,
    #[serde(rename = "merchantOutletID")]
    merchant_outlet_id: i64,
    merchant_outlet_name: &'a str,
    product_reference_code: &'a str,
    #[serde(rename = "productTypeID")]
    product_type_id: u8,
    product_code: &'a str,
    product_name: &'a str,
    product_price: i64,
    product_admin_fee: i64,
    product_merchant_fee: i64,
    transaction_date: String,
    #[serde(rename = "customerID")]
    customer_id: &'a str,
    additional_info: AdditionalInfo<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AdditionalInfo<'a> {
    serial_number: &'a str,
    bill_desc: String,
}

/// WIB without a fraction: milliseconds are cut off.
fn seconds(at: Timestamp) -> String {
    let text = rfc3339_wib(at);
    format!("{}{}", &text[..19], &text[23..])
}

fn message(code: &str) -> &'static str {
    match code {
        "00" => "Success",
        "02" => "Pending",
        "03" => "Failed",
        "05" => "Expired",
        "06" => "Suspect",
        "07" => "System error",
        "08" => "Transaction terminated",
        "09" => "Duplicate partner reference number",
        "10" => "Unknown product code",
        "12" => "Invalid partner",
        "13" => "Invalid signature",
        "14" => "Invalid customer ID",
        "17" => "Payment has been paid",
        "22" => "Transaction not found",
        "27" => "Duplicate transaction",
        "39" => "Invalid parameter",
        "96" => "Biller is disrupted",
        "401" => "JWT expired",
        _ => "Cannot be processed",
    }
}

/// Code, message and time only.
fn short(http: u16, code: &str, message: &str, now: Timestamp) -> Reply {
    let envelope = Envelope {
        response_code: code,
        response_message: message,
        response_datetime: Some(seconds(now)),
        response_date_time: None,
        partner_reference_no: None,
        reference_no: None,
        result: None,
    };
    Reply::json(http, &envelope).refused()
}

/// A business rule's refusal.
fn refuse(code: &str, now: Timestamp) -> Reply {
    short(200, code, message(code), now)
}

fn text<'a>(body: &'a Map<String, Value>, field: &str) -> &'a str {
    body.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn operation_name(request: &Request) -> Option<&'static str> {
    let rest = request.path.strip_prefix('/')?.strip_prefix(VERSION)?.strip_prefix('/')?;
    OPERATIONS.into_iter().find(|operation| *operation == rest && request.method == Method::POST)
}

fn required_fields(operation: Operation) -> &'static [&'static str] {
    match operation {
        Operation::Inquiry => &["partnerReferenceNo", "productCode", "customerID"],
        Operation::Payment => &["partnerApprovalNo", "partnerReferenceNo", "referenceNo"],
        _ => &["partnerReferenceNo", "referenceNo"],
    }
}

impl Provider for Pln {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn credentials(&self) -> Value {
        self.account.credentials()
    }

    fn scenarios(&self) -> Value {
        catalogue::overview()
    }

    fn operation_of(&self, request: &Request) -> Option<Operation> {
        match operation_name(request)? {
            "inquiry" => Some(Operation::Inquiry),
            "payment" => Some(Operation::Payment),
            _ => Some(Operation::Status),
        }
    }

    fn handle(&mut self, context: &mut Context<'_>, request: &Request) -> Reply {
        self.answer(context, request).unwrap_or_else(|refused| refused)
    }

    fn settle(&mut self, context: &mut Context<'_>, key: u64) {
        let Some(transaction) = self.transactions.get_mut(key as usize) else { return };
        let callback = transaction.callback(context);
        let succeeds = transaction.plan == Plan::SucceedsLater;
        let price = transaction.product.price;
        let Some(purchase) = &mut transaction.purchase else { return };
        purchase.state = if succeeds { ChargeState::Succeeded } else { ChargeState::Failed };
        context.set_charge_state(purchase.charge, purchase.state);
        if !succeeds {
            context.add_to_balance(price);
        }
        if !std::mem::replace(&mut purchase.callback_spent, true) {
            context.call_back(&callback);
        }
    }

    fn expire_token(&mut self, context: &mut Context<'_>, _request: &Request) -> Reply {
        short(401, "401", message("401"), context.now)
    }
}

impl Pln {
    fn answer(&mut self, context: &mut Context<'_>, request: &Request) -> Answer {
        let (Some(name), Some(operation)) = (operation_name(request), self.operation_of(request)) else {
            context.verdict = Verdict::unchecked("not checked: no such path and method");
            return Err(Reply::page(404));
        };
        self.authenticate(context, request, name)?;
        let body = request.json_object().ok_or_else(|| short(400, "39", "The body is no JSON object", context.now))?;
        for field in required_fields(operation) {
            let text = body.get(*field).and_then(Value::as_str);
            if !text.is_some_and(|text| (1..=LONGEST).contains(&text.chars().count())) {
                return Err(short(
                    400,
                    "39",
                    &format!("{field} must be text of 1 to {LONGEST} characters"),
                    context.now,
                ));
            }
        }
        match operation {
            Operation::Inquiry => self.inquiry(context, &body),
            Operation::Payment => self.payment(context, &body),
            _ => self.advice(context, &body),
        }
    }

    fn authenticate(&mut self, context: &mut Context<'_>, request: &Request, name: &str) -> Result<(), Reply> {
        let now = context.now;
        let mut refused = |part, found: &str, http, code| {
            context.verdict = Verdict::refused(part, found);
            Err(short(http, code, message(code), now))
        };
        let timestamp = request.header("x-timestamp").unwrap_or_default();
        if !slips::timely(timestamp, now) {
            let found = format!("X-TIMESTAMP `{timestamp}` is not RFC 3339 within 300 s of the server's clock");
            return refused("timestamp", &found, 400, "39");
        }
        let schemes = ["Bearer", "Basic"].into_iter();
        let (scheme, token) =
            schemes.filter_map(|scheme| Some((scheme, request.authorization(scheme)?))).next().unwrap_or_default();
        match self.account.token_state(token, now) {
            TokenState::Valid => {}
            TokenState::Expired => return refused("token", "the token has expired", 401, "401"),
            TokenState::Wrong(found) => return refused("token", found, 401, "12"),
        }
        let others = self.access_tokens.iter().rev().map(String::as_str).filter(|other| *other != token).collect();
        let signed = Signed::of(request, &self.account, name, token, others, timestamp);
        context.verdict = signed.verdict(request.header("x-signature").unwrap_or_default());
        if !context.verdict.accepted {
            return Err(short(401, "13", message("13"), now));
        }
        let form = context.verdict.variant.take().unwrap_or_default();
        context.verdict.variant = Some(format!("{scheme}, {form}"));
        if !self.access_tokens.iter().any(|known| known == token) {
            if self.access_tokens.len() == TOKENS_KEPT {
                self.access_tokens.remove(0);
            }
            self.access_tokens.push(token.to_owned());
        }
        Ok(())
    }

    fn inquiry(&mut self, context: &mut Context<'_>, body: &Map<String, Value>) -> Answer {
        let (reference, customer) = (text(body, "partnerReferenceNo"), text(body, "customerID"));
        let product = catalogue::find(text(body, "productCode")).ok_or_else(|| refuse("10", context.now))?;
        if self.transactions.iter().any(|transaction| transaction.reference == reference) {
            return Err(refuse("09", context.now));
        }
        let digits = customer.bytes().all(|byte| byte.is_ascii_digit());
        if product.is_pln() && !(digits && (11..=12).contains(&customer.len())) {
            return Err(refuse("14", context.now));
        }
        let number = self.transactions.len() + 1;
        let day = wib(context.now).strftime("%y%m%d");
        let transaction = Transaction {
            number,
            reference: reference.to_owned(),
            provider_reference: format!("DEV-{day}-{number:07}"),
            product,
            customer: customer.to_owned(),
            plan: product.plan(customer),
            asked_at: context.now,
            purchase: None,
        };
        if let Plan::NoInquiry(code) = &transaction.plan {
            let details = Details { reference_no: None, ..transaction.details(None, false, false) };
            let envelope = Envelope { reference_no: None, ..transaction.envelope(code, details, context.now) };
            return Ok(Reply::json(200, &envelope));
        }
        let envelope = transaction.envelope("00", transaction.details(None, false, false), context.now);
        let reply = Reply::json(200, &envelope);
        self.transactions.push(transaction);
        Ok(reply)
    }

    /// The index of the transaction that both references name.
    fn find(&self, body: &Map<String, Value>, now: Timestamp) -> Result<usize, Reply> {
        let (reference, provider_reference) = (text(body, "partnerReferenceNo"), text(body, "referenceNo"));
        let named = |transaction: &Transaction| {
            transaction.reference == reference && transaction.provider_reference == provider_reference
        };
        self.transactions.iter().position(named).ok_or_else(|| refuse("22", now))
    }

    fn payment(&mut self, context: &mut Context<'_>, body: &Map<String, Value>) -> Answer {
        let now = context.now;
        let index = self.find(body, now)?;
        let transaction = &mut self.transactions[index];
        match transaction.purchase.as_ref().map(|first| first.state) {
            None => {}
            Some(ChargeState::Pending) => return Err(refuse("27", now)),
            Some(ChargeState::Succeeded) => return Err(refuse("17", now)),
            Some(ChargeState::Failed) if context.charges_resend() => {}
            Some(ChargeState::Failed) => return Err(refuse("08", now)),
        }
        let product = transaction.product;
        let affordable = context.balance() >= product.price;
        let (code, state, failure) = match &transaction.plan {
            _ if !affordable => ("03", ChargeState::Failed, "03"),
            Plan::Succeeds => ("00", ChargeState::Succeeded, "03"),
            Plan::SucceedsLater => ("02", ChargeState::Pending, "03"),
            Plan::FailsLater(code) => ("02", ChargeState::Pending, *code),
            Plan::Fails { payment, advice } => (payment.as_str(), ChargeState::Failed, *advice),
            Plan::Hidden(code) => (code.as_str(), ChargeState::Succeeded, "03"),
            Plan::NoInquiry(code) => return Err(refuse(code, now)),
        };
        let code = code.to_owned();
        let charge = context.charge(&NewCharge {
            reference: Some(&transaction.reference),
            customer: &transaction.customer,
            product: product.code,
            amount: if affordable { product.price } else { 0 },
            state,
        });
        if state != ChargeState::Failed {
            context.add_to_balance(-product.price);
        }
        let (bill, serial) = if matches!(transaction.plan, Plan::FailsLater(_)) || state == ChargeState::Failed {
            (String::new(), String::new())
        } else {
            let token = loop {
                let token = context.random.stroom_token();
                if self.stroom_tokens.insert(token.clone()) {
                    break token;
                }
            };
            let bill = receipts::purchase(product, &transaction.customer, &token, context.random);
            (bill, context.random.digits(19))
        };
        transaction.purchase = Some(Purchase {
            charge,
            state,
            approval: text(body, "partnerApprovalNo").to_owned(),
            paid_at: now,
            failure,
            bill,
            serial,
            callback_spent: false,
        });
        if !affordable {
            return Err(short(200, "03", "Failed: insufficient deposit", now));
        }
        if state == ChargeState::Pending {
            let callback = transaction.callback(context);
            let spent = context.call_back_early(&callback);
            if let Some(purchase) = &mut transaction.purchase {
                purchase.callback_spent = spent;
            }
            context.settle_later(index as u64);
        }
        let purchase = transaction.purchase.as_ref();
        let details = transaction.details(purchase, code == "00", false);
        Ok(Reply::json(200, &transaction.envelope(&code, details, now)))
    }

    fn advice(&self, context: &mut Context<'_>, body: &Map<String, Value>) -> Answer {
        let now = context.now;
        let transaction = &self.transactions[self.find(body, now)?];
        let purchase = transaction.purchase.as_ref().ok_or_else(|| refuse("22", now))?;
        if context.hides_transaction() {
            return Err(refuse("22", now));
        }
        let (code, delivered) = match purchase.state {
            ChargeState::Pending => ("02", false),
            ChargeState::Succeeded => ("00", true),
            ChargeState::Failed => (purchase.failure, false),
        };
        let details = transaction.details(Some(purchase), delivered, true);
        Ok(Reply::json(200, &transaction.envelope(code, details, now)))
    }
}

impl Transaction {
    fn envelope<'a>(&'a self, code: &'a str, details: Details<'a>, now: Timestamp) -> Envelope<'a> {
        Envelope {
            response_code: code,
            response_message: message(code),
            response_datetime: Some(seconds(now)),
            response_date_time: None,
            partner_reference_no: Some(&self.reference),
            reference_no: Some(&self.provider_reference),
            result: Some(details),
        }
    }

    /// `delivered` shows the goods; `finally` tells an advice or a callback from a payment.
    fn details<'a>(&'a self, purchase: Option<&'a Purchase>, delivered: bool, finally: bool) -> Details<'a> {
        let product = self.product;
        let goods = purchase.filter(|purchase| delivered && !purchase.bill.is_empty());
        // Electricity gets its serial number only from an advice or a callback; siblings at once.
        let (serial, approval) = match purchase {
            Some(purchase) if finally || !product.is_pln() => {
                (goods.map_or("", |goods| goods.serial.as_str()), Some(purchase.approval.as_str()))
            }
            _ => ("", None),
        };
        Details {
            partner_approval_no: approval,
            partner_reference_no: &self.reference,
            reference_no: Some(&self.provider_reference),
            merchant_store_name: STORE,
            merchant_outlet_id: OUTLET_ID,
            merchant_outlet_name: OUTLET,
            product_reference_code: product.reference_code,
            product_type_id: product.type_id(),
            product_code: product.code,
            product_name: product.name,
            product_price: product.price,
            product_admin_fee: product.admin_fee,
            product_merchant_fee: product.merchant_fee,
            transaction_date: seconds(purchase.map_or(self.asked_at, |purchase| purchase.paid_at)),
            customer_id: &self.customer,
            additional_info: AdditionalInfo {
                serial_number: serial,
                bill_desc: goods
                    .map_or_else(|| receipts::customer(product, &self.customer), |goods| goods.bill.clone()),
            },
        }
    }

    /// The callback about how a pending purchase ends, and the one that tells the opposite.
    fn callback(&self, context: &mut Context<'_>) -> NewCallback {
        let now = seconds(context.now);
        if let Ok(value) = HeaderValue::try_from(now.as_str()) {
            context.callback_headers.insert("x-timestamp", value);
        }
        let number = format!("Callback-{:07}", self.number);
        let posted = |delivered: bool| {
            let details = self.details(self.purchase.as_ref(), delivered, true);
            let envelope = Envelope {
                response_datetime: None,
                response_date_time: Some(now.clone()),
                reference_no: Some(&number),
                ..self.envelope(if delivered { "00" } else { "03" }, details, context.now)
            };
            Bytes::from(serde_json::to_vec(&envelope).unwrap_or_default())
        };
        let succeeds = self.plan == Plan::SucceedsLater;
        NewCallback { urls: Vec::new(), body: posted(succeeds), conflicting: vec![posted(!succeeds)] }
    }
}
