//! One call to Stripe: form encoded, with a time limit, and what its answer means for us.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client as Http, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use serde::de::DeserializeOwned;
use techcommerce_contracts::Breaker;
use techcommerce_follow::{Current, Source};
use techcommerce_http::outward::{Trusted, connector, resolver::chain};
use techcommerce_kernel::{Error, Meter};
use tokio::time::timeout;

use super::wire::{Failed, Named, Page, Problem, VERSION};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// How long a call may take: a bank that has to be asked takes its time.
const CALL: Duration = Duration::from_secs(30);
/// Connections that nobody uses are kept so long.
const IDLE: Duration = Duration::from_secs(30);
/// The most that is read of an answer: a page of a hundred objects.
const ANSWER: usize = 4 << 20;
/// The most pages of a list that are read at once.
const PAGES: usize = 200;

/// Speaks to Stripe. Clones share connections.
#[derive(Clone)]
pub(crate) struct Client {
    way: Way,
    key: Current<String>,
}

#[derive(Clone)]
struct Way {
    http: Http<HttpsConnector<HttpConnector>, Full<Bytes>>,
    address: Arc<str>,
    breaker: Arc<Breaker>,
}

/// What Stripe said.
pub(crate) struct Said<T> {
    /// Its answer.
    pub body: T,
    /// Whether it is what was answered under the same key before, and may be true no more.
    pub again: bool,
}

/// Why there is no answer that could be used.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The bank, or Stripe for it, refuses.
    Declined(Box<Problem>),
    /// What was asked for is not possible, as a capture of what was cancelled.
    Impossible(Box<Problem>),
    /// This key will not be answered well: it met an error or an empty account, or came with
    /// something else before.
    KeyIsSpent,
    /// Nobody knows what became of it, or nothing did: to be asked again.
    Again(Error),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Again(error) => error,
            Failure::Declined(problem) | Failure::Impossible(problem) => {
                away().caused_by(problem.named())
            }
            Failure::KeyIsSpent => away().caused_by("the idempotency key is spent"),
        }
    }
}

fn away() -> Error {
    Error::unavailable("The payment provider does not answer as it should.")
}

impl Client {
    /// Speaks to the Stripe at `address` with `key`, which may change.
    ///
    /// # Errors
    /// The address is none.
    pub(super) fn new(address: &str, key: Source<String>, meter: Meter) -> Result<Self, Error> {
        let address = address.trim_end_matches('/');
        let wrong =
            |why: String| Error::invalid("configuration", format!("stripe.api_address: {why}"));
        let parsed: http::Uri = address
            .parse()
            .map_err(|e: http::uri::InvalidUri| wrong(e.to_string()))?;
        if parsed.authority().is_none() {
            return Err(wrong(
                "must be an address, as https://api.stripe.com".into(),
            ));
        }
        let http = Http::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector(Trusted::Usual, CONNECT)?);
        let way = Way {
            http,
            address: address.into(),
            breaker: Arc::new(Breaker::watched(meter)),
        };
        let trying = way.clone();
        let key = Current::following(key.value().clone(), key, move |key| {
            let way = trying.clone();
            async move {
                way.try_out(&key).await?;
                Ok(key)
            }
        });
        Ok(Self { way, key })
    }

    /// The key that is in force, and may change.
    pub(super) fn key(&self) -> &Current<String> {
        &self.key
    }

    /// Asks for a list of one, which needs the right key and nothing else.
    pub(super) async fn try_out(&self) -> Result<(), Error> {
        self.way.try_out(&self.key.get()).await
    }

    /// Reads the object at `path`.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        Ok(self.call(Method::GET, path, &[], None).await?.body)
    }

    /// Asks for something to be done. Under the same key it is done once.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &[(&str, &str)],
        key: &str,
    ) -> Result<Said<T>, Failure> {
        self.call(Method::POST, path, form, Some(key)).await
    }

    /// All of a list, page by page; `query` are its conditions.
    pub(crate) async fn list<T: DeserializeOwned + Named>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, Failure> {
        let mut all: Vec<T> = Vec::new();
        for _ in 0..PAGES {
            let mut asked: Vec<(&str, &str)> = query.to_vec();
            asked.push(("limit", "100"));
            if let Some(last) = all.last() {
                asked.push(("starting_after", last.id()));
            }
            let path = format!("{path}?{}", form_of(&asked));
            let page: Page<T> = self.get(&path).await?;
            let end = !page.has_more || page.data.is_empty();
            all.extend(page.data);
            if end {
                return Ok(all);
            }
        }
        Err(Failure::Again(Error::internal(
            "the list is too long to be read at once",
        )))
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        form: &[(&str, &str)],
        once: Option<&str>,
    ) -> Result<Said<T>, Failure> {
        let key = self.key.get();
        let answer = self
            .way
            .call(&key, method.clone(), path, form, once)
            .await?;
        let answer = match answer.status {
            // The key was changed under us: nothing was done, so it is asked again at once.
            StatusCode::UNAUTHORIZED => match self.key.instead_of(&key).await {
                Some(other) => self.way.call(&other, method, path, form, once).await?,
                None => answer,
            },
            _ => answer,
        };
        answer.meaning()
    }
}

struct Answer {
    status: StatusCode,
    again: bool,
    body: Bytes,
}

impl Way {
    async fn try_out(&self, key: &str) -> Result<(), Error> {
        let path = "/v1/payment_intents?limit=1";
        let answer = self.call(key, Method::GET, path, &[], None).await?;
        answer.meaning::<serde::de::IgnoredAny>()?;
        Ok(())
    }

    async fn call(
        &self,
        key: &str,
        method: Method,
        path: &str,
        form: &[(&str, &str)],
        once: Option<&str>,
    ) -> Result<Answer, Failure> {
        let again = |cause: String| Failure::Again(away().caused_by(cause));
        self.breaker.admit().map_err(|wait| {
            let error = away().caused_by("it did not answer a moment ago");
            Failure::Again(error.retry_after(wait))
        })?;
        let request = self.request(key, method, path, form, once);
        let request = request.map_err(|error| Failure::Again(Error::internal(error)))?;
        let exchanged = async {
            let answer = self.http.request(request).await;
            let (head, body) = answer.map_err(|error| again(chain(&error)))?.into_parts();
            let body = Limited::new(body, ANSWER).collect().await;
            let body = body.map_err(|error| again(error.to_string()))?;
            Ok(Answer {
                status: head.status,
                again: head.headers.contains_key("idempotent-replayed"),
                body: body.to_bytes(),
            })
        };
        let answer = timeout(CALL, exchanged).await;
        let answer = answer.unwrap_or_else(|_| Err(again("no answer in time".to_owned())));
        match &answer {
            Ok(answer) if !answer.status.is_server_error() => self.breaker.answered(),
            _ => self.breaker.failed(),
        }
        answer
    }

    fn request(
        &self,
        key: &str,
        method: Method,
        path: &str,
        form: &[(&str, &str)],
        once: Option<&str>,
    ) -> Result<Request<Full<Bytes>>, http::Error> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", key.trim()))?;
        bearer.set_sensitive(true);
        let mut request = Request::builder()
            .method(&method)
            .uri(format!("{}{path}", self.address))
            .header(header::AUTHORIZATION, bearer)
            .header(header::USER_AGENT, "TechCommerce")
            .header("stripe-version", VERSION);
        if let Some(once) = once {
            request = request.header("idempotency-key", once);
        }
        if method == Method::POST {
            let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
            request = request.header(header::CONTENT_TYPE, kind);
        }
        request.body(Full::new(form_of(form).into()))
    }
}

impl Answer {
    fn meaning<T: DeserializeOwned>(&self) -> Result<Said<T>, Failure> {
        let again = |cause: String| Failure::Again(away().caused_by(cause));
        if self.status.is_success() {
            let body = serde_json::from_slice(&self.body);
            let body =
                body.map_err(|error| again(format!("an answer of another shape: {error}")))?;
            let again = self.again;
            return Ok(Said { body, again });
        }
        let problem = serde_json::from_slice::<Failed>(&self.body).ok();
        let problem = problem.map(|failed| Box::new(failed.error));
        let named = problem.as_ref().map(|problem| problem.named());
        let named = format!("{} {}", self.status, named.unwrap_or_default());
        Err(match (self.status, problem) {
            (StatusCode::PAYMENT_REQUIRED, Some(problem)) => Failure::Declined(problem),
            (StatusCode::BAD_REQUEST, Some(problem)) if problem.kind == "idempotency_error" => {
                Failure::KeyIsSpent
            }
            // An error that is told again is what this key will be answered for ever.
            (status, _) if status.is_server_error() && self.again => Failure::KeyIsSpent,
            // Money for a refund may come; it is no refusal. Under this key it is told for a day.
            (StatusCode::BAD_REQUEST, Some(problem))
                if problem.code.as_deref() == Some("balance_insufficient") =>
            {
                match self.again {
                    true => Failure::KeyIsSpent,
                    false => again(named),
                }
            }
            (StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND, Some(problem)) => {
                Failure::Impossible(problem)
            }
            // 401 and 403: our key is wrong or may not do this, which staff can mend. 409: the
            // same is being done at this moment. 424, 429 and 5xx speak for themselves.
            _ => again(named),
        })
    }
}

/// As `application/x-www-form-urlencoded`.
fn form_of(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(status: u16, again: bool, body: &str) -> &'static str {
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            again,
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        match answer.meaning::<serde_json::Value>() {
            Ok(_) => "done",
            Err(Failure::Declined(_)) => "declined",
            Err(Failure::Impossible(_)) => "impossible",
            Err(Failure::KeyIsSpent) => "spent",
            Err(Failure::Again(_)) => "again",
        }
    }

    #[test]
    fn what_an_answer_means() {
        let card = r#"{"error":{"type":"card_error","code":"card_declined"}}"#;
        let other = r#"{"error":{"type":"idempotency_error"}}"#;
        let state = r#"{"error":{"type":"invalid_request_error","code":"x"}}"#;
        let poor = r#"{"error":{"type":"invalid_request_error","code":"balance_insufficient"}}"#;
        assert_eq!(meaning(200, false, "{}"), "done");
        assert_eq!(meaning(200, false, "<html>"), "again");
        assert_eq!(meaning(402, false, card), "declined");
        assert_eq!(
            meaning(402, false, ""),
            "again",
            "no refusal of Stripe's own"
        );
        assert_eq!(meaning(400, false, other), "spent");
        assert_eq!(meaning(400, false, state), "impossible");
        assert_eq!(meaning(404, false, "not Stripe's"), "again");
        assert_eq!(meaning(400, false, poor), "again");
        assert_eq!(meaning(400, true, poor), "spent");
        assert_eq!(meaning(500, false, state), "again");
        assert_eq!(meaning(500, true, state), "spent");
        for status in [401, 403, 409, 424, 429, 502, 503] {
            assert_eq!(meaning(status, false, state), "again", "{status}");
        }
    }

    #[test]
    fn a_key_is_shown_nowhere() {
        let problem: Failed = serde_json::from_str(
            r#"{"error":{"type":"invalid_request_error","message":"Invalid API Key: sk_live_1"}}"#,
        )
        .unwrap();
        let error: Error = Failure::Impossible(Box::new(problem.error)).into();
        assert!(!format!("{error:?}").contains("sk_live_1"));
    }
}
