//! The seam between the engine and the network.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

/// A boxed future, as the object-safe traits of this crate return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Carries one HTTP exchange.
///
/// An implementation sends the request **at most once**: it follows no redirect, retries nothing, and does not touch the body or
/// the headers, because they are signed. Whatever it cannot prove to have stayed unsent it reports as
/// [`Delivery::MaybeSent`].
///
/// The engine puts its own time limit around the future; dropping the future must give up the exchange.
///
/// ```
/// use biller_core::{BoxFuture, Transport, TransportError};
/// use bytes::Bytes;
///
/// /// Refuses every call, as a service behind a closed firewall would.
/// struct Unplugged;
///
/// impl Transport for Unplugged {
///     fn send(
///         &self,
///         _request: http::Request<Bytes>,
///         _max_reply_bytes: usize,
///     ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
///         Box::pin(async { Err(TransportError::not_sent("unplugged")) })
///     }
/// }
/// ```
pub trait Transport: Send + Sync {
    /// Sends `request` and reads the whole reply, giving up with [`TransportError::reply_too_large`] once its body passes
    /// `max_reply_bytes`.
    fn send(
        &self,
        request: http::Request<Bytes>,
        max_reply_bytes: usize,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>>;
}

impl<T: Transport + ?Sized> Transport for Arc<T> {
    fn send(
        &self,
        request: http::Request<Bytes>,
        max_reply_bytes: usize,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        (**self).send(request, max_reply_bytes)
    }
}

/// What is proven about a request whose reply never came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Not one byte of the request left; the provider cannot have acted on it.
    NotSent,
    /// The provider may have read and executed all of it.
    MaybeSent,
}

/// Why there is no reply, and what that proves.
#[derive(Clone)]
pub struct TransportError {
    delivery: Delivery,
    reason: Cow<'static, str>,
    reply_too_large: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl TransportError {
    /// The request provably stayed here: no connection was ever opened for it.
    ///
    /// `reason` must hold no URL, header or body: it is shown in errors and logs.
    pub fn not_sent(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { delivery: Delivery::NotSent, reason: reason.into(), reply_too_large: false, source: None }
    }

    /// The request may have arrived. The right answer to every doubt.
    ///
    /// `reason` must hold no URL, header or body: it is shown in errors and logs.
    pub fn maybe_sent(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { delivery: Delivery::MaybeSent, ..Self::not_sent(reason) }
    }

    /// The reply passed the size limit and was cut off there; the provider has answered something.
    pub fn reply_too_large(max_reply_bytes: usize) -> Self {
        Self {
            reply_too_large: true,
            ..Self::maybe_sent(format!("reply larger than the limit of {max_reply_bytes} bytes"))
        }
    }

    /// Adds the underlying error; its text must hold no URL, header or body either.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Whether the request may have arrived.
    pub fn delivery(&self) -> Delivery {
        self.delivery
    }

    /// Whether the reply was cut off at the size limit.
    pub fn is_reply_too_large(&self) -> bool {
        self.reply_too_large
    }
}

impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportError")
            .field("delivery", &self.delivery)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proof = match self.delivery {
            Delivery::NotSent => "not sent",
            Delivery::MaybeSent => "maybe sent",
        };
        write!(f, "{} ({proof})", self.reason)
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
