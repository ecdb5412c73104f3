use biller_core::{
    Attempt, Biller, BoxFuture, Capabilities, Claim, Error, ErrorKind, Evidence, Execution, Hint, Inquiry,
    InvalidValue, Order, Outcome, Product, Receipt, Records, Refusal, Rupiah, Schedule, Timestamp,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::callback;
use crate::client::Client;
use crate::codes::{Call, verdict};
use crate::model::{DetailRow, InquiryReply, InquiryRequest, Language, Purchase, State, Status, Transaction};

pub(crate) const PROVIDER: &str = "biller-v2";

/// How many status answers that prove nothing call a person.
const UNCLEAR_ANSWERS: usize = 3;
/// The codes of an inquiry that has expired before it was answered: it is simply made again.
const EXPIRED_INQUIRY: [&str; 2] = ["312", "409"];

/// Biller V2 behind the face that all providers share.
///
/// Order fields: `customer` is the account number; `amount` the value wanted, for products with an open amount; `expected_price` what
/// the inquiry should say is to be paid, and for Google Play, whose inquiry says 0, what is to be paid; `months` for BPJS
/// Ketenagakerjaan BPU. Option `zone_id`: the zone of a game. A reference has at most 36 characters.
#[derive(Clone, Debug)]
pub struct BillerV2 {
    client: Client,
}

/// What is needed to know of an attempt later.
#[derive(Serialize, Deserialize)]
struct Facts {
    purchase: Purchase,
    /// When the purchase was inquired.
    inquired_at: Timestamp,
    /// When status answers proved nothing.
    unclear: Vec<Timestamp>,
}

impl BillerV2 {
    /// Pays through this client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// The provider's own calls.
    pub fn client(&self) -> &Client {
        &self.client
    }

    fn now(&self) -> Timestamp {
        self.client.engine().clock().now()
    }

    /// The purchase that the order stands for, and what the inquiry said.
    async fn inquired(&self, order: &Order) -> Result<(Purchase, InquiryReply), Error> {
        let request = request(order)?;
        let reply = match self.client.inquiry(&request).await {
            Err(error) if error.code().is_some_and(|code| EXPIRED_INQUIRY.contains(&code)) => {
                self.client.inquiry(&request).await?
            }
            reply => reply?,
        };
        let price = price(order, &reply)?;
        let purchase = Purchase::new(order.reference().as_str(), &request, &reply, Some(price))?;
        Ok((purchase, reply))
    }

    async fn prepared(&self, order: Order) -> Result<Attempt, Error> {
        let reference = order.reference().clone();
        let (purchase, reply) =
            self.inquired(&order).await.map_err(|error| error.while_preparing(PROVIDER, &reference))?;
        let price = purchase.amount();
        let now = self.now();
        let facts = Facts { purchase, inquired_at: now, unclear: Vec::new() };
        let mut attempt = Attempt::new(PROVIDER, order, reference.as_str(), now, &facts)?;
        attempt.set_price(Some(price));
        attempt.set_inquiry(inquiry(&reply, price));
        Ok(attempt)
    }

    async fn paid(&self, attempt: &mut Attempt, records: &dyn Records) -> Outcome {
        let clock = self.client.engine().clock().as_ref();
        let facts: Facts = match attempt.facts() {
            Ok(facts) => facts,
            Err(error) => return Outcome::Unknown(error),
        };
        if let Err(outcome) = attempt.begin_payment(records, clock).await {
            return outcome;
        }
        let learnt = match self.fresh(attempt, facts, records).await {
            Ok(purchase) => self.sent(&purchase).await,
            Err(refusal) => Outcome::Failed(refusal),
        };
        attempt.end_payment(learnt, records, clock).await
    }

    /// Sends the payment.
    async fn sent(&self, purchase: &Purchase) -> Outcome {
        match self.client.payment(purchase).await {
            Ok(payment) if payment.succeeded => {
                Outcome::Succeeded(receipt(purchase, payment.transaction, Evidence::Reply))
            }
            Ok(_) => Outcome::Pending,
            Err(error) => Outcome::from(error),
        }
    }

    /// The purchase to pay, its inquiry made anew where that is too old. When that fails, the payment is not sent.
    async fn fresh(&self, attempt: &mut Attempt, facts: Facts, records: &dyn Records) -> Result<Purchase, Refusal> {
        let now = self.now();
        let mut purchase = facts.purchase;
        if now.since(facts.inquired_at) >= self.client.config().inquiry_lifetime {
            purchase = self.renewed(attempt, purchase.amount(), now).await.map_err(|error| {
                let error = error.at(PROVIDER, "renewed inquiry", Some(attempt.order().reference().as_str()));
                Refusal::new(error.kind(), format!("not paid: {error}"))
            })?;
            records
                .save(attempt)
                .await
                .map_err(|error| Refusal::new(ErrorKind::NotRecorded, format!("not paid: {error}")))?;
        }
        purchase.callback_urls.clone_from(&self.client.config().callback_urls);
        Ok(purchase)
    }

    /// The same purchase with a new inquiry, which has to say the same amount.
    async fn renewed(&self, attempt: &mut Attempt, amount: Rupiah, now: Timestamp) -> Result<Purchase, Error> {
        let (purchase, reply) = self.inquired(attempt.order()).await?;
        expect_price(Some(amount), purchase.amount())?;
        attempt.set_facts(&Facts { purchase: purchase.clone(), inquired_at: now, unclear: Vec::new() })?;
        attempt.set_inquiry(inquiry(&reply, amount));
        Ok(purchase)
    }

    async fn looked(&self, attempt: &mut Attempt, records: &dyn Records, hint: Option<&Hint>) -> Outcome {
        if let Some(outcome) = attempt.never_sent() {
            return outcome;
        }
        let learnt = self.look(attempt, hint).await;
        let decide_after = self.client.config().schedule.decide_after;
        attempt.end_look(learnt, decide_after, records, self.client.engine().clock().as_ref()).await
    }

    /// One look. An error means that nothing was learnt.
    async fn look(&self, attempt: &mut Attempt, hint: Option<&Hint>) -> Result<Outcome, Error> {
        let mut facts: Facts = attempt.facts()?;
        if let Some(hint) = hint
            && let Some(field) = suspicious(&facts.purchase, hint)
        {
            attempt.call_person(self.now(), format!("a callback names another {field}"));
        }
        let error = match self.client.status(facts.purchase.reference()).await {
            Ok(status) => return decided(&facts.purchase, status, self.client.config().language),
            Err(error) => error,
        };
        if proves_nothing(&error) {
            let now = self.now();
            facts.unclear.push(now);
            let spread = facts.unclear.first().map_or(std::time::Duration::ZERO, |first| now.since(*first));
            if facts.unclear.len() >= UNCLEAR_ANSWERS && spread >= self.client.config().unclear_after {
                attempt.call_person(now, format!("status answers keep proving nothing: {error}"));
            }
            attempt.set_facts(&facts)?;
        }
        Err(error)
    }
}

/// Whether a status answer had a code, and the code left everything open.
fn proves_nothing(error: &Error) -> bool {
    let open =
        matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Duplicate | ErrorKind::Unproven | ErrorKind::Unlisted);
    open && error.code().is_some()
}

/// What a record that the provider was asked for says of the purchase.
fn decided(purchase: &Purchase, status: Status, language: Language) -> Result<Outcome, Error> {
    let Status { state, code, message, transaction } = status;
    if state == State::Pending {
        return Ok(Outcome::Pending);
    }
    if let Some(field) = purchase.difference(&transaction) {
        return Err(Error::new(ErrorKind::Mismatch, Execution::Unknown)
            .with_detail(format!("{field} is not the one asked for"))
            .with_code(code.to_string())
            .at(PROVIDER, "status", Some(purchase.reference.as_str())));
    }
    if state == State::Succeeded {
        return Ok(Outcome::Succeeded(receipt(purchase, transaction, Evidence::Status)));
    }
    let kind = verdict(code, Call::Status).error().map_or(ErrorKind::Refused, |error| error.kind());
    let refusal = Refusal::new(kind, format!("the provider's record says code {code}")).with_code(code.to_string());
    Ok(Outcome::Failed(refusal.with_provider_message(message.text(language).map(str::to_owned))))
}

/// The field of a callback that speaks of something else.
fn suspicious(purchase: &Purchase, hint: &Hint) -> Option<&'static str> {
    if hint.reference != purchase.reference.as_str() {
        return Some("refNumber");
    }
    if hint.claim == Claim::Pending {
        return None;
    }
    // The raw callback has the fees; what it claims stands in the hint.
    let mut claimed = hint.raw.clone().and_then(|raw| Transaction::read(raw).ok()).unwrap_or_default();
    (claimed.amount, claimed.account_number) = (hint.amount, hint.customer.clone());
    purchase.difference(&claimed)
}

fn request(order: &Order) -> Result<InquiryRequest, Error> {
    order.check_amounts()?;
    let reference = order.reference().as_str();
    if reference.len() > 36 {
        return Err(InvalidValue::new("reference", biller_core::shape_of(reference), "at most 36 characters").into());
    }
    let mut request = InquiryRequest::new(order.product().as_str(), order.customer())?;
    if let Some(amount) = order.amount() {
        request = request.with_amount(amount)?;
    }
    if let Some(zone_id) = order.option("zone_id") {
        request = request.with_zone_id(zone_id)?;
    }
    if let Some(months) = order.months() {
        request = request.with_month(months)?;
    }
    Ok(request)
}

/// What is to be paid: the inquiry's amount, or where that is 0, what the order says.
fn price(order: &Order, reply: &InquiryReply) -> Result<Rupiah, Error> {
    match reply.amount.filter(|amount| amount.is_positive()) {
        Some(amount) => {
            expect_price(order.expected_price(), amount)?;
            Ok(amount)
        }
        None => order.expected_price().or(order.amount()).ok_or_else(|| {
            InvalidValue::new("expected_price", "absent", "what to pay, since the inquiry does not say").into()
        }),
    }
}

fn expect_price(expected: Option<Rupiah>, price: Rupiah) -> Result<(), Error> {
    match expected {
        Some(expected) if expected != price => Err(Error::new(ErrorKind::PriceChanged, Execution::NotExecuted)
            .with_detail(format!("{price} instead of {expected}; nothing was bought"))),
        _ => Ok(()),
    }
}

/// All rows in order, what belongs to a bill after the bill.
fn inquiry(reply: &InquiryReply, price: Rupiah) -> Inquiry {
    let pair = |row: &DetailRow| (row.key.clone(), row.value.to_text());
    let bills = reply
        .bill_details
        .iter()
        .flat_map(|bill| [(bill.key.clone(), bill.value.to_text())].into_iter().chain(bill.bill_info.iter().map(pair)));
    let mut inquiry = Inquiry::default();
    inquiry.product_name.clone_from(&reply.product_name);
    inquiry.customer_name.clone_from(&reply.customer_name);
    inquiry.price = Some(price);
    inquiry.admin_fee = reply.total_admin;
    inquiry.rows.extend(reply.customer_details().iter().map(pair));
    inquiry.rows.extend(bills);
    inquiry.rows.extend(reply.product_details.iter().chain(&reply.extra_fields).map(pair));
    inquiry
}

fn receipt(purchase: &Purchase, transaction: Transaction, evidence: Evidence) -> Receipt {
    let mut receipt = Receipt::new(
        PROVIDER,
        purchase.reference.as_str(),
        purchase.product_code.as_str(),
        purchase.account_number.as_str(),
        evidence,
    );
    receipt.provider_id = transaction.transaction_id.map(|id| id.to_string());
    receipt.charged = transaction.amount.filter(|amount| amount.is_positive());
    receipt.stroom_token = transaction.stroom_token();
    receipt.customer_name = transaction.customer_name;
    receipt.serial = transaction.token;
    receipt.raw = transaction.raw;
    receipt
}

impl Biller for BillerV2 {
    fn provider(&self) -> &'static str {
        PROVIDER
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::NONE;
        capabilities.inquiry = true;
        capabilities.products = true;
        capabilities.balance = true;
        capabilities.callback = true;
        capabilities.own_reference = true;
        capabilities.distinguishes_equal_purchases = true;
        capabilities
    }

    fn schedule(&self) -> &Schedule {
        &self.client.config().schedule
    }

    fn products(&self) -> BoxFuture<'_, Result<Vec<Product>, Error>> {
        Box::pin(async move {
            let list = self.client.product_list().await?;
            let product = |listed: crate::model::ListedProduct| {
                let name = listed.name.unwrap_or_else(|| listed.code.to_string());
                let mut product = Product::new(listed.code, name);
                product.price = listed.amount.filter(|amount| amount.is_positive());
                product.available = listed.active.unwrap_or(true);
                product
            };
            Ok(list.products.into_iter().map(product).collect())
        })
    }

    fn balance(&self) -> BoxFuture<'_, Result<Rupiah, Error>> {
        Box::pin(async move { Ok(self.client.balance().await?.balance) })
    }

    fn inquire<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Inquiry, Error>> {
        Box::pin(async move {
            let (purchase, reply) = self.inquired(order).await?;
            Ok(inquiry(&reply, purchase.amount()))
        })
    }

    fn prepare(&self, order: Order) -> BoxFuture<'_, Result<Attempt, Error>> {
        Box::pin(self.prepared(order))
    }

    fn pay<'a>(&'a self, attempt: &'a mut Attempt, records: &'a dyn Records) -> BoxFuture<'a, Outcome> {
        Box::pin(self.paid(attempt, records))
    }

    fn resolve<'a>(&'a self, attempt: &'a mut Attempt, records: &'a dyn Records) -> BoxFuture<'a, Outcome> {
        Box::pin(self.looked(attempt, records, None))
    }

    fn parse_callback(&self, request: &http::Request<Bytes>) -> Result<Hint, Error> {
        callback::parse(request).map_err(|error| error.at(PROVIDER, "callback", None))
    }

    fn answer_callback(&self, hint: Result<&Hint, &Error>) -> http::Response<Bytes> {
        callback::answer(hint)
    }

    fn confirm<'a>(
        &'a self,
        attempt: &'a mut Attempt,
        hint: &'a Hint,
        records: &'a dyn Records,
    ) -> BoxFuture<'a, Outcome> {
        Box::pin(self.looked(attempt, records, Some(hint)))
    }
}
