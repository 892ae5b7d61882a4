//! `GET /internal/changes`: the change feed, with how products stand. For the shop's own services.
//!
//! Errors: 400 `invalid_input`, 403 `forbidden`, 503 `unavailable`.

use std::collections::BTreeSet;

use axum::extract::State;
use techcommerce_contracts::product_api::{
    ChangedProduct, ChangedStock, ChangesQuery, ProductChange, ProductChanges, WhatChanged,
};
use techcommerce_http::{ApiResult, Json, Query, ServiceOnly};
use techcommerce_kernel::{Error, Timestamp, Uuid};

use super::App;
use crate::{
    catalogue::{
        read,
        rows::{Record, VariantRow},
    },
    changes::{self, Entry, Kind, What},
};

/// The most that one answer holds.
const MOST: u32 = 500;

/// Reads on from a place in the feed.
pub async fn list(
    State(app): State<App>,
    _: ServiceOnly,
    Query(query): Query<ChangesQuery>,
) -> ApiResult<Json<ProductChanges>> {
    if query.limit > MOST {
        let why = format!("must be at most {MOST}");
        return Err(Error::invalid_field("limit", why).into());
    }
    let mut conn = app.db.read().await?;
    // Before the changes: all up to here are committed, and nobody may take it for more.
    let position = changes::position(&mut conn).await?;
    let feed = match query.limit {
        0 => Vec::new(),
        limit => changes::after(&mut conn, query.after, limit.into()).await?,
    };
    // After the changes: it is as they left it, or newer.
    let changes: Vec<ProductChange> = feed.iter().map(told).collect();
    let ids: BTreeSet<Uuid> = changes.iter().filter_map(|one| one.product_id).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let records = read::products(&mut conn, &ids).await?;
    let products: Result<Vec<ChangedProduct>, Error> = records.iter().map(stands).collect();
    Ok(Json(ProductChanges {
        position: changes
            .last()
            .map_or(position, |last| position.max(last.position)),
        changes,
        products: products?,
    }))
}

fn told(entry: &Entry) -> ProductChange {
    let product = entry.change.filter(|change| change.kind != Kind::Category);
    let what = product.map_or(WhatChanged::Other, |change| {
        match (change.kind, change.what) {
            (Kind::Stock, _) => WhatChanged::Stock,
            (_, What::Created) => WhatChanged::Created,
            (_, What::Archived) => WhatChanged::Archived,
            (_, What::Changed) => WhatChanged::Updated,
        }
    });
    ProductChange {
        position: entry.position,
        at: entry.created_at,
        product_id: product.map(|change| change.entity),
        what,
    }
}

fn stands(record: &Record) -> Result<ChangedProduct, Error> {
    let row = &record.row;
    let counted = record.variants.iter().filter(|it| it.track_inventory);
    let stock = |variant: &VariantRow| ChangedStock {
        variant_id: variant.id,
        sku: variant.sku.clone(),
        on_hand: variant.on_hand,
        reserved: variant.reserved,
    };
    Ok(ChangedProduct {
        id: row.id,
        handle: row.handle.parse().map_err(Error::internal)?,
        title: row.title.clone(),
        status: row.status.parse().map_err(Error::internal)?,
        version: row.version,
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
        stock: counted.map(stock).collect(),
    })
}
