//! A process: everything that is lost when it dies.

use std::sync::Arc;
use std::time::Duration;

use biller_core::{RetryPolicy, Timestamp, Wiring};
use biller_journal::{Journal, Lane, ReceiptKey};
use tokio::task::JoinHandle;

use crate::faults::{Death, FaultyStore, FaultyTransport};
use crate::mistakes::Watched;
use crate::world::World;

const KEY: [u8; 32] = [42; 32];

pub struct Process {
    pub journal: Journal,
    pub death: Arc<Death>,
    task: JoinHandle<()>,
}

impl Process {
    /// It dies when the seed says so.
    pub fn start(world: &Arc<World>) -> Self {
        let deadly = world.rates.deadly && !world.is_healed();
        Self::until(world, deadly.then(|| 1 + world.draw(160) as u32))
    }

    /// It dies after so many steps.
    pub fn until(world: &Arc<World>, steps: Option<u32>) -> Self {
        let death = Death::after(steps);
        let transport = FaultyTransport { world: world.clone(), death: death.clone() };
        let wiring = Wiring::over(transport).with_clock(world.clock.clone()).with_retry(RetryPolicy::never());
        let store = FaultyStore { inner: world.store.clone(), world: world.clone(), death: death.clone() };
        let mut builder = Journal::builder(store, ReceiptKey::new(KEY));
        for side in &world.sides {
            let lane = Lane { concurrency: 1 + world.draw(4), ..Lane::default() };
            builder = builder.provider(Watched::over(side.biller(wiring.clone()), world.clone()), lane);
        }
        let journal =
            builder.clock(world.clock.clone()).lease(Duration::from_secs(30)).poll(Duration::from_secs(600)).build();
        let task = tokio::spawn({
            let journal = journal.clone();
            async move { journal.run().await }
        });
        Self { journal, death, task }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.death.come();
        self.task.abort();
    }
}

/// A place where a process runs.
pub enum Slot {
    Up(Process),
    /// Until then.
    Down(Timestamp),
}

impl Slot {
    pub fn journal(&self) -> Option<&Journal> {
        match self {
            Self::Up(process) => Some(&process.journal),
            Self::Down(_) => None,
        }
    }
}
