//! What a transport failure proves, shown on real sockets: the whole table, once with a call that moves money and once with a read.
//! The conformance suite plays the same table with every provider's own calls.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use biller_core::reqwest_transport::ReqwestTransport;
use biller_core::{
    Always, BoxFuture, Effect, Error, ErrorKind, Execution, Limits, Operation, Spec, Timestamp, Transport,
    TransportError, Wiring,
};
use biller_tests::raw_tcp::{self, Case, Seen, Server};
use biller_tests::reply;
use bytes::Bytes;

#[tokio::test]
async fn a_failure_proves_what_the_table_says() {
    let mut table = String::new();
    let mut wrong = Vec::new();
    for case in raw_tcp::cases() {
        for spec in [&BUY, &READ] {
            let (seen, expected, effect) = (play(&case, spec).await, case.expected(spec.effect), spec.effect);
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
async fn play(case: &Case, spec: &'static Spec) -> Seen {
    let server = Server::start(case, Box::new(|_| Box::pin(async { reply(200, "done") }))).await;
    let transport = Arc::new(Counting { inner: case.transport(), sent: AtomicUsize::new(0) });
    server.open(&transport.inner).await;
    let engine = Wiring::over(Arc::clone(&transport)).with_retry(raw_tcp::retry()).engine("probe");
    let probe = Probe { spec, url: format!("{}/call", server.base()), body: vec![b'x'; case.request_bytes()].into() };
    let limits = Limits { timeout: case.timeout() / 2, max_reply_bytes: 64 * 1024 };
    let said = engine.call(&probe, &Always(()), limits).await;

    let sent = transport.sent.load(Ordering::SeqCst);
    drop((engine, transport));
    Seen { sent, read: server.finish().await, said: said.map_err(|error| (error.kind(), error.execution())) }
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
