//! One seed from the first order to rest.

use std::sync::Arc;
use std::time::Duration;

use biller_core::{Clock, Order};
use biller_journal::SubmitError;
use biller_sandbox::{Callback, Fault};
use bytes::Bytes;

use crate::checks;
use crate::mistakes::Mistake;
use crate::process::{Process, Slot};
use crate::seen::Seen;
use crate::sides::{self, Side};
use crate::world::{Ordered, Script, World};

/// After this long everything that the machine can settle is settled.
const REST: Duration = Duration::from_secs(8 * 3600);
/// How often deaths and the provider's callbacks are looked for.
const TICK: usize = 5;
/// The end of every wait.
const NOW: usize = usize::MAX;

pub struct Run {
    pub seen: Seen,
    pub trace: Vec<String>,
}

/// What the outside still has to do, and at which second.
#[derive(Default)]
struct Agenda {
    orders: Vec<(usize, Ordered)>,
    posts: Vec<(usize, Callback)>,
}

impl Agenda {
    /// The second of the next thing to do after `now`, at the latest a tick later.
    fn next(&self, now: usize) -> usize {
        let orders = self.orders.iter().map(|(at, _)| *at);
        let posts = self.posts.iter().map(|(at, _)| *at);
        orders.chain(posts).filter(|at| *at > now).min().unwrap_or(NOW).min(now + TICK)
    }
}

/// Runs on time that passes only while nobody has anything to do.
fn on_paused_time<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(future)
}

/// Plays one seed. The error says which rule was broken.
pub fn simulate(script: Script) -> Result<Run, String> {
    on_paused_time(async {
        let world = World::drawn(script);
        let seen = play(&world).await?;
        Ok(Run { seen, trace: world.take_trace() })
    })
}

/// A line about everything that happens in one seed, also where a rule is broken.
pub fn trace_of(script: Script) -> Vec<String> {
    on_paused_time(async {
        let world = World::drawn(Script { traced: true, ..script });
        let broken = play(&world).await.err().map(|error| format!("broken: {error}"));
        world.take_trace().into_iter().chain(broken).collect()
    })
}

async fn play(world: &Arc<World>) -> Result<Seen, String> {
    let mut slots: Vec<Slot> = (0..world.processes).map(|_| Slot::Up(Process::start(world))).collect();
    for (shared, what) in [(world.processes, "two processes"), (world.sides.len(), "two providers")] {
        if shared > 1 {
            world.note(what);
        }
    }
    let mut agenda = Agenda::default();
    for n in 0..1 + world.draw(7) {
        let side = world.sides[world.draw(world.sides.len())];
        let of = Ordered { side, order: side.order(world, n) };
        agenda.orders.push((world.draw(300), of.clone()));
        world.orders().push(of);
    }

    let busy = 360 + world.draw(900);
    let mut second = 0;
    while second < busy {
        let next = agenda.next(second);
        let passed = next - second;
        tokio::time::sleep(Duration::from_secs(passed as u64)).await;
        second = next;
        live(world, &mut slots);
        submit(world, &slots, &mut agenda, second).await;
        post(world, &slots, &mut agenda, second).await;
        if world.happens(|rates| rates.jump * passed) {
            let (what, hours) =
                if world.draw(4) == 0 { ("jumps of 91 days", 91 * 24 + 1) } else { ("jumps of an hour", 1) };
            world.jump(hours).await;
            world.note(what);
        }
    }

    // The dead rise, and the ones that live were to die.
    slots.clear();
    rest(world, agenda).await
}

/// Plays one purchase, with deaths after the given numbers of steps and one fault at the provider. Says how many steps the last
/// process took.
pub fn scripted(side: &'static dyn Side, order: &Order, deaths: &[u32], fault: Option<&Fault>) -> Result<u32, String> {
    on_paused_time(async {
        let world = World::quiet(side, Mistake::None);
        if let Some(fault) = fault {
            world.sandbox.arm(fault.clone()).unwrap();
        }
        let of = Ordered { side, order: order.clone() };
        world.orders().push(of.clone());
        let mut agenda = Agenda { orders: vec![(0, of)], ..Agenda::default() };
        let mut deaths = deaths.iter().copied();
        let mut slots = [Slot::Up(Process::until(&world, deaths.next()))];
        let mut second = 0;
        while second < 240 {
            submit(&world, &slots, &mut agenda, second).await;
            post(&world, &slots, &mut agenda, second).await;
            let next = agenda.next(second);
            tokio::time::sleep(Duration::from_secs((next - second) as u64)).await;
            second = next;
            if let Slot::Up(process) = &slots[0]
                && process.death.has_come()
            {
                slots[0] = Slot::Up(Process::until(&world, deaths.next()));
            }
        }
        let steps = slots.iter().map(|slot| if let Slot::Up(process) = slot { process.death.steps() } else { 0 }).sum();
        drop(slots);
        rest(&world, agenda).await.map(|_| steps)
    })
}

/// No fault any more, one process, until everything rests; then the rules.
async fn rest(world: &Arc<World>, mut agenda: Agenda) -> Result<Seen, String> {
    world.heal();
    let slots = [Slot::Up(Process::start(world))];
    submit(world, &slots, &mut agenda, NOW).await;
    let healed_at = world.clock.now();
    let mut wait = Duration::from_secs(60);
    loop {
        // What is under way in the network arrives, and what it causes comes back, before the provider settles.
        tokio::time::sleep(wait).await;
        let passed = world.clock.now().since(healed_at);
        wait = Duration::from_secs(if passed < Duration::from_secs(600) { 60 } else { 900 });
        world.sandbox.settle();
        post(world, &slots, &mut agenda, NOW).await;
        if passed >= REST || (passed >= Duration::from_secs(600) && checks::at_rest(world).await) {
            break;
        }
    }
    let Some(journal) = slots[0].journal() else { return Err("the last process died".to_owned()) };
    checks::every_rule_holds(world, journal).await?;
    Ok(world.seen())
}

/// Buries the dead, and starts them again after a while.
fn live(world: &Arc<World>, slots: &mut [Slot]) {
    for slot in slots {
        match slot {
            Slot::Up(process) if process.death.has_come() => {
                world.note("deaths");
                world.trace(|| "a process dies".to_owned());
                *slot = Slot::Down(world.clock.now().after(Duration::from_secs(world.draw(120) as u64)));
            }
            Slot::Down(until) if *until <= world.clock.now() => *slot = Slot::Up(Process::start(world)),
            Slot::Up(_) | Slot::Down(_) => {}
        }
    }
}

/// Hands in what is due; what is not confirmed is handed in again later, as a careful caller does.
async fn submit(world: &World, slots: &[Slot], agenda: &mut Agenda, second: usize) {
    let (due, later) = std::mem::take(&mut agenda.orders).into_iter().partition(|(at, _)| *at <= second);
    agenda.orders = later;
    for (at, of) in due {
        let slot = &slots[world.draw(slots.len())];
        let Some(journal) = slot.journal() else {
            agenda.orders.push((at, of));
            continue;
        };
        let submitted = journal.submit(of.side.provider(), of.order.clone());
        match tokio::time::timeout(Duration::from_secs(1), submitted).await {
            Ok(Ok(_)) => {}
            Ok(Err(SubmitError::Store(_))) | Err(_) => agenda.orders.push((at, of)),
            Ok(Err(error)) => world.break_rule(format!("{}: {error}", of.order.reference())),
        }
    }
}

/// Delivers callbacks: as they come, late, twice, in another order, changed, or not at all.
async fn post(world: &World, slots: &[Slot], agenda: &mut Agenda, second: usize) {
    for callback in world.sandbox.take_callbacks() {
        agenda.posts.push((second, callback.clone()));
        if !world.happens(|rates| rates.callback) {
            continue;
        }
        match world.draw(6) {
            0 => {
                agenda.posts.pop();
                world.note("callback lost");
            }
            1 => {
                agenda.posts.push((second.saturating_add(world.draw(200)), callback));
                world.note("callback doubled");
            }
            2 => {
                agenda.posts.last_mut().unwrap().0 = second.saturating_add(world.draw(400));
                world.note("callback reordered");
            }
            _ => agenda.posts.extend(forged(world, callback).map(|lie| (second.saturating_add(world.draw(60)), lie))),
        }
    }
    let (due, later) = std::mem::take(&mut agenda.posts).into_iter().partition(|(at, _)| *at <= second);
    agenda.posts = later;
    for (_, callback) in due {
        let side = sender(&callback);
        // Nobody listens where the process is dead.
        let Some(journal) = slots[world.draw(slots.len())].journal() else { continue };
        let mut request = http::Request::post("/callback").body(callback.body).unwrap();
        *request.headers_mut() = callback.headers;
        let answer = journal.accept_callback(side.provider(), &request);
        let _ = tokio::time::timeout(Duration::from_secs(1), answer).await;
        world.note("callback delivered");
    }
}

fn sender(callback: &Callback) -> &'static dyn Side {
    sides::ALL.into_iter().find(|side| side.sandbox() == callback.provider).expect("a provider of the simulation")
}

/// The callback with one of its parts changed.
fn forged(world: &World, mut callback: Callback) -> Option<Callback> {
    let side = sender(&callback);
    let text = String::from_utf8(callback.body.to_vec()).unwrap();
    let lies: Vec<String> =
        side.lies().iter().map(|(part, lie)| text.replace(part, lie)).filter(|lie| *lie != text).collect();
    let lie = lies.get(world.draw(lies.len().max(1)))?;
    world.note_of(side.provider(), "a forged callback");
    callback.body = Bytes::from(lie.clone());
    Some(callback)
}
