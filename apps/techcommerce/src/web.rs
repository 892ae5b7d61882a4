//! A small HTTP client for what the command line asks: the cluster's interface, an address that
//! somebody wants tried.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use techcommerce_http::outward::{Trusted, connector};
use techcommerce_kernel::Error;

/// The most bytes of an answer.
const MOST: usize = 1024 * 1024;

/// Asks over HTTP or HTTPS.
#[derive(Debug, Clone)]
pub struct Web {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    patience: Duration,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum NoAnswer {
    /// It did not come in time.
    Late,
    /// Nobody was there, or it broke off. The text has the whole chain of causes.
    Broken(String),
}

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Late => f.write_str("no answer in time"),
            Self::Broken(why) => f.write_str(why),
        }
    }
}

impl Web {
    /// A client that waits `patience` for an answer and believes the usual authorities, or only
    /// those whose certificates (PEM) are in `authorities`.
    ///
    /// # Errors
    /// `configuration` (invalid input) for a file that has none.
    pub fn new(authorities: Option<&Path>, patience: Duration) -> Result<Self, Error> {
        let trusted = authorities.map_or(Trusted::Usual, Trusted::Only);
        let connector = connector(trusted, patience)?;
        Ok(Self {
            // Whoever asks seldom asks on a new connection: an old one may be gone.
            client: Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(0)
                .build(connector),
            patience,
        })
    }

    /// The answer to one request, with all of its body.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, NoAnswer> {
        let whole = async {
            let answer = self.client.request(request).await;
            let (head, body) = answer.map_err(|error| broken(&error))?.into_parts();
            let body = Limited::new(body, MOST).collect().await;
            let body = body.map_err(|error| broken(error.as_ref()))?.to_bytes();
            Ok(Response::from_parts(head, body))
        };
        let answer = tokio::time::timeout(self.patience, whole).await;
        answer.unwrap_or(Err(NoAnswer::Late))
    }
}

fn broken(error: &dyn std::error::Error) -> NoAnswer {
    NoAnswer::Broken(chain(error))
}

/// An error with what caused it, each said once.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = cause.source();
    }
    text
}
