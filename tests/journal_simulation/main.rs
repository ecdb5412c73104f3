//! The journal, a real client and the sandbox in one process, on simulated time, with faults and deaths drawn from a seed.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod checks;
mod exhaustive;
mod faults;
mod mistakes;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use mistakes::Mistake;
use world::simulate;

/// How many seeds one test run plays.
const SEEDS: u64 = 200;
/// Names one seed to play alone.
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

#[test]
fn no_seed_breaks_a_rule() {
    let seeds = match number(ONE) {
        Some(seed) => seed..seed + 1,
        None => 0..number(MANY).unwrap_or(SEEDS),
    };
    let seen = Mutex::new(world::Seen::default());
    on_all_cores(seeds.clone(), |seed| match simulate(seed, Mistake::None) {
        Ok(run) => seen.lock().unwrap().add(&run.seen),
        Err(broken) => panic!(
            "{broken}\nplay it again with: {ONE}={seed} cargo test -p biller-tests --test journal_simulation no_seed_breaks_a_rule"
        ),
    });
    let seen = seen.into_inner().unwrap();
    if number(ONE).is_none() && seeds.end >= SEEDS {
        seen.assert_everything_happened();
    }
    println!("{} seeds: {seen:?}", seeds.end - seeds.start);
}

#[test]
fn a_seed_plays_the_same_way_every_time() {
    for seed in [3, 14, 15] {
        let (once, again) = (simulate(seed, Mistake::None).unwrap(), simulate(seed, Mistake::None).unwrap());
        assert!(once.trace.len() > 20, "seed {seed} did next to nothing");
        for (n, (first, second)) in once.trace.iter().zip(&again.trace).enumerate() {
            assert_eq!(first, second, "step {n} of seed {seed}");
        }
        assert_eq!(once.trace.len(), again.trace.len(), "seed {seed}");
    }
}

#[test]
fn every_planted_mistake_is_caught() {
    for mistake in Mistake::PLANTED {
        let caught = (0..2000).find_map(|seed| simulate(seed, mistake).err().map(|broken| (seed, broken)));
        let Some((seed, broken)) = caught else { panic!("{mistake:?} was not caught") };
        println!("{mistake:?}: caught by seed {seed}, after {} seeds: {broken}", seed + 1);
    }
}
