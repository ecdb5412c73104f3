//! One seed from the first order to rest.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use biller_core::{Clock, Order, RetryPolicy, Rupiah, Schedule, Secret, Timestamp, Transport, TransportError, Wiring};
use biller_journal::{Journal, Lane, Purchase, ReceiptKey, SqliteStore, State, Store, SubmitError};
use biller_sandbox::{Fault, Sandbox};
use bytes::Bytes;
use klikoo::auth::PrivateKey;
use klikoo::{Client, Config, Klikoo};
use tokio::task::JoinHandle;

use crate::checks;
use crate::faults::{Death, FaultyStore, FaultyTransport};
use crate::mistakes::{Mistake, Mistaken};

const KEY: [u8; 32] = [42; 32];
/// After this long everything that the machine can settle is settled.
const REST: Duration = Duration::from_secs(8 * 3600);

/// The time of the simulation: tokio's, which jumps while nothing happens, and jumps of its own.
#[derive(Clone)]
pub struct SimClock {
    began: tokio::time::Instant,
    jumped: Arc<AtomicI64>,
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.began.elapsed().as_millis()).unwrap();
        Timestamp::from_unix_millis(1_707_276_515_000 + passed + self.jumped.load(Ordering::SeqCst))
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

/// What has happened, so that a quiet simulation is noticed.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub orders: usize,
    pub succeeded: usize,
    pub failed: usize,
    pub left_to_a_person: usize,
    pub deaths: usize,
    pub recovered: usize,
    pub jumps: usize,
    pub freezes: usize,
    pub store_errors: usize,
    pub network: [usize; 11],
    pub callbacks: usize,
    pub forged: usize,
    pub twins: usize,
    pub unfenced: usize,
    pub lost_commits: usize,
}

impl Seen {
    pub fn add(&mut self, other: &Self) {
        self.orders += other.orders;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.left_to_a_person += other.left_to_a_person;
        self.deaths += other.deaths;
        self.recovered += other.recovered;
        self.jumps += other.jumps;
        self.freezes += other.freezes;
        self.store_errors += other.store_errors;
        for (sum, count) in self.network.iter_mut().zip(other.network) {
            *sum += count;
        }
        self.callbacks += other.callbacks;
        self.forged += other.forged;
        self.twins += other.twins;
    }

    pub fn assert_everything_happened(&self) {
        for (what, count) in [
            ("succeeded", self.succeeded),
            ("failed", self.failed),
            ("left to a person", self.left_to_a_person),
            ("deaths", self.deaths),
            ("recovered", self.recovered),
            ("jumps", self.jumps),
            ("freezes", self.freezes),
            ("store errors", self.store_errors),
            ("callbacks", self.callbacks),
            ("forged callbacks", self.forged),
            ("two processes", self.twins),
            ("the rarest network fault", self.network.into_iter().min().unwrap()),
        ] {
            assert!(count > 0, "no seed saw: {what}; {self:?}");
        }
    }
}

pub struct Run {
    pub seen: Seen,
    pub trace: Vec<String>,
}

pub struct World {
    pub sandbox: Sandbox,
    pub store: SqliteStore,
    pub clock: SimClock,
    rates: Rates,
    healed: AtomicBool,
    rng: Mutex<fastrand::Rng>,
    down_until: Mutex<Option<Timestamp>>,
    /// Payments that may have reached the provider, by reference.
    pub buys: Mutex<BTreeMap<String, usize>>,
    /// Everything that the provider has said.
    pub replies: Mutex<Vec<String>>,
    /// Rules that were broken on the way.
    pub broken: Mutex<Vec<String>>,
    seen: Mutex<Seen>,
    trace: Mutex<Vec<String>>,
}

impl World {
    /// With faults drawn from the seed, and the number of processes.
    fn drawn(seed: u64) -> (Arc<Self>, usize) {
        let mut rng = fastrand::Rng::with_seed(seed);
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
        let settle_after = Duration::from_secs(rng.u64(1..1500));
        (Self::new(seed, rng, rates, settle_after), processes)
    }

    /// Without any fault but those that are asked for.
    fn quiet() -> Arc<Self> {
        let rng = fastrand::Rng::with_seed(1);
        Self::new(1, rng, Rates::default(), Duration::from_secs(20))
    }

    fn new(seed: u64, rng: fastrand::Rng, rates: Rates, settle_after: Duration) -> Arc<Self> {
        let clock = SimClock { began: tokio::time::Instant::now(), jumped: Arc::default() };
        let now = clock.clone();
        let sandbox = Sandbox::builder()
            .seed(seed)
            .settle_after(settle_after)
            .clock(move || UNIX_EPOCH + Duration::from_millis(now.now().unix_millis().unsigned_abs()))
            .build();
        sandbox.send_callbacks_to("klikoo", "http://127.0.0.1/callback").unwrap();
        Arc::new(Self {
            sandbox,
            store: SqliteStore::in_memory().unwrap(),
            clock,
            rates,
            healed: AtomicBool::new(false),
            rng: Mutex::new(rng),
            down_until: Mutex::default(),
            buys: Mutex::default(),
            replies: Mutex::default(),
            broken: Mutex::default(),
            seen: Mutex::default(),
            trace: Mutex::default(),
        })
    }

    /// A number below `limit`.
    pub fn draw(&self, limit: usize) -> usize {
        self.rng.lock().unwrap().usize(..limit)
    }

    /// Whether a fault of that rate happens now; none does after healing.
    pub fn happens(&self, rate: impl Fn(&Rates) -> usize) -> bool {
        let rate = rate(&self.rates);
        !self.healed.load(Ordering::SeqCst) && rate > 0 && self.draw(1000) < rate
    }

    pub fn seen(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.seen.lock().unwrap());
    }

    pub fn trace(&self, what: impl FnOnce() -> String) {
        self.trace.lock().unwrap().push(format!("{} {}", self.clock.now().to_wib_millis(), what()));
    }

    pub fn is_down(&self) -> bool {
        let until = *self.down_until.lock().unwrap();
        !self.healed.load(Ordering::SeqCst) && until.is_some_and(|until| self.clock.now() < until)
    }

    pub fn go_down(&self) {
        let until = self.clock.now().after(Duration::from_secs(self.draw(900) as u64));
        *self.down_until.lock().unwrap() = Some(until);
    }

    /// Reaches the provider, which acts on it.
    pub async fn forward(
        &self,
        request: http::Request<Bytes>,
        max: usize,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let path = request.uri().path().to_owned();
        let reply = self.sandbox.transport().send(request, max).await;
        if let Ok(reply) = &reply {
            let body = String::from_utf8_lossy(reply.body()).into_owned();
            // Tokens carry random parts of the client's signature time; the rest must be the same in every run.
            self.trace(|| format!("{path} {} {}", reply.status(), if path.ends_with("token") { "" } else { &body }));
            self.replies.lock().unwrap().push(body);
        }
        reply
    }

    /// Notes a payment that leaves; the store must know of it, durably.
    pub async fn buy_begins(&self, request: &http::Request<Bytes>) -> Option<String> {
        if !request.uri().path().ends_with("/products/buy") {
            return None;
        }
        let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
        let reference = body["partner_reference_id"].as_str().unwrap().to_owned();
        let stored = self.store.get(&reference.parse().unwrap()).await.unwrap();
        let state = stored.map(|purchase| purchase.state);
        // A process that froze after its write sends late; by then another one may have taken over and asks.
        if !state.is_some_and(State::is_open) {
            self.broken.lock().unwrap().push(format!("{reference} was sent while the store said {state:?}"));
        }
        *self.buys.lock().unwrap().entry(reference.clone()).or_default() += 1;
        Some(reference)
    }

    /// A payment that was refused for its token never counted.
    pub fn buy_ends(&self, reference: Option<&str>, reply: &Result<http::Response<Bytes>, TransportError>) {
        if let (Some(reference), Ok(reply)) = (reference, reply)
            && reply.status() == http::StatusCode::UNAUTHORIZED
        {
            *self.buys.lock().unwrap().get_mut(reference).unwrap() -= 1;
        }
    }
}

/// Reading the key takes longer than most seeds, so it is read once.
static SIGNER: LazyLock<Arc<PrivateKey>> = LazyLock::new(|| {
    let given = Sandbox::new().credentials("klikoo").unwrap();
    Arc::new(PrivateKey::from_pem(&Secret::new(given["private_key_pem"].as_str().unwrap())).unwrap())
});

struct Signer;

impl klikoo::auth::RsaSigner for Signer {
    fn sign(&self, text: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        SIGNER.sign(text)
    }
}

/// A process: everything that is lost when it dies.
struct Process {
    journal: Journal,
    task: JoinHandle<()>,
    death: Arc<Death>,
}

impl Process {
    /// It dies when the seed says so.
    fn start(world: &Arc<World>, mistake: Mistake) -> Self {
        let deadly = world.rates.deadly && !world.healed.load(Ordering::SeqCst);
        Self::until(world, mistake, deadly.then(|| 1 + world.draw(160) as u32))
    }

    /// It dies after so many steps.
    fn until(world: &Arc<World>, mistake: Mistake, steps: Option<u32>) -> Self {
        let death = Death::after(steps);
        let transport = FaultyTransport { world: world.clone(), death: death.clone() };
        let wiring = Wiring::over(transport).with_clock(world.clock.clone()).with_retry(RetryPolicy::never());
        let given = world.sandbox.credentials("klikoo").unwrap();
        let credential = |name: &str| given[name].as_str().unwrap().to_owned();
        let mut schedule = Schedule::from_seconds(&[5, 15, 30, 60, 120, 300], 1800);
        schedule.decide_after = Duration::from_secs(3 * 3600);
        schedule.stop_after = Some(Duration::from_secs(5 * 3600));
        let config =
            Config::new("http://127.0.0.1/klikoo", credential("client_id"), credential("client_secret"), Signer)
                .unwrap()
                .with_schedule(schedule);
        let klikoo = Klikoo::new(Client::with_wiring(config, wiring));
        let store = FaultyStore { inner: world.store.clone(), world: world.clone(), death: death.clone(), mistake };
        let lane = Lane { concurrency: 1 + world.draw(4), ..Lane::default() };
        let journal = Journal::builder(store, ReceiptKey::new(KEY))
            .provider(Mistaken::biller(klikoo, world.clock.clone(), mistake), lane)
            .clock(world.clock.clone())
            .lease(Duration::from_secs(30))
            .poll(Duration::from_secs(600))
            .build();
        let task = tokio::spawn({
            let journal = journal.clone();
            async move { journal.run().await }
        });
        Self { journal, task, death }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.death.come();
        self.task.abort();
    }
}

enum Slot {
    Up(Process),
    /// Until then.
    Down(Timestamp),
}

impl Slot {
    fn journal(&self) -> Option<&Journal> {
        match self {
            Self::Up(process) => Some(&process.journal),
            Self::Down(_) => None,
        }
    }
}

fn order(world: &World, n: usize) -> Order {
    let digit = world.draw(10);
    let reference = format!("SIM-{n}");
    let phone = format!("08120000{n:03}{digit}");
    let meter = format!("011056{n:04}{digit}");
    let (product, customer, price) = match world.draw(6) {
        0 => ("PLN20", meter, 20_500),
        1 => ("GOPAY10", phone, 10_250),
        2 => ("DNOPEN", phone, 2_000_000),
        // Another price than the provider's.
        3 if world.draw(3) == 0 => ("PLN50", meter, 49_000),
        _ => ("S10", phone, 10_450),
    };
    Order::new(&reference, product, &customer).unwrap().with_expected_price(Rupiah::new(price))
}

/// Plays one seed. The error says which rule was broken.
pub fn simulate(seed: u64, mistake: Mistake) -> Result<Run, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(play(seed, mistake))
}

async fn play(seed: u64, mistake: Mistake) -> Result<Run, String> {
    let (world, processes) = World::drawn(seed);
    let mut slots: Vec<Slot> = (0..processes).map(|_| Slot::Up(Process::start(&world, mistake))).collect();
    world.seen(|seen| seen.twins += processes - 1);
    let orders: Vec<Order> = (0..1 + world.draw(7)).map(|n| order(&world, n)).collect();
    let mut waiting: Vec<(usize, Order)> = orders.iter().map(|order| (world.draw(300), order.clone())).collect();
    let mut posts: Vec<(usize, Bytes)> = Vec::new();

    let busy = 360 + world.draw(900);
    for second in 0..busy {
        tokio::time::sleep(Duration::from_secs(1)).await;
        live(&world, &mut slots, mistake);
        submit(&world, &slots, &mut waiting, second).await;
        post(&world, &slots, &mut posts, second).await;
        if world.happens(|rates| rates.jump) {
            let days = if world.draw(4) == 0 { 91 } else { 0 };
            world.clock.jumped.fetch_add(i64::from(days) * 86_400_000 + 3_600_000, Ordering::SeqCst);
            world.seen(|seen| seen.jumps += 1);
            world.trace(|| "the clock jumps".to_owned());
        }
    }

    // The dead rise, and the ones that live were to die.
    slots.clear();
    heal(&world, mistake, &orders, waiting, posts).await
}

/// Plays one purchase, with deaths after the given numbers of steps and one fault at the provider. Says how many steps the last
/// process took.
pub fn scripted(deaths: &[u32], fault: Option<&Fault>, customer: &str) -> Result<u32, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let world = World::quiet();
        if let Some(fault) = fault {
            world.sandbox.arm(fault.clone()).unwrap();
        }
        let order = Order::new("SIM-0", "S10", customer).unwrap().with_expected_price(Rupiah::new(10_450));
        let (mut waiting, mut posts) = (vec![(0, order.clone())], Vec::new());
        let mut deaths = deaths.iter().copied();
        let mut slots = [Slot::Up(Process::until(&world, Mistake::None, deaths.next()))];
        for second in 0..180 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if let Slot::Up(process) = &slots[0]
                && process.death.has_come()
            {
                slots[0] = Slot::Up(Process::until(&world, Mistake::None, deaths.next()));
            }
            submit(&world, &slots, &mut waiting, second).await;
            post(&world, &slots, &mut posts, second).await;
        }
        let steps = slots.iter().map(|slot| if let Slot::Up(process) = slot { process.death.steps() } else { 0 }).sum();
        drop(slots);
        heal(&world, Mistake::None, &[order], waiting, posts).await.map(|_| steps)
    })
}

/// No fault any more, one process, until everything rests; then the rules.
async fn heal(
    world: &Arc<World>,
    mistake: Mistake,
    orders: &[Order],
    mut waiting: Vec<(usize, Order)>,
    mut posts: Vec<(usize, Bytes)>,
) -> Result<Run, String> {
    world.healed.store(true, Ordering::SeqCst);
    world.sandbox.clear_faults();
    let slots = [Slot::Up(Process::start(world, mistake))];
    submit(world, &slots, &mut waiting, usize::MAX).await;
    let healed_at = world.clock.now();
    while world.clock.now().since(healed_at) < REST && !checks::at_rest(world, orders).await {
        tokio::time::sleep(Duration::from_secs(60)).await;
        world.sandbox.settle();
        post(world, &slots, &mut posts, usize::MAX).await;
    }
    let Some(journal) = slots[0].journal() else { return Err("the last process died".to_owned()) };
    let counts = checks::every_rule_held(world, journal, orders).await?;
    let mut seen = world.seen.lock().unwrap().clone();
    (seen.orders, seen.succeeded, seen.failed) = (orders.len(), counts.succeeded, counts.failed);
    (seen.left_to_a_person, seen.recovered) = (counts.left_to_a_person, counts.recovered);
    let trace = std::mem::take(&mut *world.trace.lock().unwrap());
    Ok(Run { seen, trace })
}

/// Buries the dead, and starts them again after a while.
fn live(world: &Arc<World>, slots: &mut [Slot], mistake: Mistake) {
    for slot in slots {
        match slot {
            Slot::Up(process) if process.death.has_come() => {
                world.seen(|seen| seen.deaths += 1);
                world.trace(|| "a process dies".to_owned());
                *slot = Slot::Down(world.clock.now().after(Duration::from_secs(world.draw(120) as u64)));
            }
            Slot::Down(until) if *until <= world.clock.now() => *slot = Slot::Up(Process::start(world, mistake)),
            Slot::Up(_) | Slot::Down(_) => {}
        }
    }
}

/// Hands in what is due; what is not confirmed is handed in again later, as a careful caller does.
async fn submit(world: &World, slots: &[Slot], waiting: &mut Vec<(usize, Order)>, second: usize) {
    for (at, order) in std::mem::take(waiting) {
        let slot = &slots[world.draw(slots.len())];
        let taken = match slot.journal() {
            Some(journal) if at <= second => {
                let submitted = journal.submit("klikoo", order.clone());
                tokio::time::timeout(Duration::from_secs(1), submitted).await
            }
            _ => {
                waiting.push((at, order));
                continue;
            }
        };
        match taken {
            Ok(Ok(Purchase { .. })) => {}
            Ok(Err(SubmitError::Store(_))) | Err(_) => waiting.push((at, order)),
            Ok(Err(error)) => world.broken.lock().unwrap().push(format!("{}: {error}", order.reference())),
        }
    }
}

/// Delivers callbacks: as they come, late, twice, in another order, changed, or not at all.
async fn post(world: &World, slots: &[Slot], posts: &mut Vec<(usize, Bytes)>, second: usize) {
    for callback in world.sandbox.take_callbacks() {
        posts.push((second, callback.body.clone()));
        if !world.happens(|rates| rates.callback) {
            continue;
        }
        match world.draw(6) {
            0 => drop(posts.pop()),
            1 => posts.push((second.saturating_add(world.draw(200)), callback.body)),
            2 => posts.last_mut().unwrap().0 = second.saturating_add(world.draw(400)),
            _ => {
                let text = String::from_utf8(callback.body.to_vec()).unwrap();
                let lies = [
                    text.replace("\"FAILED\"", "\"SUCCESS\""),
                    text.replace("\"SUCCESS\"", "\"FAILED\""),
                    text.replace("\"transaction_id\":\"", "\"transaction_id\":\"9"),
                    text.replace("\"amount\":\"", "\"amount\":\"1"),
                ];
                let lie = lies.into_iter().filter(|lie| *lie != text).nth(world.draw(2));
                world.seen(|seen| seen.forged += usize::from(lie.is_some()));
                posts.extend(lie.map(|lie| (second.saturating_add(world.draw(60)), Bytes::from(lie))));
            }
        }
    }
    for (at, body) in std::mem::take(posts) {
        let slot = &slots[world.draw(slots.len())];
        if at > second {
            posts.push((at, body));
        } else if let Some(journal) = slot.journal() {
            let request = http::Request::post("/callback").body(body).unwrap();
            let answer = journal.accept_callback("klikoo", &request);
            let _ = tokio::time::timeout(Duration::from_secs(1), answer).await;
            world.seen(|seen| seen.callbacks += 1);
        }
    }
}
