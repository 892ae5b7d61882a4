//! The job that fetches pictures.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::body::Body;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use serde::{Deserialize, Serialize};
use techcommerce_contracts::{Problem, identity::TOKEN_HEADER, images::Uploaded};
use techcommerce_jobs::{Handler, Job, Outcome};
use techcommerce_kernel::{Env, Error, Timestamp, Uuid};
use techcommerce_store::{Db, execute, transact};
use techcommerce_telemetry::Counters;

use super::{
    PictureDeps,
    fetch::{Broken, Fetcher, Refused},
    wanted::{Became, Wanted, claim, settle},
};
use crate::{
    catalogue::write::lock_product,
    changes::{self, Change},
};

/// The job's kind.
pub(crate) const KIND: &str = "picture.fetch";

/// How many are taken at once, and how many of them fetched at the same time.
const CLAIM: i64 = 8;
const AT_ONCE: usize = 4;
/// Nobody else takes them for so long.
const HELD: Duration = Duration::from_secs(10 * 60);
/// How long to wait after each failed attempt; after the last one it is given up.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(30),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(3 * 3600),
];
/// How long the image service may take: it may have a queue.
const STORE: Duration = Duration::from_secs(100);
/// The most that its answer may hold.
const MAX_ANSWER: usize = 64 * 1024;

/// A job that an import wrote.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct ForRun {
    pub run: Uuid,
}

/// Fetches what is due: on behalf of an import until nothing is left, and every half minute a few
/// of those that failed before.
pub(crate) struct FetchPictures {
    pub db: Db,
    pub env: Env,
    pub deps: PictureDeps,
    pub fetcher: Fetcher,
    /// What the addresses of our own pictures begin with.
    pub own: Arc<str>,
    /// Attempts by what became of them.
    pub files: Counters<1>,
}

#[async_trait]
impl Handler for FetchPictures {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, job: &Job) -> Result<Outcome, Error> {
        let now = self.env.now();
        let wanted = transact!(self.db, |tx| -> Result<Vec<Wanted>, Error> {
            Ok(claim(tx, now, now + HELD, CLAIM).await?)
        })?;
        if wanted.is_empty() {
            return Ok(Outcome::Done);
        }
        let outcomes = stream::iter(wanted)
            .map(|picture| async move { self.one(&picture).await })
            .buffer_unordered(AT_ONCE);
        let outcomes: Vec<Result<(), Error>> = outcomes.collect().await;
        outcomes.into_iter().collect::<Result<(), Error>>()?;
        if job.payload::<ForRun>().is_err() {
            return Ok(Outcome::Done);
        }
        // There may be more; others get their turn in between.
        Ok(Outcome::RetryIn(Duration::ZERO))
    }
}

impl FetchPictures {
    async fn one(&self, picture: &Wanted) -> Result<(), Error> {
        let stored = match self.own_picture(&picture.source_url).await {
            Some(stored) => Ok(stored),
            None => {
                let fetched = self.fetched(&picture.source_url).await;
                let outcome = match &fetched {
                    Ok(_) => "fetched",
                    Err(Refused::Later(..)) => "failed",
                    Err(Refused::Never(_)) => "refused",
                };
                self.files.with([outcome]).inc();
                fetched
            }
        };
        let now = self.env.now();
        match stored {
            Ok(stored) => self.put(picture, &stored).await,
            Err(refused) => {
                let attempt = usize::try_from(picture.attempts).unwrap_or(usize::MAX);
                let became = became(&refused, PAUSES.get(attempt).copied(), now);
                if let Became::Failed(_) = became {
                    // The import says why; the reason holds an address, which may be a secret.
                    let product = picture.product_id;
                    tracing::info!(%product, "a picture was given up");
                }
                transact!(self.db, |tx| -> Result<(), Error> {
                    Ok(settle(tx, now, picture, became).await?)
                })
            }
        }
    }

    /// A picture of ours that came back with an export: nothing is to be fetched.
    async fn own_picture(&self, address: &str) -> Option<Uploaded> {
        let path = address.strip_prefix(&*self.own)?.strip_prefix("/images/")?;
        let (id, _size) = path.split_once('/')?;
        let id: Uuid = id.parse().ok()?;
        let path = format!("/internal/images/{id}");
        let request = request(&self.deps, Method::GET, &path, Body::empty()).ok()?;
        let answer = self.deps.images.call_within(STORE, request).await.ok()?;
        read(answer).await.ok()
    }

    async fn fetched(&self, address: &str) -> Result<Uploaded, Refused> {
        self.fetcher
            .fetch(address, |body, broken| self.store(body, broken))
            .await?
    }

    async fn store(&self, body: Body, broken: Broken) -> Result<Uploaded, Refused> {
        let later = |error: Error| Refused::Later(error.message().to_owned(), None);
        let request = request(&self.deps, Method::POST, "/internal/images", body).map_err(later)?;
        let answer = self.deps.images.call_within(STORE, request).await;
        if let Some(why) = broken.why() {
            return Err(why);
        }
        read(answer.map_err(later)?).await
    }

    /// Puts the picture where its address stood.
    async fn put(&self, picture: &Wanted, stored: &Uploaded) -> Result<(), Error> {
        let now = self.env.now();
        transact!(self.db, |tx| -> Result<(), Error> {
            lock_product(tx, picture.product_id).await?;
            let rows = execute!(
                tx,
                sqlx::query(
                    "UPDATE product_images SET image_id = $1, width = $2, height = $3
                     WHERE product_id = $4 AND source_url = $5 AND image_id IS NULL"
                )
                .bind(stored.id)
                .bind(i64::from(stored.width))
                .bind(i64::from(stored.height))
                .bind(picture.product_id)
                .bind(picture.source_url.as_str())
            )?;
            settle(tx, now, picture, Became::Done).await?;
            // If somebody took the picture away meanwhile, the product is as it is.
            if rows > 0 {
                execute!(
                    tx,
                    sqlx::query("UPDATE products SET version = version + 1 WHERE id = $1")
                        .bind(picture.product_id)
                )?;
                let changed = [Change::product(picture.product_id)].into();
                changes::record(tx, now, &changed).await?;
            }
            Ok(())
        })
    }
}

/// `pause` is how long to wait for the next attempt, if there is one.
fn became(refused: &Refused, pause: Option<Duration>, now: Timestamp) -> Became<'_> {
    match (refused, pause) {
        (Refused::Later(why, asked), Some(pause)) => {
            let pause = asked.map_or(pause, |asked| asked.max(pause));
            Became::Waits(now + pause, why)
        }
        (Refused::Later(why, _) | Refused::Never(why), _) => Became::Failed(why),
    }
}

/// A request to the image service.
fn request(
    deps: &PictureDeps,
    method: Method,
    path: &str,
    body: Body,
) -> Result<Request<Body>, Error> {
    let token = deps.tokens.token()?;
    let mut token = HeaderValue::from_str(&token).map_err(Error::internal)?;
    token.set_sensitive(true);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(TOKEN_HEADER, token)
        .header(header::CONTENT_TYPE, "application/octet-stream");
    request.body(body).map_err(Error::internal)
}

async fn read(answer: Response<Body>) -> Result<Uploaded, Refused> {
    let status = answer.status();
    let body = Limited::new(answer.into_body(), MAX_ANSWER).collect();
    let later = |why: &str| Refused::Later(format!("The image service {why}."), None);
    let body = match tokio::time::timeout(STORE, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        _ => return Err(later("broke off its answer")),
    };
    if status.is_success() {
        return serde_json::from_slice(&body).map_err(|_| later("answered something unexpected"));
    }
    let said = serde_json::from_slice::<Problem>(&body).map(|problem| problem.into_error());
    let said = said.map_or_else(
        |_| format!("It answered {status}."),
        |error| error.message().to_owned(),
    );
    let refused = [
        StatusCode::BAD_REQUEST,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        StatusCode::NOT_FOUND,
    ];
    match refused.contains(&status) {
        true => Err(Refused::Never(format!("The picture was refused: {said}"))),
        false => Err(Refused::Later(
            format!("The image service did not take it: {said}"),
            None,
        )),
    }
}
