use std::time::Duration;

use biller_core::{
    Attempt, Biller, BoxFuture, Capabilities, Error, ErrorKind, Evidence, Execution, Hint, Inquiry, InvalidValue,
    Order, Outcome, Receipt, Records, Reference, Refusal, Schedule, Stage, Timestamp, shape_of,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::callback;
use crate::client::Client;
use crate::codes::blames_us;
use crate::model::{AdvisedState, Inquired, InquiryRequest, Purchase, Transaction, in_daily_pause};
use crate::operations::{INQUIRIES, inquiry_reference, order_reference};

pub(crate) const PROVIDER: &str = "pln-prepaid";

/// How far apart advices have to lie to count as separate proof of absence, and how many are needed.
const ADVICE_DISTANCE: Duration = Duration::from_secs(600);
const ADVICES: usize = 3;
/// After so many advices in a row that blame our own settings, a person is called.
const BLAMES: u32 = 3;

/// PLN prepaid and its siblings behind the face that all providers share.
///
/// Order fields: `product` is the code, `customer` the meter number or IDPEL (11 or 12 digits), or the phone or bill number of a
/// sibling; `expected_price` stops a purchase whose price has changed; `months` for products that leave the choice. There is no
/// `amount`: the product code carries the value. Option: `partner_approval_no`, the number made when the partner's own customer was
/// debited; else the reference of the inquiry.
///
/// The first inquiry of an order carries the order's own reference, further ones `--2` to `--9` behind it
/// ([`inquiry_reference`](crate::operations::inquiry_reference)); which one a purchase was made under is kept in its attempt.
#[derive(Clone, Debug)]
pub struct PlnPrepaid {
    client: Client,
}

/// What is kept of an attempt for later.
#[derive(Serialize, Deserialize)]
struct Facts {
    purchase: Purchase,
    /// When the latest advices, one after the other and far enough apart, said that they do not know it; the first few of them.
    not_found: Vec<Timestamp>,
    /// How many of the latest advices, one after the other, blamed our own settings.
    blamed: u32,
    /// Whether a success without its token has been seen.
    token_owed: bool,
}

impl PlnPrepaid {
    /// Buys through this client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// MyBills' own calls.
    pub fn client(&self) -> &Client {
        &self.client
    }

    fn now(&self) -> Timestamp {
        self.client.engine().clock().now()
    }

    /// The order's inquiry, under the first of its references that has not been used up.
    async fn inquired(&self, order: &Order) -> Result<Inquired, Error> {
        let reference = order.reference();
        if order_reference(reference.as_str()) != reference.as_str() {
            let shape = shape_of(reference.as_str());
            return Err(InvalidValue::new("reference", shape, "one that does not end with -- and a digit").into());
        }
        if order.amount().is_some() {
            return Err(InvalidValue::new("amount", "present", "none, since the product code carries the value").into());
        }
        order.check_amounts()?;
        let approval = order.option("partner_approval_no").map(Reference::parse).transpose();
        let approval = approval.map_err(|error| error.in_field("partner_approval_no"))?;
        let mut request = InquiryRequest::new(reference.as_str(), order.product().as_str(), order.customer())
            .map_err(|error| if error.field() == "customer_id" { error.in_field("customer") } else { error })?
            .with_expected_price(order.expected_price())
            .with_months(order.months());
        let mut n = 1;
        loop {
            let used_up = match self.client.inquiry(&request).await {
                Ok(mut inquired) => {
                    if let Some(number) = approval {
                        inquired.purchase = inquired.purchase.with_partner_approval_no(number);
                    }
                    return Ok(inquired);
                }
                // An earlier inquiry has used this reference; inquiries move no money, so the next one is safe.
                Err(error) if error.code() == Some("09") => error,
                Err(error) => return Err(error),
            };
            n += 1;
            match inquiry_reference(reference, n).filter(|_| n <= INQUIRIES) {
                Some(next) => request = request.under(next),
                None => return Err(used_up.with_detail("no reference is left for another inquiry: take a new order")),
            }
        }
    }

    async fn prepared(&self, order: Order) -> Result<Attempt, Error> {
        let reference = order.reference().clone();
        let Inquired { purchase, transaction } =
            self.inquired(&order).await.map_err(|error| error.while_preparing(PROVIDER, &reference))?;
        if purchase.is_electricity() && in_daily_pause(self.now()) {
            tracing::warn!(provider = PROVIDER, %reference, "PLN's daily pause is on; the result may take until tomorrow");
        }
        let (price, reference_no) = (purchase.price, purchase.reference_no.clone());
        let facts = Facts { purchase, not_found: Vec::new(), blamed: 0, token_owed: false };
        let mut attempt = Attempt::new(PROVIDER, order, reference.as_str(), self.now(), &facts)?;
        attempt.set_price(Some(price));
        attempt.set_provider_id(reference_no);
        attempt.set_inquiry(inquiry(&transaction));
        Ok(attempt)
    }

    async fn paid(&self, attempt: &mut Attempt, records: &dyn Records) -> Outcome {
        let clock = self.client.engine().clock().as_ref();
        let mut facts: Facts = match attempt.facts() {
            Ok(facts) => facts,
            Err(error) => return Outcome::Unknown(error),
        };
        if let Err(outcome) = attempt.begin_payment(records, clock).await {
            return outcome;
        }
        let learnt = match self.client.payment(&facts.purchase).await {
            Ok(paid) if paid.succeeded => {
                Outcome::Succeeded(receipt(attempt, &facts.purchase, paid.transaction, Evidence::Reply))
            }
            Ok(paid) => {
                facts.token_owed = says_success(&paid.transaction);
                match attempt.set_facts(&facts) {
                    Ok(()) => Outcome::Pending,
                    Err(error) => Outcome::Unknown(error),
                }
            }
            Err(error) if error.kind() == ErrorKind::Duplicate => {
                Outcome::Unknown(error.with_detail(twins(attempt, records).await))
            }
            Err(error) => Outcome::from(error),
        };
        attempt.end_payment(learnt, records, clock).await
    }

    async fn looked(&self, attempt: &mut Attempt, records: &dyn Records) -> Outcome {
        if let Some(outcome) = attempt.never_sent() {
            return outcome;
        }
        let learnt = self.look(attempt).await;
        let decide_after = self.client.config().schedule.decide_after;
        attempt.end_look(learnt, decide_after, records, self.client.engine().clock().as_ref()).await
    }

    /// One advice. An error means that nothing was learnt.
    async fn look(&self, attempt: &mut Attempt) -> Result<Outcome, Error> {
        let mut facts: Facts = attempt.facts()?;
        let advice = self.client.advice(&facts.purchase).await;
        let now = self.now();
        let error = advice.as_ref().err();
        match error {
            Some(error) if error.kind() == ErrorKind::NotFound => {
                let apart = facts.not_found.last().is_none_or(|last| now.since(*last) >= ADVICE_DISTANCE);
                if apart && facts.not_found.len() < ADVICES {
                    facts.not_found.push(now);
                }
            }
            _ => facts.not_found.clear(),
        }
        match error.and_then(Error::code) {
            Some(code) if blames_us(code) => facts.blamed += 1,
            _ => facts.blamed = 0,
        }
        if facts.blamed >= BLAMES
            && let Some(error) = error
        {
            attempt.call_person(now, format!("the provider refuses to be asked: {error}"));
        }
        let learnt = match advice {
            Ok(advised) => match advised.state {
                AdvisedState::Succeeded => {
                    Ok(Outcome::Succeeded(receipt(attempt, &facts.purchase, advised.transaction, Evidence::Status)))
                }
                AdvisedState::Pending => {
                    facts.token_owed |= says_success(&advised.transaction);
                    Ok(Outcome::Pending)
                }
                AdvisedState::Failed if facts.token_owed => {
                    Err(Error::new(ErrorKind::Contradiction, Execution::Unknown)
                        .with_detail("success without a token before, and now failed")
                        .with_code(advised.transaction.code.unwrap_or_default()))
                }
                AdvisedState::Failed => {
                    let code = advised.transaction.code.unwrap_or_default();
                    let refusal = Refusal::new(ErrorKind::Refused, format!("advice says failed, code {code}"));
                    Ok(Outcome::Failed(refusal.with_code(code).with_provider_message(advised.transaction.message)))
                }
            },
            Err(_) if self.proves_absence(attempt, &facts) => Ok(Outcome::Failed(Refusal::new(
                ErrorKind::NotFound,
                "three advices did not know it after the time set for it",
            ))),
            Err(error) => Err(error),
        };
        attempt.set_facts(&facts)?;
        learnt
    }

    /// Not found is final only by the operator's word, and never where the provider has known the purchase before.
    fn proves_absence(&self, attempt: &Attempt, facts: &Facts) -> bool {
        let known_before = facts.token_owed || !matches!(attempt.stage(), Stage::Sent | Stage::Unknown);
        let after = self.client.config().not_found_final_after;
        let due = after.zip(attempt.sent_at()).is_some_and(|(after, sent)| self.now().since(sent) >= after);
        due && !known_before && facts.not_found.len() >= ADVICES
    }

    /// Compares a callback with the attempt and notes what differs.
    fn compare(&self, attempt: &mut Attempt, hint: &Hint) -> Result<(), Error> {
        let purchase = attempt.facts::<Facts>()?.purchase;
        let mut differences = hint.differences(attempt, &[purchase.price], |named, ordered| {
            let bare = |text: &str| text.chars().filter(|c| !" -".contains(*c)).collect::<String>();
            bare(named) == bare(ordered)
        });
        if hint.provider_id.as_deref().is_some_and(|named| named.trim() != purchase.reference_no) {
            differences.push("referenceNo");
        }
        let posted = hint.raw.clone().and_then(|raw| Transaction::read(raw).ok());
        let named = posted.and_then(|posted| posted.partner_reference_no);
        if named.is_some_and(|named| named.trim() != purchase.partner_reference_no.as_str()) {
            differences.push("partnerReferenceNo");
        }
        if !differences.is_empty() {
            attempt.call_person(self.now(), format!("a callback names another {}", differences.join(", ")));
        }
        Ok(())
    }

    async fn confirmed(&self, attempt: &mut Attempt, hint: &Hint, records: &dyn Records) -> Outcome {
        // A callback about another order says nothing about this one.
        if hint.reference == attempt.order().reference().as_str()
            && let Err(error) = self.compare(attempt, hint)
        {
            return Outcome::Unknown(error);
        }
        self.looked(attempt, records).await
    }
}

/// Whether the code itself says success.
fn says_success(transaction: &Transaction) -> bool {
    transaction.code.as_deref() == Some("00")
}

/// Where the twin of a refused purchase may be found: other purchases of the same product for the same customer.
async fn twins(attempt: &Attempt, records: &dyn Records) -> String {
    let others = records.others(attempt).await.unwrap_or_default();
    let twins: Vec<&str> = others
        .iter()
        .filter(|other| other.order().product() == attempt.order().product())
        .filter(|other| !matches!(other.stage(), Stage::Prepared | Stage::Failed))
        .map(|other| other.order().reference().as_str())
        .collect();
    match &twins[..] {
        [] => "an earlier purchase exists: ask what became of this one".to_owned(),
        twins => format!("an earlier purchase exists: ask what became of this one, and look at {}", twins.join(", ")),
    }
}

fn inquiry(transaction: &Transaction) -> Inquiry {
    let result = &transaction.result;
    let mut inquiry = Inquiry::default();
    inquiry.product_name.clone_from(&result.product_name);
    inquiry.customer_name = transaction.bill.as_ref().and_then(|bill| bill.customer_name());
    inquiry.price = result.product_price;
    inquiry.admin_fee = result.product_admin_fee;
    if let Some(receipt) = transaction.electricity() {
        let rows = [
            ("IDPEL", receipt.customer_number.as_ref().map(|number| number.text.clone())),
            ("No. meter", receipt.meter_number.as_ref().map(|number| number.text.clone())),
            ("Tarif/daya", receipt.tariff_power.as_ref().map(|text| text.as_str().to_owned())),
        ];
        inquiry.rows.extend(rows.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    inquiry
}

fn receipt(attempt: &Attempt, purchase: &Purchase, transaction: Transaction, evidence: Evidence) -> Receipt {
    let order = attempt.order();
    let mut receipt = Receipt::new(
        PROVIDER,
        order.reference().as_str(),
        purchase.product_code.as_str(),
        purchase.customer_id.as_str(),
        evidence,
    );
    receipt.provider_id = Some(purchase.reference_no.clone());
    receipt.customer_name = transaction.bill.as_ref().and_then(|bill| bill.customer_name());
    receipt.charged = transaction.result.product_price;
    receipt.at = transaction.transaction_date;
    receipt.stroom_token = transaction.stroom_token().cloned();
    receipt.serial = transaction.serial_number;
    receipt.raw = transaction.raw;
    receipt
}

impl Biller for PlnPrepaid {
    fn provider(&self) -> &'static str {
        PROVIDER
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::NONE;
        capabilities.inquiry = true;
        capabilities.callback = true;
        capabilities.own_reference = true;
        capabilities.distinguishes_equal_purchases = true;
        capabilities
    }

    fn schedule(&self) -> &Schedule {
        &self.client.config().schedule
    }

    fn inquire<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Inquiry, Error>> {
        Box::pin(async move { self.inquired(order).await.map(|inquired| inquiry(&inquired.transaction)) })
    }

    fn prepare(&self, order: Order) -> BoxFuture<'_, Result<Attempt, Error>> {
        Box::pin(self.prepared(order))
    }

    fn pay<'a>(&'a self, attempt: &'a mut Attempt, records: &'a dyn Records) -> BoxFuture<'a, Outcome> {
        Box::pin(self.paid(attempt, records))
    }

    fn resolve<'a>(&'a self, attempt: &'a mut Attempt, records: &'a dyn Records) -> BoxFuture<'a, Outcome> {
        Box::pin(self.looked(attempt, records))
    }

    fn parse_callback(&self, request: &http::Request<Bytes>) -> Result<Hint, Error> {
        callback::parse(request).map_err(|error| error.at(PROVIDER, "callback", None))
    }

    fn answer_callback(&self, hint: Result<&Hint, &Error>) -> http::Response<Bytes> {
        callback::answer(hint, self.now())
    }

    fn confirm<'a>(
        &'a self,
        attempt: &'a mut Attempt,
        hint: &'a Hint,
        records: &'a dyn Records,
    ) -> BoxFuture<'a, Outcome> {
        Box::pin(self.confirmed(attempt, hint, records))
    }
}
