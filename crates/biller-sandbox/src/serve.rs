//! The sandbox on a port.

use std::future::Future;
use std::io;
use std::time::Duration;

use axum::body::Body;
use http::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower_service::Service as _;

use crate::callbacks;
use crate::sandbox::{ConnectionClosed, Sandbox};

/// How long open requests may take to finish once the server is told to stop.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long to wait when no connection can be accepted, for want of file handles for instance.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// The error that makes hyper drop a connection without a reply.
#[derive(Debug, thiserror::Error)]
#[error("closed by an armed fault")]
struct Closed;

impl Sandbox {
    /// Serves HTTP/1.1 on `listener` and delivers callbacks, until `shutdown` completes. Requests under way then get a second to
    /// finish.
    ///
    /// A connection that fails ends alone, and nothing that a client sends ends the server.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let mut tasks = JoinSet::new();
        tasks.spawn(callbacks::deliver(self.clone()));
        let open = GracefulShutdown::new();
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let _ = stream.set_nodelay(true);
                        let connection = open.watch(self.connection(stream));
                        tasks.spawn(async move { drop(connection.await) });
                    }
                    Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
                },
            }
            while tasks.try_join_next().is_some() {}
        }
        drop(listener);
        let _ = tokio::time::timeout(FAREWELL, open.shutdown()).await;
    }

    /// Serves HTTP/1.1 on one connection of any kind, such as a simulated one, until it ends. Callbacks stay with
    /// [`Sandbox::take_callbacks`].
    ///
    /// # Errors
    /// The connection broke, or an armed fault closed it.
    pub async fn serve_connection(&self, io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> io::Result<()> {
        self.connection(io).await.map_err(io::Error::other)
    }

    fn connection<I>(
        &self,
        io: I,
    ) -> impl GracefulConnection<Output = hyper::Result<()>, Error = hyper::Error> + Send + use<I>
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let router = self.router();
        let service = service_fn(move |request: http::Request<Incoming>| {
            let reply = router.clone().call(request.map(Body::new));
            async move {
                let Ok(response) = reply.await;
                match response.extensions().get::<ConnectionClosed>() {
                    Some(ConnectionClosed) => Err(Closed),
                    None => Ok::<Response<Body>, Closed>(response),
                }
            }
        });
        // A client may stop sending and still wait for its answer.
        http1::Builder::new().half_close(true).serve_connection(TokioIo::new(io), service)
    }
}
