//! The way to a service at an address.

use std::{error::Error as StdError, fmt, time::Duration};

use axum_core::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Request, Response, Uri};
use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::TokioExecutor,
};
use techcommerce_kernel::{Called, Meter};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout_at},
};

use super::{breaker::Breaker, budget::Budget};

/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// A connection that nobody used for so long is closed from here. Shorter than what servers wait,
/// so that a request rarely meets a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(15);
/// How many calls may be under way; more are refused at once.
const CONCURRENCY: usize = 1024;
/// How often a call is made at most.
const TRIES: u32 = 3;
/// The pause before the last try. The one before comes at once: it meets another replica.
const PAUSE: Duration = Duration::from_millis(50);

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What is sent.
pub(super) enum Payload {
    /// Can be sent again.
    Bytes(Bytes),
    /// Passes through, once.
    Stream(Body),
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Lost {
    /// It was not even tried: try again after this.
    LeftAlone(Duration),
    /// The service has not seen it.
    NotSent(Box<dyn StdError + Send + Sync>),
    /// The service may have seen it.
    BrokenOff(Box<dyn StdError + Send + Sync>),
    /// What we passed on broke off, or was too long: not the service's fault.
    OurBody(Box<dyn StdError + Send + Sync>),
    /// Nothing came in time.
    Late,
}

/// Calls one service over HTTP.
pub(super) struct Remote {
    base: Uri,
    http: HttpClient<HttpConnector, Body>,
    breaker: Breaker,
    budget: Budget,
    permits: Semaphore,
}

/// How a call ended, for whoever measures it.
pub(super) fn how(answer: &Result<Response<Body>, Lost>) -> Called {
    match answer {
        Ok(answer) if answer.status().is_server_error() => Called::Error,
        // Whoever sent us half a body says nothing of the service.
        Ok(_) | Err(Lost::OurBody(_)) => Called::Ok,
        Err(Lost::LeftAlone(_)) => Called::Refused,
        Err(Lost::Late) => Called::Timeout,
        Err(Lost::NotSent(_) | Lost::BrokenOff(_)) => Called::Error,
    }
}

impl Remote {
    pub fn new(base: Uri, meter: Meter) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_WITHIN));
        Self {
            base,
            http: HttpClient::builder(TokioExecutor::new())
                .pool_idle_timeout(IDLE)
                .build(connector),
            breaker: Breaker::watched(meter),
            budget: Budget::default(),
            permits: Semaphore::new(CONCURRENCY),
        }
    }

    /// The same address, with connections and a breaker of its own.
    pub fn with_meter(&self, meter: Meter) -> Self {
        Self::new(self.base.clone(), meter)
    }

    /// Sends a request and gives the head of its answer, which is there within `limit`, repeats
    /// included. It is repeated where that cannot do it twice: if the service has not seen it,
    /// or if doing it twice is doing it once.
    pub async fn send(
        &self,
        limit: Duration,
        request: Request<Payload>,
        idempotent: bool,
    ) -> Result<Response<Body>, Lost> {
        let deadline = Instant::now() + limit;
        let _permit = self
            .permits
            .try_acquire()
            .map_err(|_| Lost::LeftAlone(Duration::from_secs(1)))?;
        let (mut parts, payload) = request.into_parts();
        parts.uri = self.absolute(&parts.uri)?;
        let idempotent = idempotent || is_idempotent(&parts.method, &parts.headers);
        let bytes = match payload {
            Payload::Bytes(bytes) => bytes,
            Payload::Stream(body) => {
                let request = Request::from_parts(parts, body);
                return self.once(deadline, request).await;
            }
        };
        for tried in 1.. {
            let mut request = Request::new(Body::from(bytes.clone()));
            *request.method_mut() = parts.method.clone();
            *request.uri_mut() = parts.uri.clone();
            *request.headers_mut() = parts.headers.clone();
            let lost = match self.once(deadline, request).await {
                Ok(answer) => {
                    if tried == 1 {
                        self.budget.earn();
                    }
                    return Ok(answer);
                }
                Err(lost) => lost,
            };
            let harmless = match lost {
                Lost::NotSent(_) => true,
                Lost::BrokenOff(_) => idempotent,
                Lost::LeftAlone(_) | Lost::OurBody(_) | Lost::Late => false,
            };
            if tried == TRIES || !harmless || !self.budget.spend() {
                return Err(lost);
            }
            tracing::debug!(address = %self.base, ?lost, "a call is repeated");
            if tried + 1 == TRIES {
                sleep(PAUSE).await;
            }
        }
        Err(Lost::Late)
    }

    async fn once(
        &self,
        deadline: Instant,
        request: Request<Body>,
    ) -> Result<Response<Body>, Lost> {
        self.breaker.admit().map_err(Lost::LeftAlone)?;
        let answer = match timeout_at(deadline, self.http.request(request)).await {
            Ok(Ok(answer)) => Ok(answer.map(Body::new)),
            Ok(Err(error)) => Err(Lost::from(error)),
            Err(_late) => Err(Lost::Late),
        };
        match &answer {
            Ok(_) => self.breaker.answered(),
            // Whoever sent us half a body says nothing of the service.
            Err(Lost::OurBody(_)) => {}
            Err(_) => self.breaker.failed(),
        }
        answer
    }

    fn absolute(&self, path: &Uri) -> Result<Uri, Lost> {
        let mut parts = self.base.clone().into_parts();
        parts.path_and_query = path.path_and_query().cloned();
        Uri::from_parts(parts).map_err(|error| Lost::OurBody(error.into()))
    }
}

impl Lost {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::LeftAlone(_) => "left_alone",
            Self::NotSent(_) => "not_sent",
            Self::BrokenOff(_) => "broken_off",
            Self::OurBody(_) => "our_body",
            Self::Late => "timeout",
        }
    }
}

impl From<hyper_util::client::legacy::Error> for Lost {
    fn from(error: hyper_util::client::legacy::Error) -> Self {
        if error.is_connect() {
            return Self::NotSent(error.into());
        }
        let mut cause = error.source();
        while let Some(inner) = cause {
            if let Some(inner) = inner.downcast_ref::<hyper::Error>() {
                if inner.is_user() {
                    return Self::OurBody(error.into());
                }
                if inner.is_canceled() {
                    return Self::NotSent(error.into());
                }
            }
            cause = inner.source();
        }
        Self::BrokenOff(error.into())
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeftAlone(_) => f.write_str("it is left alone for a moment"),
            Self::Late => f.write_str("it did not answer in time"),
            Self::NotSent(cause) | Self::BrokenOff(cause) | Self::OurBody(cause) => cause.fmt(f),
        }
    }
}

impl StdError for Lost {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::LeftAlone(_) | Self::Late => None,
            Self::NotSent(cause) | Self::BrokenOff(cause) | Self::OurBody(cause) => {
                Some(cause.as_ref())
            }
        }
    }
}

/// Whether doing it twice is doing it once: by the method (RFC 9110, 9.2.2), or because the
/// service knows the repeat by its key.
fn is_idempotent(method: &Method, headers: &HeaderMap) -> bool {
    method.is_idempotent() || headers.contains_key(IDEMPOTENCY_KEY)
}
