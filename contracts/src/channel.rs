//! How a service reaches another: one type, whether it is in this process or at an address.
//!
//! Over the network every call has a time limit, is repeated where a repeat does no harm and the
//! budget for repeats allows it, and is refused at once while a breaker knows that the service is
//! away.

mod breaker;
mod budget;
mod remote;
#[cfg(test)]
mod remote_tests;

use std::{
    convert::Infallible,
    fmt,
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use http_body::Body as _;
use http_body_util::{BodyExt, Limited};
use serde::{Serialize, de::DeserializeOwned};
use techcommerce_kernel::{Error, Meter};
use techcommerce_telemetry::{Span, SpanKind};
use tower::{Service as _, ServiceExt, util::BoxCloneSyncService};

use self::remote::{Lost, Payload, Remote};
use crate::{
    Problem, Service, ServiceTokens, context::RequestContext, identity::TOKEN_HEADER, problem,
};

pub use axum_core::body::Body;
pub use breaker::Breaker;

/// The most that a JSON answer of another service may hold.
const MAX_ANSWER: usize = 32 * 1024 * 1024;

/// How long the head of an answer in JSON may take, and then its body, before the caller is told
/// that the service is away.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// How long the head of an answer that is passed on may take. The service's own limit is shorter;
/// this one is for a service that hangs.
const PASS_ON_TIMEOUT: Duration = Duration::from_secs(600);

type LocalService = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// The way to one service.
#[derive(Clone)]
pub struct Channel {
    service: Service,
    way: Way,
    meter: Meter,
}

#[derive(Clone)]
enum Way {
    Local(Arc<OnceLock<LocalService>>),
    Remote(Arc<Remote>),
}

/// Where the router of a local service is put once it is there.
pub struct LocalBinding(Arc<OnceLock<LocalService>>);

impl LocalBinding {
    /// From now on the channel reaches `router`. Only the first binding counts.
    pub fn bind<S>(&self, router: S)
    where
        S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        let _ = self.0.set(BoxCloneSyncService::new(router));
    }
}

impl Channel {
    /// A way to a service in this process, which may be bound later than the way is handed out.
    pub fn local(service: Service) -> (Self, LocalBinding) {
        let slot = Arc::new(OnceLock::new());
        let way = Way::Local(Arc::clone(&slot));
        let channel = Self {
            service,
            way,
            meter: Meter::default(),
        };
        (channel, LocalBinding(slot))
    }

    /// A way to a service at an address, as `http://product-api:5000`.
    pub fn remote(service: Service, base: Uri) -> Self {
        Self {
            service,
            way: Way::Remote(Arc::new(Remote::new(base, Meter::default()))),
            meter: Meter::default(),
        }
    }

    /// The same for one service that calls, measured: with a breaker and a budget of its own where
    /// the way leads over the network. A call within this process is not measured here: the
    /// service that answers it does.
    #[must_use]
    pub fn measured(&self, meter: Meter) -> Self {
        let way = match &self.way {
            Way::Local(slot) => Way::Local(Arc::clone(slot)),
            Way::Remote(remote) => Way::Remote(Arc::new(remote.with_meter(meter.clone()))),
        };
        Self {
            service: self.service,
            way,
            meter,
        }
    }

    /// Which service it reaches.
    pub fn service(&self) -> Service {
        self.service
    }

    /// Sends a request as it is, its path being the service's own, and gives the answer as it
    /// comes, for passing on. An error means that there is no answer.
    pub async fn call(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        self.call_within(PASS_ON_TIMEOUT, request).await
    }

    /// As [`Channel::call`], but the head of the answer must be there within `limit`.
    pub async fn call_within(
        &self,
        limit: Duration,
        request: Request<Body>,
    ) -> Result<Response<Body>, Error> {
        let request = request.map(|body| match body.is_end_stream() {
            true => Payload::Bytes(Bytes::new()),
            false => Payload::Stream(body),
        });
        self.exchange(limit, request, false).await
    }

    /// The answer to a request; `idempotent`: it may be sent again whatever its method.
    async fn exchange(
        &self,
        limit: Duration,
        request: Request<Payload>,
        idempotent: bool,
    ) -> Result<Response<Body>, Error> {
        let method = known_method(request.method());
        let mut span = Span::child(SpanKind::Client, || format!("{method} {}", self.service));
        span.set("http.request.method", method);
        span.set("peer.service", self.service.name());
        let answer = match &self.way {
            Way::Local(slot) => self.exchange_here(slot, limit, request, &span).await,
            Way::Remote(remote) => {
                // On the heap: a call in this process would carry its place along.
                let sent = self.send(remote, limit, request, idempotent, &span);
                Box::pin(sent).await
            }
        };
        match answer {
            Ok(answer) => {
                let status = answer.status();
                span.set("http.response.status_code", status.as_u16());
                if status.is_server_error() {
                    span.fail("server_error");
                }
                Ok(answer)
            }
            Err(lost) => {
                span.fail(lost.code());
                Err(match lost {
                    Lost::LeftAlone(wait) => self.away(lost).retry_after(whole_seconds(wait)),
                    lost => self.away(lost),
                })
            }
        }
    }

    async fn exchange_here(
        &self,
        slot: &OnceLock<LocalService>,
        limit: Duration,
        request: Request<Payload>,
        span: &Span,
    ) -> Result<Response<Body>, Lost> {
        let Some(service) = slot.get() else {
            return Err(Lost::NotSent("it has not started yet".into()));
        };
        let mut service = service.clone();
        let request = request.map(|payload| match payload {
            Payload::Bytes(bytes) if bytes.is_empty() => Body::empty(),
            Payload::Bytes(bytes) => Body::from(bytes),
            Payload::Stream(body) => body,
        });
        // The same task goes on: the service finds the context where we do.
        let answer = span.around(async move {
            match service.ready().await {
                Ok(ready) => ready.call(request).await,
                Err(never) => match never {},
            }
        });
        let answer = tokio::time::timeout(limit, answer).await;
        let answer = answer.map_err(|_late| Lost::Late)?;
        Ok(answer.unwrap_or_else(|never| match never {}))
    }

    async fn send(
        &self,
        remote: &Remote,
        limit: Duration,
        mut request: Request<Payload>,
        idempotent: bool,
        span: &Span,
    ) -> Result<Response<Body>, Lost> {
        if let Some(context) = RequestContext::current() {
            context.inject(span.id(), request.headers_mut());
        }
        let sending = remote.send(limit, request, idempotent);
        self.meter.measure(sending, remote::how).await
    }

    fn away(&self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::unavailable(format!(
            "A part of the shop ({}) cannot be reached right now. Please try again.",
            self.service
        ))
        .caused_by(cause)
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Channel({})", self.service)
    }
}

/// The method for a span: a name that somebody made up is not repeated.
fn known_method(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let mut known = KNOWN.into_iter();
    known
        .find(|name| *name == method.as_str())
        .unwrap_or("other")
}

/// `Retry-After` counts in seconds.
fn whole_seconds(wait: Duration) -> Duration {
    Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}

/// Calls another service's JSON interface in the name of this service.
#[derive(Debug, Clone)]
pub struct Client {
    channel: Channel,
    tokens: ServiceTokens,
}

impl Client {
    /// A client that shows the tokens of the service that calls.
    pub fn new(channel: Channel, tokens: ServiceTokens) -> Self {
        Self { channel, tokens }
    }

    /// The way to the service, for what is no JSON.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// A call of `method` on `path`, which is a service's own path without a query.
    pub fn call(&self, method: Method, path: impl Into<String>) -> Call<'_> {
        Call {
            client: self,
            method,
            target: path.into(),
            headers: HeaderMap::new(),
            body: Ok(Bytes::new()),
            client_address: None,
            idempotent: false,
        }
    }

    /// A `GET` on `path`.
    pub fn get(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::GET, path)
    }

    /// A `POST` on `path`.
    pub fn post(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::POST, path)
    }
}

/// A call that is being put together.
#[derive(Debug)]
#[must_use = "a call does nothing until it is sent"]
pub struct Call<'c> {
    client: &'c Client,
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Result<Bytes, Error>,
    client_address: Option<IpAddr>,
    idempotent: bool,
}

impl Call<'_> {
    /// Adds a query string made of `query`'s fields.
    pub fn query(mut self, query: &impl Serialize) -> Self {
        match serde_urlencoded::to_string(query) {
            Ok(query) if query.is_empty() => {}
            Ok(query) => {
                self.target.push('?');
                self.target.push_str(&query);
            }
            Err(error) => self.body = Err(Error::internal(error)),
        }
        self
    }

    /// Sends `body` as JSON.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        if self.body.is_ok() {
            self.body = serde_json::to_vec(body)
                .map(Bytes::from)
                .map_err(Error::internal);
        }
        self.headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        self
    }

    /// Adds a header. A value that cannot stand in one makes the call fail as bad input.
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(mut value) => {
                value.set_sensitive(name == header::AUTHORIZATION);
                self.headers.insert(name, value);
            }
            Err(_) => {
                self.body = Err(Error::invalid_field(
                    name.as_str(),
                    "holds characters that no header may hold",
                ));
            }
        }
        self
    }

    /// Calls in the name of the person or program that holds this session token or API key.
    pub fn bearer(self, token: &str) -> Self {
        self.header(header::AUTHORIZATION, &format!("Bearer {token}"))
    }

    /// Says where the outermost request came from.
    pub fn on_behalf_of(mut self, address: IpAddr) -> Self {
        self.client_address = Some(address);
        self
    }

    /// Doing it twice is doing it once, though its method does not say so: the body names it.
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Sends it and gives the answer as it is, whatever its status.
    pub async fn send_raw(mut self) -> Result<Response<Body>, Error> {
        let token = match self.client_address {
            Some(address) => self.client.tokens.token_for(address)?,
            None => self.client.tokens.token()?,
        };
        let mut token = HeaderValue::from_str(&token).map_err(Error::internal)?;
        token.set_sensitive(true);
        self.headers.insert(TOKEN_HEADER, token);
        let mut request = Request::builder()
            .method(self.method)
            .uri(&self.target)
            .body(Payload::Bytes(self.body?))
            .map_err(|error| Error::invalid_field("path", error.to_string()))?;
        *request.headers_mut() = self.headers;
        let channel = &self.client.channel;
        channel
            .exchange(CALL_TIMEOUT, request, self.idempotent)
            .await
    }

    /// Sends it and reads the JSON of a successful answer; another answer is the error that its
    /// problem document tells of.
    pub async fn send<T: DeserializeOwned>(self) -> Result<T, Error> {
        let service = self.client.channel.service;
        let body = self.send_for_body().await?;
        serde_json::from_slice(&body).map_err(|error| {
            Error::internal(format!("{service} answered something unexpected: {error}"))
        })
    }

    /// Sends it and drops the body of a successful answer.
    pub async fn send_empty(self) -> Result<(), Error> {
        self.send_for_body().await.map(drop)
    }

    async fn send_for_body(self) -> Result<Bytes, Error> {
        let service = self.client.channel.service;
        let answer = self.send_raw().await?;
        let status = answer.status();
        let broken_off =
            || Error::unavailable("A part of the shop broke off its answer. Please try again.");
        // The head had its own limit; a body that stops half-way must not hold the caller either.
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect();
        let body = tokio::time::timeout(CALL_TIMEOUT, body)
            .await
            .map_err(|late| broken_off().caused_by(late))?
            .map_err(|error| broken_off().caused_by(error))?
            .to_bytes();
        if status.is_success() {
            return Ok(body);
        }
        Err(match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => problem.into_error(),
            Err(_) => Error::new(
                problem::kind_of(status.as_u16()),
                "unexpected_answer",
                format!("A part of the shop ({service}) answered {status}."),
            ),
        })
    }
}
