use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use biller_core::{
    Attempt, Biller, BoxFuture, Capabilities, Error, ErrorKind, Evidence, Execution, InvalidValue, Order, Outcome,
    Product, ProductCode, Receipt, Records, Refusal, Rupiah, Schedule, Stage, Timestamp, Verdict,
};
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::codes::{self, Call, Reason};
use crate::model::{Reply, State, StatusRequest, TopUp, Transaction};
use crate::price_list::{PriceItem, PriceList};

pub(crate) const PROVIDER: &str = "mmbc-pulsa";

/// How long after the end of one sending the next may follow: two copies close together may both run.
const BETWEEN_SENDS: Duration = Duration::from_secs(120);
/// So near to WIB midnight the day of a sending is not certain: clocks differ, and a request takes time.
const AROUND_MIDNIGHT: Duration = Duration::from_secs(600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// MMBC behind the face that all providers share.
///
/// Order fields: `customer` is the phone number in any writing; `product` a code of the price list; `repeat` is `itrx`, which of
/// several equal top-ups of the WIB day this is, 1 unless given. It is never raised here: a second equal purchase takes the next
/// number by the caller's own decision. `expected_price` is compared with the price list. No options.
///
/// A debit other than the price of the list leaves a success a success: number, code and face value are what was asked, and the list
/// may be ten minutes old. The receipt then shows the debit, and a person is called.
///
/// MMBC takes no reference, so a lost reply is resolved in one of two ways. Where the invoice is known, the status call tells. Where
/// it is not, the same top-up is sent again with the same `itrx`: code 51 then means that the earlier one went through, 41 that it
/// still runs, and a fresh `ok` that it has run once, now. That happens only while all of these hold, else a person decides:
///
/// - [`Config::with_guarded_resend`](crate::Config::with_guarded_resend) is on; no reply carried 21, 81 or 82; the first sending did
///   not get 41 or 51;
/// - the last sending ended at least 120 s ago;
/// - it is still the WIB day of the first sending, and neither that sending nor now lies between 23:50 and 00:10 WIB;
/// - [`Records::others`] knows no other attempt with the same number, denomination or code, `itrx` and day;
/// - nobody else sends for this attempt at the same time: clones of this value see to it among themselves; several processes need a
///   lease, which the journal takes;
/// - [`Records::save`] has stored the number of sendings.
#[derive(Clone, Debug)]
pub struct MmbcPulsa {
    client: Client,
    prices: Arc<Mutex<Option<Prices>>>,
    sendings: Sendings,
}

/// A price list and when it was asked for.
type Prices = (Timestamp, Arc<PriceList>);

/// What is noted of an attempt beside what all providers note.
#[derive(Serialize, Deserialize)]
struct Facts {
    top_up: TopUp,
    /// The WIB day, `yyyy-MM-dd`, on which it was prepared and may be sent.
    day: String,
    /// How often it was sent, or was about to be.
    sends: u32,
    /// When it was about to be sent last.
    last_sent: Option<Timestamp>,
    /// When that sending was answered or given up.
    last_ended: Option<Timestamp>,
    /// The invoice that a reply named.
    invoice: Option<String>,
    /// What a reply says was taken from the deposit.
    debited: Option<Rupiah>,
    /// Why it must not be sent again.
    barred: Option<String>,
}

impl Facts {
    /// What a reply tells, whatever becomes of it.
    fn note(&mut self, transaction: &Transaction) {
        self.invoice = transaction.invoice.clone().or(self.invoice.take());
        self.debited = transaction.debited.or(self.debited);
    }

    /// What an error tells. The invoice in a refusal as a duplicate of a first sending would be the twin's.
    fn note_error(&mut self, error: &Error, call: Call) {
        let reason = Reason::of(error);
        let twin = call == Call::TopUp && matches!(reason, Some(Reason::InProcess | Reason::OncePerDay));
        let asks_person = matches!(reason, Some(Reason::CardTopUpProblem | Reason::CheckEmail | Reason::EnterSmsCode));
        if let Some(reason) = reason.filter(|_| twin || asks_person) {
            self.barred = Some(format!("a reply carried code {}, {reason}", reason.code()));
        }
        let reply = error.reply().and_then(|body| Reply::read(body).ok()).filter(|_| !twin);
        self.invoice = reply.and_then(|reply| reply.transaction.invoice).or(self.invoice.take());
    }
}

/// Why a top-up is not sent again.
enum Hold {
    /// The conditions may hold later.
    ForNow(&'static str),
    /// They cannot hold any more: a person decides.
    ForGood(String),
}

impl From<Hold> for Error {
    fn from(hold: Hold) -> Self {
        let (kind, detail) = match hold {
            Hold::ForNow(why) => (ErrorKind::Unproven, format!("not sent again yet: {why}")),
            Hold::ForGood(why) => (ErrorKind::NeedsPerson, format!("cannot be sent again: {why}")),
        };
        Self::new(kind, Execution::Unknown).with_detail(detail).at(PROVIDER, "top-up", None)
    }
}

impl MmbcPulsa {
    /// Buys through this client.
    pub fn new(client: Client) -> Self {
        Self { client, prices: Arc::default(), sendings: Sendings::default() }
    }

    /// MMBC's own calls.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Fetches the price list and keeps it for the purchases of the next ten minutes. An empty one is not kept; one with rows that could
    /// not be read is fetched again for a product that it lacks.
    pub async fn refresh_prices(&self) -> Result<Arc<PriceList>, Error> {
        let asked_at = self.now();
        let list = Arc::new(self.client.price_list().await?);
        if !list.is_empty() {
            *self.prices.lock().unwrap_or_else(PoisonError::into_inner) = Some((asked_at, Arc::clone(&list)));
        }
        Ok(list)
    }

    fn now(&self) -> Timestamp {
        self.client.engine().clock().now()
    }

    async fn prices(&self) -> Result<Arc<PriceList>, Error> {
        let now = self.now();
        let fresh = |at: Timestamp| at <= now && now.since(at) <= self.client.config().prices_max_age;
        let kept = self.prices.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match kept {
            Some((at, list)) if fresh(at) => Ok(list),
            _ => self.refresh_prices().await,
        }
    }

    async fn prepared(&self, order: Order) -> Result<Attempt, Error> {
        let top_up = TopUp::new(order.product().as_str(), order.customer())
            .map_err(|value| match value.field() {
                "destination" => value.in_field("customer"),
                _ => value,
            })?
            .with_repeat(order.repeat())?
            .with_reference(order.reference().clone());
        order.check_amounts()?;
        let mut prices = self.prices().await?;
        if prices.find(order.product().as_str()).is_none() && prices.dropped() > 0 {
            prices = self.refresh_prices().await?;
        }
        let item = prices.find(order.product().as_str()).ok_or_else(|| missing_from(&prices))?;
        if !item.is_ready() {
            return Err(Error::new(ErrorKind::Refused, Execution::NotExecuted)
                .with_detail("the price list says that the product is not for sale"));
        }
        check_order(&order, &item)?;
        let now = self.now();
        let facts = Facts {
            top_up: top_up.with_denomination(item.denomination),
            day: now.wib_day().to_string(),
            sends: 0,
            last_sent: None,
            last_ended: None,
            invoice: None,
            debited: None,
            barred: None,
        };
        let number = facts.top_up.destination.to_0();
        let key = format!("{number}/{}/{}/{}", order.product(), order.repeat(), facts.day);
        let mut attempt = Attempt::new(PROVIDER, order, key, now, &facts)?;
        attempt.set_price(Some(item.price));
        Ok(attempt)
    }

    async fn paid(&self, attempt: &mut Attempt, records: &dyn Records) -> Outcome {
        let clock = self.client.engine().clock().as_ref();
        let mut facts: Facts = match attempt.facts() {
            Ok(facts) => facts,
            Err(error) => return Outcome::Unknown(error),
        };
        if let Err(outcome) = self.begin(attempt, &mut facts, records).await {
            return outcome;
        }
        let learnt = match self.client.top_up(&facts.top_up).await {
            Ok(reply) => {
                facts.note(&reply.transaction);
                self.accepted(attempt, reply.succeeded, reply.transaction)
            }
            Err(error) => {
                facts.note_error(&error, Call::TopUp);
                self.refused(attempt, &facts, error, records).await
            }
        };
        facts.last_ended = Some(self.now());
        if let Err(error) = attempt.set_facts(&facts) {
            return Outcome::Unknown(error);
        }
        if !learnt.is_final()
            && facts.invoice.is_none()
            && let Err(Hold::ForGood(why)) = self.may_send_again(attempt, &facts)
        {
            attempt.call_person(self.now(), Error::from(Hold::ForGood(why)).to_string());
        }
        attempt.end_payment(learnt, records, clock).await
    }

    /// Has the first sending written down. On `Err` nothing may be sent.
    async fn begin(&self, attempt: &mut Attempt, facts: &mut Facts, records: &dyn Records) -> Result<(), Outcome> {
        let clock = self.client.engine().clock().as_ref();
        let earlier = records.load(PROVIDER, attempt.order().reference()).await;
        let earlier = earlier.map_err(|error| Outcome::from(Self::unrecorded(attempt, &error)))?;
        // An order that was begun before is refused by `begin_payment`, and its record stays as it is.
        let begun = earlier.is_some_and(|earlier| earlier.stage() != Stage::Prepared);
        if attempt.stage() == Stage::Prepared && !begun {
            match self.may_begin(attempt, facts, records).await {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::NotRecorded => return Err(Outcome::from(error)),
                Err(error) => return Err(attempt.end_payment(Outcome::from(error), records, clock).await),
            }
            (facts.sends, facts.last_sent) = (1, Some(self.now()));
            attempt.set_facts(facts).map_err(Outcome::from)?;
        }
        attempt.begin_payment(records, clock).await
    }

    /// Whether a first sending may start: on its own day, and beside no other one that MMBC could take for the same.
    async fn may_begin(&self, attempt: &Attempt, facts: &Facts, records: &dyn Records) -> Result<(), Error> {
        let refuse = |kind, detail: String| {
            let error = Error::new(kind, Execution::NotExecuted).with_detail(detail);
            error.at(PROVIDER, "pay", Some(attempt.order().reference().as_str()))
        };
        if self.now().wib_day().to_string() != facts.day {
            let why = "prepared on another WIB day, on which prices and the daily rule were others";
            return Err(refuse(ErrorKind::InvalidInput, why.to_owned()));
        }
        let twins = self.twins(attempt, facts, records).await.map_err(|error| Self::unrecorded(attempt, &error))?;
        match twins.iter().find(|twin| twin.stage() != Stage::Failed) {
            Some(twin) => Err(refuse(
                ErrorKind::Duplicate,
                format!(
                    "{} is the same top-up of the same day; another one takes the next repeat",
                    twin.order().reference()
                ),
            )),
            None => Ok(()),
        }
    }

    /// What could not be written down or read back is not sent.
    fn unrecorded(attempt: &Attempt, error: &biller_core::RecordError) -> Error {
        let refused = Error::new(ErrorKind::NotRecorded, Execution::NotExecuted).with_detail(error.to_string());
        refused.at(PROVIDER, "pay", Some(attempt.order().reference().as_str()))
    }

    /// Other attempts that were sent and that MMBC may take for the same.
    async fn twins(
        &self,
        attempt: &Attempt,
        facts: &Facts,
        records: &dyn Records,
    ) -> Result<Vec<Attempt>, biller_core::RecordError> {
        let mut others = records.others(attempt).await?;
        others.retain(|other| {
            let same = match other.facts::<Facts>() {
                Ok(other) => other.sends > 0 && other.day == facts.day && other.top_up.equals(&facts.top_up),
                Err(_) => other.key() == attempt.key(),
            };
            same && other.stage() != Stage::Prepared
        });
        Ok(others)
    }

    /// A first sending that got no `ok`. As a duplicate it has failed only where MMBC has confirmed the twin.
    async fn refused(&self, attempt: &mut Attempt, facts: &Facts, error: Error, records: &dyn Records) -> Outcome {
        if error.kind() != ErrorKind::Duplicate {
            return Outcome::from(error);
        }
        let confirmed =
            |twin: &&Attempt| matches!(twin.stage(), Stage::Succeeded | Stage::Pending) && twin.provider_id().is_some();
        let twins = self.twins(attempt, facts, records).await.unwrap_or_default();
        match twins.iter().find(confirmed) {
            Some(twin) => Outcome::Failed(
                Refusal::new(ErrorKind::Duplicate, format!("duplicate of {}", twin.order().reference()))
                    .with_code(error.code().unwrap_or_default()),
            ),
            None => Outcome::Unknown(error),
        }
    }

    async fn looked(&self, attempt: &mut Attempt, records: &dyn Records) -> Outcome {
        if let Some(outcome) = attempt.never_sent() {
            return outcome;
        }
        let learnt = self.look(attempt, records).await;
        let decide_after = self.client.config().schedule.decide_after;
        attempt.end_look(learnt, decide_after, records, self.client.engine().clock().as_ref()).await
    }

    /// One look. An error means that nothing was learnt.
    async fn look(&self, attempt: &mut Attempt, records: &dyn Records) -> Result<Outcome, Error> {
        let mut facts: Facts = attempt.facts()?;
        match &facts.invoice {
            Some(invoice) => self.asked(attempt, &facts, invoice).await,
            None if attempt.stage().is_final() => {
                Err(Error::new(ErrorKind::Unproven, Execution::Unknown).with_detail("no invoice to ask by"))
            }
            None => self.sent_again(attempt, &mut facts, records).await,
        }
    }

    /// Asks by the invoice.
    async fn asked(&self, attempt: &mut Attempt, facts: &Facts, invoice: &str) -> Result<Outcome, Error> {
        let reply = self.client.transaction_status(&StatusRequest::about(&facts.top_up, invoice)?).await?;
        attempt.set_provider_id(invoice);
        Ok(match reply.state {
            State::Succeeded => {
                self.compare_debit(attempt, facts.debited);
                let mut receipt = receipt(attempt, reply.transaction, Evidence::Status);
                receipt.charged = facts.debited;
                receipt.provider_id = Some(invoice.to_owned());
                Outcome::Succeeded(receipt)
            }
            State::Pending => Outcome::Pending,
            State::Failed => {
                let word = reply.transaction.status.unwrap_or_default();
                let refusal = Refusal::new(ErrorKind::Refused, format!("the provider's record says {word}"));
                Outcome::Failed(refusal.with_code(word).with_provider_message(reply.transaction.description))
            }
        })
    }

    /// What a reply with `ok` says, about exactly what was asked.
    fn accepted(&self, attempt: &mut Attempt, succeeded: bool, transaction: Transaction) -> Outcome {
        if let Some(invoice) = &transaction.invoice {
            attempt.set_provider_id(invoice);
        }
        if !succeeded {
            return Outcome::Pending;
        }
        self.compare_debit(attempt, transaction.debited);
        Outcome::Succeeded(receipt(attempt, transaction, Evidence::Reply))
    }

    /// A debit that is not the price proves nothing against the top-up, but somebody has to settle it with MMBC.
    fn compare_debit(&self, attempt: &mut Attempt, debited: Option<Rupiah>) {
        if let (Some(debited), Some(price)) = (debited, attempt.price())
            && debited != price
        {
            attempt.call_person(self.now(), format!("a reply says that {debited} was debited instead of {price}"));
        }
    }

    /// The guarded re-send.
    async fn sent_again(
        &self,
        attempt: &mut Attempt,
        facts: &mut Facts,
        records: &dyn Records,
    ) -> Result<Outcome, Error> {
        self.may_send_again(attempt, facts)?;
        let twins = self.twins(attempt, facts, records).await.map_err(not_recorded)?;
        if let Some(twin) = twins.first() {
            return Err(
                Hold::ForGood(format!("{} is the same top-up of the same day", twin.order().reference())).into()
            );
        }
        let sending =
            self.sendings.start(attempt.order().reference().as_str(), self.client.engine().clock().as_ref())?;
        facts.sends += 1;
        (facts.last_sent, facts.last_ended) = (Some(self.now()), None);
        attempt.set_facts(facts)?;
        records.save(attempt).await.map_err(not_recorded)?;
        let reply = self.client.top_up(&facts.top_up).await;
        drop(sending);
        facts.last_ended = Some(self.now());
        let learnt = match reply {
            Ok(reply) => {
                facts.note(&reply.transaction);
                Ok(self.accepted(attempt, reply.succeeded, reply.transaction))
            }
            Err(error) => {
                facts.note_error(&error, Call::Resend);
                match codes::verdict(error.code(), error.provider_message(), Call::Resend) {
                    Verdict::Succeeded => {
                        let nothing = Transaction::default();
                        Ok(Outcome::Succeeded(receipt(attempt, nothing, Evidence::DuplicateRefused)))
                    }
                    Verdict::Pending => Ok(Outcome::Pending),
                    Verdict::Failed(_) | Verdict::Unknown(_) => Err(error),
                }
            }
        };
        attempt.set_facts(facts)?;
        learnt
    }

    /// The conditions of a re-send that need nobody else.
    fn may_send_again(&self, attempt: &Attempt, facts: &Facts) -> Result<(), Hold> {
        let for_good = |why: &str| Err(Hold::ForGood(why.to_owned()));
        let now = self.now();
        let Some(sent_at) = attempt.sent_at() else { return for_good("the time of the first sending is not known") };
        if !self.client.config().guarded_resend {
            return for_good("guarded_resend is off");
        }
        if let Some(reason) = &facts.barred {
            return Err(Hold::ForGood(reason.clone()));
        }
        if is_around_midnight(sent_at) {
            return for_good("it was sent within 10 minutes of WIB midnight");
        }
        if now.wib_day().to_string() != facts.day || is_around_midnight(now) {
            return for_good("its WIB day is over, or nearly so");
        }
        // After a crash the end is not known; it cannot have come later than the time limit.
        let last_sent = facts.last_sent.unwrap_or(sent_at).max(sent_at);
        let ended = facts.last_ended.unwrap_or(last_sent.after(self.client.config().call.timeout));
        if now.since(ended) < BETWEEN_SENDS {
            return Err(Hold::ForNow("the last sending ended less than 120 s ago"));
        }
        Ok(())
    }
}

/// Whether the clock shows between 23:50:00 and 00:10:00 WIB.
fn is_around_midnight(at: Timestamp) -> bool {
    let time = at.wib_time_of_day();
    time >= DAY - AROUND_MIDNIGHT || time <= AROUND_MIDNIGHT
}

fn missing_from(prices: &PriceList) -> Error {
    if prices.is_empty() || prices.dropped() > 0 {
        return Error::not_among(prices.len());
    }
    InvalidValue::new("product", "a code that the price list lacks", "a code of the price list").into()
}

/// What can be checked of an order before it is sent.
fn check_order(order: &Order, item: &PriceItem<'_>) -> Result<(), Error> {
    if let Some(amount) = order.amount().filter(|amount| item.denomination != Some(*amount)) {
        let value = item.denomination.map_or("no face value".to_owned(), |value| value.to_string());
        return Err(
            InvalidValue::new("amount", amount.to_string(), format!("nothing, or the product's {value}")).into()
        );
    }
    match order.expected_price() {
        Some(expected) if expected != item.price => Err(Error::new(ErrorKind::PriceChanged, Execution::NotExecuted)
            .with_detail(format!("{} instead of {expected}; nothing was bought", item.price))),
        _ => Ok(()),
    }
}

fn receipt(attempt: &Attempt, transaction: Transaction, evidence: Evidence) -> Receipt {
    let order = attempt.order();
    let mut receipt =
        Receipt::new(PROVIDER, order.reference().as_str(), order.product().as_str(), order.customer(), evidence);
    receipt.provider_id = transaction.invoice;
    receipt.charged = transaction.debited;
    receipt.at = transaction.date;
    receipt.serial = transaction.serial;
    receipt.raw = transaction.raw;
    receipt
}

fn not_recorded(error: biller_core::RecordError) -> Error {
    Error::new(ErrorKind::NotRecorded, Execution::Unknown).with_detail(error.to_string())
}

/// Who sends what again in this process, so that two resolvers of one attempt make one re-send.
#[derive(Clone, Debug, Default)]
struct Sendings(Arc<Mutex<HashMap<String, Option<Timestamp>>>>);

/// One re-send under way; its end is noted when it is dropped.
struct Sending<'a> {
    sendings: &'a Sendings,
    reference: String,
    clock: &'a dyn biller_core::Clock,
}

impl Sendings {
    fn start<'a>(&'a self, reference: &str, clock: &'a dyn biller_core::Clock) -> Result<Sending<'a>, Hold> {
        let now = clock.now();
        let mut sendings = self.lock();
        sendings.retain(|_, ended| ended.is_none_or(|ended| now.since(ended) < BETWEEN_SENDS));
        if sendings.contains_key(reference) {
            return Err(Hold::ForNow("somebody else sends it, or has just done so"));
        }
        sendings.insert(reference.to_owned(), None);
        Ok(Sending { sendings: self, reference: reference.to_owned(), clock })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Option<Timestamp>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        self.sendings.lock().insert(self.reference.clone(), Some(self.clock.now()));
    }
}

impl Biller for MmbcPulsa {
    fn provider(&self) -> &'static str {
        PROVIDER
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::NONE;
        capabilities.products = true;
        capabilities
    }

    fn schedule(&self) -> &Schedule {
        &self.client.config().schedule
    }

    fn products(&self) -> BoxFuture<'_, Result<Vec<Product>, Error>> {
        Box::pin(async move {
            let list = self.refresh_prices().await?;
            Ok(list.iter().filter_map(|item| product(&item)).collect())
        })
    }

    fn prepare(&self, order: Order) -> BoxFuture<'_, Result<Attempt, Error>> {
        Box::pin(async move {
            let reference = order.reference().clone();
            self.prepared(order).await.map_err(|error| error.while_preparing(PROVIDER, &reference))
        })
    }

    fn pay<'a>(&'a self, attempt: &'a mut Attempt, records: &'a dyn Records) -> BoxFuture<'a, Outcome> {
        Box::pin(self.paid(attempt, records))
    }

    fn resolve<'a>(&'a self, attempt: &'a mut Attempt, records: &'a dyn Records) -> BoxFuture<'a, Outcome> {
        Box::pin(self.looked(attempt, records))
    }
}

fn product(item: &PriceItem<'_>) -> Option<Product> {
    let code = ProductCode::parse(item.product_code).ok()?;
    let name = [Some(item.operator), item.description].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let mut product = Product::new(code, name);
    product.price = Some(item.price);
    product.face_value = item.denomination;
    product.available = item.is_ready();
    Some(product)
}
