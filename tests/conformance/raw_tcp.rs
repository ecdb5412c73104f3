//! The providers' own calls over real sockets: every operation that must not be repeated, and one read of each provider, under every
//! way in which an exchange over TCP can break.

use std::sync::LazyLock;

use biller_core::reqwest_transport::ReqwestTransport;
use biller_core::{BoxFuture, Effect, Execution, Transport, TransportError};
use biller_tests::raw_tcp::{self, Case, Server};
use bytes::Bytes;
use http::Uri;

use crate::bench::Bench;
use crate::cases::earlier_purchase;
use crate::rules::{Judgement, Rule, require};
use crate::subject::Subject;

/// Which of the provider's own calls meet the table.
pub fn calls(subject: &dyn Subject) -> Vec<usize> {
    let effects: Vec<(&str, Effect)> =
        subject.calls().iter().map(|call| (call.operation, subject.effect(call.operation))).collect();
    let token = subject.token().map(|(operation, _)| operation);
    let read = effects.iter().position(|(operation, effect)| *effect == Effect::ReadOnly && Some(*operation) != token);
    let others = (0..effects.len()).filter(|at| effects[*at].1 != Effect::ReadOnly);
    others.chain(read).collect()
}

pub fn table() -> &'static [Case] {
    static TABLE: LazyLock<Vec<Case>> = LazyLock::new(raw_tcp::cases);
    &TABLE
}

/// Real time, for real sockets.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// One call through the real client against a server that breaks the exchange; whatever it reads completely is executed.
pub async fn run(bench: &Bench, at: usize, case: &Case) -> Judgement {
    earlier_purchase(bench).await?;
    let call = &bench.subject.calls()[at];
    let effect = bench.subject.effect(call.operation);
    let mount = bench.line.server();
    let behind = move |request| -> BoxFuture<'static, _> {
        let mount = mount.clone();
        Box::pin(async move { mount.send(request, usize::MAX).await.expect("the sandbox answers") })
    };
    let server = Server::start(case, Box::new(behind)).await;
    let client = case.transport();
    server.open(&client).await;
    let (charges, seen) = (bench.charges().len(), bench.line.seen().len());
    bench.line.divert(call.operation, Elsewhere { base: server.base(), client });
    let result = (call.run)(bench.wiring().with_retry(raw_tcp::retry())).await;
    bench.line.heal();
    let read = server.finish().await;
    let sent = bench.line.seen()[seen..].iter().filter(|seen| seen.operation == call.operation).count();
    let charged = bench.charges().len() - charges;

    let said = match result {
        Ok(shown) => {
            bench.shown.add(shown);
            Ok(())
        }
        Err(error) => {
            bench.shown.error(&error);
            Err(error.execution())
        }
    };
    let expected = case.expected(effect);
    let once = effect == Effect::ReadOnly || (sent, read) == (expected.sent, expected.read) && read <= 1;
    require(once && charged <= 1, Rule::SentOnce, || {
        format!("handed over {sent} times, read completely {read} times, charged {charged} times")
    })?;
    let denied = said == Err(Execution::NotExecuted) && read > 0;
    require(!denied, Rule::NeverDenied, || format!("said not executed, but {read} requests were read completely"))?;
    let invented = said.is_ok() && effect.moves_money() && charged == 0;
    require(!invented, Rule::NeverInvented, || "said well done, but nothing was charged".to_owned())?;
    let expected = (expected.sent, expected.read, expected.said.map_err(|(_, execution)| execution));
    require((sent, read, said) == expected, Rule::KeepsItsCourse, || {
        format!("the table has (sent, read, said) as {expected:?}, it came to {:?}", (sent, read, said))
    })
}

/// Requests for another server.
struct Elsewhere {
    base: String,
    client: ReqwestTransport,
}

impl Transport for Elsewhere {
    fn send(
        &self,
        mut request: http::Request<Bytes>,
        max_reply_bytes: usize,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        *request.uri_mut() = format!("{}{target}", self.base).parse::<Uri>().expect("an address");
        self.client.send(request, max_reply_bytes)
    }
}
