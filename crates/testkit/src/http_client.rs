//! A small HTTP client for loopback, which shows every answer as it is: no redirects followed,
//! no cookies kept, no retries.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longer than any answer may take, so that a hanging server fails a test instead of the run.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Looks at every answer; its error becomes that of [`Request::send`].
pub type Observer = Arc<dyn Fn(&Answer) -> Result<()> + Send + Sync>;

/// Speaks to one server, with the same headers each time. Clones share connections.
#[derive(Clone)]
pub struct Client {
    base: String,
    headers: HeaderMap,
    inner: legacy::Client<HttpConnector, Full<Bytes>>,
    observer: Option<Observer>,
}

impl Client {
    /// A client of the server at `base`, such as `http://127.0.0.1:3000`.
    #[must_use]
    pub fn new(base: impl Into<String>) -> Self {
        Self {
            base: base.into().trim_end_matches('/').to_owned(),
            headers: HeaderMap::new(),
            inner: legacy::Client::builder(TokioExecutor::new()).build_http(),
            observer: None,
        }
    }

    /// The same client with every answer shown to `observer` first.
    #[must_use]
    pub fn observed(&self, observer: Observer) -> Self {
        let mut client = self.clone();
        client.observer = Some(observer);
        client
    }

    /// The server's address.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The same client with one more header on every request.
    #[must_use]
    pub fn with_header(&self, name: &'static str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).expect("a header's value"),
        );
        client
    }

    /// The same client as the holder of a session's token or an API key.
    #[must_use]
    pub fn with_bearer(&self, token: &str) -> Self {
        self.with_header("authorization", &format!("Bearer {token}"))
    }

    /// A request to `path` (with its query); nothing happens before [`Request::send`].
    pub fn request(&self, method: Method, path: &str) -> Request<'_> {
        Request {
            client: self,
            method,
            path: path.to_owned(),
            headers: self.headers.clone(),
            body: Bytes::new(),
        }
    }

    /// `GET`.
    pub fn get(&self, path: &str) -> Request<'_> {
        self.request(Method::GET, path)
    }

    /// `DELETE`.
    pub fn delete(&self, path: &str) -> Request<'_> {
        self.request(Method::DELETE, path)
    }

    /// `POST`, so far without a body.
    pub fn post(&self, path: &str) -> Request<'_> {
        self.request(Method::POST, path)
    }

    /// `PUT`, so far without a body.
    pub fn put(&self, path: &str) -> Request<'_> {
        self.request(Method::PUT, path)
    }

    /// `PATCH`, so far without a body.
    pub fn patch(&self, path: &str) -> Request<'_> {
        self.request(Method::PATCH, path)
    }
}

/// A request that is being written.
#[must_use = "a request goes out with `send`"]
pub struct Request<'a> {
    client: &'a Client,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Request<'_> {
    /// Sets a header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).expect("a header's value"),
        );
        self
    }

    /// A body of JSON.
    pub fn json(self, value: &impl Serialize) -> Self {
        let body = serde_json::to_vec(value).expect("a value that is JSON");
        self.body("application/json", body)
    }

    /// Any body.
    pub fn body(mut self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.headers
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        self
    }

    /// Sends it; the answer must have this status.
    ///
    /// # Errors
    /// As [`send`](Self::send) and [`Answer::expect`].
    pub async fn expect(self, status: u16) -> Result<Answer> {
        self.send().await?.expect(status)
    }

    /// Sends it; the answer must have this status and a body of this type.
    ///
    /// # Errors
    /// As [`send`](Self::send), [`Answer::expect`] and [`Answer::json`].
    pub async fn value<T: DeserializeOwned>(self, status: u16) -> Result<T> {
        self.expect(status).await?.json()
    }

    /// Sends it; the answer must be a refusal with this status. Gives the problem's code.
    ///
    /// # Errors
    /// As [`send`](Self::send) and [`Answer::problem`].
    pub async fn problem(self, status: u16) -> Result<String> {
        self.send().await?.problem(status)
    }

    /// Sends it and reads the whole answer.
    ///
    /// # Errors
    /// There was no answer: refused, cut, or none within a minute. A status is no error.
    pub async fn send(self) -> Result<Answer> {
        let Self {
            client,
            method,
            path,
            headers,
            body,
        } = self;
        let what = format!("{method} {}{path}", client.base);
        let mut request = http::Request::builder()
            .method(method.clone())
            .uri(format!("{}{path}", client.base))
            .body(Full::new(body))
            .with_context(|| what.clone())?;
        *request.headers_mut() = headers;
        let exchange = async {
            let response = client.inner.request(request).await?;
            let (parts, body) = response.into_parts();
            anyhow::Ok((parts, body.collect().await?.to_bytes()))
        };
        let (parts, body) = tokio::time::timeout(TIMEOUT, exchange)
            .await
            .with_context(|| format!("{what}: no answer in time"))?
            .with_context(|| what.clone())?;
        let answer = Answer {
            what,
            method,
            path,
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        };
        if let Some(observer) = &client.observer {
            observer(&answer)?;
        }
        Ok(answer)
    }
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    what: String,
    /// The request's method.
    pub method: Method,
    /// The request's path with its query.
    pub path: String,
    /// The status code.
    pub status: u16,
    /// The answer's headers.
    pub headers: HeaderMap,
    /// The answer's body.
    pub body: Bytes,
}

impl Answer {
    /// The answer if its status is `status`.
    ///
    /// # Errors
    /// Another status, with the body in the message.
    pub fn expect(self, status: u16) -> Result<Self> {
        ensure!(
            self.status == status,
            "{} answered {} instead of {status}: {}",
            self.what,
            self.status,
            self.text(),
        );
        Ok(self)
    }

    /// The problem's code if the status is `status`, for answers that are to be refusals.
    ///
    /// # Errors
    /// Another status, or a body that is no problem with a code.
    pub fn problem(self, status: u16) -> Result<String> {
        let answer = self.expect(status)?;
        let kind = answer.header("content-type").unwrap_or_default();
        ensure!(
            kind.starts_with("application/problem+json"),
            "{}: a refusal of type {kind}: {}",
            answer.what,
            answer.text()
        );
        let problem: serde_json::Value = answer.json()?;
        Ok(problem["code"]
            .as_str()
            .with_context(|| format!("{}: a problem without code: {problem}", answer.what))?
            .to_owned())
    }

    /// The body as a value.
    ///
    /// # Errors
    /// The body is not that.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("{} answered {}: {}", self.what, self.status, self.text()))
    }

    /// The body as text, with what is no UTF-8 replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
