//! What happens to products and to the stock: read from product-api's change feed, and told.
//!
//! How far the feed is read stands beside the events, in one transaction with them: whoever dies
//! between reads the same changes again and has told nobody of them. The feed is read every few
//! seconds, and what happened to one product meanwhile is told as one event: a rush is no flood.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use sqlx::types::Json;
use techcommerce_contracts::{
    order_api::WebhookEventType as Kind,
    product_api::{
        ChangedProduct, ChangedStock, ProductChange, ProductChanges, ProductStatus, WhatChanged,
    },
};
use techcommerce_jobs::{Job, Outcome};
use techcommerce_kernel::{Error, Kind::NotFound, Uuid};
use techcommerce_store::{Conn, execute, transact, with};

use super::{
    body::{Data, ProductFacts, StockFacts, Subject},
    events::{self, About, Listener, listeners, wants},
};
use crate::{app::App, faults::Point};

/// The job's kind and the schedule's name.
pub(super) const KIND: &str = "webhook.feed";
/// How often the feed is read.
pub(super) const EVERY: Duration = Duration::from_secs(10);
/// How many changes are read and told in one transaction.
const PAGE: u32 = 100;
/// How often one job reads on; the next one goes on.
const ROUNDS: usize = 200;

/// How much of each variant could be sold.
type Available = BTreeMap<Uuid, i64>;

/// Runs the schedule.
pub(super) struct Handler(pub App);

#[async_trait]
impl techcommerce_jobs::Handler for Handler {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn longest_pause(&self) -> Duration {
        EVERY * 3
    }

    async fn run(&self, job: &Job) -> Result<Outcome, Error> {
        let Self(app) = self;
        for _ in 0..ROUNDS {
            match round(app, job).await {
                Ok(true) => {}
                Ok(false) => break,
                // product-api is away, or of the version before: nothing is lost meanwhile.
                Err(error) if error.is_transient() || error.kind() == NotFound => {
                    tracing::debug!(?error, "the change feed cannot be read now");
                    return Ok(Outcome::RetryIn(EVERY));
                }
                Err(error) => return Err(error),
            }
        }
        app.queue.wake();
        Ok(Outcome::Done)
    }
}

/// Reads on by one page; gives whether there may be more.
async fn round(app: &App, job: &Job) -> Result<bool, Error> {
    let after = position(app).await?;
    // Where the feed ends is read before it is asked who listens: who begins to listen later is
    // told of all that happens later.
    let end = app.products.changes(after.unwrap_or(0), 0).await?.position;
    let Some(after) = after.filter(|after| *after <= end) else {
        if after.is_some() {
            tracing::warn!(
                end,
                "the change feed is one of an earlier time; it is read from its end"
            );
        }
        pass(app, job, end).await?;
        return Ok(false);
    };
    if after == end {
        return Ok(false);
    }
    if !anybody(app).await? {
        pass(app, job, end).await?;
        return Ok(false);
    }
    let feed = app.products.changes(after, PAGE).await?;
    let Some(last) = feed.changes.last().map(|change| change.position) else {
        return Ok(false);
    };
    if feed.changes[0].position > after + 1 {
        tracing::warn!(
            after,
            "the change feed was cut off: some of it is told to nobody"
        );
    }
    app.faults.at(Point::Before("webhook.feed"))?;
    transact!(app.db, |tx| -> Result<(), Error> {
        job.guard(tx).await?;
        put_position(tx, last).await?;
        tell(tx, app, &feed).await
    })?;
    app.faults.at(Point::Recorded("webhook.feed"))?;
    Ok(last < feed.position)
}

async fn position(app: &App) -> Result<Option<i64>, Error> {
    const POSITION: &str = "SELECT position FROM webhook_feed WHERE id = 1";
    let mut conn = app.db.read().await?;
    Ok(with!(conn, |c| sqlx::query_scalar(POSITION)
        .fetch_optional(c)
        .await)?)
}

async fn put_position(tx: &mut Conn, position: i64) -> Result<(), Error> {
    const PUT: &str = "INSERT INTO webhook_feed (id, position) VALUES (1, $1) \
         ON CONFLICT (id) DO UPDATE SET position = excluded.position";
    execute!(tx, sqlx::query(PUT).bind(position))?;
    Ok(())
}

/// Whether anybody wants to know of products or of the stock.
async fn anybody(app: &App) -> Result<bool, Error> {
    let mut conn = app.db.read().await?;
    let listeners = listeners(&mut conn).await?;
    let wanted = |listener: &Listener| {
        Kind::OF_PRODUCTS
            .iter()
            .any(|kind| wants(&listener.types, *kind))
    };
    Ok(listeners.iter().any(wanted))
}

/// Nobody is told of what lies before `position`. What was known of the stock is forgotten: it
/// would be wrong when somebody listens again.
async fn pass(app: &App, job: &Job, position: i64) -> Result<(), Error> {
    transact!(app.db, |tx| -> Result<(), Error> {
        job.guard(tx).await?;
        put_position(tx, position).await?;
        execute!(tx, sqlx::query("DELETE FROM webhook_stock"))?;
        Ok(())
    })
}

/// What happened to one product on a page.
#[derive(Debug, Default)]
struct Story {
    created: Option<ProductChange>,
    updated: Option<ProductChange>,
    archived: Option<ProductChange>,
    /// The last change after which its stock may be another.
    last: Option<ProductChange>,
    /// Whether one of them was of the stock alone.
    stock: bool,
}

impl Story {
    fn goes_on(&mut self, change: ProductChange) {
        self.last = Some(change);
        match change.what {
            WhatChanged::Created => self.created = Some(change),
            WhatChanged::Archived => self.archived = Some(change),
            // Who is told that it is there is told how it is by now.
            WhatChanged::Updated if self.created.is_none() => self.updated = Some(change),
            WhatChanged::Stock => self.stock = true,
            WhatChanged::Updated | WhatChanged::Other => {}
        }
    }

    /// What is told of the product, in the order in which it happened.
    fn kinds(&self) -> Vec<(Kind, ProductChange)> {
        let all = [
            (Kind::ProductCreated, self.created),
            (Kind::ProductUpdated, self.updated),
            (Kind::ProductArchived, self.archived),
        ];
        let mut kinds: Vec<_> = all
            .into_iter()
            .filter_map(|(kind, change)| Some((kind, change?)))
            .collect();
        kinds.sort_by_key(|(_, change)| change.position);
        kinds
    }
}

/// Writes the events of a page.
async fn tell(tx: &mut Conn, app: &App, feed: &ProductChanges) -> Result<(), Error> {
    let listeners = listeners(tx).await?;
    let mut stories: BTreeMap<Uuid, Story> = BTreeMap::new();
    for change in &feed.changes {
        if let Some(product) = change.product_id {
            stories.entry(product).or_default().goes_on(*change);
        }
    }
    let mut teller = Teller {
        app,
        listeners: &listeners,
        after: Duration::ZERO,
    };
    for product in &feed.products {
        let Some(story) = stories.get(&product.id) else {
            continue;
        };
        let subject = Subject {
            kind: "product",
            id: product.id,
        };
        for (kind, change) in story.kinds() {
            let data = Data {
                product: Some(ProductFacts::new(product)),
                ..Data::default()
            };
            teller.say(tx, kind, subject, change, &data).await?;
        }
        let Some(last) = story.last else { continue };
        let before = remembered(tx, product.id).await?;
        for (kind, stock) in news(
            product,
            before.as_ref(),
            story,
            app.settings.webhooks.low_stock,
        ) {
            let subject = Subject {
                kind: "variant",
                id: stock.variant_id,
            };
            let data = Data {
                stock: Some(StockFacts::new(product, stock)),
                ..Data::default()
            };
            teller.say(tx, kind, subject, last, &data).await?;
        }
        remember(tx, product).await?;
    }
    Ok(())
}

/// What is to be told of a product's stock.
fn news<'p>(
    product: &'p ChangedProduct,
    before: Option<&Available>,
    story: &Story,
    low: i64,
) -> Vec<(Kind, &'p ChangedStock)> {
    // An archived product is not sold, whatever there is of it.
    if product.status == ProductStatus::Archived {
        return Vec::new();
    }
    let mut news = Vec::new();
    for stock in &product.stock {
        let now = available(stock);
        let was = match before.and_then(|before| before.get(&stock.variant_id)) {
            Some(was) if *was == now => continue,
            Some(was) => *was,
            // Nothing is known of it. If its stock was changed, it is told rather once too often;
            // otherwise who is told of the product asks for the rest.
            None if story.stock => i64::MAX,
            None => continue,
        };
        news.push((Kind::StockChanged, stock));
        if now <= 0 && was > 0 {
            news.push((Kind::StockOut, stock));
        } else if (1..low).contains(&now) && was >= low {
            news.push((Kind::StockLow, stock));
        }
    }
    news
}

fn available(stock: &ChangedStock) -> i64 {
    stock.on_hand.saturating_sub(stock.reserved)
}

async fn remembered(tx: &mut Conn, product: Uuid) -> Result<Option<Available>, Error> {
    const FIND: &str = "SELECT available FROM webhook_stock WHERE product_id = $1";
    let found: Option<Json<Available>> = with!(tx, |c| sqlx::query_scalar(FIND)
        .bind(product)
        .fetch_optional(c)
        .await)?;
    Ok(found.map(|found| found.0))
}

async fn remember(tx: &mut Conn, product: &ChangedProduct) -> Result<(), Error> {
    const PUT: &str = "INSERT INTO webhook_stock (product_id, available) VALUES ($1, $2) \
         ON CONFLICT (product_id) DO UPDATE SET available = excluded.available";
    const FORGET: &str = "DELETE FROM webhook_stock WHERE product_id = $1";
    if product.status == ProductStatus::Archived {
        execute!(tx, sqlx::query(FORGET).bind(product.id))?;
        return Ok(());
    }
    let now = product
        .stock
        .iter()
        .map(|it| (it.variant_id, available(it)));
    let now: Available = now.collect();
    execute!(tx, sqlx::query(PUT).bind(product.id).bind(Json(&now)))?;
    Ok(())
}

/// Writes events one after the other.
struct Teller<'a> {
    app: &'a App,
    listeners: &'a [Listener],
    after: Duration,
}

impl Teller<'_> {
    async fn say(
        &mut self,
        tx: &mut Conn,
        kind: Kind,
        subject: Subject,
        change: ProductChange,
        data: &Data,
    ) -> Result<(), Error> {
        const LAST: &str = "SELECT MAX(sequence) FROM webhook_events WHERE subject_id = $1";
        let wanting = self.listeners.iter().filter(|it| wants(&it.types, kind));
        let wanting: Vec<Uuid> = wanting.map(|listener| listener.id).collect();
        if wanting.is_empty() {
            return Ok(());
        }
        let last: Option<i64> = with!(tx, |c| sqlx::query_scalar(LAST)
            .bind(subject.id)
            .fetch_one(c)
            .await)?;
        // Places in the feed rise as commits do. Two events may come of one change, and a restored
        // feed begins again at an earlier place.
        let sequence = last.map_or(change.position, |last| change.position.max(last + 1));
        self.after += Duration::from_micros(1);
        let about = About {
            kind,
            subject,
            sequence,
            at: change.at,
            after: self.after,
        };
        events::write(tx, self.app, about, data, &wanting).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use techcommerce_kernel::Timestamp;

    use super::*;

    const LOW: i64 = 5;

    fn product(available: i64) -> ChangedProduct {
        let at = Timestamp::from_micros(0);
        ChangedProduct {
            id: Uuid::from_u128(1),
            handle: "mug".parse().unwrap(),
            title: "Mug".to_owned(),
            status: ProductStatus::Active,
            version: 1,
            created_at: at,
            updated_at: at,
            stock: vec![ChangedStock {
                variant_id: Uuid::from_u128(2),
                sku: None,
                on_hand: available + 3,
                reserved: 3,
            }],
        }
    }

    fn told(before: Option<i64>, now: i64, what: WhatChanged) -> Vec<Kind> {
        let before: Option<Available> = before.map(|was| [(Uuid::from_u128(2), was)].into());
        let mut story = Story::default();
        story.goes_on(change(1, what));
        let product = product(now);
        let news = news(&product, before.as_ref(), &story, LOW);
        news.into_iter().map(|(kind, _)| kind).collect()
    }

    fn change(position: i64, what: WhatChanged) -> ProductChange {
        ProductChange {
            position,
            at: Timestamp::from_micros(position),
            product_id: Some(Uuid::from_u128(1)),
            what,
        }
    }

    #[test]
    fn stock_is_told_when_it_is_another_and_low_or_out_when_it_falls_there() {
        use Kind::{StockChanged, StockLow, StockOut};
        let stock = |before, now| told(before, now, WhatChanged::Stock);
        assert_eq!(stock(Some(9), 9), []);
        assert_eq!(stock(Some(9), 8), [StockChanged]);
        assert_eq!(stock(Some(5), 4), [StockChanged, StockLow]);
        assert_eq!(stock(Some(4), 3), [StockChanged], "it has been low before");
        assert_eq!(stock(Some(1), 0), [StockChanged, StockOut]);
        assert_eq!(
            stock(Some(9), -2),
            [StockChanged, StockOut],
            "of what may be sold on"
        );
        assert_eq!(stock(Some(0), -1), [StockChanged]);
        assert_eq!(stock(Some(0), 3), [StockChanged], "it rises");
        assert_eq!(
            stock(None, 3),
            [StockChanged, StockLow],
            "rather once too often"
        );
        assert_eq!(
            told(None, 3, WhatChanged::Created),
            [],
            "the product is told of"
        );
        assert_eq!(
            told(Some(9), 3, WhatChanged::Updated),
            [StockChanged, StockLow]
        );
    }

    #[test]
    fn what_happens_within_seconds_is_told_once() {
        use WhatChanged::{Archived, Created, Stock, Updated};
        let kinds = |all: &[WhatChanged]| -> Vec<&str> {
            let mut story = Story::default();
            for (position, what) in (1..).zip(all) {
                story.goes_on(change(position, *what));
            }
            story.kinds().iter().map(|(kind, _)| kind.name()).collect()
        };
        assert_eq!(kinds(&[Created, Updated, Stock]), ["product.created"]);
        assert_eq!(kinds(&[Updated, Updated]), ["product.updated"]);
        assert_eq!(
            kinds(&[Updated, Archived]),
            ["product.updated", "product.archived"]
        );
        assert_eq!(
            kinds(&[Archived, Updated]),
            ["product.archived", "product.updated"]
        );
        assert_eq!(kinds(&[Stock]), [""; 0]);
    }
}
