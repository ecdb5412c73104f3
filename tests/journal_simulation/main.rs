//! The journal, a real client and the sandbox in one process, on simulated time, with faults and deaths drawn from a seed.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod checks;
mod exhaustive;
mod faults;
mod mistakes;
mod play;
mod process;
mod seen;
mod sides;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use mistakes::Mistake;
use play::{simulate, trace_of};
use sides::Side;
use world::Script;

/// How many seeds one test run plays.
const SEEDS: u64 = 20_000;
/// Fewer may miss something rare.
const ENOUGH: u64 = 2_000;
/// Names one seed to play alone, with a line about everything that happens.
const ONE: &str = "BILLER_SEED";
/// Names how many seeds to play instead.
const MANY: &str = "BILLER_SEEDS";

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// Hands each number to one of as many threads as there are cores.
fn on_all_cores(numbers: std::ops::Range<u64>, play: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(numbers.start);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, |count| count.get()) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if !numbers.contains(&number) {
                        break;
                    }
                    play(number);
                }
            });
        }
    });
}

fn script(seed: u64) -> Script {
    Script { seed, mistake: Mistake::None, only: None, traced: false }
}

#[test]
fn no_seed_breaks_a_rule() {
    let seeds = match number(ONE) {
        Some(seed) => seed..seed + 1,
        None => 0..number(MANY).unwrap_or(SEEDS),
    };
    if number(ONE).is_some() {
        for line in trace_of(script(seeds.start)) {
            println!("{line}");
        }
    }
    let began = Instant::now();
    let seen = Mutex::new(seen::Seen::default());
    let broken = Mutex::new(Vec::new());
    on_all_cores(seeds.clone(), |seed| match simulate(script(seed)) {
        Ok(run) => seen.lock().unwrap().add(&run.seen),
        Err(error) => broken.lock().unwrap().push((seed, error)),
    });
    let mut broken = broken.into_inner().unwrap();
    broken.sort();
    for (seed, error) in &broken {
        println!(
            "{error}\nplay it again with: {ONE}={seed} cargo test -p biller-tests --test journal_simulation no_seed_breaks_a_rule -- --nocapture"
        );
    }
    assert!(broken.is_empty(), "{} seeds broke a rule", broken.len());
    let seen = seen.into_inner().unwrap();
    if number(ONE).is_none() && seeds.end >= ENOUGH {
        seen.assert_everything_happened();
    }
    let count = seeds.end - seeds.start;
    println!("{count} seeds in {} s:\n{seen}", began.elapsed().as_secs());
}

#[test]
fn a_seed_plays_the_same_way_every_time() {
    for side in sides::ALL {
        for seed in 0..10 {
            let script = Script { only: Some(side), traced: true, ..script(seed) };
            let (once, again) = (simulate(script).unwrap(), simulate(script).unwrap());
            assert!(once.trace.len() > 20, "seed {seed} of {side:?} did next to nothing");
            for (n, (first, second)) in once.trace.iter().zip(&again.trace).enumerate() {
                assert_eq!(first, second, "step {n} of seed {seed} of {side:?}");
            }
            assert_eq!(once.trace.len(), again.trace.len(), "seed {seed} of {side:?}");
        }
    }
}

fn is_caught(mistake: Mistake, only: Option<&'static dyn Side>) {
    let caught = (0..5000).find_map(|seed| {
        let script = Script { mistake, only, ..script(seed) };
        simulate(script).err().map(|broken| (seed, broken))
    });
    let place = only.map_or("all providers", |side| side.provider());
    let Some((seed, broken)) = caught else { panic!("{mistake:?} at {place} was not caught") };
    println!("{mistake:?} at {place}: caught by seed {seed}, after {} seeds: {broken}", seed + 1);
}

#[test]
fn every_planted_mistake_is_caught() {
    for mistake in Mistake::PLANTED {
        is_caught(mistake, None);
    }
    // The two kinds of window: for finding a purchase, and for sending it again.
    for provider in ["klikoo", "mmbc-pulsa"] {
        is_caught(Mistake::IgnoresTheWindow, Some(sides::called(provider)));
    }
}
