use std::collections::BTreeSet;
use std::time::Duration;

use biller_core::{
    Attempt, Biller, BoxFuture, Capabilities, Error, ErrorKind, Evidence, Execution, Hint, HistoryEntry, Inquiry,
    InvalidValue, Order, Outcome, Receipt, Records, Refusal, Rupiah, Schedule, Timestamp, WibDay,
};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};

use crate::callback;
use crate::client::Client;
use crate::codes::status_verdict;
use crate::config::InquiryKind;
use crate::model::{Bill, HistoryQuery, InquiryReply, Purchase, Transaction, same_customer};
use crate::operations::{inquiry_reference, judge};

pub(crate) const PROVIDER: &str = "klikoo";

/// How many inquiry references are tried when earlier ones turn out to be used.
const INQUIRY_REFERENCES: u32 = 5;
/// How many pages of the history one search reads.
const SEARCHED_PAGES: usize = 20;
/// Rows on a page of a search.
const ROWS: u32 = 50;
/// Searches look a day to either side, whichever zone the filter is read in.
const MARGIN: Duration = Duration::from_secs(24 * 3600);
/// How far apart searches have to lie to count as separate proof of absence, and how many are needed.
const SEARCH_DISTANCE: Duration = Duration::from_secs(600);
const SEARCHES: usize = 3;

/// Klikoo behind the face that all providers share.
///
/// Order fields: `customer` is the destination (`value`); `expected_price` (or `amount` for open-amount products) is the buy
/// price, which Klikoo wants in the request, and which an inquiry confirms; `phone` where the destination is no phone number;
/// `months` for BPJS bills. Options: `inquiry` = `prepaid`, `postpaid` or `none` overrides what
/// [`Config::with_inquiries`](crate::Config::with_inquiries) says of the product; `selling_price` in rupiah.
#[derive(Clone, Debug)]
pub struct Klikoo {
    client: Client,
}

/// What Klikoo needs to know of an attempt later.
#[derive(Serialize, Deserialize)]
struct Facts {
    purchase: Purchase,
    /// When complete searches, in which every row carried a reference, found nothing.
    searched: Vec<Timestamp>,
}

impl Klikoo {
    /// Buys through this client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Klikoo's own calls.
    pub fn client(&self) -> &Client {
        &self.client
    }

    fn now(&self) -> Timestamp {
        self.client.engine().clock().now()
    }

    fn inquiry_kind(&self, order: &Order) -> Result<InquiryKind, Error> {
        match order.option("inquiry") {
            Some("prepaid") => Ok(InquiryKind::Prepaid),
            Some("postpaid") => Ok(InquiryKind::Postpaid),
            Some("none") => Ok(InquiryKind::None),
            Some(other) => {
                Err(InvalidValue::new("inquiry", biller_core::shape_of(other), "prepaid, postpaid or none").into())
            }
            None => Ok(self
                .client
                .config()
                .inquiries
                .iter()
                .find(|(prefix, _)| order.product().as_str().starts_with(prefix.as_str()))
                .map_or(InquiryKind::None, |(_, kind)| *kind)),
        }
    }

    /// The purchase that the order stands for, and what the inquiry said.
    async fn inquired(&self, order: &Order) -> Result<(Purchase, Option<InquiryReply>), Error> {
        order.check_amounts()?;
        let kind = self.inquiry_kind(order)?;
        if kind == InquiryKind::Postpaid {
            let bill = Bill::new(order.product().as_str(), order.customer())?.with_period(order.months());
            let reply = self.client.inquiry_postpaid(&bill).await?;
            let price = reply.total.or(reply.amount).ok_or_else(|| {
                Error::new(ErrorKind::UnreadableReply, Execution::Unknown)
                    .with_detail("neither total nor amount in data")
            })?;
            expect_price(order.expected_price(), price)?;
            return Ok((self.purchase(order, price)?, Some(reply)));
        }
        let price = match (order.expected_price(), order.amount()) {
            (Some(price), Some(amount)) if price != amount => {
                return Err(InvalidValue::new(
                    "expected_price",
                    format!("{price} beside an amount of {amount}"),
                    "one of the two, since Klikoo takes one amount",
                )
                .into());
            }
            (price, amount) => price.or(amount).ok_or_else(|| {
                InvalidValue::new("expected_price", "absent", "the buy price, which Klikoo wants in the request")
            })?,
        };
        let purchase = self.purchase(order, price)?;
        if kind == InquiryKind::None {
            return Ok((purchase, None));
        }
        let mut n = 1;
        let reply = loop {
            match self.client.inquiry_prepaid(&purchase.under(inquiry_reference(order.reference(), n))).await {
                // An earlier inquiry of this order has used that reference; inquiries move no money, so the next one is safe.
                Err(error) if error.kind() == ErrorKind::Duplicate && n < INQUIRY_REFERENCES => n += 1,
                reply => break reply?,
            }
        };
        if let Some(amount) = reply.amount {
            expect_price(Some(price), amount)?;
        }
        Ok((purchase.with_inquiry_total(reply.total), Some(reply)))
    }

    fn purchase(&self, order: &Order, price: Rupiah) -> Result<Purchase, Error> {
        let mut purchase =
            Purchase::new(order.reference().as_str(), order.product().as_str(), order.customer(), price)?;
        if let Some(phone) = order.phone() {
            purchase = purchase.with_msisdn(phone);
        }
        if let Some(selling_price) = order.option("selling_price") {
            let price = Rupiah::parse_machine(selling_price).map_err(|value| value.in_field("selling_price"))?;
            purchase = purchase.with_selling_price(price)?;
        }
        Ok(purchase)
    }

    async fn prepared(&self, order: Order) -> Result<Attempt, Error> {
        let reference = order.reference().clone();
        let (purchase, reply) =
            self.inquired(&order).await.map_err(|error| error.while_preparing(PROVIDER, &reference))?;
        let price = purchase.amount();
        let facts = Facts { purchase, searched: Vec::new() };
        let mut attempt = Attempt::new(PROVIDER, order, reference.as_str(), self.now(), &facts)?;
        attempt.set_price(Some(price));
        if let Some(reply) = reply {
            attempt.set_inquiry(inquiry(&reply, price));
        }
        Ok(attempt)
    }

    async fn paid(&self, attempt: &mut Attempt, records: &dyn Records) -> Outcome {
        let clock = self.client.engine().clock().as_ref();
        let purchase = match attempt.facts::<Facts>() {
            Ok(facts) => facts.purchase,
            Err(error) => return Outcome::Unknown(error),
        };
        if let Err(outcome) = attempt.begin_payment(records, clock).await {
            return outcome;
        }
        let learnt = match self.client.buy(&purchase).await {
            Ok(bought) => {
                if let Some(id) = &bought.transaction.transaction_id {
                    attempt.set_provider_id(id);
                }
                if bought.succeeded {
                    Outcome::Succeeded(receipt(&purchase, bought.transaction, Evidence::Reply))
                } else {
                    Outcome::Pending
                }
            }
            Err(error) => Outcome::from(error),
        };
        attempt.end_payment(learnt, records, clock).await
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
            && let Some(outcome) = self.follow(attempt, &facts.purchase, hint).await?
        {
            return Ok(outcome);
        }
        if let Some(id) = attempt.provider_id().map(str::to_owned) {
            return self.asked(attempt, &facts.purchase, &id).await;
        }
        let reference = facts.purchase.reference.to_string();
        let mut rows = self.search(attempt, Some(&reference)).await?.rows;
        if !rows.iter().any(|row| row.partner_reference_id.as_deref() == Some(reference.as_str())) {
            let search = self.search(attempt, None).await?;
            if search.complete && search.rows.iter().all(|row| row.partner_reference_id.is_some()) {
                facts.searched.push(self.now());
            }
            rows = search.rows;
        }
        let (ours, others): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row.partner_reference_id.as_deref() == Some(reference.as_str()));
        let ids: BTreeSet<&str> = ours.iter().filter_map(|row| row.transaction_id.as_deref()).collect();
        match (ids.iter().next(), ours.first()) {
            (Some(_), _) if ids.len() > 1 => {
                Err(Error::new(ErrorKind::Ambiguous, Execution::Unknown).with_detail(format!(
                    "several transactions carry the reference: {}",
                    ids.iter().copied().collect::<Vec<_>>().join(", ")
                )))
            }
            (Some(id), _) => {
                let id = (*id).to_owned();
                self.asked(attempt, &facts.purchase, &id).await
            }
            (None, Some(row)) => decided(&facts.purchase, row.clone()),
            (None, None) => self.not_found(attempt, facts, &others),
        }
    }

    /// Follows a callback: one detail call with the id that it names. `None` where it leads nowhere.
    async fn follow(&self, attempt: &mut Attempt, purchase: &Purchase, hint: &Hint) -> Result<Option<Outcome>, Error> {
        let now = self.now();
        let differences = hint.differences(attempt, &purchase.amounts(), same_customer);
        if !differences.is_empty() {
            attempt.call_person(now, format!("a callback names another {}", differences.join(", ")));
        }
        let Some(id) = hint.provider_id.as_deref() else { return Ok(None) };
        match attempt.provider_id() {
            Some(known) if known == id => return Ok(None),
            Some(_) => {
                attempt.call_person(now, "a callback names another transaction; it was dropped");
                return Ok(None);
            }
            None => {}
        }
        let transaction = self.client.transaction_detail(id).await?;
        if transaction.partner_reference_id.as_deref() != Some(purchase.reference.as_str()) {
            attempt.call_person(now, "a callback names a transaction of another purchase; it was dropped");
            return Ok(None);
        }
        attempt.set_provider_id(id);
        decided(purchase, transaction).map(Some)
    }

    /// Asks for the transaction and judges it. The id is kept once the record shows our reference.
    async fn asked(&self, attempt: &mut Attempt, purchase: &Purchase, id: &str) -> Result<Outcome, Error> {
        let transaction = self.client.transaction_detail(id).await?;
        if transaction.partner_reference_id.as_deref() == Some(purchase.reference.as_str()) {
            attempt.set_provider_id(id);
        }
        decided(purchase, transaction)
    }

    /// Reads the history around the purchase.
    async fn search(&self, attempt: &Attempt, text: Option<&str>) -> Result<Search, Error> {
        let range = (attempt.started_at().before(MARGIN), self.now().after(MARGIN));
        let mut query = HistoryQuery::new().with_limit(ROWS).with_range(range.0, range.1);
        if let Some(text) = text {
            query = query.with_search(text);
        }
        let mut search = Search { rows: Vec::new(), complete: false };
        for page in 1..=SEARCHED_PAGES {
            let found = self.client.transaction_history(&query).await?;
            search.rows.extend(found.transactions);
            if found.meta.is_last() {
                search.complete = true;
                break;
            }
            query = query.with_page(u32::try_from(page).unwrap_or(u32::MAX).saturating_add(1));
        }
        Ok(search)
    }

    /// Every row of a day. The range is wider than the day, whichever zone the filter is read in, and a row that moves to another page
    /// while they are read comes once.
    async fn listed(&self, day: WibDay) -> Result<Vec<HistoryEntry>, Error> {
        let range = (day.start().before(MARGIN), day.start().after(MARGIN).after(MARGIN));
        let query = HistoryQuery::new().with_limit(ROWS).with_range(range.0, range.1);
        let rows: Vec<Transaction> = self.client.all_transactions(query).try_collect().await?;
        let mut known = BTreeSet::new();
        let of_the_day = rows.into_iter().filter(|row| row.transaction_time.is_none_or(|at| at.wib_day() == day));
        let once = of_the_day.filter(|row| row.transaction_id.clone().is_none_or(|id| known.insert(id)));
        Ok(once.map(entry).collect())
    }

    /// Nothing found is final only by the operator's word. Rows without a reference that could be it are shown to a person.
    fn not_found(&self, attempt: &mut Attempt, facts: Facts, others: &[Transaction]) -> Result<Outcome, Error> {
        let now = self.now();
        let sent_at = attempt.started_at();
        let candidates: Vec<&str> = others
            .iter()
            .filter(|row| row.partner_reference_id.is_none() && row.value.is_some())
            .filter(|row| row.difference(&facts.purchase).is_none())
            .filter(|row| row.transaction_time.is_none_or(|at| at >= sent_at.before(MARGIN) && at <= now.after(MARGIN)))
            .map(|row| row.transaction_id.as_deref().unwrap_or("a row without id"))
            .collect();
        let absent = self
            .client
            .config()
            .not_found_final_after
            .is_some_and(|after| now.since(sent_at) >= after && proves_absence(&facts.searched));
        attempt.set_facts(&facts)?;
        if absent && candidates.is_empty() {
            return Ok(Outcome::Failed(Refusal::new(
                ErrorKind::NotFound,
                "three complete searches found nothing after the time set for it",
            )));
        }
        let detail = if candidates.is_empty() {
            "not in the history yet, which proves nothing".to_owned()
        } else {
            format!("rows without a reference that could be it: {}", candidates.join(", "))
        };
        Err(Error::new(ErrorKind::NotFound, Execution::Unknown).with_detail(detail))
    }
}

struct Search {
    rows: Vec<Transaction>,
    /// Whether all pages were read.
    complete: bool,
}

/// Whether the latest searches lie far enough apart.
fn proves_absence(searched: &[Timestamp]) -> bool {
    let mut counted: Vec<Timestamp> = Vec::new();
    for at in searched.iter().rev() {
        if counted.last().is_none_or(|last| last.since(*at) >= SEARCH_DISTANCE) {
            counted.push(*at);
        }
    }
    counted.len() >= SEARCHES
}

/// What a record that Klikoo was asked for says of the purchase.
fn decided(purchase: &Purchase, transaction: Transaction) -> Result<Outcome, Error> {
    match judge(&transaction, purchase, true) {
        Ok(true) => Ok(Outcome::Succeeded(receipt(purchase, transaction, Evidence::Status))),
        Ok(false) => Ok(Outcome::Pending),
        Err(error) if error.execution() == Execution::NotExecuted => {
            let word = transaction.status.unwrap_or_default();
            let refusal =
                Refusal::new(ErrorKind::Refused, format!("the provider's record says {word}")).with_code(word);
            Ok(Outcome::Failed(refusal.with_provider_message(transaction.reason)))
        }
        Err(error) => Err(error),
    }
}

fn entry(row: Transaction) -> HistoryEntry {
    let word = row.status.as_deref().filter(|word| !word.trim().is_empty());
    let mut entry = HistoryEntry::default();
    entry.stage = word.and_then(|word| status_verdict(Some(word)).stage());
    entry.provider_id = row.transaction_id;
    entry.reference = row.partner_reference_id;
    entry.customer = row.value;
    entry.product = row.product_code.or(row.product_name);
    entry.amount = row.amount;
    entry.at = row.transaction_time;
    entry
}

fn expect_price(expected: Option<Rupiah>, price: Rupiah) -> Result<(), Error> {
    match expected {
        Some(expected) if expected != price => Err(Error::new(ErrorKind::PriceChanged, Execution::NotExecuted)
            .with_detail(format!("{price} instead of {expected}; nothing was bought"))),
        _ => Ok(()),
    }
}

fn inquiry(reply: &InquiryReply, price: Rupiah) -> Inquiry {
    let mut inquiry = Inquiry::default();
    inquiry.product_name.clone_from(&reply.product_name);
    inquiry.customer_name.clone_from(&reply.customer_name);
    inquiry.price = Some(price);
    let power = reply.power_capacity.iter().map(|power| ("Tarif/Daya".to_owned(), power.clone()));
    inquiry.rows.extend(power);
    inquiry
}

fn receipt(purchase: &Purchase, transaction: Transaction, evidence: Evidence) -> Receipt {
    let stroom_token = transaction.stroom_token();
    let mut receipt = Receipt::new(
        PROVIDER,
        purchase.reference.as_str(),
        purchase.product_code.as_str(),
        purchase.value.as_str(),
        evidence,
    );
    receipt.provider_id = transaction.transaction_id;
    receipt.customer_name = transaction.customer_name.filter(|name| !name.is_empty());
    receipt.charged = transaction.amount;
    receipt.at = transaction.transaction_time;
    receipt.serial = transaction.sn;
    receipt.stroom_token = stroom_token;
    receipt.raw = transaction.raw;
    receipt
}

impl Biller for Klikoo {
    fn provider(&self) -> &'static str {
        PROVIDER
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::NONE;
        capabilities.inquiry = true;
        capabilities.balance = true;
        capabilities.history = true;
        capabilities.callback = true;
        capabilities.own_reference = true;
        capabilities.distinguishes_equal_purchases = true;
        capabilities
    }

    fn schedule(&self) -> &Schedule {
        &self.client.config().schedule
    }

    fn balance(&self) -> BoxFuture<'_, Result<Rupiah, Error>> {
        Box::pin(self.client.balance())
    }

    fn history(&self, day: WibDay) -> BoxFuture<'_, Result<Vec<HistoryEntry>, Error>> {
        Box::pin(self.listed(day))
    }

    fn inquire<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Inquiry, Error>> {
        Box::pin(async move {
            let (purchase, reply) = self.inquired(order).await?;
            reply.map(|reply| inquiry(&reply, purchase.amount())).ok_or_else(|| {
                Error::unsupported("the product has no inquiry").at(
                    PROVIDER,
                    "inquiry prepaid",
                    Some(order.reference().as_str()),
                )
            })
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
