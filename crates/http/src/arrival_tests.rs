//! Clients that send slowly, at an edge.

use axum::{
    Router,
    extract::Request,
    response::Response,
    routing::{get, post},
};
use futures_util::{FutureExt, future::LocalBoxFuture};
use techcommerce_contracts::{Service, ServiceTokens, TokenSigner, identity::TOKEN_HEADER};
use techcommerce_kernel::Env;
use techcommerce_telemetry::Telemetry;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower::ServiceExt;

use super::*;
use crate::{Exposure, Health, Limits, PeerAddress, ServiceStack, TrustedProxies, service_stack};

const PLACES: usize = 16;
const STRANGER: &str = "203.0.113.9";

/// A body that comes piece by piece, and says how long it will be where that is known.
struct Sent {
    pieces: UnboundedReceiver<Bytes>,
    length: Option<u64>,
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let piece = ready!(self.pieces.poll_recv(context));
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        self.length
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// A request under way, and the hand that sends its body.
struct Sending {
    answer: LocalBoxFuture<'static, Response>,
    pieces: UnboundedSender<Bytes>,
}

impl Sending {
    /// Goes on as far as it can; the status, if it is answered.
    fn status(&mut self) -> Option<u16> {
        let answer = (&mut self.answer).now_or_never()?;
        Some(answer.status().as_u16())
    }

    async fn end(self) -> u16 {
        drop(self.pieces);
        self.answer.await.status().as_u16()
    }
}

struct Edge {
    router: Router,
    token: String,
    /// What handlers have read: pieces, as they came.
    read: UnboundedReceiver<usize>,
}

impl Edge {
    fn new() -> Self {
        let (env, _) = Env::manual(1);
        let signer = TokenSigner::from_seed(&[7; 32], env.clone());
        let proxies = TrustedProxies::parse(["10.0.0.0/8"]).unwrap();
        let stack = ServiceStack {
            service: Service::Api,
            verifier: signer.verifier(),
            env,
            telemetry: Telemetry::new("test", "test"),
            health: Health::new(Service::Api, Vec::new()),
            exposure: Exposure::Edge(proxies),
            limits: Limits {
                concurrency: PLACES,
                ..Limits::default()
            },
        };
        let (tell, read) = unbounded_channel();
        let reading = move |request: Request| async move {
            let mut body = request.into_body();
            while let Some(frame) = body.frame().await {
                tell.send(frame.unwrap().data_ref().unwrap().len()).unwrap();
            }
        };
        let routes = Router::new()
            .route("/", get(|| async {}))
            .route("/orders", post(reading));
        let tokens = ServiceTokens::local(signer, Service::Frontend);
        Self {
            router: service_stack(routes, stack),
            token: tokens.token().unwrap(),
            read,
        }
    }

    fn send(&self, from: &str, length: Option<u64>) -> Sending {
        self.send_with(from, length, |_| {})
    }

    fn send_with(
        &self,
        from: &str,
        length: Option<u64>,
        change: impl FnOnce(&mut Request),
    ) -> Sending {
        let (sender, pieces) = unbounded_channel();
        let mut request = Request::post("/orders")
            .body(Body::new(Sent { pieces, length }))
            .unwrap();
        change(&mut request);
        let sending = Sending {
            answer: self.answer(from, request),
            pieces: sender,
        };
        sending.pieces.send(Bytes::from_static(b"{")).unwrap();
        sending
    }

    fn answer(&self, from: &str, mut request: Request) -> LocalBoxFuture<'static, Response> {
        let peer = PeerAddress((from.parse::<IpAddr>().unwrap(), 4711).into());
        request.extensions_mut().insert(peer);
        let answer = self.router.clone().oneshot(request);
        answer
            .map(|answer| answer.unwrap_or_else(|never| match never {}))
            .boxed_local()
    }

    /// Whether somebody else is served: who looks, and who orders.
    async fn serves(&self, from: &str) -> bool {
        let look = Request::get("/").body(Body::empty()).unwrap();
        let order = Request::post("/orders").body(Body::from("{}")).unwrap();
        let look = self.answer(from, look).await.status();
        look == 200 && self.answer(from, order).await.status() == 200
    }
}

/// An address of its own for each.
fn address(number: usize) -> String {
    format!("198.51.100.{number}")
}

#[tokio::test]
async fn who_sends_slowly_takes_no_place() {
    let edge = Edge::new();
    for length in [Some(100), None] {
        let mut slow: Vec<_> = (0..2 * PLACES)
            .map(|_| edge.send(STRANGER, length))
            .collect();
        assert!(slow.iter_mut().all(|slow| slow.status().is_none()));
        assert!(edge.serves("198.51.100.1").await);
        // One client more than it may, and nobody else.
        assert_eq!(edge.send(STRANGER, length).status(), Some(429));
        let forwarded = |request: &mut Request| {
            let stranger = STRANGER.parse().unwrap();
            request.headers_mut().insert("x-forwarded-for", stranger);
        };
        let behind = |from| edge.send_with(from, length, forwarded).status();
        assert_eq!(behind("10.0.0.1"), Some(429));
        assert_eq!(behind("198.51.100.1"), None, "a stranger is not believed");
        // Whoever ends what they began is served, and whoever goes makes room.
        assert_eq!(slow.pop().unwrap().end().await, 200);
        assert_eq!(edge.send(STRANGER, length).status(), None);
        drop(slow);
        assert!(edge.serves(STRANGER).await);
    }
}

#[tokio::test]
async fn a_network_is_one_client() {
    let edge = Edge::new();
    let mut slow: Vec<_> = (0..2 * PLACES)
        .map(|number| edge.send(&format!("2001:db8::{number:x}"), None))
        .collect();
    assert!(slow.iter_mut().all(|slow| slow.status().is_none()));
    assert_eq!(edge.send("2001:db8::ffff", None).status(), Some(429));
    assert_eq!(edge.send("2001:db8:0:1::1", None).status(), None);
}

#[tokio::test]
async fn a_small_body_is_whole_when_it_is_read() {
    let mut edge = Edge::new();
    let mut sending = edge.send(STRANGER, None);
    assert_eq!(sending.status(), None);
    sending
        .pieces
        .send(Bytes::from_static(b"\"a\":1}"))
        .unwrap();
    assert_eq!(sending.end().await, 200);
    assert_eq!(edge.read.try_recv(), Ok(7));
    assert!(edge.read.try_recv().is_err());
}

#[tokio::test]
async fn a_large_body_is_read_as_it_comes() {
    let mut edge = Edge::new();
    for length in [Some(1 << 20), None] {
        let mut sending = edge.send(STRANGER, length);
        let piece = Bytes::from(vec![b'x'; SMALL]);
        sending.pieces.send(piece).unwrap();
        assert_eq!(sending.status(), None);
        // The handler is a task of its own, and waits for the rest.
        let mut read = 0;
        while read <= SMALL {
            read += edge.read.recv().await.unwrap();
        }
        assert_eq!(read, SMALL + 1, "before it was there");
        sending.pieces.send(Bytes::from_static(b"}")).unwrap();
        assert_eq!(sending.end().await, 200);
        assert_eq!(edge.read.recv().await, Some(1));
    }
}

#[tokio::test]
async fn large_bodies_leave_room_for_others() {
    for length in [Some(1 << 20), None] {
        let edge = Edge::new();
        let begin = |from: &str| {
            let mut sending = edge.send(from, length);
            sending.pieces.send(Bytes::from(vec![b'x'; SMALL])).unwrap();
            let status = sending.status();
            (sending, status)
        };
        let mut slow = Vec::new();
        for number in 0..PLACES / 4 {
            for _ in 0..PLACES / 8 {
                let (sending, status) = begin(&address(number));
                assert_eq!(status, None);
                slow.push(sending);
            }
            let more = [Some(429), Some(503)][usize::from(number == PLACES / 4 - 1)];
            assert_eq!(begin(&address(number)).1, more, "{number}");
        }
        assert_eq!(begin(STRANGER).1, Some(503));
        assert!(edge.serves(STRANGER).await);
        assert!(edge.serves(&address(0)).await);
        // What has arrived is on its way no more, however long it is worked on.
        for sending in slow {
            assert_eq!(sending.end().await, 200);
        }
        assert_eq!(begin(STRANGER).1, None);
    }
}

#[tokio::test]
async fn our_own_services_have_waited_already() {
    let edge = Edge::new();
    let token = |request: &mut Request| {
        let token = edge.token.parse().unwrap();
        request.headers_mut().insert(TOKEN_HEADER, token);
    };
    let mut ours: Vec<_> = (0..PLACES)
        .map(|_| edge.send_with("10.0.0.1", Some(1 << 20), token))
        .collect();
    assert!(ours.iter_mut().all(|ours| ours.status().is_none()));
    assert!(!edge.serves(STRANGER).await, "each has a place");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_waited_for_in_vain() {
    let edge = Edge::new();
    let sending = edge.send(STRANGER, Some(100));
    let pieces = sending.pieces.clone();
    let answer = sending.answer.await;
    assert_eq!(answer.status(), 400);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&body).contains("\"body_unread\""));
    drop(pieces);
}
