//! The rules that hold for every seed.

use biller_core::{Order, Rupiah};
use biller_journal::{Cause, Cursor, Journal, Purchase, State, Store, TRANSITIONS};
use biller_sandbox::{Charge, ChargeState};

use crate::world::World;

/// The sandbox's deposit at the beginning.
const DEPOSIT: i64 = 10_000_000;

#[derive(Default)]
pub struct Counts {
    pub succeeded: usize,
    pub failed: usize,
    pub left_to_a_person: usize,
    pub recovered: usize,
}

/// Whether every order is final and has its receipt.
pub async fn at_rest(world: &World, orders: &[Order]) -> bool {
    for order in orders {
        let purchase = world.store.get(order.reference()).await.unwrap();
        if !purchase.is_some_and(|purchase| purchase.state.is_final() && purchase.due_at.is_none()) {
            return false;
        }
    }
    true
}

pub async fn every_rule_held(world: &World, journal: &Journal, orders: &[Order]) -> Result<Counts, String> {
    if let Some(broken) = world.broken.lock().unwrap().first() {
        return Err(broken.clone());
    }
    let charges = world.sandbox.charges();
    let mut counts = Counts::default();
    for order in orders {
        let purchase = world.store.get(order.reference()).await.unwrap();
        let purchase = purchase.ok_or_else(|| format!("{} is lost", order.reference()))?;
        one_purchase(world, journal, &purchase, &charges, &mut counts)
            .await
            .map_err(|broken| format!("{} ({}): {broken}", order.reference(), purchase.state))?;
    }
    let held: i64 =
        charges.iter().filter(|charge| charge.state == ChargeState::Succeeded).map(|charge| charge.amount).sum();
    let spent = DEPOSIT - world.sandbox.balances()["klikoo"];
    if held != spent {
        return Err(format!("the charges add up to {held}, the deposit fell by {spent}"));
    }
    if charges.len() > orders.len() {
        return Err(format!("{} charges for {} orders", charges.len(), orders.len()));
    }
    cursor_reads_all(journal, orders).await?;
    Ok(counts)
}

async fn one_purchase(
    world: &World,
    journal: &Journal,
    purchase: &Purchase,
    charges: &[Charge],
    counts: &mut Counts,
) -> Result<(), String> {
    let reference = purchase.order.reference();
    let ours: Vec<&Charge> = charges.iter().filter(|c| c.reference.as_deref() == Some(reference.as_str())).collect();
    let sent = world.buys.lock().unwrap().get(reference.as_str()).copied().unwrap_or(0);
    if ours.len() > 1 || sent > 1 {
        return Err(format!("{} charges, sent {sent} times", ours.len()));
    }
    let charged = ours.first().map(|charge| charge.state);
    match purchase.state {
        State::Succeeded if charged == Some(ChargeState::Succeeded) => counts.succeeded += 1,
        State::Failed if charged != Some(ChargeState::Succeeded) && charged != Some(ChargeState::Pending) => {
            counts.failed += 1;
        }
        // What the provider has no record of, or what a person was called for, is never decided by the machine.
        State::NeedsPerson if purchase.reason.as_deref().is_some_and(|reason| !reason.is_empty()) => {
            counts.left_to_a_person += 1;
        }
        State::Succeeded | State::Failed => return Err(format!("the ledger says {charged:?}")),
        _ => return Err(format!("stuck: {:?}, due {:?}", purchase.reason, purchase.due_at)),
    }
    // A sale that the provider shows to whoever asks has to be found.
    if purchase.state == State::NeedsPerson
        && charged.is_some()
        && purchase.attempt.as_ref().is_none_or(|attempt| attempt.attention().is_empty())
    {
        return Err(format!("left to a person without a reason of its own, while the ledger says {charged:?}"));
    }

    let history = journal.history(reference).await.map_err(|error| error.to_string())?;
    let mut state = None;
    for event in &history {
        if event.from != state {
            return Err(format!("an event from {:?} after {state:?}", event.from));
        }
        let (from, to) = (event.from, event.to);
        if let (Some(from), Some(to)) = (from, to)
            && from != to
            && !TRANSITIONS
                .iter()
                .any(|row| row.cause == event.cause && row.from.contains(&from) && row.to.contains(&to))
        {
            return Err(format!("{from} to {to} by {}", event.cause));
        }
        state = to;
    }
    if state != Some(purchase.state) {
        return Err(format!("the events end at {state:?}"));
    }
    counts.recovered += history.iter().filter(|event| event.cause == Cause::Recovered).count();

    let receipt = journal.receipt(reference).await.map_err(|error| error.to_string())?;
    let replies = world.replies.lock().unwrap();
    match (&receipt, purchase.state) {
        (Some(receipt), State::Succeeded) => {
            let raw = receipt.raw.as_ref().ok_or("the receipt lost the provider's record")?;
            if !replies.iter().any(|reply| reply.contains(raw.as_str())) {
                return Err("the receipt is not what the provider said".to_owned());
            }
            let serial = receipt.serial.as_ref().ok_or("the receipt has no serial")?;
            if !raw.as_str().contains(serial.expose()) {
                return Err("the receipt's serial is not the provider's".to_owned());
            }
            if receipt.charged.map(Rupiah::get) != ours.first().map(|charge| charge.amount) {
                return Err("the receipt's amount is not the ledger's".to_owned());
            }
        }
        (None, State::Succeeded) => return Err("succeeded without a receipt".to_owned()),
        (Some(_), _) => return Err("a receipt without success".to_owned()),
        (None, _) => {}
    }

    let attempt = serde_json::to_string(&purchase.attempt).unwrap();
    let shown = format!("{attempt}\n{purchase:?}\n{history:?}\n{receipt:?}");
    for secret in replies.iter().flat_map(|reply| secrets(reply)) {
        if shown.contains(&secret) {
            return Err("a serial or token stands outside the sealed field".to_owned());
        }
    }
    Ok(())
}

/// The serials and access tokens of a reply.
fn secrets(reply: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in ["\"sn\":\"", "\"access_token\":\""] {
        for part in reply.split(name).skip(1) {
            let value = part.split('"').next().unwrap_or_default();
            if value.len() > 3 {
                found.push(value.to_owned());
            }
        }
    }
    found
}

/// A reader that forgets to confirm every other page gets every event at least once, in order.
async fn cursor_reads_all(journal: &Journal, orders: &[Order]) -> Result<(), String> {
    let cursor = Cursor::named("check");
    let mut seen = Vec::new();
    let mut confirm = false;
    loop {
        let page = journal.events(&cursor, 3).await.map_err(|error| error.to_string())?;
        let Some(last) = page.last() else { break };
        if confirm {
            seen.extend(page.iter().map(|event| event.number));
            journal.done(&cursor, last).await.map_err(|error| error.to_string())?;
        }
        confirm = !confirm;
    }
    if !seen.is_sorted() || seen.len() < orders.len() {
        return Err(format!("the cursor read {seen:?}"));
    }
    Ok(())
}
