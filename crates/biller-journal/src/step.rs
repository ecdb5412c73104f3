//! What a worker does with one purchase that it has taken.

use std::time::Duration;

use biller_core::{Attempt, Error, ErrorKind, Outcome, Receipt, Refusal, Stage, Timestamp};

use crate::journal::Inner;
use crate::lane::Provider;
use crate::records::Saves;
use crate::{Cause, Change, Event, Purchase, State, StoreError};

/// The waits before a fuller receipt is asked for.
const RECEIPT_WAITS: [u64; 6] = [5, 15, 60, 300, 1800, 7200];
/// How long a purchase that is held back waits before it is tried again.
const HOLD: Duration = Duration::from_secs(10);
/// The longest wait between two tries to prepare or to write.
const LONGEST_WAIT: u64 = 60;

/// One step: a payment or a look. What the store refuses is left to whoever takes the purchase next.
pub(crate) async fn step(inner: &Inner, provider: &Provider, purchase: Purchase) -> Result<(), StoreError> {
    match purchase.state {
        State::Created | State::Prepared => sell(inner, provider, purchase).await,
        State::Sending => recover(inner, provider, purchase).await,
        State::Pending | State::Unknown | State::NeedsPerson | State::Succeeded | State::Failed => {
            look(inner, provider, purchase).await
        }
    }
}

async fn sell(inner: &Inner, provider: &Provider, purchase: Purchase) -> Result<(), StoreError> {
    let now = inner.clock.now();
    if now.since(purchase.submitted_at) >= provider.lane.send_within {
        let mut change = Change::of(purchase, now);
        let why = change.purchase.reason.take();
        let why = why.map_or_else(String::new, |why| format!("; last: {why}"));
        change.fail(Cause::Expired, format!("not sent within {} s{why}", provider.lane.send_within.as_secs()));
        return inner.commit(change).await;
    }
    if let Some(note) = inner.watched(inner.store.paused(provider.biller.provider()).await)? {
        return hold(inner, purchase, StoreError::Paused(note).to_string(), HOLD).await;
    }
    let mut attempt = match provider.biller.prepare(purchase.order.clone()).await {
        Ok(attempt) => attempt,
        Err(error) if may_pass(&error) => {
            let wait = error.retry_after().unwrap_or(backoff(purchase.tries)).max(Duration::from_secs(1));
            return hold(inner, purchase, error.to_string(), wait).await;
        }
        Err(error) => {
            let mut change = Change::of(purchase, inner.clock.now());
            change.fail(Cause::Prepared, error.to_string());
            return inner.commit(change).await;
        }
    };
    if !provider.biller.capabilities().distinguishes_equal_purchases {
        let open = inner.store.open_with_key(provider.biller.provider(), attempt.key(), purchase.order.reference());
        if let Some(open) = inner.watched(open.await)? {
            let mut purchase = purchase;
            purchase.attempt = Some(attempt);
            return hold(inner, purchase, StoreError::EqualOpen(open.to_string()).to_string(), HOLD).await;
        }
    }
    let saves = Saves::new(inner, purchase.clone(), &attempt);
    let outcome = provider.biller.pay(&mut attempt, &saves).await;
    let (stored, refused) = saves.into_parts();
    let begun = stored.state == State::Sending;
    match (refused, &outcome) {
        (Some(error), _) if !begun => match error {
            StoreError::Paused(_) | StoreError::EqualOpen(_) => hold(inner, purchase, error.to_string(), HOLD).await,
            error => Err(error),
        },
        (_, Outcome::Pending | Outcome::Unknown(_)) if !begun => {
            hold(inner, purchase, "the client could not begin the payment".to_owned(), HOLD).await
        }
        _ => conclude(inner, provider, stored, attempt, &outcome, Cause::Paid, None).await,
    }
}

/// Whether preparing may go well later.
fn may_pass(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NoToken
            | ErrorKind::NotSent
            | ErrorKind::Connection
            | ErrorKind::Timeout
            | ErrorKind::UnreadableReply
            | ErrorKind::Throttled
            | ErrorKind::Unavailable
            | ErrorKind::TokenRefused
            | ErrorKind::NotRecorded
    )
}

fn backoff(tries: u32) -> Duration {
    Duration::from_secs(1_u64.checked_shl(tries).unwrap_or(LONGEST_WAIT).clamp(1, LONGEST_WAIT))
}

/// Leaves a purchase unsent for now, with the reason beside it.
async fn hold(inner: &Inner, mut purchase: Purchase, reason: String, wait: Duration) -> Result<(), StoreError> {
    let now = inner.clock.now();
    let is_new = purchase.reason.as_deref() != Some(reason.as_str());
    purchase.tries = purchase.tries.saturating_add(1);
    purchase.due_at = Some(now.after(wait));
    let to = if purchase.attempt.is_some() { State::Prepared } else { purchase.state };
    let mut change = Change::of(purchase, now);
    if is_new || to != change.from {
        change.note(Cause::HeldBack, to, reason.clone());
    }
    change.purchase.reason = Some(reason);
    inner.commit(change).await
}

/// It was being sent when its worker vanished: it may have been charged, and is only asked about.
async fn recover(inner: &Inner, provider: &Provider, purchase: Purchase) -> Result<(), StoreError> {
    let reason = "its worker vanished while it was being sent";
    let now = inner.clock.now();
    let next = purchase.attempt.as_ref().and_then(|attempt| provider.biller.schedule().next_look(attempt));
    let mut change = Change::of(purchase, now);
    change.note(Cause::Recovered, State::Unknown, reason.to_owned());
    change.purchase.reason = Some(reason.to_owned());
    change.purchase.due_at = next.or(Some(now));
    inner.commit(change).await
}

async fn look(inner: &Inner, provider: &Provider, purchase: Purchase) -> Result<(), StoreError> {
    let hints = inner.watched(inner.store.hints(purchase.order.reference()).await)?;
    let hint = hints.into_iter().next();
    let Some(mut attempt) = purchase.attempt.clone() else {
        // Failed before it was ever prepared: there is nothing to ask about.
        let mut change = Change::of(purchase, inner.clock.now());
        change.purchase.due_at = None;
        change.followed.extend(hint.map(|hint| hint.id));
        return inner.commit(change).await;
    };
    let saves = Saves::new(inner, purchase, &attempt);
    let parsed = hint.as_ref().and_then(|hint| inner.reopen(provider, hint));
    let (outcome, cause) = match &parsed {
        Some(parsed) => (provider.biller.confirm(&mut attempt, parsed, &saves).await, Cause::CallbackFollowed),
        None => (provider.biller.resolve(&mut attempt, &saves).await, Cause::Looked),
    };
    let (stored, refused) = saves.into_parts();
    if refused == Some(StoreError::Fenced) {
        return Err(StoreError::Fenced);
    }
    conclude(inner, provider, stored, attempt, &outcome, cause, hint.map(|hint| hint.id)).await
}

/// Writes down what a payment or a look has taught, with the receipt, in one go.
async fn conclude(
    inner: &Inner,
    provider: &Provider,
    stored: Purchase,
    attempt: Attempt,
    outcome: &Outcome,
    cause: Cause,
    followed: Option<i64>,
) -> Result<(), StoreError> {
    let now = inner.clock.now();
    let before = stored.attempt.clone();
    let next = provider.biller.schedule().next_look(&attempt);
    let to = reached(stored.state, &attempt, next);
    let mut change = Change::of(stored, now);
    change.followed.extend(followed);
    let evidence = evidence(&attempt, outcome);
    if change.from.is_final() {
        if let Some(contradiction) = contradiction(change.from, before.as_ref(), &attempt) {
            let words = attempt.attention().last().map_or(evidence, |attention| attention.reason.clone());
            change.note(contradiction, change.from, words);
        }
    } else {
        if to != change.from {
            change.note(cause, to, evidence.clone());
            change.purchase.tries = 0;
        } else if attempt.attention().len() > before.map_or(0, |before| before.attention().len()) {
            change.note(cause, to, evidence.clone());
        }
        let attention = attempt.attention().last().map(|attention| attention.reason.clone());
        change.purchase.reason = match to {
            State::Succeeded => None,
            State::NeedsPerson => Some(attention.unwrap_or_else(|| format!("looks have ended; last: {evidence}"))),
            _ => Some(evidence),
        };
    }
    change.purchase.attempt = Some(attempt);
    if let Outcome::Succeeded(receipt) = outcome
        && to == State::Succeeded
        && rank(receipt) > change.purchase.receipt_rank
    {
        let sealed = inner.key.seal_receipt(receipt).map_err(|error| StoreError::Unreadable(error.to_string()))?;
        change.receipt = Some(sealed);
        change.issued = inner.key.digests_of_issued(receipt);
        change.purchase.receipt_rank = rank(receipt);
        if change.from == State::Succeeded {
            change.note(Cause::ReceiptCompleted, to, "a fuller receipt was had".to_owned());
        }
    }
    change.purchase.due_at = if to.is_final() { change.purchase.next_receipt_look(now) } else { next };
    inner.commit(change).await
}

/// The state that a purchase which is not final yet has reached.
fn reached(from: State, attempt: &Attempt, next: Option<Timestamp>) -> State {
    if from.is_final() {
        return from;
    }
    match attempt.stage() {
        Stage::Succeeded => State::Succeeded,
        Stage::Failed => State::Failed,
        Stage::Prepared | Stage::Sent | Stage::Pending | Stage::Unknown => {
            if from == State::NeedsPerson || next.is_none() || !attempt.attention().is_empty() {
                State::NeedsPerson
            } else if attempt.stage() == Stage::Pending {
                State::Pending
            } else {
                State::Unknown
            }
        }
    }
}

/// Whether the provider now contradicts what was final, and had not done so before.
fn contradiction(state: State, before: Option<&Attempt>, attempt: &Attempt) -> Option<Cause> {
    let claims = |attempt: &Attempt| (attempt.contradicted_by(), attempt.stage());
    let before_claims = before.map(claims);
    if before_claims == Some(claims(attempt)) {
        let noted = before.map_or(0, |before| before.attention().len());
        return (attempt.attention().len() > noted).then_some(Cause::Contradiction);
    }
    // After a person's verdict the attempt may reach its own end later, with which the verdict may differ.
    let said = attempt.contradicted_by().unwrap_or(attempt.stage());
    match (state, said) {
        (State::Failed, Stage::Succeeded) => Some(Cause::LateSuccess),
        (State::Succeeded, Stage::Succeeded) | (State::Failed, Stage::Failed) => None,
        (_, Stage::Succeeded | Stage::Failed | Stage::Pending) => Some(Cause::Contradiction),
        (_, Stage::Prepared | Stage::Sent | Stage::Unknown) => None,
    }
}

fn rank(receipt: &Receipt) -> u8 {
    if receipt.serial.is_some() || receipt.stroom_token.is_some() { 2 } else { 1 }
}

/// What is known, in one line without secrets.
fn evidence(attempt: &Attempt, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Succeeded(receipt) => {
            let id = receipt.provider_id.as_deref().unwrap_or("no id");
            let charged = receipt.charged.map_or_else(|| "amount not told".to_owned(), |charged| charged.to_string());
            format!("{id}, {charged}, {:?}", receipt.evidence)
        }
        Outcome::Pending => format!("the provider works on {}", attempt.provider_id().unwrap_or("it")),
        Outcome::Failed(refusal) => refused(refusal),
        Outcome::Unknown(error) => error.to_string(),
    }
}

fn refused(refusal: &Refusal) -> String {
    match refusal.code() {
        Some(code) => format!("{} ({}, code {code})", refusal, refusal.kind()),
        None => format!("{} ({})", refusal, refusal.kind()),
    }
}

impl Purchase {
    /// When to ask for a fuller receipt, counting the try; `None` when it is full or was asked for often enough.
    fn next_receipt_look(&mut self, now: Timestamp) -> Option<Timestamp> {
        if self.state != State::Succeeded || self.receipt_rank > 1 {
            return None;
        }
        let wait = RECEIPT_WAITS.get(usize::try_from(self.tries).ok()?)?;
        self.tries += 1;
        Some(now.after(Duration::from_secs(*wait)))
    }
}

impl Change {
    /// Adds an event that leads to a state.
    pub(crate) fn note(&mut self, cause: Cause, to: State, evidence: String) {
        self.events.push(Event {
            number: 0,
            reference: Some(self.purchase.order.reference().clone()),
            provider: self.purchase.provider.clone(),
            at: self.now,
            from: Some(self.purchase.state),
            to: Some(to),
            cause,
            evidence,
        });
        if to != self.purchase.state {
            self.purchase.state = to;
            self.purchase.changed_at = self.now;
        }
    }

    /// Ends it as failed, never sent.
    fn fail(&mut self, cause: Cause, why: String) {
        self.note(cause, State::Failed, why.clone());
        self.purchase.reason = Some(why);
        self.purchase.due_at = None;
    }
}

impl Inner {
    /// Writes until it is written: what has been learnt is kept here while the store does not work. Only a newer worker or a broken
    /// rule ends that.
    pub(crate) async fn commit(&self, change: Change) -> Result<(), StoreError> {
        let mut tries = 0;
        loop {
            match self.watched(self.store.write(&change).await) {
                Err(StoreError::Unavailable(_)) => tokio::time::sleep(backoff(tries)).await,
                Err(error) => return Err(error),
                Ok(()) => break,
            }
            tries += 1;
        }
        self.report(&change);
        Ok(())
    }

    /// Tells the host of a change that is durable.
    pub(crate) fn report(&self, change: &Change) {
        if !change.events.is_empty() {
            self.tell();
        }
        let purchase = &change.purchase;
        for event in &change.events {
            tracing::info!(from = %change.from, to = %purchase.state, cause = %event.cause, evidence = event.evidence, "journal");
            self.metrics.changed(purchase, change.from, event.cause);
        }
        if purchase.state.is_final() && !change.from.is_final() {
            self.metrics.finished(&purchase.provider, purchase.state, change.now.since(purchase.submitted_at));
        }
    }
}
