//! What goes wrong between a process and its store and its provider.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use biller_core::{Attempt, BoxFuture, Reference, Timestamp, Transport, TransportError};
use biller_journal::{
    Change, Claim, Event, Purchase, SqliteStore, State, Stats, Store, StoreError, StoredHint, Submission,
};
use biller_sandbox::{Fault, FaultKind, Operation};
use bytes::Bytes;

use crate::mistakes::Mistake;
use crate::sides::Side;
use crate::world::World;

/// The end of a process: after so many steps nothing of it moves any more.
pub struct Death {
    left: AtomicI64,
    dead: AtomicBool,
    /// Until when, unless what is held up has been let go since.
    frozen: Mutex<Option<(tokio::time::Instant, u64)>>,
}

impl Death {
    pub fn after(steps: Option<u32>) -> Arc<Self> {
        let left = steps.map_or(i64::MAX, i64::from);
        Arc::new(Self { left: AtomicI64::new(left), dead: AtomicBool::new(false), frozen: Mutex::default() })
    }

    pub fn has_come(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// How many steps the process has taken; for one that was not to die.
    pub fn steps(&self) -> u32 {
        u32::try_from(i64::MAX - self.left.load(Ordering::SeqCst)).unwrap_or(0)
    }

    pub fn come(&self) {
        self.dead.store(true, Ordering::SeqCst);
    }

    /// One step of the process; it never returns once the process is dead, and late while the process is frozen, as a machine
    /// that is suspended would have it.
    async fn step(&self, world: &World) {
        let releases = world.releases.load(Ordering::SeqCst);
        if world.happens(|rates| rates.freeze) {
            let until = tokio::time::Instant::now() + Duration::from_secs(world.draw(240) as u64);
            *self.frozen.lock().unwrap() = Some((until, releases));
            world.has_frozen.store(true, Ordering::SeqCst);
            world.note("freezes");
        }
        let frozen = *self.frozen.lock().unwrap();
        if let Some((until, _)) = frozen.filter(|(_, since)| *since == releases) {
            world.held_up(until.saturating_duration_since(tokio::time::Instant::now())).await;
        }
        if self.left.fetch_sub(1, Ordering::SeqCst) <= 1 {
            self.come();
        }
        if self.has_come() {
            std::future::pending::<()>().await;
        }
    }
}

/// A process's way to the store.
pub struct FaultyStore {
    pub inner: SqliteStore,
    pub world: Arc<World>,
    pub death: Arc<Death>,
}

impl FaultyStore {
    async fn through<T>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        self.death.step(&self.world).await;
        let failed = |world: &World| {
            world.note("store errors");
            Err(StoreError::Unavailable("drawn".to_owned()))
        };
        if self.world.happens(|rates| rates.store_before) {
            return failed(&self.world);
        }
        let result = call.await;
        self.world.trace(|| format!("store {name} {}", if result.is_ok() { "ok" } else { "refused" }));
        self.death.step(&self.world).await;
        if self.world.happens(|rates| rates.store_after) {
            return failed(&self.world);
        }
        result
    }

    /// A worker whose lease is gone, but who does not know that fences exist: it overwrites whatever is there.
    async fn unfenced(&self, change: &Change) -> Result<(), StoreError> {
        let mut change = change.clone();
        let stored = self.inner.get(change.purchase.order.reference()).await?;
        if let Some(stored) = stored.filter(|stored| stored.fence != change.purchase.fence) {
            if stored.state != change.from {
                return Ok(());
            }
            change.purchase.fence = stored.fence;
        }
        self.through("write", self.inner.write(&change)).await
    }

    /// A worker that starts over what it finds half done.
    async fn restarted(&self, change: &Change) -> Result<(), StoreError> {
        let stored = self.inner.get(change.purchase.order.reference()).await?;
        let half_done = stored.is_some_and(|stored| stored.state == State::Sending);
        if half_done && matches!(change.from, State::Created | State::Prepared) {
            return Ok(());
        }
        self.through("write", self.inner.write(change)).await
    }
}

impl Store for FaultyStore {
    fn submit<'a>(&'a self, purchase: &'a Purchase, event: &'a Event) -> BoxFuture<'a, Result<Submission, StoreError>> {
        Box::pin(self.through("submit", self.inner.submit(purchase, event)))
    }

    fn get<'a>(&'a self, reference: &'a Reference) -> BoxFuture<'a, Result<Option<Purchase>, StoreError>> {
        Box::pin(async move {
            let mut stored = self.through("get", self.inner.get(reference)).await?;
            if self.world.mistake == Mistake::PaysAgainAfterCrash
                && let Some(stored) = stored.as_mut().filter(|stored| stored.state == State::Sending)
            {
                stored.attempt = None;
            }
            Ok(stored)
        })
    }

    fn claim<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Result<Vec<Purchase>, StoreError>> {
        Box::pin(async move {
            let mut taken = self.through("claim", self.inner.claim(claim)).await?;
            if self.world.mistake == Mistake::PaysAgainAfterCrash {
                for purchase in taken.iter_mut().filter(|purchase| purchase.state == State::Sending) {
                    // Back to the start, as a job queue would have it.
                    purchase.state = State::Created;
                    purchase.attempt = None;
                }
            }
            Ok(taken)
        })
    }

    fn renew<'a>(
        &'a self,
        reference: &'a Reference,
        fence: i64,
        until: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.through("renew", self.inner.renew(reference, fence, until)))
    }

    fn write<'a>(&'a self, change: &'a Change) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            for Event { to, cause, evidence, .. } in &change.events {
                let reference = change.purchase.order.reference();
                self.world.trace(|| {
                    format!("{reference} {} to {} by {cause}: {evidence}", change.from, to.unwrap_or(change.from))
                });
            }
            match self.world.mistake {
                Mistake::LosesCommits if self.world.draw(20) == 0 => return Ok(()),
                Mistake::NoFence => return self.unfenced(change).await,
                Mistake::PaysAgainAfterCrash => return self.restarted(change).await,
                _ => {}
            }
            self.through("write", self.inner.write(change)).await
        })
    }

    fn open_with_key<'a>(
        &'a self,
        provider: &'a str,
        key: &'a str,
        reference: &'a Reference,
    ) -> BoxFuture<'a, Result<Option<Reference>, StoreError>> {
        Box::pin(self.through("open_with_key", self.inner.open_with_key(provider, key, reference)))
    }

    fn others<'a>(&'a self, attempt: &'a Attempt) -> BoxFuture<'a, Result<Vec<Attempt>, StoreError>> {
        Box::pin(self.through("others", self.inner.others(attempt)))
    }

    fn next_due<'a>(
        &'a self,
        provider: &'a str,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, StoreError>> {
        Box::pin(self.through("next_due", self.inner.next_due(provider, now)))
    }

    fn add_hint<'a>(&'a self, hint: &'a StoredHint, limit: usize) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(self.through("add_hint", self.inner.add_hint(hint, limit)))
    }

    fn hints<'a>(&'a self, reference: &'a Reference) -> BoxFuture<'a, Result<Vec<StoredHint>, StoreError>> {
        Box::pin(self.through("hints", self.inner.hints(reference)))
    }

    fn receipt<'a>(&'a self, reference: &'a Reference) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(self.through("receipt", self.inner.receipt(reference)))
    }

    fn add_event<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.through("add_event", self.inner.add_event(event)))
    }

    fn events_after(&self, after: i64, limit: usize) -> BoxFuture<'_, Result<Vec<Event>, StoreError>> {
        Box::pin(self.through("events_after", self.inner.events_after(after, limit)))
    }

    fn events_of<'a>(&'a self, reference: &'a Reference) -> BoxFuture<'a, Result<Vec<Event>, StoreError>> {
        Box::pin(self.through("events_of", self.inner.events_of(reference)))
    }

    fn cursor<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<i64, StoreError>> {
        Box::pin(self.through("cursor", self.inner.cursor(name)))
    }

    fn set_cursor<'a>(&'a self, name: &'a str, number: i64) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.through("set_cursor", self.inner.set_cursor(name, number)))
    }

    fn set_paused<'a>(&'a self, provider: &'a str, note: Option<&'a str>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.through("set_paused", self.inner.set_paused(provider, note)))
    }

    fn paused<'a>(&'a self, provider: &'a str) -> BoxFuture<'a, Result<Option<String>, StoreError>> {
        Box::pin(self.through("paused", self.inner.paused(provider)))
    }

    fn submitted_between<'a>(
        &'a self,
        provider: &'a str,
        from: Timestamp,
        until: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<Purchase>, StoreError>> {
        Box::pin(self.through("submitted_between", self.inner.submitted_between(provider, from, until)))
    }

    fn stats(&self) -> BoxFuture<'_, Result<Stats, StoreError>> {
        Box::pin(self.through("stats", self.inner.stats()))
    }
}

/// A process's way to the provider.
pub struct FaultyTransport {
    pub world: Arc<World>,
    pub death: Arc<Death>,
}

type Reply = Result<http::Response<Bytes>, TransportError>;

/// What can go wrong with a request.
pub const NETWORK: [&str; 11] = [
    "request not sent",
    "request lost",
    "reply lost",
    "reply late",
    "request late",
    "request doubled",
    "reply garbled",
    "429",
    "503",
    "500 although executed",
    "provider down",
];

impl Transport for FaultyTransport {
    fn send(&self, request: http::Request<Bytes>, max: usize) -> BoxFuture<'_, Reply> {
        Box::pin(async move {
            self.death.step(&self.world).await;
            let bought = self.world.buy_begins(&request).await;
            let reply = self.faulty(request, max).await;
            self.world.buy_ends(bought, &reply);
            self.death.step(&self.world).await;
            reply
        })
    }
}

impl FaultyTransport {
    /// Has the sandbox do something wrong by itself.
    fn disturb(&self, side: &dyn Side) {
        let world = &self.world;
        let (kind, operation) = match world.draw(8) {
            0..3 => (FaultKind::ExpireToken, None),
            3 | 4 => (FaultKind::StatusNotFound, Some(Operation::Status)),
            5 => (FaultKind::StatusNotFound, Some(Operation::History)),
            6 => (FaultKind::CallbackBeforeReply, Some(Operation::Callback)),
            _ => (FaultKind::CallbackConflicting, Some(Operation::Callback)),
        };
        let fault = operation.into_iter().fold(Fault::new(side.sandbox(), kind), Fault::on);
        // Not every provider can do everything wrong.
        if world.sandbox.arm(fault).is_ok() {
            world.note(kind.name());
        }
    }

    async fn faulty(&self, request: http::Request<Bytes>, max: usize) -> Reply {
        let world = &self.world;
        let side = world.side_of(&request);
        let path = request.uri().path().to_owned();
        let lost = || Err(TransportError::maybe_sent("drawn"));
        if world.is_down(side) {
            return if world.draw(2) == 0 { Err(TransportError::not_sent("drawn")) } else { Ok(page(503)) };
        }
        if world.happens(|rates| rates.sandbox) {
            self.disturb(side);
        }
        if !world.happens(|rates| rates.network) {
            return world.forward(request, max).await;
        }
        let mut what = world.draw(NETWORK.len());
        if what == 5 && side.paid_for(&request).is_some() && !side.knows_copies() {
            what = 2;
        }
        world.note(NETWORK[what]);
        world.trace(|| format!("{} at {path}", NETWORK[what]));
        match what {
            0 => Err(TransportError::not_sent("drawn")),
            1 => {
                tokio::time::sleep(Duration::from_secs(world.draw(90) as u64)).await;
                lost()
            }
            2 => {
                let _ = world.forward(request, max).await;
                lost()
            }
            3 => {
                let reply = world.forward(request, max).await;
                tokio::time::sleep(Duration::from_secs(world.draw(150) as u64)).await;
                reply
            }
            4 => {
                // It arrives after the client has given up, perhaps after the process has died.
                let (world, wait) = (world.clone(), Duration::from_secs(world.draw(300) as u64));
                let held_up = world.held_up(wait);
                tokio::spawn(async move {
                    held_up.await;
                    let _ = world.forward(request, max).await;
                });
                tokio::time::sleep(Duration::from_secs(60)).await;
                lost()
            }
            5 => {
                let first = world.forward(request.clone(), max).await;
                // A token that is refused is refused for both copies.
                if first.as_ref().is_ok_and(|reply| reply.status() == http::StatusCode::UNAUTHORIZED) {
                    return first;
                }
                let second = world.forward(request, max).await;
                if world.draw(2) == 0 { first } else { second }
            }
            6 => {
                let mut reply = world.forward(request, max).await?;
                let half = reply.body().len() / 2;
                *reply.body_mut() = reply.body().slice(..half);
                Ok(reply)
            }
            7 => {
                let mut reply = page(429);
                reply.headers_mut().insert("retry-after", http::HeaderValue::from_static("7"));
                Ok(reply)
            }
            8 => Ok(page(503)),
            9 => {
                let _ = world.forward(request, max).await;
                Ok(page(500))
            }
            _ => {
                world.go_down(side);
                lost()
            }
        }
    }
}

fn page(status: u16) -> http::Response<Bytes> {
    biller_tests::reply(status, "<html>drawn</html>")
}
