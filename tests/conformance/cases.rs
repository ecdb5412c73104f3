//! The cases of a provider, drawn up from what an undisturbed run shows, and how one is run.

use std::iter;
use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use biller_core::{Attempt, Clock, Error, Outcome};
use biller_sandbox::{Fault as Armed, FaultKind, Operation};
use biller_tests::raw_tcp::Case as RawTcp;

use crate::bench::{Bench, Seen, runtime};
use crate::faults::{self, Fault};
use crate::planted::Plant;
use crate::raw_tcp;
use crate::rules::{self, Judgement, Rule, Violation, require};
use crate::specials;
use crate::subject::{Call, Course, Goods, Subject};

/// What goes on while a fault acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    AtOnce,
    Settles,
    Fails,
    /// Succeeds, but the reply to the payment is lost.
    Lost,
}

impl Scenario {
    pub const ALL: [Self; 4] = [Self::AtOnce, Self::Settles, Self::Fails, Self::Lost];

    pub fn course(self, bench: &Bench) -> Course {
        match self {
            Self::AtOnce => Course::AtOnce,
            Self::Lost => bench.usual_course(),
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
    /// One of the provider's own calls, undisturbed where there is no fault.
    Call(usize, Option<Fault>),
    /// One of the provider's own calls over real sockets.
    RawTcp(usize, &'static RawTcp),
    Special(Special),
}

#[derive(Clone)]
pub struct Case {
    pub subject: &'static dyn Subject,
    /// What is bought, `None` for the usual.
    goods: Option<&'static Goods>,
    /// `provider::operation::case`
    pub name: String,
    pub kind: Kind,
}

impl Case {
    fn new(
        subject: &'static dyn Subject,
        goods: Option<&'static Goods>,
        operation: &str,
        case: &str,
        kind: Kind,
    ) -> Self {
        let goods_name = goods.map(|goods| format!("{} ", goods.name)).unwrap_or_default();
        let name = format!("{}::{operation}::{goods_name}{case}", subject.folder()).replace([' ', ','], "_");
        Self { subject, goods, name, kind }
    }

    /// Whether it is more than one of the many variations of a reply.
    pub fn is_basic(&self) -> bool {
        match &self.kind {
            Kind::Purchase(_, Trouble::Line(_, fault)) => !fault.is_variation,
            Kind::Purchase(..) | Kind::Special(_) => true,
            Kind::Call(..) | Kind::RawTcp(..) => false,
        }
    }

    pub fn is_raw_tcp(&self) -> bool {
        matches!(self.kind, Kind::RawTcp(..))
    }

    /// Cases that are likely to notice a mistake come first.
    pub fn rank(&self) -> u8 {
        match &self.kind {
            Kind::Special(_) | Kind::Purchase(_, Trouble::None) => 0,
            Kind::Purchase(_, Trouble::Server(Operation::Payment, _)) => 1,
            Kind::Purchase(_, Trouble::Line(operation, _)) if self.subject.moves_money(operation) => 2,
            Kind::Purchase(..) | Kind::Call(..) | Kind::RawTcp(..) => 3,
        }
    }

    /// Runs the case; the message names provider, case and rule.
    pub fn run(&self, plant: Option<&'static Plant>) -> Result<(), (Rule, String)> {
        let runtime = if let Kind::RawTcp(..) = self.kind { raw_tcp::runtime() } else { runtime() };
        let bench = Bench::selling(self.subject, self.goods, plant);
        let _tracing = bench.shown.tracing();
        let judged = runtime.block_on(async {
            match &self.kind {
                Kind::Purchase(scenario, trouble) => purchase(&bench, *scenario, trouble).await.map(drop),
                Kind::Call(at, fault) => call(&bench, &self.subject.calls()[*at], fault.as_ref()).await,
                Kind::RawTcp(at, case) => raw_tcp::run(&bench, *at, case).await,
                Kind::Special(special) => special(&bench).await,
            }
            .and_then(|()| rules::no_secret_shown(&bench))
        });
        judged.map_err(|violation| self.told(violation))
    }

    /// Runs the case without a plant; also a panic is told with provider, case and rule.
    pub fn judge(&self) -> Result<(), String> {
        let judged = panic::catch_unwind(AssertUnwindSafe(|| self.run(None))).unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref().copied());
            let detail = format!("panicked: {}", words.unwrap_or("without a word"));
            Err(self.told(Violation { rule: Rule::KeepsItsCourse, detail }))
        });
        judged.map_err(|(_, message)| message)
    }

    fn told(&self, Violation { rule, detail }: Violation) -> (Rule, String) {
        (rule, format!("provider {}, case {}: {rule}: {detail}", self.subject.folder(), self.name))
    }
}

/// An undisturbed run: what the client asked, in order, up to the last word. One that breaks a rule gives nothing to disturb; its
/// own case tells.
fn rehearse(bench: &Bench, scenario: Scenario) -> (Vec<Seen>, usize) {
    runtime().block_on(async {
        let mut paid_at = 0;
        let judged = course(bench, scenario, &Trouble::None, |bench| paid_at = bench.line.seen().len()).await;
        if judged.is_ok() { (bench.line.seen(), paid_at) } else { (Vec::new(), 0) }
    })
}

/// All cases of a provider.
pub fn of(subject: &'static dyn Subject) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut rehearsed: Vec<&str> = Vec::new();
    let all_goods: Vec<_> = iter::once(None).chain(subject.other_goods().iter().map(Some)).collect();
    for goods in &all_goods {
        for scenario in Scenario::ALL {
            purchases(subject, *goods, scenario, &mut rehearsed, &mut cases);
        }
    }
    for (at, Call { operation, .. }) in subject.calls().iter().enumerate() {
        let mut call = |name: &str, fault| {
            cases.push(Case::new(subject, None, operation, &format!("call {at} {name}"), Kind::Call(at, fault)));
        };
        call("undisturbed", None);
        let mut faults = faults::of_the_line();
        if let Some(reply) = valid_reply(subject, at).filter(|_| !rehearsed.contains(operation)) {
            faults.extend(faults::other_types(&reply));
            faults.extend(faults::codes(subject, operation, &reply, false));
            faults.extend(faults::cuts(&reply, subject.moves_money(operation)));
            faults.extend(faults::smudges(&reply));
        }
        for fault in faults {
            call(&fault.name.clone(), Some(fault));
        }
    }
    for at in raw_tcp::calls(subject) {
        for row in raw_tcp::table() {
            let name = format!("raw-tcp {}", row.name);
            cases.push(Case::new(subject, None, subject.calls()[at].operation, &name, Kind::RawTcp(at, row)));
        }
    }
    for goods in all_goods {
        for (name, special) in specials::of(subject) {
            cases.push(Case::new(subject, goods, "purchase", name, Kind::Special(special)));
        }
    }
    cases
}

/// The cases of one scenario. Where an operation is seen for the first time, its replies are altered in every way.
fn purchases(
    subject: &'static dyn Subject,
    goods: Option<&'static Goods>,
    scenario: Scenario,
    rehearsed: &mut Vec<&'static str>,
    cases: &mut Vec<Case>,
) {
    let bench = Bench::selling(subject, goods, None);
    if bench.order(scenario.course(&bench), "CASE-0").is_none() {
        return;
    }
    let mut purchase = |operation: &str, case: &str, trouble| {
        let name = format!("{} {case}", scenario.name());
        cases.push(Case::new(subject, goods, operation, &name, Kind::Purchase(scenario, trouble)));
    };
    purchase("purchase", "undisturbed", Trouble::None);
    let (seen, paid_at) = rehearse(&bench, scenario);
    let mut done: Vec<&str> = Vec::new();
    for (at, Seen { operation, reply, .. }) in seen.iter().enumerate() {
        let Some(reply) = reply else { continue };
        let first = !rehearsed.contains(operation);
        let pays = subject.moves_money(operation) && scenario != Scenario::Lost;
        // After a lost reply everything hangs on the answers to "what became of it".
        let tells_fate = at >= paid_at && !subject.moves_money(operation);
        let decides = scenario == Scenario::Lost && tells_fate;
        if done.contains(operation) || !(first || pays || tells_fate) {
            continue;
        }
        done.push(operation);
        let mut faults = if first || pays || decides { faults::of_the_line() } else { Vec::new() };
        if first || decides {
            faults.extend(faults::other_types(reply));
            faults.extend(faults::codes(subject, operation, reply, tells_fate));
            faults.extend(faults::cuts(reply, pays));
            faults.extend(faults::smudges(reply));
        }
        if pays && first && goods.is_none() {
            faults.extend(faults::echoes(subject));
        }
        if pays || tells_fate {
            faults.extend(faults::amounts(subject, operation));
        }
        for fault in faults {
            purchase(operation, &fault.name.clone(), Trouble::Line(operation, fault));
        }
    }
    rehearsed.extend(done);
    for (operation, kind) in server_faults(subject) {
        purchase(operation.name(), &format!("server {}", kind.name()), Trouble::Server(operation, kind));
    }
}

/// Every fault of the control interface with every operation that it makes sense for.
fn server_faults(subject: &'static dyn Subject) -> Vec<(Operation, FaultKind)> {
    let bench = Bench::new(subject);
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
    if scenario != Scenario::Lost {
        disturb(bench, trouble);
    }
    let mut attempt = prepared(bench, scenario.course(bench), "CASE-1").await?;
    if scenario == Scenario::Lost {
        disturb(bench, trouble);
    }
    let paid = pay(bench, &mut attempt).await?;
    on_paid(bench);
    look(bench, &mut attempt).await?;
    bench.line.heal();
    bench.sandbox.clear_faults();
    if matches!(trouble, Trouble::None) && scenario != Scenario::Lost {
        let expected = if scenario == Scenario::AtOnce { "succeeded" } else { "pending" };
        require(paid.word() == expected, Rule::KeepsItsCourse, || format!("paid: {}", rules::show(&paid)))?;
    }
    bench.sandbox.settle();
    end(bench, attempt).await
}

fn disturb(bench: &Bench, trouble: &Trouble) {
    match trouble {
        Trouble::None => {}
        Trouble::Line(operation, fault) => bench.line.disturb(operation, fault.clone()),
        Trouble::Server(operation, kind) => {
            bench.sandbox.arm(armed(bench.subject, *operation, *kind)).expect("it could be armed before");
        }
    }
}

/// Prepares the order with this course; after an error, once more without the trouble.
pub async fn prepared(bench: &Bench, course: Course, reference: &str) -> Result<Attempt, Violation> {
    let order = || bench.order(course, reference).expect("an order");
    let attempt = match bench.biller.prepare(order()).await {
        Ok(attempt) => attempt,
        Err(error) => {
            bench.shown.error(&error);
            require(bench.charges().is_empty(), Rule::SentOnce, || "preparing has cost money".to_owned())?;
            let denied = error.execution() == biller_core::Execution::NotExecuted;
            require(denied, Rule::NeverInvented, || {
                format!("preparing moves no money, and this error leaves it open: {error}")
            })?;
            bench.line.heal();
            bench.sandbox.clear_faults();
            bench.biller.prepare(order()).await.map_err(unprepared)?
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
    rules::said(bench, attempt, &paid)?;
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
    rules::said(bench, attempt, &outcome)?;
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
pub async fn earlier_purchase(bench: &Bench) -> Judgement {
    let order = bench.subject.order(Course::AtOnce, "EARLIER-1").expect("every provider sells something at once");
    let mut attempt = bench.biller.prepare(order).await.map_err(unprepared)?;
    let outcome = bench.biller.pay(&mut attempt, bench.records.as_ref()).await;
    bench.show(&outcome);
    require(outcome.word() == "succeeded", Rule::KeepsItsCourse, || {
        format!("an earlier purchase came to: {}", rules::show(&outcome))
    })
}

/// All is well, and yet it cannot be prepared.
pub fn unprepared(error: Error) -> Violation {
    Violation { rule: Rule::KeepsItsCourse, detail: format!("cannot be prepared although all is well: {error}") }
}

/// The server's undisturbed reply to one of the provider's own calls; `None` where the call does not come about, which its own case
/// tells.
pub fn valid_reply(subject: &'static dyn Subject, at: usize) -> Option<http::Response<bytes::Bytes>> {
    let bench = Bench::new(subject);
    let call = &subject.calls()[at];
    runtime().block_on(async {
        earlier_purchase(&bench).await.ok()?;
        drop((call.run)(bench.wiring()).await);
        bench.line.seen().into_iter().rfind(|seen| seen.operation == call.operation)?.reply
    })
}

/// One of the provider's own calls: only calls that move money may cost any, and what they say fits the ledger.
async fn call(bench: &Bench, call: &Call, fault: Option<&Fault>) -> Judgement {
    earlier_purchase(bench).await?;
    let (charges, received) = (bench.charges().len(), bench.received());
    if let Some(fault) = fault {
        bench.line.disturb(call.operation, fault.clone());
    }
    let seen = bench.line.seen().len();
    let result = (call.run)(bench.wiring()).await;
    let sent = bench.line.seen()[seen..].iter().any(|seen| seen.operation == call.operation);
    require(sent, Rule::KeepsItsCourse, || {
        format!("its own call never sent it: {}", result.as_ref().err().map_or(String::new(), Error::to_string))
    })?;
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
