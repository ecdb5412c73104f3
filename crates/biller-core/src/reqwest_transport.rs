//! The HTTP adapter over reqwest: the only file with reqwest types in its interface.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::{BoxFuture, Error, Transport, TransportError};

/// A [`Transport`] over a pooled HTTP/1.1 client.
///
/// Follows no redirect, since a 307 or 308 would send a purchase again; repeats nothing; uses no proxy from the environment;
/// and lets idle connections go before servers do.
#[derive(Clone)]
pub struct ReqwestTransport(reqwest::Client);

impl ReqwestTransport {
    /// A client that gives up opening a connection after `connect_timeout`, which has to be shorter than the operations' own
    /// time limits: only then a timeout while connecting can be told from one after sending.
    ///
    /// Fails with [`Configuration`](crate::ErrorKind::Configuration) where the TLS library cannot start: no root certificates on
    /// the machine, or, with feature `rustls-no-provider`, no cryptographic provider installed.
    pub fn new(connect_timeout: Duration) -> Result<Self, Error> {
        Self::from_builder(reqwest::Client::builder().no_proxy().connect_timeout(connect_timeout))
    }

    /// A client from the caller's builder, for proxies, own root certificates or client certificates. Redirects and repetitions
    /// are turned off here, whatever the builder said.
    ///
    /// ```
    /// use biller_core::reqwest_transport::ReqwestTransport;
    /// use std::time::Duration;
    ///
    /// let builder = reqwest::Client::builder().user_agent("toko/1.0").connect_timeout(Duration::from_secs(5));
    /// let transport = ReqwestTransport::from_builder(builder)?;
    /// # Ok::<(), biller_core::Error>(())
    /// ```
    pub fn from_builder(builder: reqwest::ClientBuilder) -> Result<Self, Error> {
        #[cfg(all(feature = "rustls-no-provider", not(feature = "rustls")))]
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(Error::configuration("no cryptographic provider is installed for rustls in this process"));
        }
        let builder = builder
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .pool_idle_timeout(Duration::from_secs(4));
        #[cfg(not(feature = "http2"))]
        let builder = builder.http1_only();
        #[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
        let builder = builder.tls_backend_rustls();
        #[cfg(all(feature = "native-tls", not(any(feature = "rustls", feature = "rustls-no-provider"))))]
        let builder = builder.tls_backend_native();
        let client = builder.build().map_err(|error| {
            Error::configuration("the HTTP client cannot start (root certificates, TLS)")
                .with_source(error.without_url())
        })?;
        Ok(Self(client))
    }

    /// A client that the caller has built.
    ///
    /// **It must have been built with `redirect(Policy::none())` and `retry(retry::never())`**: a redirect or a repetition below
    /// this point can buy twice. Prefer [`from_builder`](Self::from_builder), which sees to it. A reply that came by a redirect is
    /// reported as maybe sent.
    ///
    /// ```
    /// use biller_core::reqwest_transport::ReqwestTransport;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = reqwest::Client::builder()
    ///     .redirect(reqwest::redirect::Policy::none())
    ///     .retry(reqwest::retry::never())
    ///     .connect_timeout(std::time::Duration::from_secs(5))
    ///     .build()?;
    /// let transport = ReqwestTransport::from_client(client);
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_client(client: reqwest::Client) -> Self {
        Self(client)
    }

    async fn exchange(
        &self,
        request: http::Request<Bytes>,
        max_reply_bytes: usize,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let request = reqwest::Request::try_from(request)
            .map_err(|error| TransportError::not_sent("not a valid request").with_source(error.without_url()))?;
        let asked = request.url().clone();
        let mut reply = self.0.execute(request).await.map_err(failure)?;
        if *reply.url() != asked {
            return Err(TransportError::maybe_sent(
                "the client followed a redirect, which may have repeated the request",
            ));
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = reply.chunk().await.map_err(failure)? {
            if chunk.len() > max_reply_bytes.saturating_sub(body.len()) {
                return Err(TransportError::reply_too_large(max_reply_bytes));
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = http::Response::new(body.freeze());
        *response.status_mut() = reply.status();
        *response.version_mut() = reply.version();
        *response.headers_mut() = std::mem::take(reply.headers_mut());
        Ok(response)
    }
}

impl Transport for ReqwestTransport {
    fn send(
        &self,
        request: http::Request<Bytes>,
        max_reply_bytes: usize,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(self.exchange(request, max_reply_bytes))
    }
}

/// Only a connection that never came about proves that nothing was sent; it is asked first, because a timeout while connecting is
/// both.
fn failure(error: reqwest::Error) -> TransportError {
    let failed = if error.is_connect() {
        TransportError::not_sent("no connection")
    } else if error.is_builder() {
        TransportError::not_sent("not a valid request")
    } else if error.is_timeout() {
        TransportError::maybe_sent("timeout")
    } else {
        TransportError::maybe_sent("connection lost")
    };
    failed.with_source(error.without_url())
}
