//! A collector of spans: takes OTLP over HTTP as protobuf, and tells what it got.

use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
    },
    common::v1::{KeyValue, any_value},
    trace::v1::{Span, status::StatusCode as SpanStatus},
};
use prost::Message;
use tokio::{net::TcpListener, task::JoinHandle};

/// Takes spans until it is dropped.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    server: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    requests: Vec<Received>,
    /// What is answered before all is well.
    answers: VecDeque<Collects>,
    /// The header without which nobody is let in, and what it has to say.
    demanded: Option<(String, String)>,
}

/// A message as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its path.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// Whether it was taken.
    pub taken: bool,
}

/// How the collector answers.
#[derive(Debug, Clone, Copy)]
pub enum Collects {
    /// With this status, and perhaps `Retry-After` in seconds.
    Status(u16, Option<u64>),
    /// It takes all but so many spans.
    AllBut(i64),
    /// Not at all, for so long.
    Hangs(Duration),
}

/// A span as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectedSpan {
    /// `service.name` of its resource.
    pub service: String,
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// `None` for the first of a trace.
    pub parent_id: Option<String>,
    /// Its name.
    pub name: String,
    /// As OTLP numbers them: 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub kind: i32,
    /// Whether the trace is one of the share that is kept.
    pub sampled: bool,
    /// Its attributes, as texts.
    pub attributes: BTreeMap<String, String>,
    /// The resource's attributes, as texts.
    pub resource: BTreeMap<String, String>,
    /// Trace and span of what it is linked to.
    pub links: Vec<(String, String)>,
    /// Whether it failed.
    pub failed: bool,
    /// Nanoseconds since 1970.
    pub started: u64,
    /// Nanoseconds since 1970.
    pub ended: u64,
}

impl Collector {
    /// Listens on a free port of loopback.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self::on(listener)
    }

    /// Listens on `address`, as one that comes back.
    pub async fn start_at(address: SocketAddr) -> Self {
        Self::on(TcpListener::bind(address).await.expect("the port is free"))
    }

    fn on(listener: TcpListener) -> Self {
        let state = Arc::<Mutex<State>>::default();
        let address = listener.local_addr().expect("an address");
        let shared = Arc::clone(&state);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                tokio::spawn(async move {
                    let service = service_fn(move |request| answer(Arc::clone(&state), request));
                    let io = TokioIo::new(stream);
                    // Whoever breaks off has its reasons.
                    let _ = http1::Builder::new().serve_connection(io, service).await;
                });
            }
        });
        Self {
            address,
            state,
            server,
        }
    }

    /// What `traces.endpoint` is to be.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next messages are answered so, and all later ones well.
    pub fn answers(&self, answers: impl IntoIterator<Item = Collects>) {
        lock(&self.state).answers.extend(answers);
    }

    /// From now on whoever comes without this header is answered with 401.
    pub fn demand(&self, name: &str, value: &str) {
        lock(&self.state).demanded = Some((name.to_owned(), value.to_owned()));
    }

    /// All messages as they came, in their order.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.state).requests.clone()
    }

    /// All spans that were taken, in the order in which they came.
    pub fn spans(&self) -> Vec<CollectedSpan> {
        let received = self.received();
        let taken = received.iter().filter(|received| received.taken);
        taken
            .flat_map(|received| spans_of(&received.body))
            .collect()
    }

    /// The spans once `enough` says so.
    ///
    /// # Panics
    /// If it does not within a minute; it shows what there is.
    pub async fn until(&self, enough: impl Fn(&[CollectedSpan]) -> bool) -> Vec<CollectedSpan> {
        self.until_within(Duration::from_secs(60), enough).await
    }

    /// As [`Collector::until`], with another deadline.
    pub async fn until_within(
        &self,
        deadline: Duration,
        enough: impl Fn(&[CollectedSpan]) -> bool,
    ) -> Vec<CollectedSpan> {
        let deadline = tokio::time::Instant::now() + deadline;
        loop {
            let spans = self.spans();
            if enough(&spans) {
                return spans;
            }
            if tokio::time::Instant::now() > deadline {
                let names: Vec<_> = spans
                    .iter()
                    .rev()
                    .take(200)
                    .map(|span| &span.name)
                    .collect();
                panic!(
                    "still waiting for spans; {} came, the last: {names:?}",
                    spans.len()
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl State {
    fn admits(&self, headers: &HeaderMap) -> bool {
        self.demanded.as_ref().is_none_or(|(name, value)| {
            let shown = headers.get(name).and_then(|shown| shown.to_str().ok());
            shown == Some(value)
        })
    }
}

async fn answer(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes());
    let body = body.unwrap_or_default();
    let admitted = lock(&state).admits(&head.headers);
    let how = match admitted {
        true => lock(&state).answers.pop_front(),
        false => Some(Collects::Status(401, None)),
    };
    let taken = matches!(how, None | Some(Collects::AllBut(_)));
    lock(&state).requests.push(Received {
        path: head.uri.path().to_owned(),
        headers: head.headers,
        body,
        taken,
    });
    let mut partial = None;
    let mut response = Response::builder();
    match how {
        None => {}
        Some(Collects::Status(status, wait)) => {
            response = response.status(StatusCode::from_u16(status).expect("a status"));
            if let Some(wait) = wait {
                response = response.header(header::RETRY_AFTER, wait);
            }
        }
        Some(Collects::AllBut(rejected_spans)) => {
            partial = Some(ExportTracePartialSuccess {
                rejected_spans,
                error_message: "too old".to_owned(),
            });
        }
        Some(Collects::Hangs(time)) => tokio::time::sleep(time).await,
    }
    let answer = ExportTraceServiceResponse {
        partial_success: partial,
    };
    let body = Full::new(Bytes::from(answer.encode_to_vec()));
    Ok(response.body(body).expect("an answer"))
}

fn spans_of(body: &[u8]) -> Vec<CollectedSpan> {
    let request = ExportTraceServiceRequest::decode(body).expect("OTLP");
    let mut spans = Vec::new();
    for part in request.resource_spans {
        let resource = texts(part.resource.expect("a resource").attributes);
        let service = resource["service.name"].clone();
        for span in part.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            spans.push(collected(&service, &resource, span));
        }
    }
    spans
}

fn collected(service: &str, resource: &BTreeMap<String, String>, span: Span) -> CollectedSpan {
    CollectedSpan {
        service: service.to_owned(),
        trace_id: hex(&span.trace_id, 16),
        span_id: hex(&span.span_id, 8),
        parent_id: (!span.parent_span_id.is_empty()).then(|| hex(&span.parent_span_id, 8)),
        name: span.name,
        kind: span.kind,
        sampled: span.flags & 1 == 1,
        attributes: texts(span.attributes),
        resource: resource.clone(),
        links: span
            .links
            .iter()
            .map(|link| (hex(&link.trace_id, 16), hex(&link.span_id, 8)))
            .collect(),
        failed: span
            .status
            .is_some_and(|status| status.code() == SpanStatus::Error),
        started: span.start_time_unix_nano,
        ended: span.end_time_unix_nano,
    }
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let texts = attributes.into_iter().map(|attribute| {
        let value = attribute.value.and_then(|value| value.value);
        let text = match value.expect("a value") {
            any_value::Value::StringValue(text) => text,
            any_value::Value::IntValue(number) => number.to_string(),
            any_value::Value::BoolValue(flag) => flag.to_string(),
            other => format!("{other:?}"),
        };
        (attribute.key, text)
    });
    texts.collect()
}

/// An id as text; panics at one of another length.
fn hex(id: &[u8], length: usize) -> String {
    assert_eq!(id.len(), length, "an id of {length} bytes");
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
