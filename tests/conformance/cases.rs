//! The cases of a provider, drawn up from what an undisturbed run shows, and how one is run.

use std::time::Duration;

use biller_core::{Attempt, Clock, Outcome};
use biller_sandbox::{Fault as Armed, FaultKind, Operation};

use crate::bench::{Bench, Seen};
use crate::faults::{self, Fault};
use crate::planted::Plant;
use crate::rules::{self, Judgement, Rule, Violation, require};
use crate::specials;
use crate::subject::{Call, Course, Subject};

/// What goes on while a fault acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    AtOnce,
    Settles,
    Fails,
    /// Succeeds at once, but the reply to the payment is lost.
    Lost,
}

impl Scenario {
    pub const ALL: [Self; 4] = [Self::AtOnce, Self::Settles, Self::Fails, Self::Lost];

    pub fn course(self) -> Course {
        match self {
            Self::AtOnce | Self::Lost => Course::AtOnce,
            Self::Settles => Course::Settles,
            Self::Fails => Course::Fails,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::AtOnce => "at once",
            Self::Settles => "settles",
            Self::Fails => "fails",
            Self::Lost => "lost",
        }
    }
}

/// What goes wrong.
#[derive(Clone)]
pub enum Trouble {
    None,
    /// On the line, for every request of the operation until it is healed.
    Line(&'static str, Fault),
    /// At the server, armed through its control interface.
    Server(Operation, FaultKind),
}

type Special = for<'a> fn(&'a Bench) -> biller_core::BoxFuture<'a, Judgement>;

#[derive(Clone)]
pub enum Kind {
    /// A purchase through the neutral face.
    Purchase(Scenario, Trouble),
    /// One of the provider's own calls.
    Call(usize, Fault),
    Special(Special),
}

#[derive(Clone)]
pub struct Case {
    pub subject: &'static dyn Subject,
    /// `provider::operation::case`
    pub name: String,
    pub kind: Kind,
}

impl Case {
    fn new(subject: &'static dyn Subject, operation: &str, case: &str, kind: Kind) -> Self {
        let name = format!("{}::{operation}::{case}", subject.folder()).replace([' ', ','], "_");
        Self { subject, name, kind }
    }

    /// Runs the case; the message names provider, case and rule.
    pub fn run(&self, plant: Option<&'static Plant>) -> Result<(), (Rule, String)> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let bench = Bench::new(self.subject, plant);
        let _tracing = bench.shown.tracing();
        let judged = runtime.block_on(async {
            match &self.kind {
                Kind::Purchase(scenario, trouble) => purchase(&bench, *scenario, trouble).await.map(drop),
                Kind::Call(at, fault) => call(&bench, &self.subject.calls()[*at], fault).await,
                Kind::Special(special) => special(&bench).await,
            }
            .and_then(|()| rules::no_secret_shown(&bench))
        });
        judged.map_err(|Violation { rule, detail }| {
            (rule, format!("provider {}, case {}: {rule}: {detail}", self.subject.folder(), self.name))
        })
    }
}

/// An undisturbed run: what the client asked, in order, up to the last word.
fn rehearse(subject: &'static dyn Subject, scenario: Scenario) -> (Vec<Seen>, usize) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    let bench = Bench::new(subject, None);
    runtime.block_on(async {
        let mut paid_at = 0;
        let judged = course(&bench, scenario, &Trouble::None, |bench| paid_at = bench.line.seen().len()).await;
        judged.unwrap_or_else(|violation| panic!("{}, {} undisturbed: {violation:?}", subject.folder(), scenario.name()));
        (bench.line.seen(), paid_at)
    })
}

/// All cases of a provider.
pub fn of(subject: &'static dyn Subject) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut rehearsed: Vec<&str> = Vec::new();
    for scenario in Scenario::ALL {
        if subject.order(scenario.course(), "CASE-0").is_none() {
            continue;
        }
        let purchase = |trouble| Kind::Purchase(scenario, trouble);
        cases.push(Case::new(subject, "purchase", &format!("undisturbed {}", scenario.name()), purchase(Trouble::None)));
        let (seen, paid_at) = rehearse(subject, scenario);
        let mut done: Vec<&str> = Vec::new();
        for (at, Seen { operation, reply, .. }) in seen.iter().enumerate() {
            let Some(reply) = reply else { continue };
            let pays = subject.moves_money(operation);
            let first = !rehearsed.contains(operation);
            if done.contains(operation) || !(first || pays && scenario != Scenario::Lost) {
                continue;
            }
            done.push(operation);
            let tells_fate = at >= paid_at;
            let mut faults = faults::of_the_line();
            if first {
                faults.extend(faults::other_types(reply));
                faults.extend(faults::codes(subject, operation, reply, tells_fate));
                faults.extend(faults::cuts(reply));
            }
            if pays && first {
                faults.extend(faults::echoes(subject));
            }
            for fault in faults {
                let name = format!("{} {}", scenario.name(), fault.name);
                cases.push(Case::new(subject, operation, &name, purchase(Trouble::Line(operation, fault))));
            }
        }
        rehearsed.extend(done);
        for (operation, kind) in server_faults(subject) {
            let name = format!("{} server {}", scenario.name(), kind.name());
            cases.push(Case::new(subject, operation.name(), &name, purchase(Trouble::Server(operation, kind))));
        }
    }
    for (at, Call { operation, .. }) in subject.calls().iter().enumerate() {
        let mut faults = faults::of_the_line();
        if !rehearsed.contains(operation) {
            let reply = valid_reply(subject, at);
            faults.extend(faults::other_types(&reply));
            faults.extend(faults::codes(subject, operation, &reply, false));
            faults.extend(faults::cuts(&reply));
        }
        for fault in faults {
            let name = format!("call {at} {}", fault.name);
            cases.push(Case::new(subject, operation, &name, Kind::Call(at, fault)));
        }
    }
    for (name, special) in specials::of(subject) {
        cases.push(Case::new(subject, "purchase", name, Kind::Special(special)));
    }
    cases
}

/// Every fault of the control interface with every operation that it makes sense for.
fn server_faults(subject: &'static dyn Subject) -> Vec<(Operation, FaultKind)> {
    let bench = Bench::new(subject, None);
    let every = Operation::ALL.into_iter().flat_map(|operation| FaultKind::ALL.map(|kind| (operation, kind)));
    every.filter(|(operation, kind)| bench.sandbox.arm(armed(subject, *operation, *kind)).is_ok()).collect()
}

fn armed(subject: &dyn Subject, operation: Operation, kind: FaultKind) -> Armed {
    Armed::new(subject.sandbox_name(), kind).on(operation).delay(Duration::from_secs(120))
}

/// A purchase from its preparation to the last word, in the presence of trouble that ends after the first look.
async fn purchase(bench: &Bench, scenario: Scenario, trouble: &Trouble) -> Result<Outcome, Violation> {
    let outcome = course(bench, scenario, trouble, |_| {}).await?;
    if matches!(trouble, Trouble::None) {
        let expected = if scenario == Scenario::Fails { "failed" } else { "succeeded" };
        // Whoever cannot tell equal purchases apart may leave a lost one to a person.
        let may_ask = scenario == Scenario::Lost && !bench.biller.capabilities().own_reference;
        require(outcome.word() == expected || may_ask && !outcome.is_final(), Rule::KeepsItsCourse, || {
            format!("ended {} instead of {expected}", rules::show(&outcome))
        })?;
    }
    Ok(outcome)
}

async fn course(
    bench: &Bench,
    scenario: Scenario,
    trouble: &Trouble,
    mut on_paid: impl FnMut(&Bench),
) -> Result<Outcome, Violation> {
    let subject = bench.subject;
    if scenario == Scenario::Lost {
        for spec in subject.specs().iter().filter(|spec| spec.effect.moves_money()) {
            bench.line.disturb(spec.name, Fault::lost_reply());
        }
    }
    match trouble {
        Trouble::None => {}
        Trouble::Line(operation, fault) => bench.line.disturb(operation, fault.clone()),
        Trouble::Server(operation, kind) => {
            let armed = bench.sandbox.arm(armed(subject, *operation, *kind));
            armed.expect("it could be armed before");
        }
    }
    let mut attempt = prepared(bench, scenario.course(), "CASE-1").await?;
    let paid = pay(bench, &mut attempt).await?;
    on_paid(bench);
    look(bench, &mut attempt).await?;
    bench.line.heal();
    bench.sandbox.clear_faults();
    let undisturbed = matches!(trouble, Trouble::None) && scenario != Scenario::Lost;
    if undisturbed && scenario.course() == Course::AtOnce {
        require(paid.word() == "succeeded", Rule::KeepsItsCourse, || format!("paid: {}", rules::show(&paid)))?;
    } else if undisturbed {
        require(paid.word() == "pending", Rule::KeepsItsCourse, || format!("paid: {}", rules::show(&paid)))?;
    }
    bench.sandbox.settle();
    end(bench, attempt).await
}

/// Prepares the order with this course; after an error, once more without the trouble.
pub async fn prepared(bench: &Bench, course: Course, reference: &str) -> Result<Attempt, Violation> {
    let order = || bench.subject.order(course, reference).expect("an order");
    let attempt = match bench.biller.prepare(order()).await {
        Ok(attempt) => attempt,
        Err(error) => {
            bench.shown.error(&error);
            require(bench.charges().is_empty(), Rule::SentOnce, || "preparing has cost money".to_owned())?;
            bench.line.heal();
            bench.sandbox.clear_faults();
            bench.biller.prepare(order()).await.map_err(|error| Violation {
                rule: Rule::KeepsItsCourse,
                detail: format!("cannot be prepared although all is well again: {error}"),
            })?
        }
    };
    bench.line.expect_written(bench.biller.provider(), reference);
    Ok(restarted(bench, &attempt))
}

/// The attempt as another process reads it back.
pub fn restarted(bench: &Bench, attempt: &Attempt) -> Attempt {
    let text = serde_json::to_string(attempt).expect("an attempt can be stored");
    bench.shown.add(text.clone());
    bench.shown.debug(attempt);
    serde_json::from_str(&text).expect("a stored attempt can be read")
}

pub async fn pay(bench: &Bench, attempt: &mut Attempt) -> Result<Outcome, Violation> {
    let paid = bench.biller.pay(attempt, bench.records.as_ref()).await;
    bench.show(&paid);
    rules::sent_once(bench, false)?;
    rules::said(bench, &paid)?;
    rules::written(bench, attempt)?;
    Ok(paid)
}

/// Asks at the time that the provider's schedule names, after a restart.
pub async fn look(bench: &Bench, attempt: &mut Attempt) -> Result<Outcome, Violation> {
    *attempt = restarted(bench, attempt);
    if let Some(at) = bench.biller.schedule().next_look(attempt) {
        bench.clock.set(at.max(bench.clock.now()));
    }
    let outcome = bench.new_biller().resolve(attempt, bench.records.as_ref()).await;
    bench.show(&outcome);
    rules::sent_once(bench, true)?;
    rules::said(bench, &outcome)?;
    rules::written(bench, attempt)?;
    Ok(outcome)
}

/// Looks until the last word, or until a person has to decide.
pub async fn end(bench: &Bench, mut attempt: Attempt) -> Result<Outcome, Violation> {
    let mut outcome = look(bench, &mut attempt).await?;
    for _ in 0..3 {
        if !outcome.is_final() {
            outcome = look(bench, &mut attempt).await?;
        }
    }
    if !outcome.is_final() {
        bench.clock.set(attempt.started_at().after(bench.biller.schedule().decide_after));
        outcome = look(bench, &mut attempt).await?;
    }
    rules::ended(bench, &attempt, &outcome)?;
    Ok(outcome)
}

/// A purchase that went well, so that there is something to ask about.
pub async fn earlier_purchase(bench: &Bench) {
    let order = bench.subject.order(Course::AtOnce, "EARLIER-1").expect("every provider sells something at once");
    let mut attempt = bench.biller.prepare(order).await.expect("it can be prepared");
    let outcome = bench.biller.pay(&mut attempt, bench.records.as_ref()).await;
    bench.show(&outcome);
    assert_eq!(outcome.word(), "succeeded", "{outcome:?}");
}

fn valid_reply(subject: &'static dyn Subject, at: usize) -> http::Response<bytes::Bytes> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    let bench = Bench::new(subject, None);
    runtime.block_on(async {
        earlier_purchase(&bench).await;
        let call = &subject.calls()[at];
        let result = (call.run)(bench.wiring()).await;
        let seen = bench.line.seen().into_iter().rfind(|seen| seen.operation == call.operation);
        seen.and_then(|seen| seen.reply)
            .unwrap_or_else(|| panic!("{} was not sent by its own call: {result:?}", call.operation))
    })
}

/// One of the provider's own calls under a fault: only calls that move money may cost any, and what they say fits the ledger.
async fn call(bench: &Bench, call: &Call, fault: &Fault) -> Judgement {
    earlier_purchase(bench).await;
    let (charges, received) = (bench.charges().len(), bench.received());
    bench.line.disturb(call.operation, fault.clone());
    let result = (call.run)(bench.wiring()).await;
    let (charged, received) = (bench.charges().len() - charges, bench.received() - received);
    let may_charge = usize::from(bench.subject.moves_money(call.operation));
    require(charged <= may_charge && received <= may_charge, Rule::SentOnce, || {
        format!("{received} payments received, {charged} charged")
    })?;
    match result {
        Ok(shown) => {
            bench.shown.add(shown);
            require(charged == may_charge, Rule::NeverInvented, || "said well done, but nothing was charged".to_owned())
        }
        Err(error) => {
            bench.shown.error(&error);
            let denied = error.execution() == biller_core::Execution::NotExecuted;
            require(!(denied && charged > 0), Rule::NeverDenied, || format!("charged, but said: {error}"))
        }
    }
}

