//! Serves a router on a listener, with limits, until it is told to stop.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use techcommerce_http::PeerAddress;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tower::ServiceExt;

use crate::{Listener, Shutdown};

/// What a listener takes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLimits {
    /// Connections open at once; further ones wait in the system's queue.
    pub connections: usize,
    /// How long a connection may take for the head of its next request; also how long it may be
    /// idle. Longer than proxies and our own clients keep theirs, so that they close first.
    pub header_read: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections: 4096,
            header_read: Duration::from_secs(75),
        }
    }
}

/// Serves until `stop` is requested, then takes no new connection and returns when the requests
/// under way are answered. Whoever waits sets the deadline.
pub(crate) async fn serve(
    listener: Listener,
    router: Router,
    limits: ServerLimits,
    stop: Shutdown,
) {
    let Listener { socket, .. } = listener;
    let open = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(limits.connections));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_read)
        .keep_alive(true);
    loop {
        let next = async {
            let slot = slots.clone().acquire_owned().await;
            (slot, accept(&socket).await)
        };
        let (slot, (stream, peer)) = tokio::select! {
            // A stop wins over a stream of new connections.
            biased;
            () = stop.requested() => break,
            next = next => next,
        };
        let router = router.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(PeerAddress(peer));
            router.clone().oneshot(request)
        });
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let watched = open.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = watched.await {
                tracing::debug!(%error, "a connection broke off");
            }
            drop(slot);
        });
    }
    // Closed before the waiting, so that clients go elsewhere at once.
    drop(socket);
    open.shutdown().await;
}

/// The next connection. A failed one is the client's affair; a lack of file descriptors passes.
async fn accept(socket: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY was refused");
                }
                return (stream, peer);
            }
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be taken; trying again");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn is_of_the_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
