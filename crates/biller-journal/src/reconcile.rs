use std::time::Duration;

use biller_core::{Attempt, BoxFuture, Outcome, RecordError, Records, Reference, Rupiah, Stage, WibDay};

use crate::{Journal, Purchase, State, SubmitError};

/// What comparing a day with the provider has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciliation {
    /// How many purchases of the day were compared.
    pub compared: usize,
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
    /// The provider could not be asked, or did not know.
    NotTold {
        /// The purchase.
        reference: Reference,
        /// Why, in one line without secrets.
        reason: String,
    },
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
    /// Asks the provider about every purchase of a WIB day that was sent, and reports each difference in state and amount. Changes
    /// nothing here.
    ///
    /// The provider is asked purchase by purchase, so what it holds beyond the journal's purchases is not seen.
    ///
    /// # Errors
    /// An unknown provider, or a store that does not work.
    pub async fn reconcile(&self, provider: &str, day: WibDay) -> Result<Reconciliation, SubmitError> {
        let known = self.inner.providers.get(provider);
        let known = known.ok_or_else(|| SubmitError::UnknownProvider(provider.to_owned()))?;
        let from = day.start();
        let until = from.after(Duration::from_secs(24 * 3600));
        let purchases = self.inner.watched(self.inner.store.submitted_between(provider, from, until).await)?;
        let mut found = Reconciliation {
            compared: 0,
            charged: Rupiah::ZERO,
            balance: known.biller.balance().await.ok(),
            differences: Vec::new(),
        };
        for purchase in purchases {
            let reference = purchase.order.reference().clone();
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
            let asked = self.ask(known.biller.as_ref(), &purchase, attempt, ours).await;
            found.differences.extend(asked);
        }
        Ok(found)
    }

    async fn ask(
        &self,
        biller: &dyn biller_core::Biller,
        purchase: &Purchase,
        mut attempt: Attempt,
        ours: Option<Rupiah>,
    ) -> Option<Difference> {
        let reference = purchase.order.reference().clone();
        let records = AskOnly { looks: attempt.looks() };
        let outcome = biller.resolve(&mut attempt, &records).await;
        let theirs = attempt.contradicted_by().or(attempt.stage().is_final().then(|| attempt.stage()));
        match (purchase.state, theirs, outcome) {
            (State::Succeeded, Some(Stage::Succeeded), Outcome::Succeeded(receipt)) => {
                let theirs = receipt.charged?;
                let ours = ours.filter(|ours| *ours != theirs)?;
                Some(Difference::Amount { reference, ours, theirs })
            }
            (State::Failed, Some(Stage::Failed), _) => None,
            (ours, Some(theirs), _) => Some(Difference::State { reference, ours, theirs }),
            (_, None, outcome) => Some(Difference::NotTold { reference, reason: outcome.word().to_owned() }),
        }
    }
}
