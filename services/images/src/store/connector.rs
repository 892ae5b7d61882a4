//! The way to an S3 store: our own HTTP client under `object_store`'s signatures and retries, so
//! that the house has one HTTP client, one TLS library, and time limits on each step.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector as MakeClient, HttpError, HttpErrorKind, HttpRequest,
        HttpRequestBody, HttpResponse, HttpResponseBody, HttpService,
    },
};
use techcommerce_http::outward::{Trusted, connector};
use techcommerce_kernel::Error;
use tokio::time::{Sleep, sleep, timeout};

/// To be connected, TLS included.
const CONNECT: Duration = Duration::from_secs(3);
/// Until an answer begins. A large picture over a slow line is sent in it.
const ANSWER: Duration = Duration::from_secs(20);
/// Between two pieces of an answer.
const PIECE: Duration = Duration::from_secs(5);
/// Connections that nobody uses are kept so long.
const IDLE: Duration = Duration::from_secs(30);

/// Makes the client.
#[derive(Debug)]
pub(super) struct Connector(Http);

impl Connector {
    /// With the certificates in `ca_file` (PEM) beside the usual ones.
    ///
    /// # Errors
    /// `configuration` (invalid input) for a file that has none.
    pub fn new(ca_file: Option<&std::path::Path>) -> Result<Self, Error> {
        let trusted = ca_file.map_or(Trusted::Usual, Trusted::UsualAnd);
        let connector = connector(trusted, CONNECT).map_err(|error| {
            let message = format!("images.s3_ca_file: {}", error.message());
            Error::invalid("configuration", message)
        })?;
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self(Http(client)))
    }
}

impl MakeClient for Connector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}

#[derive(Debug, Clone)]
struct Http(Client<HttpsConnector<HttpConnector>, HttpRequestBody>);

#[async_trait]
impl HttpService for Http {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = timeout(ANSWER, self.0.request(request))
            .await
            .map_err(|late| HttpError::new(HttpErrorKind::Timeout, late))?
            .map_err(|error| {
                // Whether the store did what it was asked is not known: only what may be done
                // twice is asked again.
                let kind = if error.is_connect() {
                    HttpErrorKind::Connect
                } else {
                    HttpErrorKind::Interrupted
                };
                HttpError::new(kind, error)
            })?;
        Ok(answer.map(|body| {
            HttpResponseBody::new(Paced {
                body,
                waiting: None,
            })
        }))
    }
}

/// A body that fails when its next piece does not come.
struct Paced {
    body: hyper::body::Incoming,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Body for Paced {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.waiting = None;
            let interrupted = |error| HttpError::new(HttpErrorKind::Interrupted, error);
            return Poll::Ready(frame.map(|frame| frame.map_err(interrupted)));
        }
        // Only waiting counts: a slow reader of ours is not the store's fault.
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(PIECE)));
        waiting.as_mut().poll(context).map(|()| {
            let late = std::io::Error::from(std::io::ErrorKind::TimedOut);
            Some(Err(HttpError::new(HttpErrorKind::Timeout, late)))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
