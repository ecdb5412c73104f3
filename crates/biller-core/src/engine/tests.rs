#![allow(clippy::unwrap_used)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use http::Response;
use tokio::time::Instant;

use super::*;
use crate::{Always, BoxFuture, ManualClock, Spec, TransportError, Verdict, decode};

/// Sun, 06 Nov 1994 08:49:37 GMT.
const NOW: Timestamp = Timestamp::from_unix_millis(784_111_777_000);
const LIMITS: Limits = Limits { timeout: Duration::from_secs(10), max_reply_bytes: 100 };
const EFFECTS: [Effect; 4] = [Effect::ReadOnly, Effect::UsesReference, Effect::Deduplicated, Effect::MovesMoney];

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

// The provider: a code table behind a transport that follows a script.

#[derive(Clone)]
enum Step {
    Reply(Response<Bytes>),
    Fail(TransportError),
    Silence,
}

fn reply(status: u16, body: &str) -> Step {
    Step::Reply(Response::builder().status(status).body(Bytes::copy_from_slice(body.as_bytes())).unwrap())
}

fn reply_with(status: u16, header: (&str, &str), body: &str) -> Step {
    let body = Bytes::copy_from_slice(body.as_bytes());
    Step::Reply(Response::builder().status(status).header(header.0, header.1).body(body).unwrap())
}

fn not_sent() -> Step {
    Step::Fail(TransportError::not_sent("no connection"))
}

fn maybe_sent() -> Step {
    Step::Fail(TransportError::maybe_sent("connection lost"))
}

/// Plays its steps one after the other, the last one for ever.
struct Script {
    steps: Vec<Step>,
    /// When each request came, and the token it carried.
    sent: Mutex<Vec<(Instant, String)>>,
    given_up: AtomicBool,
}

impl Script {
    fn times(&self) -> Vec<Instant> {
        self.sent.lock().unwrap().iter().map(|(at, _)| *at).collect()
    }

    fn tokens(&self) -> Vec<String> {
        self.sent.lock().unwrap().iter().map(|(_, token)| token.clone()).collect()
    }

    fn count(&self) -> usize {
        self.times().len()
    }

    /// The waits between the requests, in whole milliseconds.
    fn waits(&self) -> Vec<u128> {
        self.times().windows(2).map(|pair| (pair[1] - pair[0]).as_millis()).collect()
    }
}

impl Transport for Script {
    fn send(
        &self,
        request: http::Request<Bytes>,
        _max_reply_bytes: usize,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        let mut sent = self.sent.lock().unwrap();
        let step = self.steps[sent.len().min(self.steps.len() - 1)].clone();
        sent.push((Instant::now(), request.headers()["token"].to_str().unwrap().to_owned()));
        Box::pin(async move {
            match step {
                Step::Reply(response) => Ok(response),
                Step::Fail(error) => Err(error),
                Step::Silence => {
                    let _noticed = OnDrop(&self.given_up);
                    std::future::pending().await
                }
            }
        })
    }
}

struct OnDrop<'a>(&'a AtomicBool);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn spec(effect: Effect) -> &'static Spec {
    const fn named(effect: Effect) -> Spec {
        Spec { name: "buy", effect, source: "this test" }
    }
    const SPECS: [Spec; 4] =
        [named(Effect::ReadOnly), named(Effect::UsesReference), named(Effect::Deduplicated), named(Effect::MovesMoney)];
    SPECS.iter().find(|spec| spec.effect == effect).unwrap()
}

/// A call whose reply is `{"code": …, "reference": …}`.
struct Buy {
    effect: Effect,
    /// Fails while the request is built.
    unbuildable: Option<Error>,
}

fn buy(effect: Effect) -> Buy {
    Buy { effect, unbuildable: None }
}

#[derive(serde::Deserialize)]
struct Answer {
    code: String,
    #[serde(default)]
    reference: Option<String>,
}

impl Operation for Buy {
    type Signer = &'static str;
    type Output = Verdict;

    fn spec(&self) -> &'static Spec {
        spec(self.effect)
    }

    fn reference(&self) -> Option<&str> {
        Some("A-1")
    }

    fn request(&self, token: &&'static str, _now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        match &self.unbuildable {
            Some(error) => Err(error.clone()),
            None => Ok(http::Request::post("http://host.example/").header("token", *token).body(Bytes::new()).unwrap()),
        }
    }

    fn interpret(&self, response: &Response<Bytes>) -> Result<Verdict, Error> {
        let answer: Answer = decode::json(response.body()).map_err(Error::unreadable)?;
        let verdict = match answer.code.as_str() {
            "00" if answer.reference.is_some_and(|reference| reference != "A-1") => {
                Verdict::Unknown(ErrorKind::Mismatch)
            }
            "00" => Verdict::Succeeded,
            "01" => Verdict::Pending,
            "14" => Verdict::REFUSED,
            "40" => Verdict::Failed(ErrorKind::TokenRefused),
            "41" => Verdict::Unknown(ErrorKind::TokenRefused),
            "91" => Verdict::Unknown(ErrorKind::Unavailable),
            _ => Verdict::UNLISTED,
        };
        verdict.error().map_or(Ok(verdict), |error| Err(error.with_code(&answer.code)))
    }
}

const DONE: &str = r#"{"code": "00"}"#;
const TOKEN_REFUSED: &str = r#"{"code": "40"}"#;
const UNAVAILABLE: &str = r#"{"code": "91"}"#;

/// Always answers with the same error, whatever the reply.
struct Verbatim(Effect, ErrorKind, Execution);

impl Operation for Verbatim {
    type Signer = &'static str;
    type Output = ();

    fn spec(&self) -> &'static Spec {
        spec(self.0)
    }

    fn request(&self, token: &&'static str, now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        buy(self.0).request(token, now)
    }

    fn interpret(&self, _response: &Response<Bytes>) -> Result<(), Error> {
        Err(Error::new(self.1, self.2))
    }
}

/// Hands out `first`, and `second` once that was refused.
struct Tokens {
    first: Result<&'static str, Error>,
    second: Result<Option<&'static str>, Error>,
    renewals: AtomicUsize,
}

impl Tokens {
    fn new(second: Result<Option<&'static str>, Error>) -> Self {
        Self { first: Ok("old"), second, renewals: AtomicUsize::new(0) }
    }

    fn renewals(&self) -> usize {
        self.renewals.load(Ordering::SeqCst)
    }
}

impl Authority for Tokens {
    type Signer = &'static str;

    async fn signer(&self) -> Result<&'static str, Error> {
        self.first.clone()
    }

    async fn renew(&self, refused: &&'static str) -> Result<Option<&'static str>, Error> {
        assert_eq!(*refused, "old");
        self.renewals.fetch_add(1, Ordering::SeqCst);
        self.second.clone()
    }
}

fn policy(max_retries: usize) -> RetryPolicy {
    RetryPolicy { max_retries, ..RetryPolicy::default() }
}

fn engine_with(retry: RetryPolicy, steps: &[Step]) -> (Engine, Arc<Script>) {
    let script = Arc::new(Script { steps: steps.to_vec(), sent: Mutex::default(), given_up: AtomicBool::new(false) });
    let transport = Arc::clone(&script) as Arc<dyn Transport>;
    (Engine::new("klikoo", transport, Arc::new(ManualClock::new(NOW)), retry), script)
}

/// Repeats up to twice.
fn engine(steps: &[Step]) -> (Engine, Arc<Script>) {
    engine_with(policy(2), steps)
}

fn proof<T>(result: Result<T, Error>) -> Result<T, (ErrorKind, Execution)> {
    result.map_err(|error| (error.kind(), error.execution()))
}

// The stage table.

#[tokio::test(start_paused = true)]
async fn every_stage_says_what_it_proves() {
    use ErrorKind as K;
    use Execution::{NotExecuted, Unknown};

    let failing = |error: Error| Tokens { first: Err(error), ..Tokens::new(Ok(None)) };
    let fine = || Tokens::new(Ok(None));
    let never = || reply(200, DONE);
    let unbuildable = |kind| Some(Error::new(kind, NotExecuted));
    let lost = Error::new(K::Connection, Unknown);
    // Stage, authority, error while building, what the transport brings, what is said, times sent.
    let rows = [
        ("configuration", failing(Error::configuration("pin")), None, never(), Err((K::Configuration, NotExecuted)), 0),
        (
            "token's signature",
            failing(Error::new(K::Signing, NotExecuted)),
            None,
            never(),
            Err((K::Signing, NotExecuted)),
            0,
        ),
        ("token's request lost", failing(lost), None, never(), Err((K::NoToken, NotExecuted)), 0),
        ("building", fine(), unbuildable(K::InvalidInput), never(), Err((K::InvalidInput, NotExecuted)), 0),
        ("signing", fine(), unbuildable(K::Signing), never(), Err((K::Signing, NotExecuted)), 0),
        ("not sent", fine(), None, not_sent(), Err((K::NotSent, NotExecuted)), 1),
        ("maybe sent", fine(), None, maybe_sent(), Err((K::Connection, Unknown)), 1),
        ("silence", fine(), None, Step::Silence, Err((K::Timeout, Unknown)), 1),
        (
            "too large",
            fine(),
            None,
            Step::Fail(TransportError::reply_too_large(100)),
            Err((K::ReplyTooLarge, Unknown)),
            1,
        ),
        ("empty 200", fine(), None, reply(200, ""), Err((K::UnreadableReply, Unknown)), 1),
        ("empty 404", fine(), None, reply(404, ""), Err((K::UnreadableReply, Unknown)), 1),
        ("HTML 502", fine(), None, reply(502, "<html>Bad Gateway"), Err((K::UnreadableReply, Unknown)), 1),
        ("cut off", fine(), None, reply(200, r#"{"code": "00""#), Err((K::UnreadableReply, Unknown)), 1),
        ("no code", fine(), None, reply(400, r#"{"error": "14"}"#), Err((K::UnreadableReply, Unknown)), 1),
        ("listed refusal", fine(), None, reply(200, r#"{"code": "14"}"#), Err((K::Refused, NotExecuted)), 1),
        ("listed refusal, 500", fine(), None, reply(500, r#"{"code": "14"}"#), Err((K::Refused, NotExecuted)), 1),
        ("listed success", fine(), None, reply(200, DONE), Ok(Verdict::Succeeded), 1),
        ("listed pending", fine(), None, reply(202, r#"{"code": "01"}"#), Ok(Verdict::Pending), 1),
        ("unlisted code", fine(), None, reply(200, r#"{"code": "77"}"#), Err((K::Unlisted, Unknown)), 1),
        (
            "another reference",
            fine(),
            None,
            reply(200, r#"{"code": "00", "reference": "B"}"#),
            Err((K::Mismatch, Unknown)),
            1,
        ),
    ];
    for (stage, authority, unbuildable, step, expected, sent) in rows {
        for effect in EFFECTS {
            let (engine, script) = engine_with(RetryPolicy::never(), std::slice::from_ref(&step));
            let operation = Buy { unbuildable: unbuildable.clone(), ..buy(effect) };
            let said = proof(engine.call(&operation, &authority, LIMITS).await);
            assert_eq!((said, script.count()), (expected, sent), "{stage}, {effect}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_tells_where_it_arose_and_what_was_replied() {
    let (engine, _) = engine(&[reply(500, r#"{"code": "14"}"#)]);
    let error = engine.call(&buy(Effect::MovesMoney), &Always("t"), LIMITS).await.unwrap_err();
    assert_eq!(error.to_string(), "klikoo buy: refused, code 14, HTTP 500, reference A-1 (not executed)");
    assert_eq!((error.provider(), error.operation(), error.reference()), (Some("klikoo"), Some("buy"), Some("A-1")));
    assert_eq!(error.reply().unwrap(), r#"{"code": "14"}"#);
}

// Tokens.

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_renewed_and_the_call_sent_once_more() {
    for effect in EFFECTS {
        let (engine, script) = engine(&[reply(401, TOKEN_REFUSED), reply(200, DONE)]);
        let tokens = Tokens::new(Ok(Some("new")));
        assert_eq!(engine.call(&buy(effect), &tokens, LIMITS).await.unwrap(), Verdict::Succeeded, "{effect}");
        assert_eq!(script.tokens(), ["old", "new"]);
        assert_eq!(script.waits(), [0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_refused_twice_is_not_sent_a_third_time() {
    for effect in EFFECTS {
        let (engine, script) = engine(&[reply(401, TOKEN_REFUSED)]);
        let tokens = Tokens::new(Ok(Some("new")));
        let error = engine.call(&buy(effect), &tokens, LIMITS).await.unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::TokenRefused, Execution::NotExecuted));
        assert_eq!(error.status(), Some(StatusCode::UNAUTHORIZED));
        assert_eq!((script.count(), tokens.renewals()), (2, 1), "{effect}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_follows_a_renewal_is_judged_like_any_reply() {
    let after_renewal = [reply(401, TOKEN_REFUSED), maybe_sent()];
    for (effect, sent) in
        [(Effect::MovesMoney, 2), (Effect::Deduplicated, 2), (Effect::UsesReference, 2), (Effect::ReadOnly, 4)]
    {
        let (engine, script) = engine(&after_renewal);
        let said = proof(engine.call(&buy(effect), &Tokens::new(Ok(Some("new"))), LIMITS).await);
        assert_eq!(said, Err((ErrorKind::Connection, Execution::Unknown)));
        assert_eq!(script.count(), sent, "{effect}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_brings_nothing_new_passes_the_refusal_on() {
    for effect in EFFECTS {
        let (engine, script) = engine(&[reply(401, TOKEN_REFUSED)]);
        let tokens = Tokens::new(Ok(None));
        let said = proof(engine.call(&buy(effect), &tokens, LIMITS).await);
        assert_eq!(said, Err((ErrorKind::TokenRefused, Execution::NotExecuted)));
        assert_eq!((script.count(), tokens.renewals()), (1, 1), "{effect}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_without_proof_renews_nothing() {
    for effect in EFFECTS {
        let (engine, script) = engine(&[reply(401, r#"{"code": "41"}"#)]);
        let tokens = Tokens::new(Ok(Some("new")));
        let said = proof(engine.call(&buy(effect), &tokens, LIMITS).await);
        assert_eq!(said, Err((ErrorKind::TokenRefused, Execution::Unknown)));
        assert_eq!((script.count(), tokens.renewals()), (1, 0), "{effect}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_had_leaves_the_call_unsent() {
    for kind in KINDS {
        for execution in EXECUTIONS {
            let (engine, script) = engine(&[reply(200, DONE)]);
            let failing = Tokens { first: Err(Error::new(kind, execution)), ..Tokens::new(Ok(None)) };
            let error = engine.call(&buy(Effect::MovesMoney), &failing, LIMITS).await.unwrap_err();
            assert_eq!(error.execution(), Execution::NotExecuted, "{kind:?}, {execution:?}");
            assert_eq!(script.count(), 0, "{kind:?}, {execution:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_leaves_the_refused_call_unexecuted() {
    for kind in KINDS {
        for execution in EXECUTIONS {
            let (engine, script) = engine(&[reply(401, TOKEN_REFUSED)]);
            let failing = Tokens::new(Err(Error::new(kind, execution)));
            let error = engine.call(&buy(Effect::MovesMoney), &failing, LIMITS).await.unwrap_err();
            assert_eq!(error.execution(), Execution::NotExecuted, "{kind:?}, {execution:?}");
            assert_eq!(script.count(), 1, "{kind:?}, {execution:?}");
        }
    }
}

// Repetitions.

const EXECUTIONS: [Execution; 3] = [Execution::NotExecuted, Execution::Executed, Execution::Unknown];

const KINDS: [ErrorKind; 25] = [
    ErrorKind::Configuration,
    ErrorKind::InvalidInput,
    ErrorKind::Signing,
    ErrorKind::NoToken,
    ErrorKind::NotSent,
    ErrorKind::Connection,
    ErrorKind::Timeout,
    ErrorKind::ReplyTooLarge,
    ErrorKind::UnreadableReply,
    ErrorKind::Refused,
    ErrorKind::TokenRefused,
    ErrorKind::Throttled,
    ErrorKind::Unavailable,
    ErrorKind::Duplicate,
    ErrorKind::NotFound,
    ErrorKind::PriceChanged,
    ErrorKind::Unproven,
    ErrorKind::Unlisted,
    ErrorKind::Contradiction,
    ErrorKind::Mismatch,
    ErrorKind::Ambiguous,
    ErrorKind::NeedsPerson,
    ErrorKind::Unsupported,
    ErrorKind::AlreadySent,
    ErrorKind::NotRecorded,
];

/// Whether a read whose reply came to this is asked again. Has to name every kind: one that is new belongs into `KINDS` too.
fn passes(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Connection
        | ErrorKind::Timeout
        | ErrorKind::UnreadableReply
        | ErrorKind::Throttled
        | ErrorKind::Unavailable => true,
        // Only a transport can prove that nothing was sent; a reply cannot.
        ErrorKind::NotSent => false,
        ErrorKind::Configuration
        | ErrorKind::InvalidInput
        | ErrorKind::Signing
        | ErrorKind::NoToken
        | ErrorKind::ReplyTooLarge
        | ErrorKind::Refused
        | ErrorKind::TokenRefused
        | ErrorKind::Duplicate
        | ErrorKind::NotFound
        | ErrorKind::PriceChanged
        | ErrorKind::Unproven
        | ErrorKind::Unlisted
        | ErrorKind::Contradiction
        | ErrorKind::Mismatch
        | ErrorKind::Ambiguous
        | ErrorKind::NeedsPerson
        | ErrorKind::Unsupported
        | ErrorKind::AlreadySent
        | ErrorKind::NotRecorded => false,
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_causes_a_repetition_only_as_documented() {
    for effect in EFFECTS {
        for kind in KINDS {
            for execution in EXECUTIONS {
                let (engine, script) = engine(&[reply(200, "")]);
                let said = engine.call(&Verbatim(effect, kind, execution), &Tokens::new(Ok(Some("new"))), LIMITS).await;
                assert_eq!(proof(said), Err((kind, execution)));
                let expected = match (effect, kind, execution) {
                    (_, ErrorKind::TokenRefused, Execution::NotExecuted) => 2,
                    (Effect::ReadOnly, kind, _) if passes(kind) => 3,
                    _ => 1,
                };
                assert_eq!(script.count(), expected, "{effect}, {kind:?}, {execution:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_transport_failure_causes_a_repetition_only_as_documented() {
    for (step, read, other) in [
        (not_sent(), 3, 3),
        (maybe_sent(), 3, 1),
        (Step::Silence, 3, 1),
        (Step::Fail(TransportError::reply_too_large(100)), 1, 1),
    ] {
        for effect in EFFECTS {
            let (engine, script) = engine(std::slice::from_ref(&step));
            let error = engine.call(&buy(effect), &Always("t"), LIMITS).await.unwrap_err();
            let expected = if effect == Effect::ReadOnly { read } else { other };
            assert_eq!(script.count(), expected, "{effect}, {error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_reply_to_a_read_is_asked_again_where_the_fault_may_pass() {
    for (status, sent) in [
        (200, 3),
        (204, 3),
        (301, 1),
        (307, 1),
        (400, 1),
        (401, 1),
        (403, 1),
        (404, 1),
        (408, 3),
        (413, 1),
        (429, 3),
        (500, 3),
        (502, 3),
        (503, 3),
        (504, 3),
    ] {
        let (engine, script) = engine(&[reply(status, "<html>")]);
        engine.call(&buy(Effect::ReadOnly), &Always("t"), LIMITS).await.unwrap_err();
        assert_eq!(script.count(), sent, "HTTP {status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_purchase_that_was_not_sent_goes_out_once_the_way_is_free() {
    let (engine, script) = engine(&[not_sent(), not_sent(), reply(200, DONE)]);
    assert_eq!(engine.call(&buy(Effect::MovesMoney), &Always("t"), LIMITS).await.unwrap(), Verdict::Succeeded);
    assert_eq!(script.count(), 3);

    let (engine, script) = self::engine(&[not_sent(), maybe_sent(), reply(200, DONE)]);
    let said = proof(engine.call(&buy(Effect::MovesMoney), &Always("t"), LIMITS).await);
    assert_eq!(said, Err((ErrorKind::Connection, Execution::Unknown)));
    assert_eq!(script.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn waits_double_from_one_second() {
    let (engine, script) = engine_with(policy(3), &[reply(503, UNAVAILABLE)]);
    engine.call(&buy(Effect::ReadOnly), &Always("t"), LIMITS).await.unwrap_err();
    let waits = script.waits();
    assert_eq!(waits.len(), 3);
    for (wait, shortest) in waits.into_iter().zip([1000, 2000, 4000]) {
        assert!((shortest..=2 * shortest + 1).contains(&wait), "{wait} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_limit_is_of_each_exchange() {
    let (engine, script) = engine_with(policy(1), &[Step::Silence]);
    let start = Instant::now();
    engine.call(&buy(Effect::MovesMoney), &Always("t"), LIMITS).await.unwrap_err();
    assert_eq!(start.elapsed().as_secs(), 10);
    assert!(script.given_up.load(Ordering::SeqCst));

    let (engine, script) = engine_with(policy(1), &[Step::Silence, reply(200, DONE)]);
    engine.call(&buy(Effect::ReadOnly), &Always("t"), LIMITS).await.unwrap();
    assert!((11_000..=12_001).contains(&script.waits()[0]));
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured_up_to_the_longest_wait() {
    let own = 1000..=2001;
    for (value, wait, asked) in [
        ("7", 7000..=7001, Some(7)),
        ("30", 30_000..=30_001, Some(30)),
        ("0", own.clone(), Some(0)),
        // NOW is 08:49:37.
        ("Sun, 06 Nov 1994 08:49:46 GMT", 9000..=9001, Some(9)),
        ("Sun, 06 Nov 1994 08:00:00 GMT", own.clone(), Some(0)),
        ("soon", own.clone(), None),
        ("-7", own.clone(), None),
    ] {
        for (status, body) in [(503, UNAVAILABLE), (429, "<html>")] {
            let (engine, script) = engine_with(policy(1), &[reply_with(status, ("retry-after", value), body)]);
            let error = engine.call(&buy(Effect::ReadOnly), &Always("t"), LIMITS).await.unwrap_err();
            assert_eq!(script.count(), 2, "{value}");
            assert!(wait.contains(&script.waits()[0]), "{value}: {:?}", script.waits());
            assert_eq!(error.retry_after(), asked.map(seconds), "{value}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_asks_for_more_time_gets_it_from_the_caller() {
    for (value, asked) in
        [("31", 31), ("Sun, 06 Nov 1994 08:50:38 GMT", 61), ("18446744073709551615", 18_446_744_073_709_551_615)]
    {
        let (engine, script) = engine(&[reply_with(503, ("retry-after", value), UNAVAILABLE)]);
        let error = engine.call(&buy(Effect::ReadOnly), &Always("t"), LIMITS).await.unwrap_err();
        assert_eq!((script.count(), error.retry_after()), (1, Some(seconds(asked))), "{value}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_wait_that_a_token_request_asks_for_is_passed_on() {
    let (engine, _) = engine(&[reply(200, DONE)]);
    let throttled = Error::new(ErrorKind::Throttled, Execution::NotExecuted).with_retry_after(Some(seconds(40)));
    let failing = Tokens { first: Err(throttled), ..Tokens::new(Ok(None)) };
    let error = engine.call(&buy(Effect::ReadOnly), &failing, LIMITS).await.unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::NoToken, Some(seconds(40))));
}

#[tokio::test(start_paused = true)]
async fn all_calls_share_one_budget_of_repetitions() {
    // 20 repetitions at first; five calls that go well earn one more.
    let steps = [vec![not_sent(); 28], vec![reply(200, DONE); 5], vec![not_sent()]].concat();
    let (engine, script) = engine_with(policy(3), &steps);
    let mut sent = Vec::new();
    for n in 0..15 {
        let before = script.count();
        let _ = engine.call(&buy(EFFECTS[n % 4]), &Always("t"), LIMITS).await;
        sent.push(script.count() - before);
    }
    assert_eq!(sent, [4, 4, 4, 4, 4, 4, 3, 1, 1, 1, 1, 1, 1, 2, 1]);
}

#[tokio::test(start_paused = true)]
async fn renewing_a_token_costs_no_budget() {
    let (engine, script) = engine_with(policy(3), &[reply(401, TOKEN_REFUSED)]);
    for _ in 0..50 {
        engine.call(&buy(Effect::MovesMoney), &Tokens::new(Ok(Some("new"))), LIMITS).await.unwrap_err();
    }
    assert_eq!(script.count(), 100);
}

// Limits, clocks, giving up.

#[tokio::test(start_paused = true)]
async fn a_reply_over_the_limit_counts_as_unread_even_if_the_transport_let_it_through() {
    for (padding, expected) in [
        (100 - DONE.len(), Ok(Verdict::Succeeded)),
        (101 - DONE.len(), Err((ErrorKind::ReplyTooLarge, Execution::Unknown))),
    ] {
        for effect in EFFECTS {
            let (engine, script) = engine(&[reply(200, &format!("{DONE}{}", " ".repeat(padding)))]);
            assert_eq!(proof(engine.call(&buy(effect), &Always("t"), LIMITS).await), expected);
            assert_eq!(script.count(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_difference_of_the_clocks_is_that_of_the_latest_dated_reply() {
    let dated = |status, date, body| reply_with(status, ("date", date), body);
    let (engine, _) = engine_with(
        RetryPolicy::never(),
        &[
            reply(200, DONE),
            dated(200, "Sun, 06 Nov 1994 08:51:07 GMT", DONE),
            dated(200, "yesterday", DONE),
            not_sent(),
            dated(502, "Sun, 06 Nov 1994 08:49:35 GMT", "<html>"),
        ],
    );
    let mut differences = Vec::new();
    for _ in 0..5 {
        let _ = engine.call(&buy(Effect::ReadOnly), &Always("t"), LIMITS).await;
        differences.push(engine.clock_difference_millis());
    }
    assert_eq!(differences, [0, 90_000, 90_000, 90_000, -2_000]);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_call_gives_the_exchange_up() {
    let (engine, script) = engine(&[Step::Silence]);
    let dropped = tokio::time::timeout(seconds(3), engine.call(&buy(Effect::ReadOnly), &Always("t"), LIMITS)).await;
    assert!(dropped.is_err());
    assert!(script.given_up.load(Ordering::SeqCst));
    tokio::time::advance(seconds(3600)).await;
    assert_eq!(script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_call_between_two_exchanges_sends_nothing_more() {
    let (engine, script) = engine(&[not_sent()]);
    let operation = buy(Effect::MovesMoney);
    let call = engine.call(&operation, &Always("t"), LIMITS);
    assert!(tokio::time::timeout(Duration::from_millis(500), call).await.is_err());
    tokio::time::advance(seconds(3600)).await;
    assert_eq!(script.count(), 1);
}
