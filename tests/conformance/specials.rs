//! Cases that are more than one fault: crashes, restarts, expiry, forged callbacks, equal purchases.

use std::time::Duration;

use biller_core::{BoxFuture, Claim, Hint, Outcome, Stage};
use biller_sandbox::FaultKind;
use bytes::Bytes;

use crate::bench::Bench;
use crate::cases::{earlier_purchase, end, look, pay, prepared, restarted};
use crate::faults::Fault;
use crate::rules::{self, Judgement, Rule, require};
use crate::subject::{Course, Subject};

type Special = for<'a> fn(&'a Bench) -> BoxFuture<'a, Judgement>;

/// The special cases that a provider can have.
pub fn of(subject: &'static dyn Subject) -> Vec<(&'static str, Special)> {
    let capabilities = Bench::new(subject).biller.capabilities();
    let mut specials: Vec<(&'static str, Special)> = vec![
        ("crash while paying", |bench| Box::pin(crash(bench))),
        ("paid twice across a restart", |bench| Box::pin(paid_twice(bench))),
        ("paid twice after a lost reply", |bench| Box::pin(paid_twice_after_loss(bench))),
        ("asked after the end", |bench| Box::pin(asked_after_the_end(bench))),
    ];
    if subject.token().is_some() {
        specials.push(("token expires before paying", |bench| Box::pin(token_expires(bench))));
    }
    if !capabilities.distinguishes_equal_purchases {
        specials.push(("equal purchase while one is unknown", |bench| Box::pin(equal_purchase(bench))));
    }
    if capabilities.callback {
        specials.push(("forged callback", |bench| Box::pin(forged_callback(bench))));
        specials.push(("conflicting callback", |bench| Box::pin(conflicting_callback(bench))));
        specials.push(("callback after a lost reply", |bench| Box::pin(callback_after_loss(bench))));
    }
    specials
}

fn disturb_payments(bench: &Bench, fault: &Fault) {
    for spec in bench.subject.specs().iter().filter(|spec| spec.effect.moves_money()) {
        bench.line.disturb(spec.name, fault.clone());
    }
}

/// The process dies while the payment is on its way: what was written down leads to the end.
async fn crash(bench: &Bench) -> Judgement {
    disturb_payments(bench, &Fault::silence());
    let mut attempt = prepared(bench, bench.usual_course(), "CASE-1").await?;
    let paying = bench.biller.pay(&mut attempt, bench.records.as_ref());
    let _ = tokio::time::timeout(Duration::from_millis(10), paying).await;
    let written = bench.records.get(bench.biller.provider(), "CASE-1");
    require(written.as_ref().is_some_and(|written| written.stage() == Stage::Sent), Rule::WrittenFirst, || {
        format!("after the crash the records have {:?}", written.as_ref().map(biller_core::Attempt::stage))
    })?;
    bench.line.heal();
    let attempt = restarted(bench, &written.expect("it was written down"));
    let outcome = end(bench, attempt).await?;
    let ends = outcome.word() == "succeeded" || !bench.biller.capabilities().own_reference;
    require(ends, Rule::KeepsItsCourse, || format!("ended {}", rules::show(&outcome)))
}

/// Whoever pays again after a restart pays nothing.
async fn paid_twice(bench: &Bench) -> Judgement {
    let mut attempt = prepared(bench, bench.usual_course(), "CASE-1").await?;
    pay(bench, &mut attempt).await?;
    let mut attempt = restarted(bench, &attempt);
    let again = bench.new_biller().pay(&mut attempt, bench.records.as_ref()).await;
    bench.show(&again);
    rules::sent_once(bench, false)?;
    rules::said(bench, &attempt, &again)
}

async fn paid_twice_after_loss(bench: &Bench) -> Judgement {
    disturb_payments(bench, &Fault::lost_reply());
    let mut attempt = prepared(bench, bench.usual_course(), "CASE-1").await?;
    pay(bench, &mut attempt).await?;
    bench.line.heal();
    let mut attempt = restarted(bench, &attempt);
    let again = bench.new_biller().pay(&mut attempt, bench.records.as_ref()).await;
    bench.show(&again);
    rules::sent_once(bench, false)?;
    rules::said(bench, &attempt, &again)?;
    end(bench, attempt).await.map(drop)
}

/// A final outcome stays, whatever the provider answers later.
async fn asked_after_the_end(bench: &Bench) -> Judgement {
    let mut attempt = prepared(bench, bench.usual_course(), "CASE-1").await?;
    let mut paid = pay(bench, &mut attempt).await?;
    if !paid.is_final() {
        bench.sandbox.settle();
        paid = look(bench, &mut attempt).await?;
    }
    for fault in crate::faults::of_the_line() {
        for spec in bench.subject.specs() {
            bench.line.disturb(spec.name, fault.clone());
        }
        let outcome = look(bench, &mut attempt).await?;
        require(outcome.word() == paid.word(), Rule::EndsWithTheLedger, || {
            format!("{} became {} after {}", paid.word(), rules::show(&outcome), fault.name)
        })?;
        bench.line.heal();
    }
    Ok(())
}

/// The token lives until shortly before the payment.
async fn token_expires(bench: &Bench) -> Judgement {
    let lifetime = Duration::from_secs(bench.subject.token().map_or(0, |(_, seconds)| seconds));
    earlier_purchase(bench).await?;
    let course = if bench.order(Course::Settles, "CASE-0").is_some() { Course::Settles } else { Course::AtOnce };
    let mut attempt = prepared(bench, course, "CASE-1").await?;
    bench.clock.advance(lifetime + Duration::from_secs(1));
    let paid = bench.biller.pay(&mut attempt, bench.records.as_ref()).await;
    bench.show(&paid);
    let accepted = matches!(paid, Outcome::Succeeded(_) | Outcome::Pending);
    require(accepted && bench.charges().len() == 2, Rule::KeepsItsCourse, || {
        format!("with a token that has run out: {}, {} charges", rules::show(&paid), bench.charges().len())
    })
}

/// Where equal purchases cannot be told apart, a second one waits for the first.
async fn equal_purchase(bench: &Bench) -> Judgement {
    disturb_payments(bench, &Fault::lost_reply());
    let mut first = prepared(bench, bench.usual_course(), "CASE-1").await?;
    pay(bench, &mut first).await?;
    bench.line.heal();
    let order = bench.order(bench.usual_course(), "CASE-2").expect("an order");
    match bench.biller.prepare(order).await {
        Err(error) => bench.shown.error(&error),
        Ok(mut second) => {
            let outcome = bench.biller.pay(&mut second, bench.records.as_ref()).await;
            bench.show(&outcome);
            require(!matches!(outcome, Outcome::Succeeded(_) | Outcome::Pending), Rule::SentOnce, || {
                format!("an equal purchase went ahead: {}", rules::show(&outcome))
            })?;
        }
    }
    rules::sent_once(bench, false)?;
    end(bench, first).await.map(drop)
}

/// Anybody can post a callback; nothing was bought, and nothing is believed.
async fn forged_callback(bench: &Bench) -> Judgement {
    disturb_payments(bench, &Fault::silence_before());
    let mut attempt = prepared(bench, bench.usual_course(), "CASE-1").await?;
    pay(bench, &mut attempt).await?;
    bench.line.heal();
    let mut hint = Hint::new("CASE-1", Claim::Succeeded);
    hint.amount = Some(biller_core::Rupiah::new(1));
    hint.customer = Some("089999999999".to_owned());
    let outcome = bench.biller.confirm(&mut attempt, &hint, bench.records.as_ref()).await;
    bench.show(&outcome);
    rules::sent_once(bench, true)?;
    rules::said(bench, &attempt, &outcome)
}

/// The provider's own callback tells the opposite of its ledger.
async fn conflicting_callback(bench: &Bench) -> Judgement {
    let name = bench.subject.sandbox_name();
    let fault = biller_sandbox::Fault::new(name, FaultKind::CallbackConflicting).times(0);
    bench.sandbox.arm(fault).expect("the provider has callbacks");
    let course = if bench.order(Course::Fails, "CASE-0").is_some() { Course::Fails } else { Course::Settles };
    confirm_callbacks(bench, course).await
}

/// The callback comes although the reply to the payment never did.
async fn callback_after_loss(bench: &Bench) -> Judgement {
    disturb_payments(bench, &Fault::lost_reply());
    confirm_callbacks(bench, Course::Settles).await
}

async fn confirm_callbacks(bench: &Bench, course: Course) -> Judgement {
    bench
        .sandbox
        .send_callbacks_to(bench.subject.sandbox_name(), "http://127.0.0.1/callback")
        .expect("it has callbacks");
    let mut attempt = prepared(bench, course, "CASE-1").await?;
    pay(bench, &mut attempt).await?;
    bench.line.heal();
    bench.sandbox.settle();
    bench.clock.advance(Duration::from_secs(60));
    let callbacks = bench.sandbox.take_callbacks();
    require(!callbacks.is_empty(), Rule::KeepsItsCourse, || "the sandbox sent no callback".to_owned())?;
    for callback in callbacks {
        let body: Bytes = callback.body;
        let request = http::Request::post("/callback").body(body).expect("a request");
        let hint = bench.biller.parse_callback(&request).map_err(|error| rules::Violation {
            rule: Rule::KeepsItsCourse,
            detail: format!("the provider's callback cannot be read: {error}"),
        })?;
        bench.shown.debug(&hint);
        let outcome = bench.biller.confirm(&mut attempt, &hint, bench.records.as_ref()).await;
        bench.show(&outcome);
        rules::sent_once(bench, true)?;
        rules::said(bench, &attempt, &outcome)?;
    }
    end(bench, attempt).await.map(drop)
}
