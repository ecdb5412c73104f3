//! What the tests of all providers share: transports that record or invent, clocks in step, and a search for secrets.

pub mod postgres;
pub mod raw_tcp;

use std::fmt::Debug;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use biller_core::{
    Attempt, BoxFuture, Clock, ManualClock, RecordError, Records, Reference, Timestamp, Transport, TransportError,
};
use biller_sandbox::Sandbox;
use bytes::Bytes;

type Sent = Result<http::Response<Bytes>, TransportError>;

/// A transport that keeps what it sends. Clones share the tape.
#[derive(Clone)]
pub struct Tape {
    inner: Arc<dyn Transport>,
    sent: Arc<Mutex<Vec<http::Request<Bytes>>>>,
}

impl Tape {
    /// Records what goes through `inner`.
    pub fn new(inner: impl Transport + 'static) -> Self {
        Self { inner: Arc::new(inner), sent: Arc::default() }
    }

    /// Every request so far, oldest first.
    pub fn sent(&self) -> Vec<http::Request<Bytes>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many requests went to a path that ends so.
    pub fn count(&self, path_end: &str) -> usize {
        self.sent().iter().filter(|request| request.uri().path().ends_with(path_end)).count()
    }
}

impl Transport for Tape {
    fn send(&self, request: http::Request<Bytes>, max_reply_bytes: usize) -> BoxFuture<'_, Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        self.inner.send(request, max_reply_bytes)
    }
}

/// A transport that asks a function what happens.
pub struct Invented<F>(pub F);

impl<F: Fn(&http::Request<Bytes>) -> Option<Sent> + Send + Sync> Invented<F> {
    /// Falls back to `inner` where the function has no answer.
    pub fn over(self, inner: impl Transport + 'static) -> impl Transport + 'static
    where
        F: 'static,
    {
        Over { invented: self.0, inner: Box::new(inner) }
    }
}

impl<F: Fn(&http::Request<Bytes>) -> Option<Sent> + Send + Sync> Transport for Invented<F> {
    fn send(&self, request: http::Request<Bytes>, _max_reply_bytes: usize) -> BoxFuture<'_, Sent> {
        let answer = (self.0)(&request).unwrap_or_else(|| Err(TransportError::not_sent("no answer was invented")));
        Box::pin(async { answer })
    }
}

struct Over<F> {
    invented: F,
    inner: Box<dyn Transport>,
}

impl<F: Fn(&http::Request<Bytes>) -> Option<Sent> + Send + Sync> Transport for Over<F> {
    fn send(&self, request: http::Request<Bytes>, max_reply_bytes: usize) -> BoxFuture<'_, Sent> {
        match (self.invented)(&request) {
            Some(answer) => Box::pin(async { answer }),
            None => self.inner.send(request, max_reply_bytes),
        }
    }
}

/// A reply.
pub fn reply(status: u16, body: impl Into<Bytes>) -> http::Response<Bytes> {
    let mut response = http::Response::new(body.into());
    *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
    response
}

/// A clock at 2024-02-07T10:28:35+07:00 that a client and a sandbox share.
pub fn shared_clock() -> SharedClock {
    SharedClock(Arc::new(ManualClock::new(Timestamp::from_unix_millis(1_707_276_515_000))))
}

/// The time for both sides.
#[derive(Clone)]
pub struct SharedClock(Arc<ManualClock>);

impl SharedClock {
    /// Moves both sides forward.
    pub fn advance(&self, time: Duration) {
        self.0.advance(time);
    }

    /// Sets both sides.
    pub fn set(&self, now: Timestamp) {
        self.0.set(now);
    }
}

impl Clock for SharedClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// A sandbox on the shared clock.
pub fn sandbox(clock: &SharedClock) -> Sandbox {
    let clock = clock.clone();
    let now = move || UNIX_EPOCH + Duration::from_millis(clock.now().unix_millis().unsigned_abs());
    Sandbox::builder().clock(now).build()
}

/// A request as text: method, address, headers in order, body. Each of `secrets` is replaced by its name.
pub fn text_of(request: &http::Request<Bytes>, secrets: &[(&str, &str)]) -> String {
    let mut text = format!("{} {}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\n", value.to_str().unwrap_or("(not text)")));
    }
    text.push('\n');
    text.push_str(&String::from_utf8_lossy(request.body()));
    for (name, secret) in secrets {
        text = text.replace(secret, &format!("[{name}]"));
    }
    text
}

/// Everything that was shown, to be searched for secrets.
#[derive(Clone, Default)]
pub struct Shown(Arc<Mutex<Vec<u8>>>);

impl Shown {
    /// Adds a value's `Debug`.
    pub fn debug(&self, value: &impl Debug) {
        self.add(format!("{value:?}\n{value:#?}\n"));
    }

    /// Adds an error's `Debug` and `Display`, and those of its sources.
    pub fn error(&self, error: &(dyn std::error::Error + 'static)) {
        self.add(format!("{error}\n{error:?}\n"));
        if let Some(source) = error.source() {
            self.error(source);
        }
    }

    /// Adds a text.
    pub fn add(&self, text: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(text.as_bytes());
    }

    /// Collects all tracing output of this thread while the guard lives.
    pub fn tracing(&self) -> tracing::subscriber::DefaultGuard {
        // With a single subscriber around, a place that another thread reaches first would be switched off for good.
        static SECOND: OnceLock<tracing::Dispatch> = OnceLock::new();
        SECOND.get_or_init(|| tracing::Dispatch::new(tracing_subscriber::registry()));
        let shown = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
            .with_writer(move || Writer(shown.clone()))
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    /// What was shown.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Panics when one of the secrets was shown, naming it without showing it, or when nothing was shown at all.
    pub fn assert_without(&self, secrets: &[(&str, &str)]) {
        let text = self.text();
        assert!(!text.is_empty(), "nothing was shown, so nothing was tested");
        for (name, secret) in secrets {
            assert!(secret.len() >= 4, "{name} is too short to be searched for");
            if let Some(at) = text.find(secret) {
                let line = text[..at].lines().count();
                panic!("{name} was shown, on line {line} of what was shown");
            }
        }
    }
}

struct Writer(Shown);

impl std::io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.add(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Records on a full disk: nothing can be written down.
pub struct FullDisk;

impl Records for FullDisk {
    fn save<'a>(&'a self, _: &'a Attempt) -> BoxFuture<'a, Result<(), RecordError>> {
        Box::pin(async { Err("no space left".into()) })
    }

    fn load<'a>(&'a self, _: &'a str, _: &'a Reference) -> BoxFuture<'a, Result<Option<Attempt>, RecordError>> {
        Box::pin(async { Ok(None) })
    }

    fn others<'a>(&'a self, _: &'a Attempt) -> BoxFuture<'a, Result<Vec<Attempt>, RecordError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}
