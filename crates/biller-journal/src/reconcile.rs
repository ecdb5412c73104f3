use std::time::Duration;

use biller_core::{
    Attempt, Biller, BoxFuture, HistoryEntry, Outcome, RecordError, Records, Reference, Rupiah, Stage, Timestamp,
    WibDay,
};

use crate::lane::Provider;
use crate::{Journal, Purchase, State, StoreError, SubmitError};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How far apart journal and provider may date the same purchase.
const DRIFT: Duration = Duration::from_secs(20 * 60);

/// What comparing a day with the provider has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciliation {
    /// How many purchases of the day were compared.
    pub compared: usize,
    /// How many transactions of the day the provider lists; `None` where it has no list, or could not show it.
    pub listed: Option<usize>,
    /// What the journal's successes of the day add up to, in rupiah, as far as amounts are known.
    pub charged: Rupiah,
    /// The deposit now, where the provider tells it. It never decides anything.
    pub balance: Option<Rupiah>,
    /// What does not agree.
    pub differences: Vec<Difference>,
}

/// Something in which the journal and the provider do not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// Not final here yet.
    Open {
        /// The purchase.
        reference: Reference,
        /// Its state.
        state: State,
    },
    /// Final here, and something else at the provider.
    State {
        /// The purchase.
        reference: Reference,
        /// Its state here.
        ours: State,
        /// What the provider says.
        theirs: Stage,
    },
    /// Succeeded on both sides, for different amounts.
    Amount {
        /// The purchase.
        reference: Reference,
        /// What the receipt here says.
        ours: Rupiah,
        /// What the provider says.
        theirs: Rupiah,
    },
    /// Succeeded here, and not in the provider's list of the day.
    NotListed {
        /// The purchase.
        reference: Reference,
    },
    /// In the provider's list of the day, and no purchase of the journal's, or a second transaction for one.
    NotOurs {
        /// The row.
        entry: Box<HistoryEntry>,
    },
    /// The provider could not be asked, or did not know.
    NotTold {
        /// The purchase.
        reference: Reference,
        /// Why, in one line without secrets.
        reason: String,
    },
    /// The provider has a list and could not show it, so every purchase was asked about.
    NoList {
        /// Why, in one line without secrets.
        reason: String,
    },
}

/// What was left of the deposit at a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceReading {
    /// When it was read.
    pub at: Timestamp,
    /// What was left, in rupiah.
    pub balance: Rupiah,
}

/// How the deposit moved between two readings, beside what the journal knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceComparison {
    /// The reading of now.
    pub now: BalanceReading,
    /// What the purchases that were sent since the earlier reading and succeeded add up to, in rupiah.
    pub charged: Rupiah,
    /// What is left beyond what the journal explains: less than zero when more was taken, more than zero when the deposit was filled up.
    pub unexplained: Rupiah,
    /// Purchases that make the sum uncertain: open now, under way at the earlier reading, or succeeded for an amount that was not told.
    pub uncertain: Vec<Reference>,
}

/// Lets a client ask, and nothing else: whatever it wants to have written before it sends is refused.
struct AskOnly {
    looks: u32,
}

impl Records for AskOnly {
    fn save<'a>(&'a self, attempt: &'a Attempt) -> BoxFuture<'a, Result<(), RecordError>> {
        let concluding = attempt.looks() > self.looks;
        Box::pin(async move { if concluding { Ok(()) } else { Err("a reconciliation only asks".into()) } })
    }

    fn load<'a>(&'a self, _: &'a str, _: &'a Reference) -> BoxFuture<'a, Result<Option<Attempt>, RecordError>> {
        Box::pin(async { Err("a reconciliation only asks".into()) })
    }

    fn others<'a>(&'a self, _: &'a Attempt) -> BoxFuture<'a, Result<Vec<Attempt>, RecordError>> {
        Box::pin(async { Err("a reconciliation only asks".into()) })
    }
}

impl Journal {
    /// Compares every purchase that was sent on a WIB day with the provider, and reports each difference in state, amount and count.
    /// Changes nothing here.
    ///
    /// Where the provider has a list of transactions ([`Capabilities::history`](biller_core::Capabilities::history)), the list counts:
    /// a row belongs to the purchase whose reference or id it shows, else to the one for the same customer that is nearest in amount,
    /// result and time. The provider is asked about single purchases where the list is silent. Without a list it is asked about each, and what
    /// it holds beyond the journal's purchases is not seen.
    ///
    /// # Errors
    /// An unknown provider, or a store that does not work.
    pub async fn reconcile(&self, provider: &str, day: WibDay) -> Result<Reconciliation, SubmitError> {
        let known = self.known(provider)?;
        let biller = known.biller.as_ref();
        let around = self.sent_between(known, day.start().before(DAY), day.start().after(DAY + DRIFT)).await?;
        let mut differences = Vec::new();
        let mut rows = None;
        if biller.capabilities().history {
            match biller.history(day).await {
                Ok(listed) => rows = Some(listed),
                Err(error) => differences.push(Difference::NoList { reason: error.to_string() }),
            }
        }
        let listed = rows.as_ref().map(Vec::len);
        let (rows, strangers) = assigned(rows.unwrap_or_default(), &around);
        let mut found = Reconciliation {
            compared: 0,
            listed,
            charged: Rupiah::ZERO,
            balance: biller.balance().await.ok(),
            differences,
        };
        for (purchase, row) in around.iter().zip(rows) {
            let reference = purchase.order.reference().clone();
            let moment = sent_at(purchase).unwrap_or(purchase.submitted_at);
            if moment.wib_day() != day {
                continue;
            }
            if !purchase.state.is_final() {
                found.differences.push(Difference::Open { reference, state: purchase.state });
                continue;
            }
            let Some(attempt) = purchase.attempt.clone().filter(|attempt| attempt.sent_at().is_some()) else {
                continue;
            };
            found.compared += 1;
            let ours = self.receipt(&reference).await?.and_then(|receipt| receipt.charged);
            if let (State::Succeeded, Some(ours)) = (purchase.state, ours) {
                found.charged = found.charged.checked_add(ours).unwrap_or(found.charged);
            }
            let well_inside = moment.before(DRIFT).wib_day() == day && moment.after(DRIFT).wib_day() == day;
            let difference = match row {
                Some(HistoryEntry { stage: Some(theirs), amount, .. }) => differs(purchase, theirs, ours, amount),
                None if listed.is_some() && purchase.state == State::Succeeded && well_inside => {
                    Some(Difference::NotListed { reference })
                }
                _ => ask(biller, purchase, attempt, ours).await,
            };
            found.differences.extend(difference);
        }
        found.differences.extend(strangers.into_iter().map(|entry| Difference::NotOurs { entry: Box::new(entry) }));
        Ok(found)
    }

    /// Reads what is left of the deposit, to compare with later. `None` where the provider does not tell.
    ///
    /// # Errors
    /// An unknown provider.
    pub async fn read_balance(&self, provider: &str) -> Result<Option<BalanceReading>, SubmitError> {
        let balance = self.known(provider)?.biller.balance().await.ok();
        Ok(balance.map(|balance| BalanceReading { at: self.inner.clock.now(), balance }))
    }

    /// Compares how the deposit has moved since an earlier reading with the purchases of that time. `None` where the provider does not
    /// tell what is left. Nothing is decided by it: providers debit at different moments, and deposits are filled up.
    ///
    /// # Errors
    /// An unknown provider, or a store that does not work.
    pub async fn compare_balance(
        &self,
        provider: &str,
        earlier: BalanceReading,
    ) -> Result<Option<BalanceComparison>, SubmitError> {
        let Some(now) = self.read_balance(provider).await? else { return Ok(None) };
        let known = self.known(provider)?;
        let mut charged = Rupiah::ZERO;
        let mut uncertain = Vec::new();
        // What was under way at the earlier reading was sent within a day before it, or a person has been called.
        for purchase in self.sent_between(known, earlier.at.before(DAY), now.at.after(DRIFT)).await? {
            let reference = purchase.order.reference();
            let Some(sent_at) = sent_at(&purchase) else { continue };
            let before = sent_at <= earlier.at;
            match purchase.state {
                State::Failed => {}
                State::Succeeded if before && purchase.changed_at <= earlier.at => {}
                State::Succeeded if !before => {
                    match self.receipt(reference).await?.and_then(|receipt| receipt.charged) {
                        Some(amount) => charged = charged.checked_add(amount).unwrap_or(charged),
                        None => uncertain.push(reference.clone()),
                    }
                }
                _ => uncertain.push(reference.clone()),
            }
        }
        let expected = earlier.balance.checked_sub(charged).unwrap_or(earlier.balance);
        let unexplained = now.balance.checked_sub(expected).unwrap_or(Rupiah::ZERO);
        Ok(Some(BalanceComparison { now, charged, unexplained, uncertain }))
    }

    fn known(&self, provider: &str) -> Result<&Provider, SubmitError> {
        let known = self.inner.providers.get(provider).map(AsRef::as_ref);
        known.ok_or_else(|| SubmitError::UnknownProvider(provider.to_owned()))
    }

    /// Purchases that were sent in that time, and those handed in then that were not sent.
    async fn sent_between(
        &self,
        provider: &Provider,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Purchase>, StoreError> {
        let name = provider.biller.provider();
        let handed_in = self.inner.store.submitted_between(name, from.before(provider.lane.send_within), until);
        let mut purchases = self.inner.watched(handed_in.await)?;
        purchases.retain(|purchase| (from..until).contains(&sent_at(purchase).unwrap_or(purchase.submitted_at)));
        Ok(purchases)
    }
}

fn sent_at(purchase: &Purchase) -> Option<Timestamp> {
    purchase.attempt.as_ref().and_then(Attempt::sent_at)
}

/// The row of each purchase, and the rows of none.
fn assigned(rows: Vec<HistoryEntry>, purchases: &[Purchase]) -> (Vec<Option<HistoryEntry>>, Vec<HistoryEntry>) {
    let mut pairs: Vec<_> = rows
        .iter()
        .enumerate()
        .flat_map(|(r, row)| {
            let fits = purchases.iter().enumerate();
            fits.filter_map(move |(p, purchase)| Some((distance(row, purchase)?, p, r)))
        })
        .collect();
    pairs.sort_unstable();
    let mut rows: Vec<Option<HistoryEntry>> = rows.into_iter().map(Some).collect();
    let mut taken: Vec<Option<HistoryEntry>> = purchases.iter().map(|_| None).collect();
    for (_, p, r) in pairs {
        if taken[p].is_none() {
            taken[p] = rows[r].take();
        }
    }
    (taken, rows.into_iter().flatten().collect())
}

/// How badly a row fits a purchase that was sent: by name, by amount, by result, by time. `None` when it cannot be its row.
fn distance(row: &HistoryEntry, purchase: &Purchase) -> Option<(u8, bool, bool, Duration)> {
    let attempt = purchase.attempt.as_ref()?;
    let sent_at = attempt.sent_at()?;
    let apart = row.at.map_or(Duration::ZERO, |at| at.since(sent_at).max(sent_at.since(at)));
    if let Some(reference) = &row.reference {
        return (reference == purchase.order.reference().as_str()).then_some((0, false, false, apart));
    }
    if let (Some(theirs), Some(ours)) = (row.provider_id.as_deref(), attempt.provider_id()) {
        return (theirs == ours).then_some((1, false, false, apart));
    }
    let other_amount = row.amount.zip(attempt.price()).is_some_and(|(theirs, ours)| theirs != ours);
    let ours = match purchase.state {
        State::Succeeded => Some(Stage::Succeeded),
        State::Failed => Some(Stage::Failed),
        _ => None,
    };
    let other_result = row.stage.zip(ours).is_some_and(|(theirs, ours)| theirs != ours);
    (row.is_for_customer_of(&purchase.order) && apart <= DRIFT).then_some((2, other_amount, other_result, apart))
}

/// What a row of the provider's list says otherwise than the journal.
fn differs(purchase: &Purchase, theirs: Stage, ours: Option<Rupiah>, amount: Option<Rupiah>) -> Option<Difference> {
    let reference = purchase.order.reference().clone();
    match (purchase.state, theirs) {
        (State::Succeeded, Stage::Succeeded) => {
            let (ours, theirs) = ours.zip(amount).filter(|(ours, theirs)| ours != theirs)?;
            Some(Difference::Amount { reference, ours, theirs })
        }
        (State::Failed, Stage::Failed) => None,
        (ours, theirs) => Some(Difference::State { reference, ours, theirs }),
    }
}

async fn ask(
    biller: &dyn Biller,
    purchase: &Purchase,
    mut attempt: Attempt,
    ours: Option<Rupiah>,
) -> Option<Difference> {
    let reference = purchase.order.reference().clone();
    let records = AskOnly { looks: attempt.looks() };
    let outcome = biller.resolve(&mut attempt, &records).await;
    let theirs = attempt.contradicted_by().or(attempt.stage().is_final().then(|| attempt.stage()));
    let amount = match &outcome {
        Outcome::Succeeded(receipt) => receipt.charged,
        _ => None,
    };
    match theirs {
        Some(theirs) => differs(purchase, theirs, ours, amount),
        None => Some(Difference::NotTold { reference, reason: outcome.word().to_owned() }),
    }
}
