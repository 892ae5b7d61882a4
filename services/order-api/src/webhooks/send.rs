//! Sending one event: a request that follows nothing, waits for nobody, and asks nobody inside.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use techcommerce_http::outward::{
    Trusted,
    guard::{self, HostsAllowed},
    resolver::{Resolver, chain, inside},
    secured,
};
use techcommerce_kernel::Timestamp;
use tokio::time::Instant;
use url::Url;

use super::{Settings, schedule};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How much of an answer is kept.
const EXCERPT: usize = 1024;
/// The longest address that is taken.
pub(super) const MAX_URL: usize = 2000;

/// What becomes of attempts, for the counters.
pub(super) const OUTCOMES: &[&str] = &["delivered", "refused", "timeout", "unreachable", "inside"];

/// Sends events. Clones are the same.
#[derive(Clone)]
pub(super) struct Sender {
    client: Result<Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>, String>,
    allowed: HostsAllowed,
    agent: String,
    limit: Duration,
}

/// An event that is to be sent.
pub(super) struct Message<'a> {
    pub url: &'a str,
    /// The event's id: the same at each attempt.
    pub id: &'a str,
    pub at: Timestamp,
    pub signatures: &'a str,
    pub body: &'a str,
}

/// How it was answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// One of [`OUTCOMES`].
    pub outcome: &'static str,
    pub status: Option<u16>,
    /// What went wrong.
    pub error: Option<String>,
    /// How the answer's body begins.
    pub excerpt: String,
    pub retry_after: Option<Duration>,
}

impl Answer {
    fn never(outcome: &'static str, why: impl Into<String>) -> Self {
        Self {
            outcome,
            error: Some(why.into()),
            ..Self::default()
        }
    }

    /// Whether the event arrived.
    pub(super) fn arrived(&self) -> bool {
        self.outcome == "delivered"
    }

    /// Whether there is nobody any more.
    pub(super) fn is_gone(&self) -> bool {
        self.status == Some(StatusCode::GONE.as_u16())
    }
}

/// An address as it is kept: as the specification of addresses writes it, without a fragment.
///
/// # Errors
/// Why nothing may be sent there.
pub(super) fn checked(text: &str, allowed: &HostsAllowed) -> Result<Url, String> {
    let mut url = Url::parse(text.trim()).map_err(|error| format!("is no address ({error})"))?;
    url.set_fragment(None);
    if url.as_str().len() > MAX_URL {
        return Err(format!("must have at most {MAX_URL} characters"));
    }
    guard::check(&url, allowed)?;
    if url.scheme() != "https" && !allowed.names(&url) {
        return Err("must begin with https://".to_owned());
    }
    Ok(url)
}

impl Sender {
    pub(super) fn new(settings: &Settings, public_url: &str) -> Self {
        let allowed = settings.hosts_allowed.clone();
        let resolver = settings.resolver.clone();
        let resolver = resolver.unwrap_or_else(|| Resolver::system(allowed.clone()));
        let mut http = HttpConnector::new_with_resolver(resolver);
        http.set_connect_timeout(Some(CONNECT));
        let client = secured(http, Trusted::Usual).map(|https| {
            // A connection for each, so that each name is looked up, and looked at, again.
            Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(0)
                .build(https)
        });
        Self {
            client: client.map_err(|error| error.to_string()),
            allowed,
            agent: format!("TechCommerce webhooks (+{public_url})"),
            limit: settings.limit,
        }
    }

    /// Sends it and gives how it was answered, whatever happens.
    pub(super) async fn send(&self, message: &Message<'_>) -> Answer {
        // What was let through once may not be any more: the owner's exceptions change.
        if let Err(why) = checked(message.url, &self.allowed) {
            return Answer::never("inside", why);
        }
        let request = Request::post(message.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, &self.agent)
            .header("webhook-id", message.id)
            .header("webhook-timestamp", message.at.as_seconds())
            .header("webhook-signature", message.signatures)
            .body(Full::new(Bytes::copy_from_slice(message.body.as_bytes())));
        let request = match request {
            Ok(request) => request,
            Err(error) => return Answer::never("unreachable", error.to_string()),
        };
        let client = match &self.client {
            Ok(client) => client,
            Err(why) => return Answer::never("unreachable", format!("TLS fails: {why}")),
        };
        let end = Instant::now() + self.limit;
        match tokio::time::timeout_at(end, client.request(request)).await {
            Err(_late) => {
                let limit = self.limit;
                Answer::never("timeout", format!("no answer within {limit:?}"))
            }
            Ok(Err(error)) => match inside(&error) {
                Some(why) => Answer::never("inside", why),
                None => Answer::never("unreachable", chain(&error)),
            },
            Ok(Ok(answer)) => heard(answer, message.at, end).await,
        }
    }
}

async fn heard(answer: Response<Incoming>, now: Timestamp, end: Instant) -> Answer {
    let status = answer.status();
    let retry_after = schedule::retry_after(answer.headers(), now);
    let outcome = if status.is_success() {
        "delivered"
    } else {
        "refused"
    };
    let error = match status.is_success() {
        true => None,
        false if status.is_redirection() => {
            Some("redirects are not followed; enter the address it leads to".to_owned())
        }
        false => Some("only an answer between 200 and 299 is a good one".to_owned()),
    };
    Answer {
        outcome,
        status: Some(status.as_u16()),
        error,
        excerpt: excerpt(answer.into_body(), end).await,
        retry_after: retry_after.filter(|_| {
            matches!(
                status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
            )
        }),
    }
}

/// How a body begins, as far as it comes in time; its status was heard already and decides.
async fn excerpt(mut body: Incoming, end: Instant) -> String {
    let mut bytes: Vec<u8> = Vec::with_capacity(EXCERPT);
    while bytes.len() < EXCERPT {
        match tokio::time::timeout_at(end, body.frame()).await {
            Ok(Some(Ok(frame))) => {
                let Some(piece) = frame.data_ref() else {
                    continue;
                };
                let room = EXCERPT - bytes.len();
                bytes.extend_from_slice(&piece[..piece.len().min(room)]);
            }
            Ok(Some(Err(_)) | None) | Err(_) => break,
        }
    }
    String::from_utf8_lossy(&bytes)
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_of_the_open_internet_and_secure() {
        let none = HostsAllowed::default();
        let kept = |text: &str| checked(text, &none).map(String::from);
        assert_eq!(
            kept(" HTTPS://Hooks.Example.COM:443/a/../b?key=1#part ").unwrap(),
            "https://hooks.example.com/b?key=1"
        );
        for wrong in [
            "",
            "hooks.example.com",
            "http://hooks.example.com/",
            "ftp://hooks.example.com/",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://[::1]/",
            "https://169.254.169.254/",
            "https://user:pw@hooks.example.com/",
            "https://hooks.example.com:8443/",
            &format!("https://hooks.example.com/{}", "a".repeat(MAX_URL)),
        ] {
            assert!(kept(wrong).is_err(), "{wrong}");
        }
        let allowed = HostsAllowed::parse(["erp.lan:8080", "127.0.0.1"]).unwrap();
        for right in ["http://erp.lan:8080/x", "http://127.0.0.1:9999/"] {
            assert!(checked(right, &allowed).is_ok(), "{right}");
        }
        assert!(checked("http://erp.lan/", &allowed).is_err());
    }
}
