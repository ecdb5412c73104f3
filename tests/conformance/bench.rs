//! A client and the sandbox with a line between them that can be disturbed, and that keeps count.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use biller_core::{Biller, BoxFuture, MemoryRecords, Order, Outcome, Stage, Transport, TransportError, Wiring};
use biller_sandbox::{Charge, Mount, Operation, Sandbox};
use biller_tests::{SharedClock, Shown, sandbox, shared_clock};
use bytes::Bytes;

use crate::faults::{Answer, Fault};
use crate::planted::Plant;
use crate::subject::{Course, Goods, Subject};

/// One request as the line saw it.
#[derive(Clone)]
pub struct Seen {
    pub operation: &'static str,
    pub request: http::Request<Bytes>,
    /// What the server answered; `None` where it never got the request, or answered nothing.
    pub reply: Option<http::Response<Bytes>>,
    /// Whether the purchase stood in the records as sent when the request left. True for requests that move no money.
    pub written: bool,
}

#[derive(Default)]
struct State {
    faults: Vec<(&'static str, Fault)>,
    seen: Vec<Seen>,
    /// The purchase whose record has to be there before money moves.
    expected: Option<(&'static str, String)>,
    /// Another way, for the requests of one operation.
    diverted: Option<(&'static str, Arc<dyn Transport>)>,
}

/// The way to the server.
#[derive(Clone)]
pub struct Line {
    subject: &'static dyn Subject,
    server: Mount,
    records: Arc<MemoryRecords>,
    state: Arc<Mutex<State>>,
}

impl Line {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on the fault acts on every request of the operation; of several, the one that was armed first.
    pub fn disturb(&self, operation: &'static str, fault: Fault) {
        self.state().faults.push((operation, fault));
    }

    /// From now on the requests of the operation take another way.
    pub fn divert(&self, operation: &'static str, way: impl Transport + 'static) {
        self.state().diverted = Some((operation, Arc::new(way)));
    }

    pub fn heal(&self) {
        let mut state = self.state();
        state.faults.clear();
        state.diverted = None;
    }

    /// The server at its end.
    pub fn server(&self) -> Mount {
        self.server.clone()
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// From now on every request that moves money has to find this purchase in the records, as sent.
    pub fn expect_written(&self, provider: &'static str, reference: &str) {
        self.state().expected = Some((provider, reference.to_owned()));
    }

    fn is_written(&self) -> bool {
        match &self.state().expected {
            None => true,
            Some((provider, reference)) => {
                self.records.get(provider, reference).is_some_and(|attempt| attempt.stage() != Stage::Prepared)
            }
        }
    }
}

impl Transport for Line {
    fn send(
        &self,
        request: http::Request<Bytes>,
        max_reply_bytes: usize,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let operation = self.subject.operation_of(&request);
            let written = !self.subject.moves_money(operation) || self.is_written();
            let (at, fault, diverted) = {
                let mut state = self.state();
                state.seen.push(Seen { operation, request: request.clone(), reply: None, written });
                let fault = state.faults.iter().find(|(on, _)| *on == operation).map(|(_, fault)| fault.clone());
                let diverted = state.diverted.as_ref().filter(|(on, _)| *on == operation).map(|(_, way)| way.clone());
                (state.seen.len() - 1, fault, diverted)
            };
            if let Some(way) = diverted {
                return way.send(request, max_reply_bytes).await;
            }
            let reply = match &fault {
                Some(Fault { reaches: false, .. }) => None,
                _ => {
                    let reply = self.server.send(request, max_reply_bytes).await?;
                    self.state().seen[at].reply = Some(reply.clone());
                    Some(reply)
                }
            };
            match (fault, reply) {
                (Some(fault), reply) => match (fault.answer)(reply.as_ref()) {
                    Answer::Is(answer) => answer,
                    Answer::Never => std::future::pending().await,
                },
                (None, Some(reply)) => Ok(reply),
                (None, None) => Err(TransportError::not_sent("no way to the server")),
            }
        })
    }
}

/// Time that passes only when everybody waits for it.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime")
}

pub struct Bench {
    pub subject: &'static dyn Subject,
    pub clock: SharedClock,
    pub sandbox: Sandbox,
    pub records: Arc<MemoryRecords>,
    pub line: Line,
    pub shown: Shown,
    pub biller: Arc<dyn Biller>,
    goods: Option<&'static Goods>,
    plant: Option<&'static Plant>,
    bearer: Mutex<BTreeSet<String>>,
}

impl Bench {
    /// A fresh bench.
    pub fn new(subject: &'static dyn Subject) -> Self {
        Self::selling(subject, None, None)
    }

    /// A fresh bench that sells these goods, `None` for the usual ones; what is planted stands between client and line, or around
    /// the client.
    pub fn selling(
        subject: &'static dyn Subject,
        goods: Option<&'static Goods>,
        plant: Option<&'static Plant>,
    ) -> Self {
        let clock = shared_clock();
        let sandbox = sandbox(&clock);
        let records = Arc::new(MemoryRecords::default());
        let line = Line { subject, server: sandbox.transport(), records: Arc::clone(&records), state: Arc::default() };
        let mut bench = Self {
            subject,
            biller: subject.biller(Wiring::over(line.clone())),
            clock,
            sandbox,
            records,
            line,
            shown: Shown::default(),
            goods,
            plant,
            bearer: Mutex::default(),
        };
        bench.biller = bench.new_biller();
        bench
    }

    /// An order with this course; `None` where the goods know no such course.
    pub fn order(&self, course: Course, reference: &str) -> Option<Order> {
        match self.goods {
            None => self.subject.order(course, reference),
            Some(goods) => (goods.order)(course, reference),
        }
    }

    /// How a purchase goes that succeeds: at once where the goods can.
    pub fn usual_course(&self) -> Course {
        if self.order(Course::AtOnce, "CASE-0").is_some() { Course::AtOnce } else { Course::Settles }
    }

    /// What a client of this bench runs on.
    pub fn wiring(&self) -> Wiring {
        let line: Arc<dyn Transport> = Arc::new(self.line.clone());
        let line = match self.plant.and_then(|plant| plant.transport) {
            Some(plant) => plant(line, self.subject),
            None => line,
        };
        Wiring::over(line).with_clock(self.clock.clone())
    }

    /// A biller that knows nothing of what was done before, as after a restart.
    pub fn new_biller(&self) -> Arc<dyn Biller> {
        let biller = self.subject.biller(self.wiring());
        match self.plant.and_then(|plant| plant.biller) {
            Some(plant) => plant(biller),
            None => biller,
        }
    }

    pub fn charges(&self) -> Vec<Charge> {
        let name = self.subject.sandbox_name();
        self.sandbox.charges().into_iter().filter(|charge| charge.provider == name).collect()
    }

    /// How many requests that move money the server has received, by its own count. Those whose token it refused don't count: the
    /// specification has them sent again.
    pub fn received(&self) -> usize {
        let name = self.subject.sandbox_name();
        let payments = self.sandbox.requests().into_iter().filter(|request| {
            request.provider == name && request.operation == Some(Operation::Payment) && request.status != Some(401)
        });
        payments.count()
    }

    /// Keeps what an outcome shows, and the bearer money in it.
    pub fn show(&self, outcome: &Outcome) {
        self.shown.debug(outcome);
        match outcome {
            Outcome::Succeeded(receipt) => {
                let mut bearer = self.bearer.lock().unwrap_or_else(PoisonError::into_inner);
                if self.subject.serials_can_be_spent() {
                    bearer.extend(receipt.serial.as_ref().map(|serial| serial.expose().to_owned()));
                }
                bearer.extend(receipt.stroom_token.iter().flat_map(|token| [token.reveal(), token.reveal_grouped()]));
            }
            Outcome::Unknown(error) => self.shown.error(error),
            Outcome::Failed(refusal) => self.shown.add(refusal.to_string()),
            Outcome::Pending => {}
        }
    }

    /// Everything that must not have been shown.
    pub fn secrets(&self) -> BTreeSet<String> {
        let mut secrets: BTreeSet<String> = self.subject.credentials().into_iter().collect();
        secrets.extend(self.bearer.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        for seen in self.line.seen() {
            secrets.extend(self.subject.secrets_of(&seen.request));
            for (name, value) in seen.request.headers() {
                let carries_secrets =
                    ["auth", "sign", "token", "key", "secret"].iter().any(|word| name.as_str().contains(word));
                if let (true, Ok(value)) = (carries_secrets, value.to_str()) {
                    secrets.insert(value.trim_start_matches("Bearer ").trim_start_matches("Basic ").to_owned());
                }
            }
        }
        secrets.retain(|secret| secret.len() >= 4);
        secrets
    }
}
