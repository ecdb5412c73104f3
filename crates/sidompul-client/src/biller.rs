use biller_core::{
    Attempt, Biller, BoxFuture, Capabilities, Error, ErrorKind, Evidence, Execution, HistoryEntry, InvalidValue, Order,
    Outcome, Product, Receipt, Records, Refusal, Rupiah, Schedule, Secret, Stage, Timestamp, Verdict, WibDay, shape_of,
};
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::matching::{self, Goods, Match, Row, SKEW, Sent, Trace};
use crate::model::{
    AwgInjectCommand, Brand, HistoryDetailQuery, HistoryQuery, HistoryRow, Inject, InjectCommand, InjectOutcome,
    Injected, MasterTrxId, PurchasePackage, PurchaseReply, ReloadPulsa, ServiceType, StockItem, StockQuery, Target,
    WgTransaction, WgTransactionQuery, XwgInjectCommand, common_verdict,
};

pub(crate) const PROVIDER: &str = "sidompul";

/// The product code of a reload.
const RELOAD: &str = "W2P";

/// SIDOMPUL behind the face that all providers share.
///
/// What an order buys:
/// - **pulsa**: product `W2P`, `amount` = the denomination;
/// - **a package**: product = its code from the product list; option `pay_from` = `dompul` (default) or `pulsa`, the dealer's own;
/// - **voucher stock**: option `stock` = `awg` or `xwg`, product = the voucher type code, customer = a number or a voucher serial of
///   16 digits; options `command` (the provider's word; by default the one that fits the customer and the row) and `ro_type`.
///
/// `expected_price` is compared with the price of packages and vouchers, and helps to recognise a reload.
///
/// A sale is recognised by the number that its reply showed, whatever amount the record of it says. Where that cannot be its price,
/// the success stands, the receipt shows the record's amount, and a person is called.
///
/// Two purchases of the same thing for the same number cannot be told apart, so a second one is refused while the first is open.
/// Use a dealer account that nothing but this sells from.
#[derive(Clone, Debug)]
pub struct Sidompul {
    client: Client,
}

/// What SIDOMPUL needs to know of an attempt later. Never a voucher id: the stock is looked up again.
#[derive(Clone, Serialize, Deserialize)]
struct Facts {
    sale: Sale,
    /// The number after `No.` in the reply.
    trace_no: Option<String>,
    /// Whether it provably never reached SIDOMPUL, and so has left no row.
    unreached: bool,
}

#[derive(Clone, Serialize, Deserialize)]
enum Sale {
    /// A reload or a package, which the history shows.
    Listed {
        msisdn: biller_core::Msisdn,
        goods: Goods,
        with_pulsa: bool,
        /// The rows for the number before it was sent.
        seen: Option<Vec<Trace>>,
        /// The row that it has been credited with.
        claimed: Option<Trace>,
    },
    Inject {
        brand: Brand,
        target: Target,
        voucher_type: String,
        command: String,
        ro_type: Option<String>,
        price: Option<Rupiah>,
        /// The injects of the day that named the target before it was sent; none where nobody looked.
        seen: Option<Vec<MasterTrxId>>,
        /// On which day they were looked for last.
        seen_on: biller_core::WibDay,
    },
}

impl Sidompul {
    /// Buys through this client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// SIDOMPUL's own calls.
    pub fn client(&self) -> &Client {
        &self.client
    }

    fn now(&self) -> Timestamp {
        self.client.engine().clock().now()
    }

    async fn prepared(&self, order: Order) -> Result<Attempt, Error> {
        order.check_amounts()?;
        let (sale, key, price) = match order.option("stock") {
            Some(stock) => self.inject_sale(&order, stock).await?,
            None if order.product().as_str() == RELOAD => self.reload_sale(&order).await?,
            None => self.package_sale(&order).await?,
        };
        let facts = Facts { sale, trace_no: None, unreached: false };
        let mut attempt = Attempt::new(PROVIDER, order, key, self.now(), &facts)?;
        attempt.set_price(price);
        Ok(attempt)
    }

    async fn reload_sale(&self, order: &Order) -> Result<(Sale, String, Option<Rupiah>), Error> {
        let denomination = order
            .amount()
            .ok_or_else(|| InvalidValue::new("amount", "absent", "the denomination of the reload, in whole rupiah"))?;
        let reload = ReloadPulsa::new(order.customer(), denomination).map_err(|error| {
            let field = if error.field() == "msisdn" { "customer" } else { "amount" };
            error.in_field(field)
        })?;
        let expected_price = order.expected_price();
        let key = format!("reload:{}:{}", reload.msisdn.to_62(), denomination.get());
        let seen = self.snapshot(&reload.msisdn).await?;
        let goods = Goods::Reload { denomination, expected_price };
        Ok((Sale::Listed { msisdn: reload.msisdn, goods, with_pulsa: false, seen, claimed: None }, key, None))
    }

    async fn package_sale(&self, order: &Order) -> Result<(Sale, String, Option<Rupiah>), Error> {
        let code = order.product().as_str();
        let package = PurchasePackage::new(order.customer(), code).map_err(|error| error.in_field("customer"))?;
        let with_pulsa = match order.option("pay_from") {
            None | Some("dompul") => false,
            Some("pulsa") => true,
            Some(other) => return Err(InvalidValue::new("pay_from", shape_of(other), "dompul or pulsa").into()),
        };
        let list = self.client.list_products().await?;
        let (read, whole) = (list.products.len(), list.dropped == 0 && !list.products.is_empty());
        let product =
            list.products.into_iter().find(|product| product.code == package.product_code).ok_or_else(|| {
                if whole {
                    let error = Error::new(ErrorKind::NotFound, Execution::NotExecuted);
                    return error.with_detail("the product list has no such code");
                }
                Error::not_among(read)
            })?;
        expect_price(order.expected_price(), product.price)?;
        // The history shows neither, so a package from the balance and one from pulsa count as equal.
        let key = format!("package:{}:{code}", package.msisdn.to_62());
        let seen = self.snapshot(&package.msisdn).await?;
        let goods = Goods::Package { code: code.to_owned(), name: product.name, price: Some(product.price) };
        Ok((Sale::Listed { msisdn: package.msisdn, goods, with_pulsa, seen, claimed: None }, key, Some(product.price)))
    }

    async fn inject_sale(&self, order: &Order, stock: &str) -> Result<(Sale, String, Option<Rupiah>), Error> {
        let brand = match stock {
            "awg" => Brand::Awg,
            "xwg" => Brand::Xwg,
            other => return Err(InvalidValue::new("stock", shape_of(other), "awg or xwg").into()),
        };
        let target = Target::parse(order.customer()).map_err(|error| error.in_field("customer"))?;
        let voucher_type = order.product().as_str().to_owned();
        let ro_type = order.option("ro_type").map(str::to_owned);
        let item = self.stock_item(brand, &voucher_type, ro_type.clone()).await?;
        let command = match order.option("command") {
            Some(command) => command.to_owned(),
            None => fitting_command(brand, &item, &target).to_owned(),
        };
        inject_of(brand, &item, &command, &target)?;
        if let Some(price) = item.voucher_price {
            expect_price(order.expected_price(), price)?;
        }
        let now = self.now();
        let mut seen = None;
        if self.client.config().history_snapshot {
            let ids = self.injects(brand, &target, now.before(SKEW)).await?;
            seen = Some(ids.into_iter().map(|(id, _)| id).collect());
        }
        let key = format!("inject:{}:{voucher_type}", target.to_wire());
        let price = item.voucher_price;
        let seen_on = now.wib_day();
        Ok((Sale::Inject { brand, target, voucher_type, command, ro_type, price, seen, seen_on }, key, price))
    }

    /// The rows for a number now, from the WIB day of two minutes ago.
    async fn snapshot(&self, msisdn: &biller_core::Msisdn) -> Result<Option<Vec<Trace>>, Error> {
        if !self.client.config().history_snapshot {
            return Ok(None);
        }
        let rows = self.history(msisdn, self.now().before(SKEW)).await?;
        Ok(Some(rows.into_iter().map(|row| row.trace).collect()))
    }

    async fn history(&self, msisdn: &biller_core::Msisdn, from: Timestamp) -> Result<Vec<Row>, Error> {
        let query = HistoryQuery::new(from.wib_day(), self.now().wib_day());
        Ok(matching::from_history(self.client.transaction_history(&query).await?, msisdn))
    }

    async fn details(&self, msisdn: &biller_core::Msisdn, transaction_id: Option<&str>) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        for status in ["SUCCESS", "BUSINESSERROR"] {
            let query = HistoryDetailQuery {
                transaction_id: transaction_id.map(str::to_owned),
                msisdn: Some(msisdn.clone()),
                order_status: Some(status.to_owned()),
            };
            for row in matching::from_detail(self.client.transaction_history_detail(&query).await?, msisdn) {
                // A provider that ignores the status filter shows each row twice.
                if !rows.iter().any(|known: &Row| known.trace == row.trace && known.verdict == row.verdict) {
                    rows.push(row);
                }
            }
        }
        Ok(rows)
    }

    /// Every inject into the target from the WIB day of `from` on, with its voucher type.
    async fn injects(
        &self,
        brand: Brand,
        target: &Target,
        from: Timestamp,
    ) -> Result<Vec<(MasterTrxId, Option<String>)>, Error> {
        let service_type = match target {
            Target::Number(_) => ServiceType::SellVoucher,
            Target::Voucher(_) => ServiceType::PhysicalVoucher,
        };
        let query = WgTransactionQuery { begin: from.wib_day(), end: self.now().wib_day(), service_type };
        let rows = self.client.stock_transactions(brand, &query).await?;
        let rows = rows.into_iter().filter(|row| row.destination_msisdn.as_deref().is_some_and(|text| target.is(text)));
        Ok(rows.map(|row| (row.master_trx_id, row.voucher_type_code)).collect())
    }

    /// Every reload and package of a day, and every inject from either stock.
    async fn listed(&self, day: WibDay) -> Result<Vec<HistoryEntry>, Error> {
        let rows = self.client.transaction_history(&HistoryQuery::new(day, day)).await?;
        let of_the_day = rows.into_iter().filter(|row| row.date.is_none_or(|date| date.wib_day() == day));
        let mut entries: Vec<HistoryEntry> = of_the_day.map(sale).collect();
        for brand in [Brand::Awg, Brand::Xwg] {
            for service_type in [ServiceType::SellVoucher, ServiceType::PhysicalVoucher] {
                let query = WgTransactionQuery { begin: day, end: day, service_type };
                entries.extend(self.client.stock_transactions(brand, &query).await?.into_iter().map(inject));
            }
        }
        Ok(entries)
    }

    /// The row of stock to inject from: the one of this type that can be used and is used up first.
    async fn stock_item(&self, brand: Brand, voucher_type: &str, ro_type: Option<String>) -> Result<StockItem, Error> {
        let today = self.now().wib_day();
        let items = self.client.stock(brand, &StockQuery { ro_type }).await?;
        let (usable, unusable): (Vec<_>, Vec<_>) = items
            .into_iter()
            .filter(|item| item.voucher_type_code.as_deref() == Some(voucher_type))
            .partition(|item| item.unusable_on(today).is_none());
        usable.into_iter().min_by_key(|item| item.expiration_date).ok_or_else(|| {
            let why =
                unusable.first().and_then(|item| item.unusable_on(today)).unwrap_or("no such voucher type in stock");
            Error::new(ErrorKind::NotFound, Execution::NotExecuted).with_detail(why)
        })
    }

    async fn paid(&self, attempt: &mut Attempt, records: &dyn Records) -> Outcome {
        let clock = self.client.engine().clock().as_ref();
        let mut facts = match attempt.facts::<Facts>() {
            Ok(facts) => facts,
            Err(error) => return Outcome::Unknown(error),
        };
        if let Err(outcome) = attempt.begin_payment(records, clock).await {
            return outcome;
        }
        let learnt = match self.twin(attempt, records).await {
            Ok(()) => self.sent(attempt, &mut facts).await,
            Err(error) => {
                facts.unreached = true;
                Err(error)
            }
        };
        let learnt = learnt.unwrap_or_else(|error| {
            let refused_there = error
                .code()
                .is_some_and(|code| self.client.config().refused_codes.iter().any(|refused| refused == code));
            facts.unreached |= error.execution() == Execution::NotExecuted && !refused_there;
            Outcome::from(error)
        });
        let learnt = match attempt.set_facts(&facts) {
            Ok(()) => learnt,
            Err(error) => Outcome::Unknown(error),
        };
        attempt.end_payment(learnt, records, clock).await
    }

    /// Refuses to send while an equal purchase is open: nothing could tell the two apart afterwards.
    async fn twin(&self, attempt: &Attempt, records: &dyn Records) -> Result<(), Error> {
        let others = records.others(attempt).await.map_err(|error| {
            Error::new(ErrorKind::NotRecorded, Execution::NotExecuted).with_detail(error.to_string())
        })?;
        let open = |other: &&Attempt| matches!(other.stage(), Stage::Sent | Stage::Pending | Stage::Unknown);
        match others.iter().filter(open).find(|other| other.key() == attempt.key()) {
            None => Ok(()),
            Some(other) => {
                let detail = format!("an equal purchase is still open: {}", other.order().reference());
                Err(Error::new(ErrorKind::Duplicate, Execution::NotExecuted).with_detail(detail))
            }
        }
    }

    /// Sends the one request that moves money.
    async fn sent(&self, attempt: &mut Attempt, facts: &mut Facts) -> Result<Outcome, Error> {
        let client = &self.client;
        let reply = match facts.sale.clone() {
            Sale::Listed { msisdn, goods: Goods::Reload { denomination, .. }, .. } => {
                client.reload_pulsa(&ReloadPulsa { msisdn, denomination }).await?
            }
            Sale::Listed { msisdn, goods: Goods::Package { code, .. }, with_pulsa, .. } => {
                let package = PurchasePackage { msisdn, product_code: biller_core::ProductCode::parse(&code)? };
                match with_pulsa {
                    true => client.purchase_package_with_pulsa(&package).await?,
                    false => client.purchase_package(&package).await?,
                }
            }
            Sale::Inject { brand, target, voucher_type, command, ro_type, price, .. } => {
                let item = self.stock_item(brand, &voucher_type, ro_type).await.map_err(before_sending)?;
                if let Some(now) = item.voucher_price {
                    expect_price(price, now)?;
                }
                let inject = inject_of(brand, &item, &command, &target)?;
                let Injected { master_trx_id } = client.inject(brand, &inject).await?;
                if let Some(id) = master_trx_id {
                    attempt.set_provider_id(id.as_str());
                }
                return Ok(Outcome::Pending);
            }
        };
        if let Some(id) = reply.transaction_id.as_deref().filter(|id| !id.is_empty()) {
            attempt.set_provider_id(id);
        }
        facts.trace_no = reply.trace_no().map(str::to_owned);
        Ok(if reply.succeeded {
            Outcome::Succeeded(self.reply_receipt(attempt, facts, reply))
        } else {
            Outcome::Pending
        })
    }

    async fn looked(&self, attempt: &mut Attempt, records: &dyn Records) -> Outcome {
        if let Some(outcome) = attempt.never_sent() {
            return outcome;
        }
        let learnt = self.look(attempt, records).await;
        let schedule = &self.client.config().schedule;
        let now = self.now();
        if let Err(error) = &learnt
            && !attempt.stage().is_final()
            && now.since(attempt.started_at()) >= schedule.notice_after
        {
            attempt.call_person(now, error.to_string());
        }
        attempt.end_look(learnt, schedule.decide_after, records, self.client.engine().clock().as_ref()).await
    }

    /// One look. An error means that nothing was learnt.
    async fn look(&self, attempt: &mut Attempt, records: &dyn Records) -> Result<Outcome, Error> {
        let facts: Facts = attempt.facts()?;
        if facts.unreached {
            return Err(Error::new(ErrorKind::NotFound, Execution::Unknown)
                .with_detail("it provably never reached the provider, so no row can be its"));
        }
        match &facts.sale {
            Sale::Listed { msisdn, .. } => {
                let msisdn = msisdn.clone();
                self.look_in_history(attempt, facts, &msisdn, records).await
            }
            Sale::Inject { .. } => self.look_at_inject(attempt, facts, records).await,
        }
    }

    async fn look_in_history(
        &self,
        attempt: &mut Attempt,
        mut facts: Facts,
        msisdn: &biller_core::Msisdn,
        records: &dyn Records,
    ) -> Result<Outcome, Error> {
        if let Some(id) = attempt.provider_id().map(str::to_owned) {
            let rows = self.details(msisdn, Some(&id)).await?;
            let ours: Vec<&Row> =
                rows.iter().filter(|row| row.trace.transaction_id.as_deref() == Some(id.as_str())).collect();
            let verdict = common_verdict(ours.iter().map(|row| row.verdict));
            match (verdict, ours.first()) {
                (Verdict::Unknown(ErrorKind::Contradiction), _) => {
                    return Err(Error::new(ErrorKind::Contradiction, Execution::Unknown)
                        .with_detail(format!("the detail shows both success and failure: {}", matching::list(&ours))));
                }
                (Verdict::Succeeded | Verdict::Failed(_), Some(row)) => {
                    return self.credited(attempt, &mut facts, row, records).await;
                }
                _ => {}
            }
        }
        let Some(ours) = self.as_sent(attempt, &facts) else {
            return Err(Error::new(ErrorKind::NotFound, Execution::Unknown).with_detail("it was never sent"));
        };
        let others = self.rivals(attempt, records).await?;
        let history = self.history(msisdn, ours.sent_at.before(SKEW)).await?;
        let maybe = match matching::find(&history, &ours, &others) {
            Match::One(row) => return self.credited(attempt, &mut facts, row, records).await,
            Match::Ambiguous(rows) => return Err(ambiguous(&rows)),
            Match::Unproven(rows) => rows,
        };
        let details = self.details(msisdn, None).await?;
        match matching::find(&details, &ours, &others) {
            Match::One(row) => self.credited(attempt, &mut facts, row, records).await,
            Match::Ambiguous(rows) => Err(ambiguous(&rows)),
            Match::Unproven(rows) => {
                let shown: Vec<&Row> = maybe.into_iter().chain(rows).collect();
                if shown.is_empty() {
                    return Err(Error::new(ErrorKind::NotFound, Execution::Unknown)
                        .with_detail("no row in history or detail yet, which proves nothing"));
                }
                Err(Error::new(ErrorKind::Unproven, Execution::Unknown)
                    .with_detail(format!("rows that could be it, none certainly: {}", matching::list(&shown))))
            }
        }
    }

    /// Credits the purchase with a row: written down first, so that no other purchase gets the same one.
    async fn credited(
        &self,
        attempt: &mut Attempt,
        facts: &mut Facts,
        row: &Row,
        records: &dyn Records,
    ) -> Result<Outcome, Error> {
        if let Some(error) = row.verdict.error().filter(|_| !matches!(row.verdict, Verdict::Failed(_))) {
            return Err(error
                .with_detail("a status word that is not listed")
                .with_code(row.word.as_deref().unwrap_or_default()));
        }
        let others = self.claim(attempt, facts, &row.trace, records).await?;
        Ok(match row.verdict {
            Verdict::Succeeded => {
                if let (Sale::Listed { goods, .. }, Some(amount)) = (&facts.sale, row.trace.amount)
                    && !goods.may_cost(amount)
                {
                    attempt.call_person(self.now(), format!("the record of the sale says {amount}, not its price"));
                }
                let id = match &row.trace.transaction_id {
                    Some(id) => Some(id.clone()),
                    None => self.transaction_id_of(facts, &row.trace, &others).await,
                };
                Outcome::Succeeded(self.receipt(attempt, &row.trace, id))
            }
            Verdict::Failed(kind) => {
                let word = row.word.as_deref().unwrap_or_default();
                let refusal = Refusal::new(kind, "the provider's record says that it failed").with_code(word);
                Outcome::Failed(refusal.with_provider_message(row.message.clone()))
            }
            Verdict::Pending | Verdict::Unknown(_) => Outcome::Pending,
        })
    }

    async fn claim(
        &self,
        attempt: &mut Attempt,
        facts: &mut Facts,
        trace: &Trace,
        records: &dyn Records,
    ) -> Result<Vec<Sent>, Error> {
        let Sale::Listed { claimed, .. } = &mut facts.sale else { return Ok(Vec::new()) };
        let before = claimed.replace(trace.clone());
        attempt.set_facts(facts)?;
        let not_recorded = |error: biller_core::RecordError| {
            Error::new(ErrorKind::NotRecorded, Execution::Unknown).with_detail(error.to_string())
        };
        records.save(attempt).await.map_err(not_recorded)?;
        // Another process may have claimed the same row between our reading and our writing: then neither gets it.
        let others = self.rivals(attempt, records).await?;
        if others.iter().any(|other| other.claimed.as_ref().is_some_and(|claimed| claimed.same_sale(trace))) {
            if let Sale::Listed { claimed, .. } = &mut facts.sale {
                *claimed = before;
            }
            attempt.set_facts(facts)?;
            return Err(Error::new(ErrorKind::Ambiguous, Execution::Unknown)
                .with_detail("another purchase has been credited with the same row"));
        }
        Ok(others)
    }

    /// The provider's id of a sale that the history shows. The success stands without it.
    async fn transaction_id_of(&self, facts: &Facts, trace: &Trace, others: &[Sent]) -> Option<String> {
        let Sale::Listed { msisdn, .. } = &facts.sale else { return None };
        let details = self.details(msisdn, None).await.ok()?;
        matching::id_of(trace, &details, others).map(str::to_owned)
    }

    /// All other purchases for the same customer that may have left a row.
    async fn rivals(&self, attempt: &Attempt, records: &dyn Records) -> Result<Vec<Sent>, Error> {
        let others = records
            .others(attempt)
            .await
            .map_err(|error| Error::new(ErrorKind::NotRecorded, Execution::Unknown).with_detail(error.to_string()))?;
        let mut rivals = Vec::new();
        for other in others {
            let facts: Facts = other.facts()?;
            if !facts.unreached {
                rivals.extend(self.as_sent(&other, &facts));
            }
        }
        Ok(rivals)
    }

    /// A reload or package that was sent, as the matching sees it.
    fn as_sent(&self, attempt: &Attempt, facts: &Facts) -> Option<Sent> {
        let sent_at = attempt.sent_at()?;
        let Sale::Listed { goods, seen, claimed, .. } = &facts.sale else { return None };
        Some(Sent {
            goods: goods.clone(),
            sent_at,
            ended_at: attempt.ended_at().unwrap_or_else(|| sent_at.after(self.client.config().call.timeout)),
            seen: seen.clone(),
            trace_no: facts.trace_no.clone(),
            transaction_id: attempt.provider_id().map(str::to_owned),
            claimed: claimed.clone(),
        })
    }

    async fn look_at_inject(
        &self,
        attempt: &mut Attempt,
        facts: Facts,
        records: &dyn Records,
    ) -> Result<Outcome, Error> {
        let Sale::Inject { brand, target, .. } = &facts.sale else { return Ok(Outcome::Pending) };
        let id = match attempt.provider_id() {
            Some(id) => MasterTrxId(id.to_owned()),
            None => self.lost_inject(attempt, &facts, records).await?,
        };
        let command = match (brand, target) {
            (Brand::Awg, Target::Number(_)) => "info-detail-voucher",
            (Brand::Awg, Target::Voucher(_)) => "info-detail-pv",
            (Brand::Xwg, Target::Number(_)) => "sellvoucher-detail",
            (Brand::Xwg, Target::Voucher(_)) => "physicalvoucher-detail",
        };
        let rows = self.client.stock_detail(*brand, command, &id).await?;
        if attempt.stage().is_final()
            && !rows.iter().any(|row| row.target.as_deref().is_some_and(|text| target.is(text)))
        {
            return Err(Error::new(ErrorKind::NotFound, Execution::Unknown).with_detail("no row speaks of the target"));
        }
        let outcomes = InjectOutcome::of(&id, std::slice::from_ref(target), &rows);
        let (verdict, detail) =
            outcomes.into_iter().next().map_or((Verdict::Pending, None), |one| (one.verdict, one.detail));
        Ok(match verdict {
            Verdict::Succeeded => {
                let mut receipt = self.empty_receipt(attempt, Evidence::Status);
                receipt.provider_id = Some(id.as_str().to_owned());
                Outcome::Succeeded(receipt)
            }
            Verdict::Pending => Outcome::Pending,
            Verdict::Failed(kind) => {
                let refusal = Refusal::new(kind, "the provider's record says that it failed");
                Outcome::Failed(match detail {
                    Some(detail) => refusal.with_provider_message(Some(detail)),
                    None => refusal,
                })
            }
            Verdict::Unknown(kind) => {
                return Err(Error::new(kind, Execution::Unknown).with_detail("the rows of the inject's detail"));
            }
        })
    }

    /// The one inject that can only be this purchase, where the reply with its id was lost.
    async fn lost_inject(
        &self,
        attempt: &mut Attempt,
        facts: &Facts,
        records: &dyn Records,
    ) -> Result<MasterTrxId, Error> {
        let Sale::Inject { brand, target, voucher_type, seen, seen_on, .. } = &facts.sale else {
            return Err(Error::new(ErrorKind::NotFound, Execution::Unknown).with_detail("not an inject"));
        };
        let sent_at = attempt.started_at();
        let found = self.injects(*brand, target, sent_at).await?;
        let others = records
            .others(attempt)
            .await
            .map_err(|error| Error::new(ErrorKind::NotRecorded, Execution::Unknown).with_detail(error.to_string()))?;
        let mut rival = false;
        let mut taken = Vec::new();
        for other in &others {
            let theirs: Facts = other.facts()?;
            let Sale::Inject { voucher_type: their_type, .. } = &theirs.sale else { continue };
            match other.provider_id() {
                Some(id) => taken.push(id.to_owned()),
                None => rival |= other.sent_at().is_some() && !theirs.unreached && their_type == voucher_type,
            }
        }
        let is_free = |id: &MasterTrxId| {
            !taken.iter().any(|taken| taken == id.as_str()) && !seen.iter().flatten().any(|seen| seen == id)
        };
        let mut ids: Vec<MasterTrxId> = found
            .into_iter()
            .filter(|(id, kind)| kind.as_deref() == Some(voucher_type.as_str()) && is_free(id))
            .map(|(id, _)| id)
            .collect();
        ids.sort();
        ids.dedup();
        // A row bears a day, no time: only what was listed on that day before the sending can be ruled out.
        let ruled_out = seen.is_some() && *seen_on == sent_at.wib_day();
        let listed = ids.iter().map(MasterTrxId::as_str).collect::<Vec<_>>().join(", ");
        match ids.as_slice() {
            [] => Err(Error::new(ErrorKind::NotFound, Execution::Unknown)
                .with_detail("no inject into this target in the list yet, which proves nothing")),
            [id] if ruled_out && !rival => {
                attempt.set_provider_id(id.as_str());
                records.save(attempt).await.map_err(|error| {
                    Error::new(ErrorKind::NotRecorded, Execution::Unknown).with_detail(error.to_string())
                })?;
                Ok(id.clone())
            }
            _ => Err(Error::new(ErrorKind::Ambiguous, Execution::Unknown)
                .with_detail(format!("injects that could be it: {listed}"))),
        }
    }

    fn empty_receipt(&self, attempt: &Attempt, evidence: Evidence) -> Receipt {
        let order = attempt.order();
        let product = order.product().as_str();
        Receipt::new(PROVIDER, order.reference().as_str(), product, order.customer(), evidence)
    }

    fn reply_receipt(&self, attempt: &Attempt, facts: &Facts, reply: PurchaseReply) -> Receipt {
        let mut receipt = self.empty_receipt(attempt, Evidence::Reply);
        receipt.provider_id = reply.transaction_id;
        receipt.at = Some(self.now());
        receipt.serial = facts.trace_no.clone().map(Secret::new);
        receipt.raw = reply.raw;
        receipt
    }

    fn receipt(&self, attempt: &Attempt, trace: &Trace, provider_id: Option<String>) -> Receipt {
        let mut receipt = self.empty_receipt(attempt, Evidence::Status);
        receipt.provider_id = provider_id.or(attempt.provider_id().map(str::to_owned));
        receipt.charged = trace.amount;
        receipt.at = trace.date;
        receipt.serial = trace.serial.clone().map(Secret::new);
        receipt
    }
}

fn sale(row: HistoryRow) -> HistoryEntry {
    let mut entry = HistoryEntry::default();
    entry.stage = row.status().stage();
    entry.customer = row.dest_number;
    entry.product = row.product.or(row.service_type);
    entry.amount = row.amount;
    entry.at = row.date;
    entry
}

/// Without an amount: an inject takes a piece of stock, and no money.
fn inject(row: WgTransaction) -> HistoryEntry {
    let mut entry = HistoryEntry::default();
    entry.stage = row.status().stage();
    entry.provider_id = Some(row.master_trx_id.as_str().to_owned());
    entry.customer = row.destination_msisdn;
    entry.product = row.voucher_type_code;
    entry
}

/// An error before the payment was sent, whatever it says about the call that failed.
fn before_sending(error: Error) -> Error {
    Error::new(error.kind(), Execution::NotExecuted)
        .with_detail(format!("the stock could not be read, nothing was sent: {error}"))
        .with_retry_after(error.retry_after())
}

fn ambiguous(rows: &[&Row]) -> Error {
    Error::new(ErrorKind::Ambiguous, Execution::Unknown)
        .with_detail(format!("rows that could be it, or another purchase's: {}", matching::list(rows)))
}

fn expect_price(expected: Option<Rupiah>, price: Rupiah) -> Result<(), Error> {
    match expected {
        Some(expected) if expected != price => Err(Error::new(ErrorKind::PriceChanged, Execution::NotExecuted)
            .with_detail(format!("{price} instead of {expected}; nothing was bought"))),
        _ => Ok(()),
    }
}

/// The command that reaches the target from this row; where none does, the usual one, which is then refused by name.
fn fitting_command(brand: Brand, item: &StockItem, target: &Target) -> &'static str {
    let fivi_only = item.allow_type.permits(&AwgInjectCommand::FiviToNumber)
        && !item.allow_type.permits(&AwgInjectCommand::ToNumber);
    match (brand, target) {
        (Brand::Awg, Target::Number(_)) if fivi_only => "tembak-fivi",
        (Brand::Awg, Target::Number(_)) => "tembak-paket-ir",
        (Brand::Awg, Target::Voucher(_)) => "tembak-paket-pv",
        (Brand::Xwg, Target::Number(_)) => "sell-voucher",
        (Brand::Xwg, Target::Voucher(_)) => "tembak-paket",
    }
}

fn inject_of(brand: Brand, item: &StockItem, command: &str, target: &Target) -> Result<Inject, InvalidValue> {
    fn checked<C: InjectCommand>(item: &StockItem, command: &C, target: &Target) -> Result<Inject, InvalidValue> {
        Inject::new(item, command, vec![target.clone()])
    }
    match brand {
        Brand::Awg => checked(item, &AwgInjectCommand::from(command), target),
        Brand::Xwg => checked(item, &XwgInjectCommand::from(command), target),
    }
}

impl Biller for Sidompul {
    fn provider(&self) -> &'static str {
        PROVIDER
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::NONE;
        capabilities.products = true;
        capabilities.balance = true;
        capabilities.history = true;
        capabilities
    }

    fn schedule(&self) -> &Schedule {
        &self.client.config().schedule
    }

    fn products(&self) -> BoxFuture<'_, Result<Vec<Product>, Error>> {
        Box::pin(async move {
            let list = self.client.list_products().await?;
            let product = |row: crate::model::Product| {
                let mut product = Product::new(row.code, row.name);
                product.price = Some(row.price);
                product
            };
            Ok(list.products.into_iter().map(product).collect())
        })
    }

    fn balance(&self) -> BoxFuture<'_, Result<Rupiah, Error>> {
        Box::pin(self.client.dompul_balance())
    }

    fn history(&self, day: WibDay) -> BoxFuture<'_, Result<Vec<HistoryEntry>, Error>> {
        Box::pin(self.listed(day))
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
