//! One message on its way: time limits, repeats, and what the collector says to it.

use std::{error::Error as StdError, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header, uri::PathAndQuery};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use techcommerce_follow::{Current, Source};
use techcommerce_http::outward::{Trusted, connector};
use techcommerce_kernel::{Env, Error};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{Export, Headers};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);
/// How long one try may take.
const TRY: Duration = Duration::from_secs(10);
/// How often a message is tried.
const TRIES: u32 = 5;
/// The pause after the first try; it doubles.
const PAUSE: Duration = Duration::from_secs(1);
/// No pause is longer, whatever the collector asks for: others wait behind this message.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Connections that nobody uses are kept so long.
const IDLE: Duration = Duration::from_secs(30);
/// The most that is read of an answer.
const ANSWER: usize = 64 * 1024;

/// Sends messages to one collector.
pub struct Sender {
    way: Way,
    headers: Current<HeaderMap>,
    env: Env,
    /// From then on nothing is tried twice.
    stop: CancellationToken,
    /// Whether the last message did not arrive: said once, not each time.
    failing: bool,
}

/// How the collector is reached.
#[derive(Clone)]
struct Way {
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    address: Uri,
}

/// A message did not arrive; it was said in the log.
#[derive(Debug)]
pub struct Failed;

/// Why a try failed.
enum Refused {
    /// May work later, perhaps after so long.
    Later(String, Option<Duration>),
    /// The collector does not know us: it works with other headers.
    Unknown(String),
    /// Will not work.
    Never(String),
}

impl Sender {
    pub fn new(
        export: &Export,
        headers: Source<Headers>,
        env: Env,
        stop: CancellationToken,
    ) -> Result<Self, Error> {
        let way = Way::to(&export.endpoint)?;
        let other_way = way.clone();
        let headers = Current::following(sent(headers.value()), headers, move |headers| {
            let (way, headers) = (other_way.clone(), sent(&headers));
            async move {
                way.try_out(&headers).await?;
                Ok(headers)
            }
        });
        Ok(Self {
            way,
            headers,
            env,
            stop,
            failing: false,
        })
    }

    /// What is sent along, and may change.
    pub fn headers(&self) -> &Current<HeaderMap> {
        &self.headers
    }

    /// Sends a message; how many of its spans the collector did not take.
    pub async fn send(&mut self, message: Bytes) -> Result<usize, Failed> {
        let mut tried = 1;
        let why = loop {
            let (why, wait) = match self.once(message.clone()).await {
                Ok(rejected) => {
                    if std::mem::take(&mut self.failing) {
                        tracing::info!("the collector takes spans again");
                    }
                    return Ok(rejected);
                }
                Err(Refused::Later(why, wait)) => (why, wait),
                // The right ones may come while it waits.
                Err(Refused::Unknown(why)) if self.headers.may_change() => (why, None),
                Err(Refused::Unknown(why) | Refused::Never(why)) => break why,
            };
            if tried == TRIES || self.stop.is_cancelled() {
                break why;
            }
            let pause = PAUSE * 2_u32.pow(tried - 1);
            let pause = wait.unwrap_or(pause + self.env.jitter(pause));
            // A stop ends the pause, not the message: it is tried once more.
            let _ = self
                .stop
                .run_until_cancelled(sleep(pause.min(LONGEST_PAUSE)))
                .await;
            tried += 1;
        };
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(
                why,
                "the collector does not take spans; they are lost until it does"
            );
        }
        Err(Failed)
    }

    /// Sends a message without spans, once.
    pub async fn try_out(&self) -> Result<(), Error> {
        self.way.try_out(&self.headers.get()).await
    }

    /// Once, or with other headers once more if these were refused and there are others.
    async fn once(&self, message: Bytes) -> Result<usize, Refused> {
        let headers = self.headers.get();
        let answer = self.way.once(message.clone(), &headers).await;
        if !matches!(answer, Err(Refused::Unknown(_))) {
            return answer;
        }
        match self.headers.instead_of(&headers).await {
            Some(other) => self.way.once(message, &other).await,
            None => answer,
        }
    }
}

impl Way {
    fn to(endpoint: &Uri) -> Result<Self, Error> {
        let connector = connector(Trusted::Usual, CONNECT)?;
        let http = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        let address = traces_below(endpoint)?;
        Ok(Self { http, address })
    }

    async fn try_out(&self, headers: &HeaderMap) -> Result<(), Error> {
        match self.once(Bytes::new(), headers).await {
            Ok(_) => Ok(()),
            Err(Refused::Later(why, _) | Refused::Unknown(why) | Refused::Never(why)) => {
                let text = "The collector does not take spans.";
                Err(Error::unavailable(text).caused_by(why))
            }
        }
    }

    async fn once(&self, message: Bytes, headers: &HeaderMap) -> Result<usize, Refused> {
        let mut request = Request::post(self.address.clone())
            .body(Full::new(message))
            .map_err(|error| Refused::Never(error.to_string()))?;
        *request.headers_mut() = headers.clone();
        let exchanged = async {
            let later = |error: &dyn StdError| Refused::Later(causes(error), None);
            let answer = self.http.request(request).await;
            let (head, body) = answer.map_err(|error| later(&error))?.into_parts();
            let body = Limited::new(body, ANSWER).collect().await;
            match head.status {
                status if status.is_success() => {
                    // What it did take is taken, however it broke off.
                    let bytes = body.map(|body| body.to_bytes()).unwrap_or_default();
                    Ok(rejected(&bytes))
                }
                // The ones that the protocol says to repeat.
                StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT => {
                    let wait = retry_after(&head.headers);
                    Err(Refused::Later(head.status.to_string(), wait))
                }
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    Err(Refused::Unknown(head.status.to_string()))
                }
                status => Err(Refused::Never(status.to_string())),
            }
        };
        timeout(TRY, exchanged)
            .await
            .unwrap_or_else(|_| Err(Refused::Later("no answer in time".to_owned(), None)))
    }
}

/// The headers of a message; keys are shown nowhere.
fn sent(given: &Headers) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let mut value = value.clone();
        value.set_sensitive(true);
        headers.append(name, value);
    }
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-protobuf"),
    );
    headers
}

/// `/v1/traces` below the endpoint.
fn traces_below(endpoint: &Uri) -> Result<Uri, Error> {
    let mut parts = endpoint.clone().into_parts();
    let base = endpoint.path().trim_end_matches('/');
    let path = PathAndQuery::try_from(format!("{base}/v1/traces")).map_err(Error::internal)?;
    parts.path_and_query = Some(path);
    Uri::from_parts(parts)
        .map_err(|error| Error::invalid("configuration", format!("traces.endpoint: {error}")))
}

/// How many spans of a message that was taken were not.
fn rejected(answer: &[u8]) -> usize {
    let Ok(answer) = ExportTraceServiceResponse::decode(answer) else {
        return 0;
    };
    let partial = answer.partial_success.unwrap_or_default();
    if partial.rejected_spans > 0 {
        tracing::warn!(
            spans = partial.rejected_spans,
            why = partial.error_message,
            "the collector rejected spans"
        );
    }
    usize::try_from(partial.rejected_spans).unwrap_or(0)
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

fn causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
