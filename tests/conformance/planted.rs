//! The mistakes seen in client code for money, made on purpose. The suite has to notice each at every provider where it can be
//! made; a table says which case noticed, and by which rule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use biller_core::{
    Attempt, Biller, BoxFuture, Capabilities, Claim, Delivery, Error, ErrorKind, Evidence, Execution, Hint,
    MemoryRecords, Order, Outcome, Receipt, Records, Refusal, Rupiah, Schedule, Transport, TransportError,
};
use bytes::Bytes;
use libtest_mimic::Trial;

use crate::bench::{Bench, runtime};
use crate::cases::Case;
use crate::rules::Rule;
use crate::subject::{Course, Subject};

type PlantedBiller = fn(Arc<dyn Biller>) -> Arc<dyn Biller>;
type PlantedTransport = fn(Arc<dyn Transport>, &'static dyn Subject) -> Arc<dyn Transport>;

pub struct Plant {
    pub number: u32,
    pub name: &'static str,
    pub transport: Option<PlantedTransport>,
    pub biller: Option<PlantedBiller>,
    /// Whether the mistake can be made at this provider.
    pub fits: fn(&'static dyn Subject, &Capabilities) -> bool,
}

const fn in_transport(number: u32, name: &'static str, transport: PlantedTransport) -> Plant {
    Plant { number, name, transport: Some(transport), biller: None, fits: |_, _| true }
}

macro_rules! in_biller {
    ($number:literal, $name:literal, $mistake:ident) => {
        Plant {
            number: $number,
            name: $name,
            transport: None,
            biller: Some(|inner| Arc::new(Wrong { inner, mistake: Mistake::$mistake, paid: Mutex::default() })),
            fits: |_, _| true,
        }
    };
}

static PLANTS: &[Plant] = &[
    in_biller!(1, "pending passed on as a failure", PendingFails),
    in_transport(2, "payment repeated on any error or odd reply", |inner, subject| {
        Arc::new(Repeating { inner, subject })
    }),
    in_transport(3, "request headers in the log", |inner, _| Arc::new(Chatty(inner))),
    in_biller!(4, "record rolled back when the outcome is unknown", RolledBack),
    in_biller!(5, "success made up when the provider fails", MadeUp),
    in_transport(6, "every error without a reply taken for not sent", |inner, _| Arc::new(Careless(inner))),
    Plant {
        fits: |subject, _| subject.token().is_some(),
        ..in_transport(7, "one token for ever", |inner, subject| {
            Arc::new(Hoarding { inner, subject, first: Mutex::default() })
        })
    },
    in_biller!(8, "record written after the call", WrittenAfter),
    in_biller!(9, "unknown turned into failed after the last look", GivesUp),
    in_biller!(10, "memory of what was paid kept in the process", Forgets),
    Plant {
        fits: |subject, _| !knows_id_before_paying(subject),
        ..in_biller!(11, "asked by the provider's id only", AsksById)
    },
    in_biller!(12, "sent again long after, as if it were the same purchase", SendsAgainLate),
    in_biller!(13, "sent again under the same reference after a failure", SendsAgainFailed),
    in_biller!(14, "money in floating point", Floats),
    Plant { fits: |_, capabilities| capabilities.callback, ..in_biller!(15, "callback believed", BelievesCallbacks) },
    in_biller!(16, "never asked again, and nobody called", LooksAway),
];

/// For each invariant a mistake that breaks it at every provider.
const BREAKERS: [(Rule, u32); 5] = [
    (Rule::SentOnce, 2),
    (Rule::NeverDenied, 1),
    (Rule::NeverInvented, 5),
    (Rule::EndsWithTheLedger, 16),
    (Rule::NoSecretShown, 3),
];

/// Where the inquiry brings the provider's id, no reply can lose it.
fn knows_id_before_paying(subject: &'static dyn Subject) -> bool {
    let bench = Bench::new(subject);
    let order = subject.order(Course::AtOnce, "CASE-1").expect("an order");
    let attempt = runtime().block_on(bench.biller.prepare(order)).expect("it can be prepared");
    attempt.provider_id().is_some()
}

/// A case, and the rule that it found broken.
type Notice = (String, Rule);

/// What noticed which mistake: by number and provider.
static NOTICED: Mutex<BTreeMap<(u32, &str), Notice>> = Mutex::new(BTreeMap::new());

pub fn trials(cases: &[(&'static dyn Subject, Vec<Case>)]) -> Vec<Trial> {
    let mut trials = Vec::new();
    let mut all = Vec::new();
    for (subject, cases) in cases {
        let subject = *subject;
        let capabilities = Bench::new(subject).biller.capabilities();
        // Cut and altered replies are left out: they bring nothing here, and are most of the matrix.
        let mut cases: Vec<Case> = cases.iter().filter(|case| case.is_basic()).cloned().collect();
        cases.sort_by_key(Case::rank);
        let cases = Arc::new(cases);
        all.push((subject, Arc::clone(&cases)));
        for plant in PLANTS.iter().filter(|plant| (plant.fits)(subject, &capabilities)) {
            let cases = Arc::clone(&cases);
            let name = format!("planted::{:02} {}::{}", plant.number, plant.name, subject.folder());
            trials.push(Trial::test(name, move || {
                let (case, rule, _) = notice(plant, &cases).ok_or_else(|| unnoticed(plant, subject))?;
                let mut noticed = NOTICED.lock().unwrap_or_else(PoisonError::into_inner);
                noticed.insert((plant.number, subject.folder()), (case.name.clone(), rule));
                Ok(())
            }));
        }
    }
    trials.push(Trial::test(
        "suite::planted::every invariant is broken by some planted mistake and named",
        move || {
            for (invariant, number) in BREAKERS {
                let plant = PLANTS.iter().find(|plant| plant.number == number).expect("a plant of this number");
                for (subject, cases) in &all {
                    let (case, rule, message) = notice(plant, cases).ok_or_else(|| unnoticed(plant, *subject))?;
                    let start = format!("provider {}, case {}: {invariant}: ", subject.folder(), case.name);
                    if rule != invariant || !message.starts_with(&start) {
                        return Err(
                            format!("mistake {number} should be noticed as \"{start}…\", but is: {message}").into()
                        );
                    }
                }
            }
            Ok(())
        },
    ));
    trials
}

/// The first case that notices, the rule that is broken, and the message.
fn notice<'a>(plant: &'static Plant, cases: &'a [Case]) -> Option<(&'a Case, Rule, String)> {
    cases.iter().find_map(|case| case.run(Some(plant)).err().map(|(rule, message)| (case, rule, message)))
}

fn unnoticed(plant: &Plant, subject: &dyn Subject) -> String {
    format!("provider {}: mistake {} ({}) went unnoticed", subject.folder(), plant.number, plant.name)
}

pub fn print_table() {
    let noticed = NOTICED.lock().unwrap_or_else(PoisonError::into_inner);
    for plant in PLANTS {
        let rows: Vec<_> = noticed.iter().filter(|((number, _), _)| *number == plant.number).collect();
        if !rows.is_empty() {
            eprintln!("planted {:2}, {}:", plant.number, plant.name);
        }
        for (_, (case, rule)) in rows {
            eprintln!("    noticed in {case}, by {rule}");
        }
    }
    let rules: BTreeSet<Rule> = noticed.values().map(|(_, rule)| *rule).collect();
    for rule in rules {
        let by = noticed.iter().filter(|(_, (_, broken))| *broken == rule).map(|((number, _), _)| *number);
        let numbers: BTreeSet<u32> = by.collect();
        eprintln!("{rule}: broken by planted {numbers:?}");
    }
}

type Sent = Result<http::Response<Bytes>, TransportError>;

struct Repeating {
    inner: Arc<dyn Transport>,
    subject: &'static dyn Subject,
}

impl Transport for Repeating {
    fn send(&self, request: http::Request<Bytes>, limit: usize) -> BoxFuture<'_, Sent> {
        Box::pin(async move {
            let first = self.inner.send(request.clone(), limit).await;
            let fine = first.as_ref().is_ok_and(|reply| {
                reply.status().is_success() && serde_json::from_slice::<serde_json::Value>(reply.body()).is_ok()
            });
            if fine || !self.subject.moves_money(self.subject.operation_of(&request)) {
                return first;
            }
            self.inner.send(request, limit).await
        })
    }
}

struct Chatty(Arc<dyn Transport>);

impl Transport for Chatty {
    fn send(&self, request: http::Request<Bytes>, limit: usize) -> BoxFuture<'_, Sent> {
        let headers: Vec<_> = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, String::from_utf8_lossy(value))).collect();
        tracing::debug!(?headers, body = %String::from_utf8_lossy(request.body()), uri = %request.uri(), "sending");
        self.0.send(request, limit)
    }
}

struct Careless(Arc<dyn Transport>);

impl Transport for Careless {
    fn send(&self, request: http::Request<Bytes>, limit: usize) -> BoxFuture<'_, Sent> {
        Box::pin(async move {
            self.0.send(request, limit).await.map_err(|error| match error.delivery() {
                Delivery::MaybeSent => TransportError::not_sent("timeout"),
                Delivery::NotSent => error,
            })
        })
    }
}

struct Hoarding {
    inner: Arc<dyn Transport>,
    subject: &'static dyn Subject,
    first: Mutex<Option<http::Response<Bytes>>>,
}

impl Transport for Hoarding {
    fn send(&self, request: http::Request<Bytes>, limit: usize) -> BoxFuture<'_, Sent> {
        Box::pin(async move {
            let token = self.subject.token().map(|(operation, _)| operation);
            if token != Some(self.subject.operation_of(&request)) {
                return self.inner.send(request, limit).await;
            }
            let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(first) = first {
                return Ok(first);
            }
            let reply = self.inner.send(request, limit).await?;
            *self.first.lock().unwrap_or_else(PoisonError::into_inner) = Some(reply.clone());
            Ok(reply)
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mistake {
    PendingFails,
    RolledBack,
    MadeUp,
    WrittenAfter,
    GivesUp,
    Forgets,
    AsksById,
    SendsAgainLate,
    SendsAgainFailed,
    Floats,
    BelievesCallbacks,
    LooksAway,
}

/// A biller with one mistake.
struct Wrong {
    inner: Arc<dyn Biller>,
    mistake: Mistake,
    /// References, for the mistake that keeps them here only.
    paid: Mutex<BTreeSet<String>>,
}

impl Wrong {
    fn made_up(&self, attempt: &Attempt) -> Outcome {
        let order = attempt.order();
        let (reference, product) = (order.reference().as_str(), order.product().as_str());
        Outcome::Succeeded(Receipt::new(self.inner.provider(), reference, product, order.customer(), Evidence::Reply))
    }

    /// Buys the same order as if for the first time.
    async fn afresh(&self, attempt: &mut Attempt, records: &dyn Records) -> Outcome {
        match self.inner.prepare(attempt.order().clone()).await {
            Ok(fresh) => {
                *attempt = fresh;
                self.inner.pay(attempt, &Unguarded(records)).await
            }
            Err(error) => Outcome::Unknown(error),
        }
    }

    async fn paid(&self, attempt: &mut Attempt, records: &dyn Records) -> Outcome {
        let scratch = MemoryRecords::default();
        let outcome = match self.mistake {
            Mistake::RolledBack | Mistake::WrittenAfter => self.inner.pay(attempt, &scratch).await,
            Mistake::Forgets => {
                let reference = attempt.order().reference().to_string();
                let known = !self.paid.lock().unwrap_or_else(PoisonError::into_inner).insert(reference);
                if known || attempt.sent_at().is_none() {
                    self.inner.pay(attempt, records).await
                } else {
                    self.afresh(attempt, records).await
                }
            }
            _ => self.inner.pay(attempt, records).await,
        };
        let write = match self.mistake {
            Mistake::RolledBack => outcome.is_final(),
            Mistake::WrittenAfter => true,
            _ => false,
        };
        if write {
            records.save(attempt).await.expect("memory is never full");
        }
        match (self.mistake, outcome) {
            (Mistake::PendingFails, Outcome::Pending) => Outcome::Failed(Refusal::new(ErrorKind::Refused, "pending")),
            (Mistake::MadeUp, Outcome::Unknown(_)) => self.made_up(attempt),
            (Mistake::Floats, Outcome::Succeeded(receipt)) => Outcome::Succeeded(through_floats(receipt)),
            (_, outcome) => outcome,
        }
    }

    async fn looked(&self, attempt: &mut Attempt, records: &dyn Records) -> Outcome {
        if self.mistake == Mistake::AsksById && attempt.provider_id().is_none() && !attempt.stage().is_final() {
            let error = Error::new(ErrorKind::NotFound, Execution::Unknown);
            return Outcome::Unknown(error.with_detail("the provider's id is not known"));
        }
        if self.mistake == Mistake::LooksAway {
            return Outcome::Pending;
        }
        let outcome = self.inner.resolve(attempt, records).await;
        match (self.mistake, outcome) {
            (Mistake::GivesUp, Outcome::Unknown(_) | Outcome::Pending) => {
                Outcome::Failed(Refusal::new(ErrorKind::NotFound, "no answer after the last look"))
            }
            (Mistake::SendsAgainLate, outcome @ (Outcome::Unknown(_) | Outcome::Pending)) if attempt.looks() >= 1 => {
                let again = self.afresh(attempt, records).await;
                if again.is_final() { again } else { outcome }
            }
            (Mistake::SendsAgainFailed, Outcome::Failed(_)) => self.afresh(attempt, records).await,
            (Mistake::Floats, Outcome::Succeeded(receipt)) => Outcome::Succeeded(through_floats(receipt)),
            (_, outcome) => outcome,
        }
    }
}

/// Records that never show another attempt, so that nothing holds the mistake back.
struct Unguarded<'r>(&'r dyn Records);

impl Records for Unguarded<'_> {
    fn save<'a>(&'a self, attempt: &'a Attempt) -> BoxFuture<'a, Result<(), biller_core::RecordError>> {
        self.0.save(attempt)
    }

    fn load<'a>(
        &'a self,
        _: &'a str,
        _: &'a biller_core::Reference,
    ) -> BoxFuture<'a, Result<Option<Attempt>, biller_core::RecordError>> {
        Box::pin(async { Ok(None) })
    }

    fn others<'a>(&'a self, _: &'a Attempt) -> BoxFuture<'a, Result<Vec<Attempt>, biller_core::RecordError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// Splits the amount into net price and 11 % tax, and adds them again.
#[allow(clippy::float_arithmetic, clippy::cast_precision_loss, clippy::cast_possible_truncation)]
fn through_floats(mut receipt: Receipt) -> Receipt {
    receipt.charged = receipt.charged.map(|amount| {
        let net = (amount.get() as f64 / 1.11) as i64;
        Rupiah::new(net + (net as f64 * 0.11) as i64)
    });
    receipt
}

impl Biller for Wrong {
    fn provider(&self) -> &'static str {
        self.inner.provider()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn schedule(&self) -> &Schedule {
        self.inner.schedule()
    }

    fn prepare(&self, order: Order) -> BoxFuture<'_, Result<Attempt, Error>> {
        self.inner.prepare(order)
    }

    fn pay<'a>(&'a self, attempt: &'a mut Attempt, records: &'a dyn Records) -> BoxFuture<'a, Outcome> {
        Box::pin(self.paid(attempt, records))
    }

    fn resolve<'a>(&'a self, attempt: &'a mut Attempt, records: &'a dyn Records) -> BoxFuture<'a, Outcome> {
        Box::pin(self.looked(attempt, records))
    }

    fn parse_callback(&self, request: &http::Request<Bytes>) -> Result<Hint, Error> {
        self.inner.parse_callback(request)
    }

    fn confirm<'a>(
        &'a self,
        attempt: &'a mut Attempt,
        hint: &'a Hint,
        records: &'a dyn Records,
    ) -> BoxFuture<'a, Outcome> {
        if self.mistake == Mistake::BelievesCallbacks && hint.claim == Claim::Succeeded {
            return Box::pin(async { self.made_up(attempt) });
        }
        self.inner.confirm(attempt, hint, records)
    }
}
