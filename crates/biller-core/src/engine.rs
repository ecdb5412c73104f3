use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{DATE, RETRY_AFTER};
use tracing::Instrument;

use crate::retry::RetryBudget;
use crate::{
    Authority, BoxFuture, Clock, Delivery, Effect, Error, ErrorKind, Execution, Operation, RetryPolicy, Spec,
    Timestamp, Transport,
};

/// How long one exchange may take and how large its reply may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the start of connecting to the last byte of the reply.
    pub timeout: Duration,
    /// The largest body that is read; the rest of a larger one is never fetched.
    pub max_reply_bytes: usize,
}

/// Carries out operations: authorise, sign, send, read within the limits, interpret.
///
/// The only place that repeats anything, and only: a read-only call after a passing fault; any call that provably was not
/// sent; any call once, when the provider refused its token before running it.
pub struct Engine {
    provider: &'static str,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    retry: RetryPolicy,
    budget: RetryBudget,
    clock_difference: AtomicI64,
}

/// A difference of the clocks that is worth a warning.
const NOTABLE_DIFFERENCE: Duration = Duration::from_secs(60);

impl Engine {
    pub(crate) fn new(
        provider: &'static str,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        retry: RetryPolicy,
    ) -> Self {
        Self { provider, transport, clock, retry, budget: RetryBudget::new(), clock_difference: AtomicI64::new(0) }
    }

    /// The clock that requests are signed by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Milliseconds by which the provider's clock was ahead of ours in its latest reply; negative when it was behind, zero
    /// before the first reply with a `Date` header. Beyond a minute, daily rules and signatures go wrong.
    pub fn clock_difference_millis(&self) -> i64 {
        self.clock_difference.load(Ordering::Relaxed)
    }

    /// Carries out `operation`.
    ///
    /// The error says whether the provider acted. Dropping the future leaves that open: a request may be on its way.
    pub async fn call<O, A>(&self, operation: &O, authority: &A, limits: Limits) -> Result<O::Output, Error>
    where
        O: Operation,
        A: Authority<Signer = O::Signer>,
    {
        let mut call = Typed { operation, authority, signer: None, output: None };
        self.carry_out(&mut call, limits).await?;
        Ok(call.output.expect("a call that went well has been interpreted"))
    }

    fn carry_out<'a>(&'a self, call: &'a mut dyn Call, limits: Limits) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let spec = call.spec();
            let reference = call.reference().map(str::to_owned);
            let span = tracing::debug_span!(
                "biller.call",
                provider = self.provider,
                operation = spec.name,
                effect = %spec.effect,
                reference
            );
            let result = self
                .attempts(call, spec.effect, limits)
                .instrument(span)
                .await
                .map_err(|error| error.at(self.provider, spec.name, reference.as_deref()));
            match &result {
                Ok(()) => self.budget.earn(),
                Err(error) => tracing::debug!(%error, "call failed"),
            }
            result
        })
    }

    async fn attempts(&self, call: &mut dyn Call, effect: Effect, limits: Limits) -> Result<(), Error> {
        call.authorise().await.map_err(no_token)?;
        let mut renewed = false;
        let mut delays = self.retry.delays(self.clock.now().unix_millis().unsigned_abs());
        loop {
            let Err(error) = self.exchange(call, limits).await else { return Ok(()) };
            if error.kind() == ErrorKind::TokenRefused && error.execution() == Execution::NotExecuted && !renewed {
                renewed = true;
                if !call.renew().await.map_err(no_token)? {
                    return Err(error);
                }
                tracing::debug!("token refused, renewed");
                continue;
            }
            let Some(delay) = may_repeat(effect, &error).then(|| delays.next()).flatten() else { return Err(error) };
            let delay = error.retry_after().map_or(delay, |asked| asked.max(delay));
            if delay > self.retry.max_delay || !self.budget.spend() {
                return Err(error);
            }
            tracing::debug!(%error, ?delay, "repeating");
            tokio::time::sleep(delay).await;
        }
    }

    async fn exchange(&self, call: &mut dyn Call, limits: Limits) -> Result<(), Error> {
        let request = call.request(self.clock.now())?;
        let sending = self.transport.send(request, limits.max_reply_bytes);
        let response = match tokio::time::timeout(limits.timeout, sending).await {
            Err(_) => return Err(Error::new(ErrorKind::Timeout, Execution::Unknown)),
            Ok(Err(error)) => {
                let (kind, execution) = match error.delivery() {
                    Delivery::NotSent => (ErrorKind::NotSent, Execution::NotExecuted),
                    Delivery::MaybeSent if error.is_reply_too_large() => (ErrorKind::ReplyTooLarge, Execution::Unknown),
                    Delivery::MaybeSent => (ErrorKind::Connection, Execution::Unknown),
                };
                return Err(Error::new(kind, execution).with_detail(error.to_string()).with_source(error));
            }
            Ok(Ok(response)) => response,
        };
        self.compare_clocks(&response);
        if response.body().len() > limits.max_reply_bytes {
            return Err(Error::new(ErrorKind::ReplyTooLarge, Execution::Unknown)
                .with_detail(format!("limit of {} bytes", limits.max_reply_bytes)));
        }
        call.interpret(&response).map_err(|error| {
            let asked = retry_after(&response, self.clock.now());
            error.with_reply(&response, asked)
        })
    }

    fn compare_clocks(&self, response: &http::Response<Bytes>) {
        let date =
            response.headers().get(DATE).and_then(|date| date.to_str().ok()).and_then(Timestamp::parse_http_date);
        let Some(theirs) = date else { return };
        let difference = theirs.unix_millis() - self.clock.now().unix_millis();
        self.clock_difference.store(difference, Ordering::Relaxed);
        if u128::from(difference.unsigned_abs()) > NOTABLE_DIFFERENCE.as_millis() {
            tracing::warn!(provider = self.provider, difference_ms = difference, "clock differs from the provider's");
        }
    }
}

/// An operation with its authority, their types put away: what is around a call is compiled once, not once per operation.
trait Call: Send {
    fn spec(&self) -> &'static Spec;
    fn reference(&self) -> Option<&str>;
    /// Gets the signer.
    fn authorise(&mut self) -> BoxFuture<'_, Result<(), Error>>;
    /// Replaces the refused signer; false when no different one can be had.
    fn renew(&mut self) -> BoxFuture<'_, Result<bool, Error>>;
    fn request(&self, now: Timestamp) -> Result<http::Request<Bytes>, Error>;
    /// Reads the reply and keeps what it says.
    fn interpret(&mut self, response: &http::Response<Bytes>) -> Result<(), Error>;
}

struct Typed<'a, O: Operation, A> {
    operation: &'a O,
    authority: &'a A,
    signer: Option<O::Signer>,
    output: Option<O::Output>,
}

impl<O: Operation, A: Authority<Signer = O::Signer>> Typed<'_, O, A> {
    fn signer(&self) -> &O::Signer {
        self.signer.as_ref().expect("a call is authorised before anything else")
    }
}

impl<O: Operation, A: Authority<Signer = O::Signer>> Call for Typed<'_, O, A> {
    fn spec(&self) -> &'static Spec {
        self.operation.spec()
    }

    fn reference(&self) -> Option<&str> {
        self.operation.reference()
    }

    fn authorise(&mut self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async {
            self.signer = Some(self.authority.signer().await?);
            Ok(())
        })
    }

    fn renew(&mut self) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(async {
            let renewed = self.authority.renew(self.signer()).await?;
            let any = renewed.is_some();
            self.signer = renewed.or(self.signer.take());
            Ok(any)
        })
    }

    fn request(&self, now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        self.operation.request(self.signer(), now)
    }

    fn interpret(&mut self, response: &http::Response<Bytes>) -> Result<(), Error> {
        self.output = Some(self.operation.interpret(response)?);
        Ok(())
    }
}

/// Whatever happened while the token was fetched, the call itself was not sent.
fn no_token(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Configuration | ErrorKind::Signing if error.execution() == Execution::NotExecuted => error,
        _ => Error::new(ErrorKind::NoToken, Execution::NotExecuted)
            .with_detail(error.to_string())
            .with_retry_after(error.retry_after())
            .with_source(error),
    }
}

/// Whether the engine may send the same operation again after this error.
fn may_repeat(effect: Effect, error: &Error) -> bool {
    // A status means that there was a reply, so something was sent, whatever the reply claims.
    if error.kind() == ErrorKind::NotSent && error.execution() == Execution::NotExecuted && error.status().is_none() {
        return true;
    }
    let passing = match error.kind() {
        ErrorKind::Connection | ErrorKind::Timeout | ErrorKind::Throttled | ErrorKind::Unavailable => true,
        ErrorKind::UnreadableReply => error.status().is_none_or(|status| {
            status.is_success()
                || status.is_server_error()
                || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
        }),
        _ => false,
    };
    passing && effect == Effect::ReadOnly
}

/// `Retry-After` in seconds or as a date.
fn retry_after(response: &http::Response<Bytes>, now: Timestamp) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    match value.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Timestamp::parse_http_date(value).map(|at| at.since(now)),
    }
}

#[cfg(test)]
mod tests;
