//! Everything around the processes: time, faults, the providers, the store, and what has been seen.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, UNIX_EPOCH};

use biller_core::{Clock, Order, Receipt, Timestamp, Transport, TransportError};
use biller_journal::{SqliteStore, State, Store};
use biller_sandbox::{Mount, Sandbox};
use bytes::Bytes;
use tokio::sync::Notify;

use crate::mistakes::Mistake;
use crate::seen::Seen;
use crate::sides::{self, Side};

/// 2024-02-07T00:00:00+07:00.
const MIDNIGHT: i64 = 1_707_238_800_000;
const MINUTE: i64 = 60_000;

/// The time of the simulation: tokio's, which jumps while nothing happens, and jumps of its own.
#[derive(Clone)]
pub struct SimClock {
    began: tokio::time::Instant,
    start: i64,
    jumped: Arc<AtomicI64>,
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.began.elapsed().as_millis()).unwrap();
        Timestamp::from_unix_millis(self.start + passed + self.jumped.load(Ordering::SeqCst))
    }
}

/// How often what happens, in thousandths.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    pub network: usize,
    pub sandbox: usize,
    pub store_before: usize,
    pub store_after: usize,
    pub callback: usize,
    /// Of a second.
    pub jump: usize,
    /// Of a step.
    pub freeze: usize,
    pub deadly: bool,
}

/// Which simulation to play.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    pub seed: u64,
    pub mistake: Mistake,
    /// This provider alone, instead of those that the seed draws.
    pub only: Option<&'static dyn Side>,
    /// Whether to keep a line about everything that happens.
    pub traced: bool,
}

impl std::fmt::Debug for dyn Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.provider())
    }
}

/// An order and where it is bought.
#[derive(Clone)]
pub struct Ordered {
    pub side: &'static dyn Side,
    pub order: Order,
}

impl Ordered {
    pub fn name(&self) -> String {
        self.side.name(&self.order)
    }
}

pub struct World {
    pub seed: u64,
    pub sandbox: Sandbox,
    line: Mount,
    pub store: SqliteStore,
    pub clock: SimClock,
    pub sides: Vec<&'static dyn Side>,
    pub mistake: Mistake,
    /// How many processes share the store.
    pub processes: usize,
    /// What each provider held at first.
    pub deposits: BTreeMap<&'static str, i64>,
    pub rates: Rates,
    healed: AtomicBool,
    /// Whether any process has been frozen.
    pub has_frozen: AtomicBool,
    /// How often what was held up has been let go.
    pub releases: AtomicU64,
    released: Arc<Notify>,
    /// Whether the clock is about to jump.
    jumping: AtomicBool,
    rng: Mutex<fastrand::Rng>,
    down_until: Mutex<BTreeMap<&'static str, Timestamp>>,
    orders: Mutex<Vec<Ordered>>,
    /// Payments that may have reached a provider, by provider and the name that they carry.
    buys: Mutex<BTreeMap<(&'static str, String), usize>>,
    /// Everything that the providers have said.
    replies: Mutex<Vec<(&'static dyn Side, Bytes)>>,
    /// Every receipt that a client has issued, by reference.
    receipts: Mutex<Vec<(String, Receipt)>>,
    /// Rules that were broken on the way.
    broken: Mutex<Vec<String>>,
    seen: Mutex<Seen>,
    trace: Option<Mutex<Vec<String>>>,
}

impl World {
    /// With faults, providers, the time of day and the deposits drawn from the seed.
    pub fn drawn(script: Script) -> Arc<Self> {
        let mut rng = fastrand::Rng::with_seed(script.seed);
        let mut rate = |most: usize| if rng.bool() { rng.usize(..=most) } else { 0 };
        let rates = Rates {
            network: rate(400),
            sandbox: rate(100),
            store_before: rate(60),
            store_after: rate(60),
            callback: rate(1000),
            jump: rate(4),
            freeze: rate(15),
            deadly: rate(2) > 0,
        };
        let processes = if rng.usize(..3) == 0 { 2 } else { 1 };
        let mut sides = sides::ALL.to_vec();
        rng.shuffle(&mut sides);
        sides.truncate(if rng.usize(..3) == 0 { 2 } else { 1 });
        let settle_after = Duration::from_secs(rng.u64(1..1500));
        let minute = match rng.usize(..4) {
            // So that what is sent before midnight is asked about after it.
            0 => rng.i64(23 * 60 + 5..23 * 60 + 59),
            1 => rng.i64(0..24) * 60,
            _ => 10 * 60 + 28,
        };
        let deposit = (rng.usize(..6) == 0).then(|| rng.i64(5_000..200_000));
        let sides = script.only.map_or(sides, |only| vec![only]);
        let mut sandbox = Sandbox::builder().seed(script.seed).settle_after(settle_after);
        if let Some(deposit) = deposit {
            sandbox = sandbox.deposit(deposit);
        }
        Self::new(script, rng, rates, processes, sides, MIDNIGHT + minute * MINUTE, sandbox)
    }

    /// One provider, without any fault but those that are asked for.
    pub fn quiet(side: &'static dyn Side, mistake: Mistake) -> Arc<Self> {
        let script = Script { seed: 1, mistake, only: Some(side), traced: false };
        let sandbox = Sandbox::builder().settle_after(Duration::from_secs(20));
        let start = MIDNIGHT + (10 * 60 + 28) * MINUTE;
        Self::new(script, fastrand::Rng::with_seed(1), Rates::default(), 1, vec![side], start, sandbox)
    }

    fn new(
        script: Script,
        rng: fastrand::Rng,
        rates: Rates,
        processes: usize,
        sides: Vec<&'static dyn Side>,
        start: i64,
        sandbox: biller_sandbox::SandboxBuilder,
    ) -> Arc<Self> {
        let clock = SimClock { began: tokio::time::Instant::now(), start, jumped: Arc::default() };
        let now = clock.clone();
        let now = move || UNIX_EPOCH + Duration::from_millis(now.now().unix_millis().unsigned_abs());
        let sandbox = sandbox.clock(now).build();
        for side in &sides {
            // Some post none, some are told the address with each payment.
            let _ = sandbox.send_callbacks_to(side.sandbox(), "http://127.0.0.1/callback");
        }
        Arc::new(Self {
            seed: script.seed,
            line: sandbox.transport(),
            deposits: sandbox.balances(),
            sandbox,
            store: SqliteStore::in_memory().unwrap(),
            clock,
            sides,
            mistake: script.mistake,
            processes,
            rates,
            healed: AtomicBool::new(false),
            has_frozen: AtomicBool::new(false),
            releases: AtomicU64::new(0),
            released: Arc::new(Notify::new()),
            jumping: AtomicBool::new(false),
            rng: Mutex::new(rng),
            down_until: Mutex::default(),
            orders: Mutex::default(),
            buys: Mutex::default(),
            replies: Mutex::default(),
            receipts: Mutex::default(),
            broken: Mutex::default(),
            seen: Mutex::default(),
            trace: script.traced.then(Mutex::default),
        })
    }

    /// A number below `limit`.
    pub fn draw(&self, limit: usize) -> usize {
        self.rng.lock().unwrap().usize(..limit)
    }

    pub fn is_healed(&self) -> bool {
        self.healed.load(Ordering::SeqCst)
    }

    /// No fault from now on.
    pub fn heal(&self) {
        self.healed.store(true, Ordering::SeqCst);
        self.sandbox.clear_faults();
    }

    /// Whether a fault of that rate happens now; none does after healing.
    pub fn happens(&self, rate: impl Fn(&Rates) -> usize) -> bool {
        let rate = rate(&self.rates);
        !self.is_healed() && rate > 0 && self.draw(1000) < rate
    }

    /// Counts what concerns no provider.
    pub fn note(&self, what: &'static str) {
        self.note_of("", what);
    }

    pub fn note_of(&self, provider: &'static str, what: &'static str) {
        self.seen.lock().unwrap().note(provider, what);
    }

    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    pub fn trace(&self, what: impl FnOnce() -> String) {
        if let Some(trace) = &self.trace {
            trace.lock().unwrap().push(format!("{} {}", self.clock.now().to_wib_millis(), what()));
        }
    }

    pub fn take_trace(&self) -> Vec<String> {
        self.trace.as_ref().map(|trace| std::mem::take(&mut *trace.lock().unwrap())).unwrap_or_default()
    }

    pub fn break_rule(&self, what: String) {
        self.broken.lock().unwrap().push(what);
    }

    pub fn broken(&self) -> Option<String> {
        self.broken.lock().unwrap().first().cloned()
    }

    pub fn orders(&self) -> MutexGuard<'_, Vec<Ordered>> {
        self.orders.lock().unwrap()
    }

    pub fn replies(&self) -> MutexGuard<'_, Vec<(&'static dyn Side, Bytes)>> {
        self.replies.lock().unwrap()
    }

    pub fn issue(&self, receipt: &Receipt) {
        self.receipts.lock().unwrap().push((receipt.reference.clone(), receipt.clone()));
    }

    pub fn issued(&self, reference: &str) -> Vec<Receipt> {
        let receipts = self.receipts.lock().unwrap();
        receipts.iter().filter(|(of, _)| of == reference).map(|(_, receipt)| receipt.clone()).collect()
    }

    /// Waits that long, but not across a jump of the clock that comes after this call or is about to.
    pub fn held_up(&self, time: Duration) -> impl Future<Output = ()> + use<> {
        let released = self.released.clone().notified_owned();
        let time = if self.jumping.load(Ordering::SeqCst) { Duration::ZERO } else { time };
        async move {
            let _ = tokio::time::timeout(time, released).await;
        }
    }

    /// The clock jumps. What the network or a frozen process still holds gets through first: a payment that leaves after its day, when
    /// another process may have sent it again long ago, is beyond what any client can see.
    pub async fn jump(&self, hours: i64) {
        self.jumping.store(true, Ordering::SeqCst);
        self.releases.fetch_add(1, Ordering::SeqCst);
        self.released.notify_waiters();
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.clock.jumped.fetch_add(hours * 60 * MINUTE, Ordering::SeqCst);
        self.jumping.store(false, Ordering::SeqCst);
        self.trace(|| format!("the clock jumps {hours} h"));
    }

    /// The side that a request goes to.
    pub fn side_of(&self, request: &http::Request<Bytes>) -> &'static dyn Side {
        let name = request.uri().path().split('/').nth(1).unwrap_or_default();
        self.sides.iter().copied().find(|side| side.sandbox() == name).expect("a request to a provider of this seed")
    }

    pub fn is_down(&self, side: &dyn Side) -> bool {
        let until = self.down_until.lock().unwrap().get(side.provider()).copied();
        !self.is_healed() && until.is_some_and(|until| self.clock.now() < until)
    }

    pub fn go_down(&self, side: &dyn Side) {
        let until = self.clock.now().after(Duration::from_secs(self.draw(900) as u64));
        self.down_until.lock().unwrap().insert(side.provider(), until);
    }

    /// Reaches the provider, which acts on it.
    pub async fn forward(
        &self,
        request: http::Request<Bytes>,
        max: usize,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let side = self.side_of(&request);
        let path = request.uri().path().to_owned();
        let reply = self.line.send(request, max).await;
        if let Ok(reply) = &reply {
            self.trace(|| format!("{path} {} {}", reply.status(), String::from_utf8_lossy(reply.body())));
            self.replies().push((side, reply.body().clone()));
        }
        reply
    }

    /// Notes a payment that leaves; the store must know of it, durably.
    pub async fn buy_begins(&self, request: &http::Request<Bytes>) -> Option<(&'static dyn Side, String)> {
        let side = self.side_of(request);
        let name = side.paid_for(request)?;
        let meant: Vec<Ordered> = {
            let orders = self.orders();
            orders.iter().filter(|of| of.side.provider() == side.provider() && of.name() == name).cloned().collect()
        };
        let mut states = Vec::new();
        for of in &meant {
            states.push(self.store.get(of.order.reference()).await.unwrap().map(|purchase| purchase.state));
        }
        // A process that froze after its write sends late; by then another one may have taken over and asks, or where the provider's
        // rule allows it, has sent again and knows the end.
        let late = |state: &State| side.sends_again() && state.is_final() && self.has_frozen.load(Ordering::SeqCst);
        if !states.iter().flatten().any(|state| state.is_open() || late(state)) {
            self.break_rule(format!("{name} was sent to {side:?} while the store said {states:?}"));
        }
        *self.buys.lock().unwrap().entry((side.provider(), name.clone())).or_default() += 1;
        Some((side, name))
    }

    /// A payment that was refused for its token never counted.
    pub fn buy_ends(
        &self,
        bought: Option<(&'static dyn Side, String)>,
        reply: &Result<http::Response<Bytes>, TransportError>,
    ) {
        if let (Some((side, name)), Ok(reply)) = (bought, reply)
            && reply.status() == http::StatusCode::UNAUTHORIZED
        {
            *self.buys.lock().unwrap().get_mut(&(side.provider(), name)).unwrap() -= 1;
        }
    }

    /// How many payments under that name may have reached the provider.
    pub fn sent(&self, side: &dyn Side, name: &str) -> usize {
        self.buys.lock().unwrap().get(&(side.provider(), name.to_owned())).copied().unwrap_or(0)
    }
}
