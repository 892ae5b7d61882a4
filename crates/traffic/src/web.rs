//! One shopper's browser: connections of its own, every answer read to its end.

use std::{borrow::Cow, io::Read, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

/// The most bytes of an answer, before and after it is unpacked.
const MOST: usize = 16 * 1024 * 1024;

/// What leads to the shop.
pub type Connector = HttpsConnector<HttpConnector>;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoAnswer {
    /// It did not come in time.
    Late,
    /// Nobody took the connection.
    NoConnection,
    /// It broke off.
    Cut,
}

impl NoAnswer {
    /// As reports name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Late => "no answer in time",
            Self::NoConnection => "no connection",
            Self::Cut => "connection cut",
        }
    }
}

/// A request.
#[derive(Debug, Clone)]
pub struct Ask {
    method: Method,
    path: Cow<'static, str>,
    body: Option<Value>,
    headers: Vec<(HeaderName, String)>,
}

impl Ask {
    fn new(method: Method, path: impl Into<Cow<'static, str>>) -> Self {
        Self {
            method,
            path: path.into(),
            body: None,
            headers: Vec::new(),
        }
    }

    pub fn get(path: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Method::GET, path)
    }

    pub fn post(path: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Method::POST, path)
    }

    pub fn put(path: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Method::PUT, path)
    }

    pub fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// In the name of who holds this session or key.
    pub fn bearer(self, token: Option<&str>) -> Self {
        match token {
            Some(token) => self.header(header::AUTHORIZATION, format!("Bearer {token}")),
            None => self,
        }
    }
}

/// An answer with all of its body, unpacked.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// A header as text; empty if it is not there.
    pub fn header(&self, name: HeaderName) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as JSON of this shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_slice(&self.body)
            .map_err(|error| format!("its JSON is not as documented: {error}"))
    }

    /// The `code` of a problem document.
    pub fn code(&self) -> String {
        let code = |value: Value| Some(value.get("code")?.as_str()?.to_owned());
        serde_json::from_slice(&self.body)
            .ok()
            .and_then(code)
            .unwrap_or_default()
    }

    /// How long the shop asks to wait, if it says so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.header(header::RETRY_AFTER)
            .parse()
            .ok()
            .map(Duration::from_secs)
    }
}

/// Where the shop is, and how to get there.
#[derive(Debug, Clone)]
pub struct Web {
    connector: Connector,
    shop: Url,
    patience: Duration,
}

impl Web {
    pub fn new(connector: Connector, shop: Url, patience: Duration) -> Self {
        Self {
            connector,
            shop,
            patience,
        }
    }

    /// A new browser: nobody else's connections.
    pub fn browser(&self) -> Browser {
        Browser {
            client: Client::builder(TokioExecutor::new())
                .pool_idle_timeout(Duration::from_secs(30))
                .build(self.connector.clone()),
            web: self.clone(),
        }
    }
}

/// What one shopper asks with.
#[derive(Debug, Clone)]
pub struct Browser {
    client: Client<Connector, Full<Bytes>>,
    web: Web,
}

impl Browser {
    /// The answer to one request.
    pub async fn send(&self, ask: &Ask) -> Result<Answer, NoAnswer> {
        let whole = async {
            let request = self.request(ask).ok_or(NoAnswer::Cut)?;
            let answer = self.client.request(request).await;
            let answer = answer.map_err(|error| {
                if error.is_connect() {
                    NoAnswer::NoConnection
                } else {
                    NoAnswer::Cut
                }
            })?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, MOST)
                .collect()
                .await
                .map_err(|_| NoAnswer::Cut)?
                .to_bytes();
            let body = unpacked(&head.headers, body).ok_or(NoAnswer::Cut)?;
            Ok(Answer {
                status: head.status,
                headers: head.headers,
                body,
            })
        };
        let answer = tokio::time::timeout(self.web.patience, whole).await;
        answer.unwrap_or(Err(NoAnswer::Late))
    }

    fn request(&self, ask: &Ask) -> Option<Request<Full<Bytes>>> {
        let address = self.web.shop.join(&ask.path).ok()?;
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(address.as_str())
            .header(
                header::USER_AGENT,
                concat!("techcommerce-traffic/", env!("CARGO_PKG_VERSION")),
            )
            .header(header::ACCEPT_LANGUAGE, "en")
            .header(header::ACCEPT_ENCODING, "gzip");
        for (name, value) in &ask.headers {
            request = request.header(name, HeaderValue::from_str(value).ok()?);
        }
        let body = match &ask.body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        request.body(Full::new(body)).ok()
    }
}

/// The body as it was before it was packed; `None` if it is broken or too large.
fn unpacked(headers: &HeaderMap, body: Bytes) -> Option<Bytes> {
    if headers
        .get(header::CONTENT_ENCODING)
        .is_none_or(|value| value != "gzip")
    {
        return Some(body);
    }
    let mut whole = Vec::new();
    let limit = MOST as u64 + 1;
    flate2::read::GzDecoder::new(&body[..])
        .take(limit)
        .read_to_end(&mut whole)
        .ok()?;
    (whole.len() <= MOST).then(|| Bytes::from(whole))
}
