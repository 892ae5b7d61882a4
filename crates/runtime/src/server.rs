//! Serves a router on a listener, with limits, until it is told to stop.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use futures_util::FutureExt;
use http::{HeaderValue, Request, Response, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use techcommerce_http::PeerAddress;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};
use tower::ServiceExt;

use crate::{Listener, Shutdown, lingering::Lingering};

/// How long a connection that came just before the end may take for its one request.
const LATE: Duration = Duration::from_secs(1);

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

/// Who answers what comes to a listener.
#[derive(Debug, Clone)]
pub(crate) struct Doors {
    pub(crate) main: Router,
    /// The paths below this prefix go straight to this one.
    pub(crate) below: Option<(&'static str, Router)>,
}

impl Doors {
    pub(crate) fn one(main: Router) -> Self {
        Self { main, below: None }
    }

    fn to(&self, path: &str) -> Router {
        let below = self.below.as_ref().filter(|(prefix, _)| {
            let rest = path.strip_prefix(prefix);
            rest.is_some_and(|rest| !rest.is_empty())
        });
        below.map_or(&self.main, |(_, router)| router).clone()
    }
}

/// The two steps of an end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ending {
    /// Everything is served as before, but each answer asks for its connection to be closed, so
    /// that clients turn elsewhere without ever losing a request.
    pub(crate) draining: Shutdown,
    /// No new connection is taken.
    pub(crate) stop: Shutdown,
}

/// Serves until `stop` is requested, then takes no new connection and returns when the requests
/// under way are answered. Whoever waits sets the deadline.
pub(crate) async fn serve(listener: Listener, doors: Doors, limits: ServerLimits, ending: Ending) {
    let Listener { socket, .. } = listener;
    let doors = Arc::new(doors);
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
            () = ending.stop.requested() => break,
            next = next => next,
        };
        let visit = Visit::new(&doors, &ending, peer);
        let service = service_fn(move |request| Arc::clone(&visit).answer(request));
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let watched = open.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = watched.await {
                tracing::debug!(%error, "a connection broke off");
            }
            drop(slot);
        });
    }
    // Whoever was let in by the system before the door closed has asked already, or is about to.
    let mut late = JoinSet::new();
    http.header_read_timeout(LATE).keep_alive(false);
    while let Some((stream, peer)) = accept(&socket).now_or_never() {
        let visit = Visit::new(&doors, &ending, peer);
        let service = service_fn(move |request| Arc::clone(&visit).answer(request));
        late.spawn(http.serve_connection(TokioIo::new(stream), service));
    }
    // Closed before the waiting, so that clients go elsewhere at once.
    drop(socket);
    open.shutdown().await;
    while late.join_next().await.is_some() {}
}

/// What a connection's requests share: of its own, so that they wait for no other's.
struct Visit {
    doors: Arc<Doors>,
    draining: Shutdown,
    peer: SocketAddr,
}

impl Visit {
    fn new(doors: &Arc<Doors>, ending: &Ending, peer: SocketAddr) -> Arc<Self> {
        Arc::new(Self {
            doors: Arc::clone(doors),
            draining: ending.draining.clone(),
            peer,
        })
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let router = self.doors.to(request.uri().path());
        let mut request = Lingering::of(request);
        request.extensions_mut().insert(PeerAddress(self.peer));
        let mut response = router.oneshot(request).await?;
        if self.draining.is_requested() {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        Ok(response)
    }
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
