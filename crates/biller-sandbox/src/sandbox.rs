//! The server's state, and the way of one request through it.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State as AxumState;
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::callbacks::{self, Callback, Callbacks, Delivery, Poster};
use crate::clock::{self, Clock, SystemClock};
use crate::context::Context;
use crate::control::{self, Refusal};
use crate::faults::{Acting, Fault, FaultKind, Faults};
use crate::ledger::{Charge, Ledger};
use crate::mount::Mount;
use crate::provider::{Profile, Provider, Reply, Request};
use crate::random::Random;
use crate::requests::{LoggedRequest, RequestLog, Verdict, redacted_path};
use crate::settle::{Pending, Schedule};

/// Larger bodies are refused with 413.
const MAX_BODY: usize = 1 << 20;

/// Sees every request to a provider once it has been handled.
type Observer = Box<dyn Fn(&LoggedRequest) + Send + Sync>;

/// Five providers in one place, with their books. Clones share everything.
///
/// ```
/// use biller_sandbox::Sandbox;
///
/// let sandbox = Sandbox::new();
/// assert!(sandbox.charges().is_empty());
/// ```
#[derive(Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

struct Inner {
    seed: u64,
    deposit: Option<i64>,
    settle_after: Duration,
    clock: Box<dyn Clock>,
    observer: Option<Observer>,
    state: Mutex<State>,
    /// Set once the sandbox delivers its callbacks itself.
    poster: OnceLock<Arc<Poster>>,
    /// Tells the deliverer that there is something to do.
    wake: Notify,
}

struct State {
    providers: Vec<Slot>,
    books: Books,
}

struct Slot {
    provider: Box<dyn Provider>,
    random: Random,
}

/// What is kept for all providers alike.
#[derive(Default)]
pub(crate) struct Books {
    pub(crate) ledger: Ledger,
    pub(crate) faults: Faults,
    pub(crate) callbacks: Callbacks,
    pub(crate) schedule: Schedule,
    log: RequestLog,
}

/// Settings of a [`Sandbox`].
#[must_use]
pub struct SandboxBuilder {
    seed: u64,
    deposit: Option<i64>,
    settle_after: Duration,
    clock: Box<dyn Clock>,
    observer: Option<Observer>,
}

impl SandboxBuilder {
    /// Where all randomness comes from; 1 by default.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The partner's deposit at every provider at first, in rupiah; by default each provider has its own.
    pub fn deposit(mut self, deposit: i64) -> Self {
        self.deposit = Some(deposit);
        self
    }

    /// How long a pending transaction takes to become final; 2 s by default.
    pub fn settle_after(mut self, settle_after: Duration) -> Self {
        self.settle_after = settle_after;
        self
    }

    /// Where the time comes from; the machine's clock by default.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Shows every request to a provider to `observer` once it has been handled. It must not call the sandbox.
    pub fn observer(mut self, observer: impl Fn(&LoggedRequest) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// A sandbox in the seed's initial state.
    pub fn build(self) -> Sandbox {
        let Self { seed, deposit, settle_after, clock, observer } = self;
        let state = Mutex::new(State::new(seed, deposit));
        let (poster, wake) = (OnceLock::new(), Notify::new());
        Sandbox { inner: Arc::new(Inner { seed, deposit, settle_after, clock, observer, state, poster, wake }) }
    }
}

impl fmt::Debug for SandboxBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxBuilder")
            .field("seed", &self.seed)
            .field("settle_after", &self.settle_after)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("seed", &self.inner.seed).finish_non_exhaustive()
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

/// The mark, among a response's extensions, of a connection that must be closed without a reply.
///
/// A router cannot close a connection. [`Sandbox::serve`], [`Sandbox::serve_connection`] and [`Sandbox::transport`] do what the mark
/// says; whoever serves [`Sandbox::router`] otherwise has to look for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionClosed;

/// How a request ends for the client.
enum Ending {
    Reply(Reply),
    Closed,
}

/// A request's way through the locked state is over; this is what remains to be done.
struct Exchange {
    ending: Ending,
    delay: Duration,
    outbox: Vec<Delivery>,
}

impl Sandbox {
    /// A sandbox with seed 1, the machine's clock, and transactions that settle after 2 s.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Settings, starting from those of [`Sandbox::new`].
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder {
            seed: 1,
            deposit: None,
            settle_after: Duration::from_secs(2),
            clock: Box::new(SystemClock),
            observer: None,
        }
    }

    /// All providers and the control interface, each under its path prefix. See [`ConnectionClosed`] before serving it.
    pub fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }

    /// Reaches the sandbox without a socket.
    pub fn transport(&self) -> Mount {
        Mount::new(self.router())
    }

    /// Every charge, oldest first.
    pub fn charges(&self) -> Vec<Charge> {
        self.settled().books.ledger.charges.clone()
    }

    /// The partner's deposit at each provider, in rupiah.
    pub fn balances(&self) -> BTreeMap<&'static str, i64> {
        self.settled().books.ledger.balances.clone()
    }

    /// The latest requests to providers, newest first; the last thousand are kept.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.latest_requests(usize::MAX)
    }

    /// Arms a fault.
    ///
    /// # Errors
    /// The provider or operation is unknown, or the fault makes no sense there; the message lists what is known.
    pub fn arm(&self, fault: Fault) -> Result<(), Refusal> {
        let profile = self.profile(&fault.provider)?;
        self.lock().books.faults.arm(profile, fault)
    }

    /// Disarms all faults.
    pub fn clear_faults(&self) {
        self.lock().books.faults.clear();
    }

    /// Sets where a provider's callbacks go: an `http` URL.
    ///
    /// # Errors
    /// The provider is unknown or posts no callbacks, or the URL is not usable.
    pub fn send_callbacks_to(&self, provider: &str, url: &str) -> Result<(), Refusal> {
        let mut state = self.lock();
        let posting = |profile: &&'static Profile| profile.has_callbacks();
        let profile = state.profiles().filter(posting).find(|profile| profile.name == provider).ok_or_else(|| {
            Refusal::unknown(
                "provider with callbacks",
                provider,
                state.profiles().filter(posting).map(|profile| profile.name),
            )
        })?;
        let usable = url.parse::<http::Uri>().is_ok_and(|url| url.scheme_str() == Some("http") && url.host().is_some());
        if !usable {
            return Err(Refusal::unprocessable("`url` must be an absolute URL that begins with http://"));
        }
        state.books.callbacks.urls.insert(profile.name, url.to_owned());
        Ok(())
    }

    /// Takes the callbacks whose time has come, oldest first. For a sandbox that is mounted in process; a served one delivers them
    /// itself.
    pub fn take_callbacks(&self) -> Vec<Callback> {
        let now = self.now();
        let due = self.settled().books.callbacks.take_due(now);
        due.into_iter()
            .map(|Delivery { provider, url, headers, body, before_reply, .. }| Callback {
                provider,
                url,
                headers,
                body,
                before_reply,
            })
            .collect()
    }

    /// Makes every pending transaction final now and returns how many there were.
    pub fn settle(&self) -> usize {
        let now = self.now();
        let mut state = self.settled();
        let pending = state.books.schedule.take_all();
        let count = pending.len();
        for pending in pending {
            state.settle(pending, now, self.inner.settle_after);
        }
        drop(state);
        self.inner.wake.notify_one();
        count
    }

    /// What a client of `provider` needs to connect: keys, secrets and PINs, as `GET /_sandbox` shows them. None where the provider
    /// is unknown.
    pub fn credentials(&self, provider: &str) -> Option<Value> {
        let state = self.lock();
        let slot = state.providers.iter().find(|slot| slot.provider.profile().name == provider)?;
        Some(slot.provider.credentials())
    }

    /// Puts back the seed's initial state. The clock goes on.
    pub fn reset(&self) {
        let mut state = self.lock();
        let era = state.books.callbacks.era + 1;
        *state = State::new(self.inner.seed, self.inner.deposit);
        state.books.callbacks.era = era;
    }

    pub(crate) fn latest_requests(&self, limit: usize) -> Vec<LoggedRequest> {
        self.lock().books.log.latest(limit)
    }

    pub(crate) fn armed(&self) -> Value {
        self.lock().books.faults.to_json()
    }

    pub(crate) fn profile(&self, name: &str) -> Result<&'static Profile, Refusal> {
        let state = self.lock();
        let profile = state.profiles().find(|profile| profile.name == name);
        profile.ok_or_else(|| Refusal::unknown("provider", name, state.profiles().map(|profile| profile.name)))
    }

    pub(crate) fn overview(&self, origin: &str) -> Value {
        let state = self.lock();
        let providers: serde_json::Map<_, _> = state
            .providers
            .iter()
            .map(|Slot { provider, .. }| {
                let name = provider.profile().name;
                let overview = json!({
                    "base_url": format!("{origin}/{name}"),
                    "credentials": provider.credentials(),
                    "scenarios": provider.scenarios(),
                });
                (name.to_owned(), overview)
            })
            .collect();
        json!({ "providers": providers })
    }

    /// The client for callbacks; from now on the sandbox delivers them itself.
    pub(crate) fn poster(&self) -> Arc<Poster> {
        self.inner.poster.get_or_init(|| Arc::new(Poster::new())).clone()
    }

    /// Callbacks to deliver now, and how long there will be nothing to do.
    pub(crate) fn due_deliveries(&self) -> (Vec<Delivery>, Option<Duration>) {
        let now = self.now();
        let mut state = self.settled();
        let due = state.books.callbacks.take_due(now);
        let next = [state.books.callbacks.next_due(), state.books.schedule.next_due()].into_iter().flatten().min();
        (due, next.map(|next| next.duration_since(now).unsigned_abs()))
    }

    pub(crate) fn deliver_again(&self, failed: Delivery) {
        if let Some(delivery) = callbacks::next_try(failed, self.now()) {
            self.queue([delivery]);
        }
    }

    pub(crate) async fn woken(&self) {
        self.inner.wake.notified().await;
    }

    fn queue(&self, deliveries: impl IntoIterator<Item = Delivery>) {
        self.lock().books.callbacks.push(deliveries);
        self.inner.wake.notify_one();
    }

    fn now(&self) -> Timestamp {
        clock::reading(&*self.inner.clock)
    }

    /// A panic inside a provider is answered like any other failure, so a poisoned lock means nothing.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, with everything final whose time has come.
    fn settled(&self) -> MutexGuard<'_, State> {
        let now = self.now();
        let mut state = self.lock();
        if state.settle_due(now, self.inner.settle_after) {
            self.inner.wake.notify_one();
        }
        state
    }

    async fn dispatch(&self, request: http::Request<Bytes>) -> Ending {
        if control::owns(request.uri().path()) {
            return Ending::Reply(control::answer(self, &request));
        }
        let exchange = self.exchange(&Request::new(request));
        // Dropped at the end, or earlier if the client gives up waiting: either way the callbacks go out.
        let mut outbox = Outbox { sandbox: self, deliveries: exchange.outbox };
        outbox.post_early_ones().await;
        if !exchange.delay.is_zero() {
            tokio::time::sleep(exchange.delay).await;
        }
        exchange.ending
    }

    /// The part that needs the state.
    fn exchange(&self, request: &Request) -> Exchange {
        let now = self.now();
        let mut state = self.settled();
        let State { providers, books } = &mut *state;
        let Some(Slot { provider, random }) =
            providers.iter_mut().find(|slot| slot.provider.profile().name == request.prefix)
        else {
            return Exchange { ending: Ending::Reply(Reply::page(404)), delay: Duration::ZERO, outbox: Vec::new() };
        };
        let profile = provider.profile();
        let operation = provider.operation_of(request);
        let acting = operation.and_then(|operation| books.faults.on_request(profile, operation));
        let mut context = Context::new(now, profile, books, random, self.inner.settle_after, acting);
        let done = catch_unwind(AssertUnwindSafe(|| act(&mut **provider, &mut context, request, acting)));
        let (ending, used) = done.unwrap_or_else(|_| (Ending::Reply(Reply::page(500)), false));
        let Context { mut verdict, outbox, .. } = context;
        let delay = match acting {
            Some(acting) if used => {
                books.faults.use_up(acting);
                if before_everything(acting.kind) {
                    verdict = Verdict::unchecked(format!("not checked: the fault `{}` came first", acting.kind.name()));
                }
                acting.delay
            }
            _ => Duration::ZERO,
        };
        let entry = LoggedRequest {
            provider: profile.name,
            operation,
            method: request.method.to_string(),
            path: redacted_path(request),
            status: match &ending {
                Ending::Reply(reply) => Some(reply.status.as_u16()),
                Ending::Closed => None,
            },
            verdict,
        };
        if let Some(observer) = &self.inner.observer {
            observer(&entry);
        }
        books.log.push(entry);
        let ending = match ending {
            Ending::Reply(reply) => Ending::Reply(dated(reply, now)),
            Ending::Closed => Ending::Closed,
        };
        Exchange { ending, delay, outbox }
    }
}

/// Whether a fault acts before the provider sees the request.
fn before_everything(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::LoseRequest | FaultKind::ErrorBefore | FaultKind::Throttle | FaultKind::ExpireToken)
}

/// Lets the fault or the provider act. The flag says whether the fault was used up here.
fn act(
    provider: &mut dyn Provider,
    context: &mut Context<'_>,
    request: &Request,
    acting: Option<Acting>,
) -> (Ending, bool) {
    let kind = acting.map(|acting| acting.kind);
    match kind {
        Some(FaultKind::LoseRequest) => return (Ending::Closed, true),
        Some(FaultKind::ErrorBefore) => return (Ending::Reply(Reply::page(503)), true),
        Some(FaultKind::Throttle) => {
            return (Ending::Reply(provider.throttled().with_header("retry-after", "1")), true);
        }
        Some(FaultKind::ExpireToken) => return (Ending::Reply(provider.expire_token(context, request)), true),
        _ => {}
    }
    let mut reply = provider.handle(context, request);
    if !reply.passed {
        return (Ending::Reply(reply), false);
    }
    match kind {
        Some(FaultKind::LoseReply) => (Ending::Closed, true),
        Some(FaultKind::ErrorAfter) => (Ending::Reply(Reply::page(500)), true),
        Some(FaultKind::GarbleReply) => {
            reply.body.truncate(reply.body.len() / 2);
            (Ending::Reply(reply), true)
        }
        Some(FaultKind::Delay) => (Ending::Reply(reply), true),
        _ => (Ending::Reply(reply), false),
    }
}

/// The server's clock is the injected one, in the `Date` header too.
fn dated(mut reply: Reply, now: Timestamp) -> Reply {
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now);
    if let Some(date) = date.ok().and_then(|date| HeaderValue::try_from(date).ok()) {
        reply.headers.insert(header::DATE, date);
    }
    reply
}

impl State {
    fn new(seed: u64, deposit: Option<i64>) -> Self {
        let providers: Vec<_> = crate::providers(seed)
            .into_iter()
            .map(|provider| Slot { random: Random::new(seed, provider.profile().name), provider })
            .collect();
        let mut books = Books::default();
        for Slot { provider, .. } in &providers {
            let profile = provider.profile();
            books.ledger.balances.insert(profile.name, deposit.unwrap_or(profile.balance));
        }
        Self { providers, books }
    }

    fn profiles(&self) -> impl Iterator<Item = &'static Profile> {
        self.providers.iter().map(|slot| slot.provider.profile())
    }

    /// Whether there was any.
    fn settle_due(&mut self, now: Timestamp, settle_after: Duration) -> bool {
        let mut any = false;
        while let Some(pending) = self.books.schedule.pop_due(now) {
            let due = pending.due.unwrap_or(now);
            self.settle(pending, due, settle_after);
            any = true;
        }
        any
    }

    fn settle(&mut self, pending: Pending, at: Timestamp, settle_after: Duration) {
        let Some(slot) = self.providers.iter_mut().find(|slot| slot.provider.profile().name == pending.provider) else {
            return;
        };
        let profile = slot.provider.profile();
        let mut context = Context::new(at, profile, &mut self.books, &mut slot.random, settle_after, None);
        // A panic leaves this transaction pending and the others alone.
        let _ = catch_unwind(AssertUnwindSafe(|| slot.provider.settle(&mut context, pending.key)));
        let outbox = context.outbox;
        self.books.callbacks.push(outbox);
    }
}

/// Callbacks that a request caused. They are queued when its reply is handed over.
struct Outbox<'a> {
    sandbox: &'a Sandbox,
    deliveries: Vec<Delivery>,
}

impl Outbox<'_> {
    /// Posts those that have to overtake the reply, if the sandbox delivers its callbacks itself.
    async fn post_early_ones(&mut self) {
        let Some(poster) = self.sandbox.inner.poster.get() else { return };
        while let Some(index) = self.deliveries.iter().position(|delivery| delivery.before_reply) {
            let delivery = self.deliveries.remove(index);
            if !poster.post(&delivery).await {
                self.sandbox.deliver_again(delivery);
            }
        }
    }
}

impl Drop for Outbox<'_> {
    fn drop(&mut self) {
        if !self.deliveries.is_empty() {
            self.sandbox.queue(self.deliveries.drain(..));
        }
    }
}

async fn answer(AxumState(sandbox): AxumState<Sandbox>, request: http::Request<Body>) -> http::Response<Body> {
    let (head, body) = request.into_parts();
    let ending = match read(body).await {
        Ok(body) => sandbox.dispatch(http::Request::from_parts(head, body)).await,
        Err(status) => Ending::Reply(Reply::page(status)),
    };
    let mut response = http::Response::new(Body::empty());
    match ending {
        Ending::Reply(reply) => {
            *response.status_mut() = reply.status;
            *response.headers_mut() = *reply.headers;
            *response.body_mut() = Body::from(reply.body);
        }
        Ending::Closed => {
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response.extensions_mut().insert(ConnectionClosed);
        }
    }
    response
}

/// Reads a body to its end; one that is too large is read too, so that the client gets to see the refusal.
async fn read(mut body: Body) -> Result<Bytes, u16> {
    let mut bytes = BytesMut::new();
    let mut too_large = false;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Err(400) };
        let Some(data) = frame.data_ref() else { continue };
        too_large |= bytes.len() + data.len() > MAX_BODY;
        if !too_large {
            bytes.extend_from_slice(data);
        }
    }
    if too_large { Err(413) } else { Ok(bytes.freeze()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Operation;

    /// A provider that fails at everything.
    struct Broken;

    static BROKEN: Profile = Profile {
        name: "broken",
        operations: &[Operation::Payment],
        balance: 0,
        tokens: false,
        can_lose_transactions: &[],
        callback_retries: &[],
    };

    impl Provider for Broken {
        fn profile(&self) -> &'static Profile {
            &BROKEN
        }
        fn credentials(&self) -> Value {
            Value::Null
        }
        fn scenarios(&self) -> Value {
            Value::Null
        }
        fn operation_of(&self, _request: &Request) -> Option<Operation> {
            None
        }
        fn handle(&mut self, context: &mut Context<'_>, _request: &Request) -> Reply {
            context.settle_later(0);
            panic!("handling fails");
        }
        fn settle(&mut self, _context: &mut Context<'_>, _key: u64) {
            panic!("settling fails");
        }
    }

    #[tokio::test]
    async fn a_panic_is_answered_and_stops_nobody() {
        let sandbox = Sandbox::builder().settle_after(Duration::ZERO).build();
        let random = Random::new(1, "broken");
        sandbox.lock().providers.push(Slot { provider: Box::new(Broken), random });
        for _ in 0..3 {
            let request = http::Request::post("/broken/pay").body(Bytes::new()).expect("request");
            match sandbox.dispatch(request).await {
                Ending::Reply(reply) => assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR),
                Ending::Closed => panic!("closed"),
            }
        }
        assert_eq!(sandbox.settle(), 0);
        assert_eq!(sandbox.requests().len(), 3);
    }
}
