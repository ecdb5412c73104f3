//! The rules that hold for every seed.

use std::collections::{BTreeMap, BTreeSet};

use biller_core::{Receipt, Rupiah};
use biller_journal::{Cause, Cursor, Event, Journal, Purchase, State, Store, TRANSITIONS};
use biller_sandbox::{Charge, ChargeState};
use bytes::Bytes;

use crate::sides::Side;
use crate::world::{Ordered, World};

/// Whether the machine has nothing more to do about any order.
pub async fn at_rest(world: &World) -> bool {
    let orders = world.orders().clone();
    for of in &orders {
        let purchase = world.store.get(of.order.reference()).await.unwrap();
        if !purchase.is_some_and(|purchase| purchase.is_settled() && purchase.due_at.is_none()) {
            return false;
        }
    }
    true
}

pub async fn every_rule_holds(world: &World, journal: &Journal) -> Result<(), String> {
    if let Some(broken) = world.broken() {
        return Err(broken);
    }
    let charges = world.sandbox.charges();
    let secrets = secrets(world);
    let mut purchases: BTreeMap<(&str, String), Vec<Purchase>> = BTreeMap::new();
    let orders = world.orders().clone();
    for of in &orders {
        let purchase = world.store.get(of.order.reference()).await.unwrap();
        let purchase = purchase.ok_or_else(|| format!("{} is lost", of.order.reference()))?;
        one_purchase(world, journal, of, &purchase, &secrets).await.map_err(|broken| {
            format!("{} {} ({}): {broken}", of.side.provider(), of.order.reference(), purchase.state)
        })?;
        purchases.entry((of.side.provider(), of.name())).or_default().push(purchase);
    }
    for side in world.sides.iter().copied() {
        let theirs: Vec<&Charge> = charges.iter().filter(|charge| charge.provider == side.sandbox()).collect();
        let mut named: BTreeMap<String, Vec<&Charge>> = BTreeMap::new();
        for charge in &theirs {
            named.entry(side.charged_for(charge)).or_default().push(charge);
        }
        for ((_, name), purchases) in purchases.iter().filter(|((provider, _), _)| *provider == side.provider()) {
            let ours = named.remove(name).unwrap_or_default();
            same_as_the_ledger(world, side, name, purchases, &ours)
                .map_err(|broken| format!("{} {name}: {broken}", side.provider()))?;
        }
        if !named.is_empty() {
            return Err(format!("{} charged for what nobody ordered: {named:?}", side.provider()));
        }
        let held: i64 = theirs
            .iter()
            .filter(|charge| charge.state == ChargeState::Succeeded && side.takes_from_deposit(charge))
            .map(|charge| charge.amount)
            .sum();
        let spent = world.deposits[side.sandbox()] - world.sandbox.balances()[side.sandbox()];
        if held != spent {
            return Err(format!("{}: the charges add up to {held}, the deposit fell by {spent}", side.provider()));
        }
    }
    cursor_reads_all(journal, orders.len()).await
}

/// The purchases of one name against the charges of that name: each success has a charge that stands, each failure has none, and a
/// charge that stands belongs to a success or to what is left to a person.
fn same_as_the_ledger(
    world: &World,
    side: &dyn Side,
    name: &str,
    purchases: &[Purchase],
    charges: &[&Charge],
) -> Result<(), String> {
    let (sent, recorded) =
        (world.sent(side, name), purchases.iter().filter_map(|p| p.attempt.as_ref()).map(|a| side.sends(a)).sum());
    if sent > recorded {
        return Err(format!("sent {sent} times, recorded {recorded} times"));
    }
    if charges.len() > purchases.len() {
        return Err(format!("{} charges for {} orders", charges.len(), purchases.len()));
    }
    if let Some(charge) = charges.iter().find(|charge| charge.state == ChargeState::Pending) {
        return Err(format!("a charge that never settles: {charge:?}"));
    }
    let count = |state: State| purchases.iter().filter(|purchase| purchase.state == state).count();
    let standing = charges.iter().filter(|charge| charge.state == ChargeState::Succeeded).count();
    let (succeeded, left) = (count(State::Succeeded), count(State::NeedsPerson));
    if standing < succeeded || standing > succeeded + left {
        let states: Vec<State> = purchases.iter().map(|purchase| purchase.state).collect();
        return Err(format!("the journal says {states:?}, the ledger {charges:?}"));
    }
    // A sale that the provider shows to whoever asks has to be found.
    let silent = purchases.iter().find(|purchase| {
        purchase.state == State::NeedsPerson
            && purchase.attempt.as_ref().is_none_or(|attempt| attempt.attention().is_empty())
    });
    match silent {
        Some(purchase) if !charges.is_empty() => Err(format!(
            "{} is left to a person without a reason of its own, while the ledger says {charges:?}",
            purchase.order.reference()
        )),
        _ => Ok(()),
    }
}

async fn one_purchase(
    world: &World,
    journal: &Journal,
    of: &Ordered,
    purchase: &Purchase,
    secrets: &BTreeSet<String>,
) -> Result<(), String> {
    let provider = of.side.provider();
    let what = match purchase.state {
        State::Succeeded => "succeeded",
        State::Failed => "failed",
        State::NeedsPerson if purchase.reason.as_deref().is_some_and(|reason| !reason.is_empty()) => "left to a person",
        _ => return Err(format!("stuck: {:?}, due {:?}", purchase.reason, purchase.due_at)),
    };
    world.note_of(provider, "orders");
    world.note_of(provider, what);
    if purchase.state == State::Failed && purchase.reason.as_deref().is_some_and(|why| why.contains("price changed")) {
        world.note_of(provider, "price changed");
    }
    let price = purchase.attempt.as_ref().and_then(|attempt| attempt.price()).or(of.order.amount());
    let left = world.sandbox.balances()[of.side.sandbox()];
    if purchase.state == State::Failed && price.is_some_and(|price| price.get() > left) {
        world.note_of(provider, "deposit ran out");
    }

    let reference = purchase.order.reference();
    let history = journal.history(reference).await.map_err(|error| error.to_string())?;
    history_is_allowed(purchase, &history)?;
    for event in &history {
        if event.cause == Cause::Recovered {
            world.note("recovered");
        }
        if event.cause == Cause::HeldBack && event.evidence.contains("equal purchase") {
            world.note_of(provider, "held back beside an equal purchase");
        }
    }
    for what in purchase.attempt.iter().flat_map(|attempt| of.side.notable(attempt)) {
        world.note_of(provider, what);
    }

    let receipt = journal.receipt(reference).await.map_err(|error| error.to_string())?;
    match (&receipt, purchase.state) {
        (Some(receipt), State::Succeeded) => receipt_is_as_issued(world, of, receipt)?,
        (None, State::Succeeded) => return Err("succeeded without a receipt".to_owned()),
        (Some(_), _) => return Err("a receipt without success".to_owned()),
        (None, _) => {}
    }

    let attempt = serde_json::to_string(&purchase.attempt).unwrap();
    let sealed = world.store.receipt(reference).await.unwrap().unwrap_or_default();
    let sealed = String::from_utf8_lossy(&sealed);
    let shown = format!("{attempt}\n{purchase:?}\n{history:?}\n{receipt:?}\n{sealed}");
    match secrets.iter().find(|secret| shown.contains(secret.as_str())) {
        Some(_) => Err("a serial, token or voucher stands outside the sealed field".to_owned()),
        None => Ok(()),
    }
}

fn history_is_allowed(purchase: &Purchase, history: &[Event]) -> Result<(), String> {
    let mut state = None;
    for event in history {
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
    Ok(())
}

/// The stored receipt is, secrets included, one that the client has issued, and what it holds is the provider's own.
fn receipt_is_as_issued(world: &World, of: &Ordered, receipt: &Receipt) -> Result<(), String> {
    let whole = whole(receipt);
    if !world.issued(of.order.reference().as_str()).iter().any(|issued| self::whole(issued) == whole) {
        return Err("the receipt is not one that the client has issued".to_owned());
    }
    let replies = world.replies();
    match &receipt.raw {
        Some(raw) if !replies.iter().any(|(_, reply)| contains(reply, raw.as_str())) => {
            return Err("the receipt is not what the provider said".to_owned());
        }
        None if of.side.shows_its_record() => return Err("the receipt lost the provider's record".to_owned()),
        _ => {}
    }
    if let Some(serial) = &receipt.serial
        && !replies.iter().any(|(_, reply)| contains(reply, serial.expose()))
    {
        return Err("the receipt's serial is not the provider's".to_owned());
    }
    if receipt.stroom_token.is_some() {
        world.note_of(of.side.provider(), "a stroom token");
    }
    let charges = world.sandbox.charges();
    let ours = charges.iter().filter(|charge| charge.provider == of.side.sandbox());
    let mut amounts = ours.filter(|charge| of.side.charged_for(charge) == of.name()).map(|charge| charge.amount);
    match receipt.charged.map(Rupiah::get) {
        Some(charged) if !amounts.any(|amount| amount == charged) => {
            Err("the receipt's amount is not the ledger's".to_owned())
        }
        _ => Ok(()),
    }
}

/// Every field of a receipt, the secret ones in clear.
fn whole(receipt: &Receipt) -> String {
    let serial = receipt.serial.as_ref().map(|serial| serial.expose().to_owned());
    let token = receipt.stroom_token.as_ref().map(|token| token.reveal());
    let raw = receipt.raw.as_ref().map(|raw| raw.as_str().to_owned());
    let (name, customer) = (&receipt.customer_name, &receipt.customer);
    format!("{receipt:?} {name:?} {customer} {serial:?} {token:?} {raw:?}")
}

fn contains(reply: &Bytes, part: &str) -> bool {
    std::str::from_utf8(reply).is_ok_and(|reply| reply.contains(part))
}

/// The values that must stand in no record, from everything that the providers have said.
fn secrets(world: &World) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (side, reply) in world.replies().iter() {
        // Some receipts are JSON inside JSON.
        let reply = String::from_utf8_lossy(reply).replace("\\\"", "\"");
        for member in side.secret_members() {
            for part in reply.split(&format!("\"{member}\":\"")).skip(1) {
                let value = part.split('"').next().unwrap_or_default();
                if value.len() > 3 {
                    found.extend([value.to_owned(), value.replace('-', "")]);
                }
            }
        }
    }
    found
}

/// A reader that forgets to confirm every other page gets every event at least once, in order.
async fn cursor_reads_all(journal: &Journal, orders: usize) -> Result<(), String> {
    let cursor = Cursor::named("check");
    let mut seen = Vec::new();
    let mut confirm = false;
    loop {
        let page = journal.events(&cursor, 10).await.map_err(|error| error.to_string())?;
        let Some(last) = page.last() else { break };
        if confirm {
            seen.extend(page.iter().map(|event| event.number));
            journal.done(&cursor, last).await.map_err(|error| error.to_string())?;
        }
        confirm = !confirm;
    }
    let whole: Vec<i64> = (1..=seen.len() as i64).collect();
    if seen != whole || seen.len() < orders {
        return Err(format!("the cursor read {seen:?}"));
    }
    Ok(())
}
