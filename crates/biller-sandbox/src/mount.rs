//! The sandbox as a transport: no socket, no port, no waiting.

use axum::Router;
use axum::body::Body;
use biller_core::{BoxFuture, Transport, TransportError};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tower_service::Service as _;

use crate::sandbox::ConnectionClosed;

/// A [`Transport`] whose other end is the sandbox, whatever host the request names.
///
/// Made by [`Sandbox::transport`](crate::Sandbox::transport). A fault that closes the connection becomes an error that proves nothing,
/// as it would over a socket.
#[derive(Clone, Debug)]
pub struct Mount {
    router: Router,
}

impl Mount {
    pub(crate) fn new(router: Router) -> Self {
        Self { router }
    }
}

impl Transport for Mount {
    fn send(
        &self,
        request: http::Request<Bytes>,
        max_reply_bytes: usize,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        let mut router = self.router.clone();
        Box::pin(async move {
            if request.uri().host().is_none() {
                return Err(TransportError::not_sent("the URL names no host"));
            }
            let Ok(response) = router.call(request.map(Body::from)).await;
            if response.extensions().get::<ConnectionClosed>().is_some() {
                return Err(TransportError::maybe_sent("connection closed before a reply"));
            }
            let (head, body) = response.into_parts();
            match Limited::new(body, max_reply_bytes).collect().await {
                Ok(body) => Ok(http::Response::from_parts(head, body.to_bytes())),
                Err(error) if error.is::<LengthLimitError>() => Err(TransportError::reply_too_large(max_reply_bytes)),
                Err(_) => Err(TransportError::maybe_sent("the reply broke off")),
            }
        })
    }
}
