//! Fetching one picture from an address that somebody wrote into a file.

use std::{
    collections::HashMap,
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty};
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
use techcommerce_kernel::{Called, Meter};
use tokio::sync::Semaphore;
use url::Url;

/// The most bytes of a picture; the image service takes no more.
pub const MAX_BYTES: u64 = 20 * 1024 * 1024;
/// How often an address may lead to another.
const MAX_REDIRECTS: usize = 4;
/// How long a connection may take to be made, and then the head of the answer.
const CONNECT: Duration = Duration::from_secs(5);
const HEAD: Duration = Duration::from_secs(20);
/// How long may pass until the next bytes come, and how long all of it may take.
const PAUSE: Duration = Duration::from_secs(10);
const WHOLE: Duration = Duration::from_secs(45);
/// How many are fetched from one host at once.
const AT_ONE_HOST: usize = 2;
/// How many hosts are remembered.
const HOSTS: usize = 1_000;

/// Why a picture was not fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It will never be: another attempt is of no use.
    Never(String),
    /// It may be later, but not before so long, if that was said.
    Later(String, Option<Duration>),
}

/// Fetches pictures. Clones share what they know of hosts.
#[derive(Clone)]
pub struct Fetcher {
    client: Result<Client<HttpsConnector<HttpConnector<Resolver>>, Empty<Bytes>>, String>,
    allowed: HostsAllowed,
    agent: Arc<str>,
    hosts: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
    meter: Meter,
}

impl Fetcher {
    /// A fetcher that says who it fetches for, and whose calls are measured.
    pub fn new(allowed: HostsAllowed, public_url: &str, meter: Meter) -> Self {
        let resolver = Resolver::system(allowed.clone());
        let mut http = HttpConnector::new_with_resolver(resolver);
        http.set_connect_timeout(Some(CONNECT));
        let client = secured(http, Trusted::Usual).map(|https| {
            Client::builder(TokioExecutor::new())
                .pool_idle_timeout(Duration::from_secs(10))
                .pool_max_idle_per_host(AT_ONE_HOST)
                .build(https)
        });
        let client = client.map_err(|error| error.to_string());
        Self {
            client,
            allowed,
            agent: format!("TechCommerce pictures (+{public_url})").into(),
            hosts: Arc::default(),
            meter,
        }
    }

    /// Asks for the picture and hands its bytes to `take` as they come, with the time limit for
    /// all of it. Errors of the bytes end up in [`Broken`].
    ///
    /// # Errors
    /// Why there is no picture at the address.
    pub async fn fetch<T, F>(
        &self,
        address: &str,
        take: impl FnOnce(Body, Broken) -> F,
    ) -> Result<T, Refused>
    where
        F: Future<Output = T>,
    {
        let mut url = Url::parse(address)
            .map_err(|error| Refused::Never(format!("The address is none: {error}.")))?;
        for _ in 0..=MAX_REDIRECTS {
            guard::check(&url, &self.allowed)
                .map_err(|why| Refused::Never(format!("{url}: {why}.")))?;
            let host = self.host(url.host_str().unwrap_or_default());
            // One after another where one host has all of them.
            let _room = host.acquire().await.ok();
            let answer = self.meter.measure(self.ask(&url), how).await;
            let answer = answer.map_err(|(_, why)| why)?;
            if let Some(next) = redirected(&url, &answer)? {
                url = next;
                continue;
            }
            check_head(&answer)?;
            let broken = Broken::default();
            let body = bounded(answer.into_body(), broken.clone());
            return Ok(take(body, broken).await);
        }
        let why = format!("{address} leads to other addresses more than {MAX_REDIRECTS} times.");
        Err(Refused::Never(why))
    }

    async fn ask(&self, url: &Url) -> Result<Response<hyper::body::Incoming>, (Called, Refused)> {
        let wrong = |why: Refused| (Called::Error, why);
        let client = self.client.as_ref().map_err(|why| {
            let why = format!("TLS fails: {why}.");
            wrong(Refused::Later(why, None))
        })?;
        let request = Request::get(url.as_str())
            .header(header::USER_AGENT, &*self.agent)
            // Without it some would send formats that the image service does not know.
            .header(header::ACCEPT, "image/webp, image/png, image/jpeg")
            .body(Empty::new())
            .map_err(|error| Refused::Never(format!("{url} cannot be asked for: {error}.")))
            .map_err(wrong)?;
        match tokio::time::timeout(HEAD, client.request(request)).await {
            Err(_late) => {
                let why = format!("{url} did not answer in time.");
                Err((Called::Timeout, Refused::Later(why, None)))
            }
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(match inside(&error) {
                // We did not ask.
                Some(why) => (Called::Refused, Refused::Never(format!("{url}: {why}."))),
                None => {
                    let why = format!("{url} cannot be reached: {}.", chain(&error));
                    wrong(Refused::Later(why, None))
                }
            }),
        }
    }

    fn host(&self, host: &str) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= HOSTS {
            hosts.retain(|_, room| Arc::strong_count(room) > 1);
        }
        let room = hosts.entry(host.to_owned());
        Arc::clone(room.or_insert_with(|| Arc::new(Semaphore::new(AT_ONE_HOST))))
    }
}

/// Why the bytes of a picture broke off, if they did.
#[derive(Debug, Clone, Default)]
pub struct Broken(Arc<Mutex<Option<Refused>>>);

impl Broken {
    fn say(&self, why: Refused) -> io::Error {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        io::Error::other("the picture broke off")
    }

    /// Why.
    pub fn why(&self) -> Option<Refused> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The bytes, if they come in time and are not too many.
fn bounded(body: hyper::body::Incoming, broken: Broken) -> Body {
    let end = tokio::time::Instant::now() + WHOLE;
    let pieces = Box::pin(body.into_data_stream());
    let state = (pieces, 0_u64, broken, false);
    let stream = stream::unfold(
        state,
        move |(mut pieces, total, broken, ended)| async move {
            if ended {
                return None;
            }
            let next = tokio::time::timeout_at(
                end.min(tokio::time::Instant::now() + PAUSE),
                pieces.next(),
            );
            let late = || Refused::Later("The picture took too long to come.".to_owned(), None);
            let piece = match next.await {
                Err(_late) => Err(broken.say(late())),
                Ok(None) => return None,
                Ok(Some(Err(error))) => {
                    let why = format!("The picture broke off: {}.", chain(&error));
                    Err(broken.say(Refused::Later(why, None)))
                }
                Ok(Some(Ok(piece))) if total + piece.len() as u64 > MAX_BYTES => {
                    Err(broken.say(too_large()))
                }
                Ok(Some(Ok(piece))) => Ok(piece),
            };
            let total = total + piece.as_ref().map_or(0, |piece: &Bytes| piece.len() as u64);
            let ended = piece.is_err();
            Some((piece, (pieces, total, broken, ended)))
        },
    );
    Body::from_stream(Sent(Box::pin(stream)))
}

/// A stream that may be handed to another thread.
struct Sent(Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>);

impl Stream for Sent {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

fn how<B>(answer: &Result<Response<B>, (Called, Refused)>) -> Called {
    match answer {
        Ok(answer) if answer.status().is_server_error() => Called::Error,
        Ok(_) => Called::Ok,
        Err((how, _)) => *how,
    }
}

fn too_large() -> Refused {
    let megabytes = MAX_BYTES / 1024 / 1024;
    Refused::Never(format!("The picture is larger than {megabytes} MB."))
}

/// Where an answer leads to, if it does.
fn redirected<B>(url: &Url, answer: &Response<B>) -> Result<Option<Url>, Refused> {
    use StatusCode as Code;
    let leads = [
        Code::MOVED_PERMANENTLY,
        Code::FOUND,
        Code::SEE_OTHER,
        Code::TEMPORARY_REDIRECT,
        Code::PERMANENT_REDIRECT,
    ];
    if !leads.contains(&answer.status()) {
        return Ok(None);
    }
    let location = answer.headers().get(header::LOCATION);
    let next = location
        .and_then(|value| value.to_str().ok())
        .and_then(|text| url.join(text).ok());
    let why = || Refused::Never(format!("{url} leads nowhere."));
    next.map(Some).ok_or_else(why)
}

fn check_head<B>(answer: &Response<B>) -> Result<(), Refused> {
    let status = answer.status();
    if status.is_success() {
        let length = answer.headers().get(header::CONTENT_LENGTH);
        let length = length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        return match length {
            Some(length) if length > MAX_BYTES => Err(too_large()),
            _ => Ok(()),
        };
    }
    let why = format!(
        "There is no picture at the address: it answers {}.",
        status.as_u16()
    );
    use StatusCode as Code;
    let passing = status.is_server_error()
        || [
            Code::TOO_MANY_REQUESTS,
            Code::REQUEST_TIMEOUT,
            Code::TOO_EARLY,
        ]
        .contains(&status);
    if passing {
        return Err(Refused::Later(why, retry_after(answer.headers())));
    }
    Err(Refused::Never(why))
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds.min(3600)))
}
