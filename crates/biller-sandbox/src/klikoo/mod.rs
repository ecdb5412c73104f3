//! Klikoo Open API.

mod auth;
mod catalogue;

use std::collections::HashSet;

use bytes::Bytes;
use http::Method;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::{Map, Value, json};

use self::auth::{RsaVerifier, Signed, TokenState, Tokens};
use self::catalogue::{Kind, Product, Scenario};
use crate::callbacks::NewCallback;
use crate::context::Context;
use crate::ledger::{ChargeState, NewCharge};
use crate::provider::{Operation, Profile, Provider, Reply, Request};
use crate::requests::Verdict;
use crate::slips;

static PROFILE: Profile = Profile {
    name: "klikoo",
    operations: &[
        Operation::Token,
        Operation::Inquiry,
        Operation::Payment,
        Operation::Status,
        Operation::Balance,
        Operation::History,
        Operation::Callback,
    ],
    balance: 10_000_000,
    tokens: true,
    can_lose_transactions: &[Operation::Status],
    callback_retries: &[],
};

const CUSTOMER_NAME: &str = "PELANGGAN UJI";
const POWER: &str = "R1M/900VA";
/// Rupiah for one kWh at that power.
const RATE: i64 = 1352;
const REASON: &str = "Transaksi gagal dari operator";
const FIRST_TRANSACTION: u64 = 14_430_001;
const LARGEST_PAGE: usize = 100;

const PURCHASE_FIELDS: [&str; 6] =
    ["msidn", "amount", "product_code", "selling_price", "value", "partner_reference_id"];

pub(crate) fn provider(seed: u64) -> Box<dyn Provider> {
    Box::new(Klikoo {
        rsa: RsaVerifier::new(),
        tokens: Tokens::new(seed),
        references: HashSet::new(),
        transactions: Vec::new(),
    })
}

struct Klikoo {
    rsa: RsaVerifier,
    tokens: Tokens,
    /// Used up by inquiries and buys.
    references: HashSet<String>,
    /// Oldest first; the index gives the id.
    transactions: Vec<Transaction>,
}

struct Transaction {
    id: u64,
    charge: u64,
    reference: String,
    product: Product,
    value: String,
    amount: i64,
    created: Timestamp,
    state: ChargeState,
    /// How it ends.
    succeeds: bool,
    /// Shown once it has succeeded.
    sn: String,
    beginning_balance: i64,
    current_balance: i64,
    callback_spent: bool,
}

/// An answer, or the answer to a request that a check refused.
type Answer = Result<Reply, Reply>;

#[derive(Serialize)]
struct Envelope<T: Serialize> {
    response_code: String,
    response_message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<Meta>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<T>,
}

#[derive(Serialize)]
struct Meta {
    current_page: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_page: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page: Option<usize>,
    total_pages: usize,
    total_rows: usize,
    per_page: usize,
}

fn reply_with(code: u32, message: &str, meta: Option<Meta>, data: Option<impl Serialize>) -> Reply {
    let status = u16::try_from(code / 1_000_000).ok().filter(|status| (200..=599).contains(status)).unwrap_or(500);
    let envelope = Envelope { response_code: format!("{code:09}"), response_message: message.to_owned(), meta, data };
    Reply::json(status, &envelope)
}

fn success(data: impl Serialize) -> Reply {
    reply_with(200_022_000, "Sukses", None, Some(data))
}

/// A code without data.
fn bare(code: u32) -> Reply {
    reply_with(code, message(code), None, None::<()>)
}

fn refuse(code: u32) -> Reply {
    bare(code).refused()
}

fn message(code: u32) -> &'static str {
    match code % 10_000 {
        2000 => "Sukses",
        2001 => "Berhasil dibuat",
        6500 => "Token tidak sesuai",
        6505 => "Waktu tidak sesuai",
        6508 => "Signature tidak sesuai",
        6510 => "Validasi gagal",
        6512 => "Field tidak boleh kosong",
        6525 => "Produk tidak sesuai",
        6535 => "Token kedaluwarsa",
        6563 => "Reference id sudah digunakan",
        6569 => "Grant type tidak sesuai",
        6570 => "Kredensial tidak sesuai",
        7002 => "Nomor pelanggan tidak ditemukan",
        7003 => "Produk tidak ditemukan",
        7005 => "Transaksi tidak ditemukan",
        7011 => "Nomor pelanggan salah",
        9991 => "Supplier sedang gangguan",
        9998 => "Nominal di luar batas",
        _ => "Permintaan tidak dapat diproses",
    }
}

/// The answer of a biller that does not know the customer.
fn unrecognised(value: &str) -> Reply {
    let text = "CUSTID not recognized. Biller throws exception. Err:5110";
    reply_with(503_029_998, text, None, Some(json!({ "customer_number": value })))
}

fn missing_field(body: &Map<String, Value>, fields: &[&str]) -> bool {
    fields.iter().any(|field| body.get(*field).and_then(Value::as_str).is_none_or(str::is_empty))
}

fn text<'a>(body: &'a Map<String, Value>, field: &str) -> &'a str {
    body.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Digits only, at most 18.
fn rupiah(text: &str) -> Option<i64> {
    let digits = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

impl Provider for Klikoo {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn credentials(&self) -> Value {
        json!({
            "client_id": auth::CLIENT_ID,
            "client_secret": auth::CLIENT_SECRET,
            "private_key_pem": auth::PRIVATE_KEY_PEM,
        })
    }

    fn scenarios(&self) -> Value {
        let products = catalogue::all().map(|product| {
            let amount = match product.kind {
                Kind::Open => json!("10000 to 2000000, as asked"),
                Kind::Bill => json!("50000 + 1000 x the last two digits of the account; to be paid: 2500 more"),
                _ => json!(product.price("")),
            };
            json!({
                "product": product.code,
                "name": product.name,
                "amount": amount,
                "inquiry": !matches!(product.kind, Kind::NoInquiry(_)),
            })
        });
        let customers = [
            ("081200000001", "ok", "SUCCESS", "SUCCESS"),
            ("081200000002", "ok", "PENDING", "SUCCESS once settled"),
            ("081200000003", "ok", "PENDING", "FAILED once settled, nothing debited"),
            ("081200000004", "ok", "404027011, not charged", "-"),
            ("081200000005", "503029998", "404027002, not charged", "-"),
            ("01105601111", "503029998", "404027002, not charged", "-"),
            ("081200000006", "ok", "SUCCESS", "SUCCESS"),
        ];
        let customers = customers.map(|(customer, inquiry, buy, afterwards)| {
            json!({ "customer": customer, "decides": "last digit", "inquiry": inquiry, "buy": buy, "afterwards": afterwards })
        });
        let codes = [
            json!({ "product": "CODE-ddddddddd", "amount": 10_000, "buy": "answers this code; nothing is executed" }),
            json!({ "product": "CODEX-ddddddddd", "amount": 10_000, "buy": "answers this code although the purchase succeeds" }),
        ];
        Value::Array(products.chain(customers).chain(codes).collect())
    }

    fn operation_of(&self, request: &Request) -> Option<Operation> {
        let path = request.path.strip_prefix("/v1/open-api/")?;
        match (&request.method, path) {
            (&Method::POST, "access-token") => Some(Operation::Token),
            (&Method::POST, "products/inquiry" | "transactions/inquiry-postpaid") => Some(Operation::Inquiry),
            (&Method::POST, "products/buy") => Some(Operation::Payment),
            (&Method::GET, "transactions") => Some(Operation::History),
            (&Method::GET, "balance") => Some(Operation::Balance),
            (&Method::GET, _) if path.starts_with("transactions/") => Some(Operation::Status),
            _ => None,
        }
    }

    fn handle(&mut self, context: &mut Context<'_>, request: &Request) -> Reply {
        self.answer(context, request).unwrap_or_else(|refused| refused)
    }

    fn settle(&mut self, context: &mut Context<'_>, key: u64) {
        let Some(transaction) = self.transactions.get_mut(key as usize) else { return };
        transaction.finish(context);
    }

    fn expire_token(&mut self, _context: &mut Context<'_>, _request: &Request) -> Reply {
        refuse(401_016_535)
    }
}

impl Klikoo {
    fn answer(&mut self, context: &mut Context<'_>, request: &Request) -> Answer {
        let Some(operation) = self.operation_of(request) else {
            context.verdict = Verdict::unchecked("not checked: no such path and method");
            return Err(Reply::page(404));
        };
        let timestamp = request.header("open-api-timestamp").unwrap_or_default();
        if !slips::timely(timestamp, context.now) {
            let found = format!("Open-Api-Timestamp `{timestamp}` is not RFC 3339 within 300 s of the server's clock");
            context.verdict = Verdict::refused("timestamp", found);
            return Err(refuse(400_016_505));
        }
        if operation == Operation::Token {
            return self.access_token(context, request, timestamp);
        }
        self.authenticate(context, request, timestamp)?;
        match operation {
            Operation::Status => self.detail(context, request),
            Operation::History => self.history(request),
            Operation::Balance => {
                let data = json!({ "balance": context.balance() });
                Ok(reply_with(200_032_000, "Sukses", None, Some(data)))
            }
            _ => {
                let body = request.json_object().ok_or_else(|| refuse(400_026_510))?;
                if request.path.ends_with("/inquiry-postpaid") {
                    return self.inquiry_postpaid(&body);
                }
                if missing_field(&body, &PURCHASE_FIELDS) {
                    return Err(refuse(400_026_512));
                }
                match operation {
                    Operation::Payment => self.buy(context, &body),
                    _ => self.inquiry(&body),
                }
            }
        }
    }

    fn access_token(&mut self, context: &mut Context<'_>, request: &Request, timestamp: &str) -> Answer {
        let mut refused = |part, found: &str, code| {
            context.verdict = Verdict::refused(part, found);
            refuse(code)
        };
        let body = request.json_object().ok_or_else(|| refused("body", "the body is no JSON object", 400_016_510))?;
        let info = body.get("additional_info").and_then(Value::as_object);
        let info = info.ok_or_else(|| refused("body", "additional_info is missing", 400_016_510))?;
        if text(&body, "grant_type") != "client_credentials" {
            return Err(refused("body", "grant_type is not client_credentials", 400_016_569));
        }
        if text(info, "client_id") != auth::CLIENT_ID || text(info, "client_secret") != auth::CLIENT_SECRET {
            return Err(refused("key", "client_id or client_secret is wrong", 401_016_570));
        }
        context.verdict = self.rsa.verdict(timestamp, request.header("open-api-signature").unwrap_or_default());
        if !context.verdict.accepted {
            return Err(refuse(400_016_508));
        }
        let data = json!({
            "access_token": self.tokens.issue(context.now),
            "token_type": "Bearer",
            "expires_in": auth::TOKEN_LIFE,
        });
        Ok(reply_with(200_012_000, "Sukses", None, Some(data)))
    }

    fn authenticate(&self, context: &mut Context<'_>, request: &Request, timestamp: &str) -> Result<(), Reply> {
        let token = request.authorization("Bearer").unwrap_or_default();
        let refusal = match self.tokens.state(token, context.now) {
            TokenState::Valid => None,
            TokenState::Expired => Some(("the token has expired", 401_016_535)),
            TokenState::Unknown => Some(("no token in `Authorization: Bearer` that was issued here", 401_016_500)),
        };
        if let Some((found, code)) = refusal {
            context.verdict = Verdict::refused("token", found);
            return Err(refuse(code));
        }
        let others = self.tokens.others(token).collect();
        let signature = request.header("open-api-signature").unwrap_or_default();
        context.verdict = Signed::of(request, token, others, timestamp).verdict(signature);
        if context.verdict.accepted { Ok(()) } else { Err(refuse(400_016_508)) }
    }

    fn inquiry(&mut self, body: &Map<String, Value>) -> Answer {
        let (value, reference) = (text(body, "value"), text(body, "partner_reference_id"));
        let product = catalogue::find(text(body, "product_code")).ok_or_else(|| refuse(404_027_003))?;
        if matches!(product.kind, Kind::NoInquiry(_) | Kind::Bill | Kind::Refuses(_) | Kind::Lies(_)) {
            return Err(refuse(404_026_525));
        }
        if self.references.contains(reference) {
            return Err(refuse(409_026_563));
        }
        let quote = product.quote(value, rupiah(text(body, "amount"))).ok_or_else(|| refuse(503_029_998))?;
        if product.scenario(value) == Scenario::Unrecognised {
            return Ok(unrecognised(value));
        }
        self.references.insert(reference.to_owned());
        let power = matches!(product.kind, Kind::Pln(_)).then_some(POWER);
        Ok(inquiry_reply(&product, &quote, value, power))
    }

    fn inquiry_postpaid(&mut self, body: &Map<String, Value>) -> Answer {
        if missing_field(body, &["account_number", "product_code"]) {
            return Err(refuse(400_026_512));
        }
        let account = text(body, "account_number");
        let product = catalogue::find(text(body, "product_code")).ok_or_else(|| refuse(404_027_003))?;
        let quote = product.quote(account, None).filter(|_| product.kind == Kind::Bill);
        let quote = quote.ok_or_else(|| refuse(404_026_525))?;
        if product.scenario(account) == Scenario::Unrecognised {
            return Ok(unrecognised(account));
        }
        Ok(inquiry_reply(&product, &quote, account, None))
    }

    fn buy(&mut self, context: &mut Context<'_>, body: &Map<String, Value>) -> Answer {
        let (value, reference) = (text(body, "value"), text(body, "partner_reference_id"));
        let product = catalogue::find(text(body, "product_code")).ok_or_else(|| refuse(404_027_003))?;
        if self.references.contains(reference) {
            let first = self.transactions.iter().rev().find(|transaction| transaction.reference == reference);
            let failed = first.is_some_and(|first| first.state == ChargeState::Failed);
            if !(failed && context.charges_resend()) {
                return Err(refuse(409_026_563));
            }
        }
        let amount = rupiah(text(body, "amount"));
        if product.price(value).is_some_and(|price| amount != Some(price)) {
            return Err(refuse(400_026_510));
        }
        product.quote(value, amount).ok_or_else(|| refuse(503_029_998))?;
        let amount = amount.ok_or_else(|| refuse(400_026_510))?;
        if context.balance() - context.pending_amount() < amount {
            return Err(reply_with(400_026_510, "Saldo tidak cukup", None, None::<()>).refused());
        }
        let (final_now, succeeds, code) = match product.scenario(value) {
            Scenario::Succeeds => (true, true, 201_022_001),
            Scenario::SucceedsLater => (false, true, 201_022_001),
            Scenario::FailsLater => (false, false, 201_022_001),
            Scenario::Hidden(code) => (true, true, code),
            Scenario::Refused(code) => return Ok(bare(code)),
            Scenario::Unrecognised => return Ok(bare(404_027_002)),
        };
        self.references.insert(reference.to_owned());
        let balance = context.balance();
        let key = self.transactions.len();
        let mut transaction = Transaction {
            id: FIRST_TRANSACTION + key as u64,
            charge: context.charge(&NewCharge {
                reference: Some(reference),
                customer: value,
                product: &product.code,
                amount,
                state: ChargeState::Pending,
            }),
            reference: reference.to_owned(),
            sn: serial(context, &product),
            product,
            value: value.to_owned(),
            amount,
            created: context.now,
            state: ChargeState::Pending,
            succeeds,
            beginning_balance: balance,
            current_balance: balance,
            callback_spent: false,
        };
        transaction.callback_spent = context.call_back_early(&transaction.callback(balance));
        if final_now {
            transaction.finish(context);
        } else {
            context.settle_later(key as u64);
        }
        let reply = match code {
            201_022_001 => reply_with(code, message(code), None, Some(transaction.bought())),
            code => bare(code),
        };
        self.transactions.push(transaction);
        Ok(reply)
    }

    fn detail(&self, context: &mut Context<'_>, request: &Request) -> Answer {
        let id = request.path.rsplit_once("/transactions/").map(|(_, id)| id).unwrap_or_default();
        let id = percent_decode_str(id).decode_utf8_lossy();
        let index = id.parse::<u64>().ok().and_then(|id| id.checked_sub(FIRST_TRANSACTION));
        let found = index.and_then(|index| self.transactions.get(index as usize));
        let found = found.filter(|found| found.id.to_string() == id);
        let found = found.filter(|_| !context.hides_transaction());
        found.map(|transaction| success(transaction.detail())).ok_or_else(|| refuse(404_027_005))
    }

    fn history(&self, request: &Request) -> Answer {
        let whole = |name: &str| {
            let number = request.query_value(name).and_then(|text| text.parse::<usize>().ok());
            number.filter(|number| *number > 0).ok_or_else(|| refuse(400_026_512))
        };
        let (page, limit) = (whole("page")?, whole("limit")?.min(LARGEST_PAGE));
        let time = |name: &str| match request.query_value(name).filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => utc(&text).map(Some).ok_or_else(|| refuse(400_026_510)),
        };
        let (from, to) = (time("from")?, time("to")?);
        let q = request.query_value("q").unwrap_or_default().to_lowercase();
        let rows: Vec<&Transaction> = self
            .transactions
            .iter()
            .rev()
            .filter(|row| from.is_none_or(|from| row.created >= from) && to.is_none_or(|to| row.created <= to))
            .filter(|row| {
                [&row.reference, &row.value, &row.product.name].iter().any(|text| text.to_lowercase().contains(&q))
            })
            .collect();
        let total_pages = rows.len().div_ceil(limit);
        let meta = Meta {
            current_page: page,
            previous_page: page.checked_sub(1).filter(|previous| *previous > 0),
            next_page: page.checked_add(1).filter(|next| *next <= total_pages),
            total_pages,
            total_rows: rows.len(),
            per_page: limit,
        };
        let rows = rows.iter().skip((page - 1).saturating_mul(limit)).take(limit);
        let data: Vec<Row<'_>> = rows.map(|transaction| transaction.row()).collect();
        Ok(reply_with(200_022_000, "Sukses", Some(meta), Some(data)))
    }
}

fn inquiry_reply(product: &Product, quote: &catalogue::Quote, customer: &str, power: Option<&str>) -> Reply {
    #[derive(Serialize)]
    struct Inquiry<'a> {
        product_name: &'a str,
        amount: i64,
        total: i64,
        product_code: &'a str,
        customer_number: &'a str,
        customer_name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        power_capacity: Option<&'a str>,
    }
    success(Inquiry {
        product_name: &product.name,
        amount: quote.amount,
        total: quote.total,
        product_code: &product.code,
        customer_number: customer,
        customer_name: CUSTOMER_NAME,
        power_capacity: power,
    })
}

/// The operator's proof of delivery: a token with what it stands for, or 20 digits.
fn serial(context: &mut Context<'_>, product: &Product) -> String {
    let Kind::Pln(value) = product.kind else { return context.random.digits(20) };
    let token = context.random.stroom_token();
    let groups: Vec<&str> = (0..5).map(|group| &token[group * 4..group * 4 + 4]).collect();
    // A tenth of the price of the electricity is street-light tax; kWh in hundredths.
    let kwh = value * 10 / 11 * 100 / RATE;
    format!("{}/{CUSTOMER_NAME}/{POWER}/{}.{:02}", groups.join("-"), kwh / 100, kwh % 100)
}

/// A time without a zone, in UTC.
fn utc(text: &str) -> Option<Timestamp> {
    let time: DateTime = (text.len() == 19).then(|| text.parse().ok())??;
    time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn word(state: ChargeState) -> &'static str {
    match state {
        ChargeState::Pending => "PENDING",
        ChargeState::Succeeded => "SUCCESS",
        ChargeState::Failed => "FAILED",
    }
}

#[derive(Serialize)]
struct Bought<'a> {
    transaction_id: String,
    status: &'a str,
    partner_reference_id: &'a str,
    amount: String,
    product_code: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
struct Detail<'a> {
    transaction_id: String,
    status: &'a str,
    partner_reference_id: &'a str,
    amount: String,
    transaction_time: String,
    reason: &'a str,
    product_id: &'a str,
    product_name: &'a str,
    sn: &'a str,
    value: &'a str,
    customer_name: &'a str,
    current_balance: String,
    beginning_balance: String,
    product_code: &'a str,
}

#[derive(Serialize)]
struct Row<'a> {
    transaction_id: String,
    partner_reference_id: &'a str,
    status: &'a str,
    amount: String,
    product_code: &'a str,
    created_at: String,
    sn: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
struct Posted<'a> {
    response_code: &'a str,
    response_message: &'a str,
    partner_reference_id: &'a str,
    transaction_id: String,
    amount: String,
    transaction_time: String,
    transaction_status: &'a str,
    reason: &'a str,
    product_name: &'a str,
    sn: &'a str,
    value: &'a str,
    customer_name: &'a str,
    current_balance: i64,
    beginning_balance: i64,
    product_code: &'a str,
}

impl Transaction {
    /// Makes it final, unless it is.
    fn finish(&mut self, context: &mut Context<'_>) {
        if self.state != ChargeState::Pending {
            return;
        }
        self.beginning_balance = context.balance();
        if self.succeeds {
            context.add_to_balance(-self.amount);
        }
        self.state = self.end();
        self.current_balance = context.balance();
        context.set_charge_state(self.charge, self.state);
        if !self.callback_spent {
            self.callback_spent = true;
            let callback = self.callback(self.beginning_balance);
            context.call_back(&callback);
        }
    }

    fn end(&self) -> ChargeState {
        if self.succeeds { ChargeState::Succeeded } else { ChargeState::Failed }
    }

    /// Microseconds, UTC.
    fn time(&self) -> String {
        format!("{:.6}", self.created)
    }

    fn reason(state: ChargeState) -> &'static str {
        if state == ChargeState::Failed { REASON } else { "" }
    }

    fn sn(&self, state: ChargeState) -> &str {
        if state == ChargeState::Succeeded { &self.sn } else { "" }
    }

    fn bought(&self) -> Bought<'_> {
        Bought {
            transaction_id: self.id.to_string(),
            status: word(self.state),
            partner_reference_id: &self.reference,
            amount: self.amount.to_string(),
            product_code: &self.product.code,
            value: &self.value,
        }
    }

    fn detail(&self) -> Detail<'_> {
        Detail {
            transaction_id: self.id.to_string(),
            status: word(self.state),
            partner_reference_id: &self.reference,
            amount: self.amount.to_string(),
            transaction_time: self.time(),
            reason: Self::reason(self.state),
            product_id: "",
            product_name: &self.product.name,
            sn: self.sn(self.state),
            value: &self.value,
            customer_name: CUSTOMER_NAME,
            current_balance: self.current_balance.to_string(),
            beginning_balance: self.beginning_balance.to_string(),
            product_code: &self.product.code,
        }
    }

    fn row(&self) -> Row<'_> {
        Row {
            transaction_id: self.id.to_string(),
            partner_reference_id: &self.reference,
            status: word(self.state),
            amount: self.amount.to_string(),
            product_code: &self.product.code,
            created_at: self.time(),
            sn: self.sn(self.state),
            value: &self.value,
        }
    }

    /// The callback about its end, and the one that tells the opposite.
    fn callback(&self, balance: i64) -> NewCallback {
        let opposite = if self.succeeds { ChargeState::Failed } else { ChargeState::Succeeded };
        NewCallback {
            urls: Vec::new(),
            body: self.posted(self.end(), balance),
            conflicting: vec![self.posted(opposite, balance)],
        }
    }

    fn posted(&self, state: ChargeState, balance: i64) -> Bytes {
        let debit = if state == ChargeState::Succeeded { self.amount } else { 0 };
        let posted = Posted {
            response_code: "2000200",
            response_message: "Success",
            partner_reference_id: &self.reference,
            transaction_id: self.id.to_string(),
            amount: self.amount.to_string(),
            transaction_time: self.time(),
            transaction_status: word(state),
            reason: Self::reason(state),
            product_name: &self.product.name,
            sn: self.sn(state),
            value: &self.value,
            customer_name: CUSTOMER_NAME,
            current_balance: balance - debit,
            beginning_balance: balance,
            product_code: &self.product.code,
        };
        serde_json::to_vec(&posted).unwrap_or_default().into()
    }
}
