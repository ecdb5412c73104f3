use std::sync::Arc;

use crate::{Clock, Engine, RetryPolicy, SystemClock, Transport};

/// What a client runs on: its transport, its clock and its retry policy. Every client takes one.
///
/// ```
/// use biller_core::{ManualClock, RetryPolicy, Timestamp, Wiring};
/// # use biller_core::{BoxFuture, Transport, TransportError};
/// # struct MyTransport;
/// # impl Transport for MyTransport {
/// #     fn send(&self, _: http::Request<bytes::Bytes>, _: usize) -> BoxFuture<'_, Result<http::Response<bytes::Bytes>, TransportError>> {
/// #         Box::pin(async { Err(TransportError::not_sent("unplugged")) })
/// #     }
/// # }
///
/// let wiring = Wiring::over(MyTransport)
///     .with_clock(ManualClock::new(Timestamp::from_unix_millis(1_707_276_515_000)))
///     .with_retry(RetryPolicy::never());
/// ```
#[derive(Clone)]
pub struct Wiring {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    retry: RetryPolicy,
}

impl Wiring {
    /// Over a transport of the caller's, on the system's clock, with the default retry policy.
    pub fn over(transport: impl Transport + 'static) -> Self {
        Self { transport: Arc::new(transport), clock: Arc::new(SystemClock), retry: RetryPolicy::default() }
    }

    /// Over HTTP, on the system's clock, with the default retry policy.
    ///
    /// `connect_timeout` has to be shorter than the time limits of the calls.
    #[cfg(feature = "reqwest")]
    pub fn http(connect_timeout: std::time::Duration) -> Result<Self, crate::Error> {
        Ok(Self::over(crate::reqwest_transport::ReqwestTransport::new(connect_timeout)?))
    }

    /// On another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// With another retry policy.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// The engine of one client of `provider`.
    pub fn engine(self, provider: &'static str) -> Engine {
        Engine::new(provider, self.transport, self.clock, self.retry)
    }
}
