//! One shopper: asks, waits, looks at the answer, thinks.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use http::header;
use rand::{Rng, rngs::StdRng};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::{
    book::Book,
    measure::{End, Measure},
    plan::Plan,
    prepare::Shop,
    web::{Answer, Ask, Browser, Web},
};

/// The longest that a page is looked at, in mean times.
const LONGEST_LOOK: f64 = 5.0;

/// What all shoppers share.
#[derive(Debug)]
pub struct Market {
    pub plan: Plan,
    pub shop: Shop,
    /// How the shop is reached.
    pub web: Web,
    pub measure: Measure,
    pub book: Book,
}

/// Somebody in the shop.
pub struct Shopper {
    pub market: Arc<Market>,
    pub random: StdRng,
    browser: Browser,
    /// What the browser has and need not fetch again.
    pub kept: BTreeSet<String>,
    /// When the next request is meant to be sent; its latency counts from here.
    due: Instant,
}

/// A request that got an answer, and whether it is one to go on with.
pub type Step<T> = Result<T, End>;

impl Shopper {
    pub fn new(market: Arc<Market>, browser: Browser, random: StdRng, due: Instant) -> Self {
        Self {
            market,
            random,
            browser,
            kept: BTreeSet::new(),
            due,
        }
    }

    /// Sends and times a request. An answer that is neither a refusal nor a failure comes back.
    pub async fn ask(&mut self, step: &'static str, ask: Ask) -> Step<Answer> {
        let answer = self.try_once(step, &ask).await?;
        match answer.status.as_u16() {
            429 | 503 => Err(End::Refused),
            502 | 504 => Err(End::Failed),
            500..=599 => Err(End::Wrong(format!(
                "{step} is answered with {} {}",
                answer.status.as_u16(),
                answer.code()
            ))),
            _ => Ok(answer),
        }
    }

    /// Sends and times a request; whatever is answered comes back, after it was counted.
    pub async fn try_once(&mut self, step: &'static str, ask: &Ask) -> Step<Answer> {
        let answer = self.browser.send(ask).await;
        let now = Instant::now();
        let latency = now.saturating_duration_since(self.due);
        self.due = now;
        let measure = &self.market.measure;
        match answer {
            Ok(answer) => {
                match answer.status.as_u16() {
                    status @ (429 | 503) => measure.refused(step, latency, status),
                    status @ 500..=599 => measure.failed(step, latency, format!("status {status}")),
                    _ => measure.answered(step, latency),
                }
                Ok(answer)
            }
            Err(error) => {
                measure.failed(step, latency, error.name().to_owned());
                Err(End::Failed)
            }
        }
    }

    /// Waits; the next request is meant for the end of it.
    pub async fn wait(&mut self, pause: Duration) {
        self.due = Instant::now() + pause;
        tokio::time::sleep_until(self.due).await;
    }

    /// Looks at what came, for a while that is short mostly and long at times.
    pub async fn look(&mut self) {
        let place: f64 = self.random.random();
        let look = (-(1.0 - place).ln()).min(LONGEST_LOOK);
        self.wait(self.market.plan.think.mul_f64(look)).await;
    }

    /// One of these.
    pub fn one_of<'a, T>(&mut self, things: &'a [T]) -> Option<&'a T> {
        match things.len() {
            0 => None,
            count => things.get(self.random.random_range(0..count)),
        }
    }

    /// Yes, so many times of a hundred.
    pub fn now_and_then(&mut self, percent: u32) -> bool {
        self.random.random_range(0..100) < percent
    }
}

/// An answer that must not be.
pub fn wrong<T>(what: impl Into<String>) -> Step<T> {
    Err(End::Wrong(what.into()))
}

/// The status must be this.
pub fn expect(step: &str, answer: &Answer, status: u16) -> Step<()> {
    let found = answer.status.as_u16();
    if found == status {
        return Ok(());
    }
    wrong(format!(
        "{step} is answered with {found} {}, not {status}",
        answer.code()
    ))
}

/// An answer in JSON of this shape.
pub fn json<T: DeserializeOwned>(step: &str, answer: &Answer) -> Step<T> {
    answer
        .json()
        .or_else(|error| wrong(format!("{step}: {error}")))
}

/// A refusal with this status and code.
pub fn problem(step: &str, answer: &Answer, status: u16, code: &str) -> Step<()> {
    expect(step, answer, status)?;
    let kind = answer.header(header::CONTENT_TYPE);
    if answer.code() != code || !kind.starts_with("application/problem+json") {
        return wrong(format!(
            "{step} is refused with code `{}` as {kind}, not `{code}`",
            answer.code()
        ));
    }
    Ok(())
}

/// A page: whole, and with this text in it.
pub fn page<'a>(step: &str, answer: &'a Answer, status: u16, text: &str) -> Step<&'a str> {
    expect(step, answer, status)?;
    let kind = answer.header(header::CONTENT_TYPE);
    if !kind.starts_with("text/html") {
        return wrong(format!("{step} comes as `{kind}`"));
    }
    let Ok(html) = std::str::from_utf8(&answer.body) else {
        return wrong(format!("{step} is no text"));
    };
    if !html.trim_end().ends_with("</html>") {
        return wrong(format!("{step} breaks off"));
    }
    if !html.contains(text) {
        return wrong(format!("{step} does not say `{text}`"));
    }
    Ok(html)
}
