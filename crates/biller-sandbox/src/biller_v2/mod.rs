//! The bill payment API: inquiry, payment, status, product list, balance and callbacks.

mod answers;
mod auth;
mod products;
mod scenario;
mod transactions;

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use answers::{Balance, Nothing, TransactionData, envelope, inquiry_data};
use auth::{Claims, Credentials};
use products::{Answer, Kind, PRODUCTS, Product, Purchase};
use scenario::{Class, payment_class};
use transactions::Transaction;

use crate::clock::later;
use crate::context::Context;
use crate::ledger::{ChargeState, NewCharge};
use crate::provider::{Operation, Profile, Provider, Reply, Request};
use crate::requests::Verdict;

const PROFILE: Profile = Profile {
    name: "biller-v2",
    operations: &[
        Operation::Inquiry,
        Operation::Payment,
        Operation::Status,
        Operation::PriceList,
        Operation::Balance,
        Operation::Callback,
    ],
    balance: 100_000_000,
    tokens: true,
    can_lose_transactions: &[Operation::Status],
    callback_retries: &[1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30],
};

const CREDENTIALS: Credentials = Credentials {
    api_key: "sandbox-partner",
    api_key_body_only: "sandbox-partner-body-only",
    api_secret: "sandbox-api-secret-biller-v2",
};

/// How long an inquiry can be paid.
const INQUIRY_LIFETIME: Duration = Duration::from_secs(30 * 60);
const FIRST_INQUIRY: i64 = 4_600_001;
const FIRST_SERIAL: i64 = 7_000_001;
const FIRST_TRANSACTION: u64 = 221_002;
/// What an open amount may be.
const OPEN_AMOUNTS: std::ops::RangeInclusive<i64> = 10_000..=2_000_000;

/// The provider in its initial state.
pub(crate) fn provider() -> Box<dyn Provider> {
    Box::new(BillerV2::default())
}

/// The provider's books.
#[derive(Default)]
struct BillerV2 {
    inquiries: Vec<Inquiry>,
    transactions: Vec<Transaction>,
    /// The latest transaction of each reference; there are two of one only after the fault `charge_on_resend`.
    by_reference: HashMap<String, usize>,
    next_serial: i64,
}

struct Inquiry {
    purchase: Purchase,
    at: Timestamp,
}

impl Provider for BillerV2 {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn credentials(&self) -> Value {
        let Credentials { api_key, api_key_body_only, api_secret } = CREDENTIALS;
        json!({ "api_key": api_key, "api_secret": api_secret, "api_key_body_only": api_key_body_only })
    }

    fn scenarios(&self) -> Value {
        scenario::listing()
    }

    fn operation_of(&self, request: &Request) -> Option<Operation> {
        if request.method != http::Method::POST {
            return None;
        }
        match request.path.as_str() {
            "/api/v2/bill/check" => Some(Operation::Inquiry),
            "/api/v2/bill/payment" => Some(Operation::Payment),
            "/api/v2/bill/status" => Some(Operation::Status),
            "/api/v2/partner/products" => Some(Operation::PriceList),
            "/api/v2/partner/balance" => Some(Operation::Balance),
            _ => None,
        }
    }

    fn handle(&mut self, context: &mut Context<'_>, request: &Request) -> Reply {
        let Some(operation) = self.operation_of(request) else {
            context.verdict = Verdict::unchecked("no such call; all are POST");
            return Reply::page(404);
        };
        let claims = match auth::check(request, &CREDENTIALS) {
            Ok((claims, verdict)) => {
                context.verdict = verdict;
                claims
            }
            Err(verdict) => {
                context.verdict = verdict;
                return unauthorized();
            }
        };
        match operation {
            Operation::Inquiry => self.inquiry(context, &claims),
            Operation::Payment => self.payment(context, &claims),
            Operation::Status => self.status(context, &claims),
            Operation::PriceList => {
                let products: Vec<_> = PRODUCTS.iter().map(Product::listed).collect();
                Reply::json(200, &answers::success(products))
            }
            Operation::Balance => {
                let partner_id = claims.text("partnerId").unwrap_or_default();
                let balance = Balance { balance: context.balance(), currency: "IDR", partner_id };
                Reply::json(200, &answers::success(balance))
            }
            Operation::Token | Operation::History | Operation::Callback => Reply::page(404),
        }
    }

    fn settle(&mut self, context: &mut Context<'_>, key: u64) {
        if let Some(transaction) = usize::try_from(key).ok().and_then(|key| self.transactions.get_mut(key)) {
            transaction.settle(context);
        }
    }

    fn expire_token(&mut self, _context: &mut Context<'_>, _request: &Request) -> Reply {
        unauthorized()
    }
}

fn unauthorized() -> Reply {
    Reply::json(401, &answers::unauthorized()).refused()
}

/// Refused by a check, with no data.
fn refused(code: u16, product: Option<&Product>) -> Reply {
    Reply::json(200, &envelope(code, product, Nothing {})).refused()
}

/// A required member is missing or of the wrong type.
const BAD_REQUEST: u16 = 321;

impl BillerV2 {
    fn inquiry(&mut self, context: &mut Context<'_>, claims: &Claims) -> Reply {
        let (Some(code), Some(asked)) = (claims.text("productCode"), claims.text("accountNumber")) else {
            return refused(BAD_REQUEST, claims.text("productCode").and_then(products::find));
        };
        let Some(product) = products::find(code) else { return refused(341, None) };
        if !product.active {
            return refused(184, Some(product));
        }
        let (wanted, months) = match choices(product, claims) {
            Ok(choices) => choices,
            Err(code) => return refused(code, Some(product)),
        };
        if let Some(code) = scenario::inquiry_refusal(asked) {
            return Reply::json(200, &envelope(code, Some(product), Nothing {}));
        }
        let purchase = Purchase { product, asked: asked.to_owned(), wanted, months };
        let id = FIRST_INQUIRY + self.inquiries.len() as i64;
        let serial = FIRST_SERIAL + self.next_serial;
        if product.kind == Kind::EMoney {
            self.next_serial += 1;
        }
        let reply = Reply::json(200, &envelope(300, Some(product), inquiry_data(&purchase, id, serial, context.now)));
        self.inquiries.push(Inquiry { purchase, at: context.now });
        reply
    }

    fn payment(&mut self, context: &mut Context<'_>, claims: &Claims) -> Reply {
        let product = claims.text("productCode").and_then(products::find);
        let Some(asked) = Payment::read(claims) else { return refused(BAD_REQUEST, product) };
        if let Some(earlier) = self.find(asked.reference) {
            if !earlier.has_failed() {
                return refused(102, product);
            }
            if !context.charges_resend() {
                return refused(108, product);
            }
        }
        let purchase = match self.inquired(&asked, context.now) {
            Ok(purchase) => purchase,
            Err(code) => return refused(code, product),
        };
        let amount = purchase.product.charged(purchase.inquired());
        if context.balance() < amount {
            return refused(199, product);
        }
        let plan = scenario::plan(&purchase.asked, purchase.product);
        if matches!(plan.answer, 312 | 313) {
            return refused(plan.answer, product);
        }
        let class = payment_class(plan.answer);
        let mut transaction = Transaction {
            reference: asked.reference.to_owned(),
            account: asked.account.to_owned(),
            number: FIRST_TRANSACTION + 2 * self.transactions.len() as u64,
            token: purchase.product.new_token(context.random),
            at: context.now,
            plan,
            settled: class == Class::Failed,
            charge: None,
            callback_urls: asked.callback_urls,
            called_back: false,
            purchase,
        };
        if class != Class::Failed {
            context.add_to_balance(-amount);
            transaction.charge = Some(context.charge(&NewCharge {
                reference: Some(asked.reference),
                customer: asked.account,
                product: transaction.purchase.product.code,
                amount,
                state: ChargeState::Pending,
            }));
            transaction.called_back = context.call_back_early(&transaction.callback());
        }
        let key = self.transactions.len() as u64;
        match (class, plan.stuck) {
            (Class::Succeeded, _) => transaction.settle(context),
            (Class::Failed, _) => {}
            (_, Some(_)) => context.settle_on_demand(key),
            (_, None) => context.settle_later(key),
        }
        let reply = match class {
            Class::Unknown => Reply::json(200, &envelope(plan.answer, product, Nothing {})),
            _ => Reply::json(200, &answers::transaction(&transaction, plan.answer, Answer::Payment)),
        };
        self.by_reference.insert(transaction.reference.clone(), self.transactions.len());
        self.transactions.push(transaction);
        reply
    }

    /// What the payment's inquiry was about, if the two agree.
    fn inquired(&self, asked: &Payment<'_>, now: Timestamp) -> Result<Purchase, u16> {
        let index = asked.inquiry_id.checked_sub(FIRST_INQUIRY).and_then(|index| usize::try_from(index).ok());
        let Some(Inquiry { purchase, at }) = index.and_then(|index| self.inquiries.get(index)) else {
            return Err(185);
        };
        if now > later(*at, INQUIRY_LIFETIME) {
            return Err(312);
        }
        let product = purchase.product;
        let same_account =
            asked.account == purchase.asked || (product.is_bpjs() && asked.account == purchase.answered_account());
        if asked.product != product.code || !same_account {
            return Err(313);
        }
        if !product.payable(purchase.inquired()).contains(&asked.amount) {
            return Err(114);
        }
        Ok(purchase.clone())
    }

    fn status(&mut self, context: &mut Context<'_>, claims: &Claims) -> Reply {
        let Some(reference) = claims.text("refNumber") else { return refused(BAD_REQUEST, None) };
        match self.find(reference) {
            Some(transaction) if !context.hides_transaction() => {
                let code = transaction.code(context);
                Reply::json(200, &answers::transaction(transaction, code, Answer::Status))
            }
            Some(_) => Reply::json(200, &envelope(188, None, TransactionData::unknown())),
            None => Reply::json(200, &envelope(188, None, TransactionData::unknown())).refused(),
        }
    }

    fn find(&self, reference: &str) -> Option<&Transaction> {
        self.transactions.get(*self.by_reference.get(reference)?)
    }
}

/// The amount and the number of months that the customer chose, where the product leaves the choice; else the code of the refusal.
fn choices(product: &Product, claims: &Claims) -> Result<(i64, i64), u16> {
    match product.kind {
        _ if product.is_open() => {
            let amount = claims.integer("amount").ok_or(BAD_REQUEST)?;
            if OPEN_AMOUNTS.contains(&amount) { Ok((amount, 1)) } else { Err(104) }
        }
        Kind::Game if claims.text("zoneId").is_none() => Err(BAD_REQUEST),
        Kind::BpjsBpu => match claims.integer("month") {
            Some(months @ 1..=12) => Ok((0, months)),
            _ => Err(BAD_REQUEST),
        },
        _ => Ok((0, 1)),
    }
}

/// What a payment asks for.
struct Payment<'a> {
    reference: &'a str,
    account: &'a str,
    product: &'a str,
    amount: i64,
    inquiry_id: i64,
    callback_urls: Vec<String>,
}

impl<'a> Payment<'a> {
    fn read(claims: &'a Claims) -> Option<Self> {
        Some(Self {
            reference: claims.text("refNumber")?,
            account: claims.text("accountNumber")?,
            product: claims.text("productCode")?,
            amount: claims.integer("amount")?,
            inquiry_id: claims.integer("inquiryId")?,
            callback_urls: claims.texts("callbackUrls")?,
        })
    }
}
