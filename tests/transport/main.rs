//! What a transport failure proves, shown on real sockets: every way in which an exchange can break, once with a call that moves
//! money and once with a read, against a server that counts the requests it has read to their last byte.

#![allow(clippy::unwrap_used)]

mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use biller_core::reqwest_transport::ReqwestTransport;
use biller_core::{
    Always, BoxFuture, Effect, Error, ErrorKind, Execution, Limits, Operation, RetryPolicy, Spec, Timestamp, Transport,
    TransportError, Wiring,
};
use bytes::Bytes;

use server::{FLOOD, Play, Server};

/// How often the engine may repeat: enough to tell "never" from "as documented".
const RETRIES: usize = 2;

/// What one call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    /// Times that the engine handed the request to the transport.
    sent: usize,
    /// Times that the server read it completely.
    read: usize,
    said: Result<(), (ErrorKind, Execution)>,
}

const fn done(sent: usize, read: usize) -> Seen {
    Seen { sent, read, said: Ok(()) }
}

const fn failed(sent: usize, read: usize, kind: ErrorKind, execution: Execution) -> Seen {
    Seen { sent, read, said: Err((kind, execution)) }
}

/// Nothing left: both calls are repeated, and no server has read anything.
const NOT_SENT: Seen = failed(1 + RETRIES, 0, ErrorKind::NotSent, Execution::NotExecuted);

struct Case {
    name: &'static str,
    play: Play,
    money: Seen,
    read: Seen,
}

fn cases() -> Vec<Case> {
    use ErrorKind::{Connection, ReplyTooLarge, Timeout, UnreadableReply};
    use Execution::Unknown;

    let case = |name, play, money, read| Case { name, play, money, read };
    let not_sent = |name, play| case(name, play, NOT_SENT, NOT_SENT);
    // The request may have arrived: the purchase is left alone, the read is repeated.
    let lost = |name, play| case(name, play, failed(1, 1, Connection, Unknown), failed(3, 3, Connection, Unknown));
    let lost_unread =
        |name, play| case(name, play, failed(1, 0, Connection, Unknown), failed(3, 0, Connection, Unknown));
    // Something answered that proves nothing and will not change: neither is repeated.
    let answered = |name, play, kind| case(name, play, failed(1, 1, kind, Unknown), failed(1, 1, kind, Unknown));
    vec![
        case("an exchange that goes well", Play::Answer, done(1, 1), done(1, 1)),
        not_sent("connection refused", Play::Refuse),
        not_sent("connection never accepted, backlog full", Play::NeverAccept),
        not_sent("host name that does not resolve", Play::NoSuchHost),
        not_sent("TLS handshake with a plain server", Play::PlainForTls),
        lost_unread("closed at once after accepting", Play::CloseAtOnce),
        lost_unread("reset in the middle of the request's body", Play::ResetInBody),
        lost("read completely, then closed", Play::ReadAndClose),
        lost("read completely, then reset", Play::ReadAndReset),
        lost("half a status line", Play::Write("HTTP/1.1 20")),
        lost("a reply that is no HTTP", Play::Write("who is there?\r\n\r\n")),
        lost("half a body", Play::Write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"cod")),
        lost("half a chunk", Play::Write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\n{\"cod")),
        lost("an interim reply, then closed", Play::Write("HTTP/1.1 100 Continue\r\n\r\n")),
        case("silence", Play::Silence, failed(1, 1, Timeout, Unknown), failed(3, 3, Timeout, Unknown)),
        case("kept connection closed while idle", Play::CloseWhenIdle, done(1, 1), done(1, 1)),
        lost("kept connection closed on the second request", Play::CloseSecond),
        answered("redirect 301", Play::Redirect(301), UnreadableReply),
        answered("redirect 302", Play::Redirect(302), UnreadableReply),
        answered("redirect 303", Play::Redirect(303), UnreadableReply),
        answered("redirect 307", Play::Redirect(307), UnreadableReply),
        answered("redirect 308", Play::Redirect(308), UnreadableReply),
        answered("200 MB of reply", Play::Flood, ReplyTooLarge),
    ]
}

#[tokio::test]
async fn a_failure_proves_what_the_table_says() {
    let mut table = String::new();
    let mut wrong = Vec::new();
    for case in cases() {
        for (effect, expected) in [(Effect::MovesMoney, &case.money), (Effect::ReadOnly, &case.read)] {
            let seen = play(case.play, effect).await;
            let said = match seen.said {
                Ok(()) => "done".to_owned(),
                Err((kind, execution)) => format!("{kind} ({execution})"),
            };
            table +=
                &format!("{:<46}{:<12} {:>4} {:>8}  {said}\n", case.name, effect.to_string(), seen.sent, seen.read);
            // Whatever the table says, no purchase may be read twice.
            if seen != *expected || (effect.moves_money() && seen.read > 1) {
                wrong.push(format!("{}, {effect}: expected {expected:?}, got {seen:?}", case.name));
            }
        }
    }
    eprintln!("{:<46}{:<12} {:>4} {:>8}  the client says\n{table}", "case", "effect", "sent", "read");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Has one call meet one behaviour, with a server and a connection pool of its own.
async fn play(play: Play, effect: Effect) -> Seen {
    let server = Server::start(play).await;
    let connect_timeout = match play {
        Play::NeverAccept | Play::NoSuchHost => Duration::from_millis(200),
        _ => Duration::from_secs(5),
    };
    let timeout = if play == Play::Silence { Duration::from_millis(500) } else { Duration::from_secs(20) };
    let limits = Limits { timeout, max_reply_bytes: 64 * 1024 };
    let transport =
        Arc::new(Counting { inner: ReqwestTransport::new(connect_timeout).unwrap(), sent: AtomicUsize::new(0) });
    let retry = RetryPolicy {
        max_retries: RETRIES,
        first_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(5),
    };
    let engine = Wiring::over(Arc::clone(&transport)).with_retry(retry).engine("probe");
    if matches!(play, Play::CloseWhenIdle | Play::CloseSecond) {
        let opener = Probe { spec: &READ, url: server.url("/opener"), body: Bytes::new() };
        engine.call(&opener, &Always(()), limits).await.unwrap();
        transport.sent.store(0, Ordering::SeqCst);
        server.idle_connection_closed().await;
    }

    let spec = if effect.moves_money() { &BUY } else { &READ };
    let body = if play == Play::ResetInBody { Bytes::from(vec![b'x'; 8 << 20]) } else { "reference=A-1".into() };
    let said = engine.call(&Probe { spec, url: server.url("/call"), body }, &Always(()), limits).await;

    let sent = transport.sent.load(Ordering::SeqCst);
    // Closes the pooled connections, for which the server waits.
    drop((engine, transport));
    let counts = server.finish().await;
    if play == Play::Flood {
        assert!(counts.written < FLOOD, "the server got rid of all {FLOOD} bytes");
    }
    Seen { sent, read: counts.read, said: said.map_err(|error| (error.kind(), error.execution())) }
}

const BUY: Spec = Spec { name: "buy", effect: Effect::MovesMoney, source: "this test" };
const READ: Spec = Spec { name: "look", effect: Effect::ReadOnly, source: "this test" };

/// A call that understands one answer: status 200 with the body `done`.
struct Probe {
    spec: &'static Spec,
    url: String,
    body: Bytes,
}

impl Operation for Probe {
    type Signer = ();
    type Output = ();

    fn spec(&self) -> &'static Spec {
        self.spec
    }

    fn request(&self, _signer: &(), _now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        http::Request::post(&self.url)
            .body(self.body.clone())
            .map_err(|error| Error::configuration("address").with_source(error))
    }

    fn interpret(&self, response: &http::Response<Bytes>) -> Result<(), Error> {
        match (response.status().as_u16(), &response.body()[..]) {
            (200, b"done") => Ok(()),
            _ => Err(Error::new(ErrorKind::UnreadableReply, Execution::Unknown)),
        }
    }
}

/// Counts what the engine hands to the transport.
struct Counting {
    inner: ReqwestTransport,
    sent: AtomicUsize,
}

impl Transport for Counting {
    fn send(
        &self,
        request: http::Request<Bytes>,
        max_reply_bytes: usize,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        self.sent.fetch_add(1, Ordering::SeqCst);
        self.inner.send(request, max_reply_bytes)
    }
}
