//! `GET /categories`: all categories.
//!
//! Gives no errors of its own.

use std::collections::HashMap;

use axum::{extract::State, response::Response};
use http::HeaderMap;
use techcommerce_contracts::product_api::{Category, CategoryList};
use techcommerce_http::{ApiResult, Caller};
use techcommerce_kernel::{Error, Uuid};

use super::{App, cached};
use crate::catalogue::{category, read, rows::parsed};

/// All categories, with how many products in each are on sale.
///
/// Staff see them as the database has them now, with how many products are in each at all.
#[utoipa::path(
    get, path = "/categories", tag = "products", operation_id = "list_categories",
    security((), ("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "All categories in their order.", body = CategoryList,
            headers(("etag" = String, description = "Names this content; send it as `If-None-Match`."))),
        (status = 304, description = "The copy that `If-None-Match` names is still right."),
    )
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let staff = caller.is_staff();
    let items = if staff {
        as_staff_see(&app).await?
    } else {
        app.model.snapshot().categories().to_vec()
    };
    let list = CategoryList {
        items,
        next_cursor: None,
    };
    cached(&headers, !staff, &list)
}

/// All categories from the database; how many products the public sees in them, and their
/// pictures, from the read model.
pub(super) async fn as_staff_see(app: &App) -> Result<Vec<Category>, Error> {
    let mut conn = app.db.read().await?;
    let rows = read::categories(&mut conn).await?;
    let counts: HashMap<Uuid, i64> = category::counts(&mut conn).await?.into_iter().collect();
    drop(conn);
    let snapshot = app.model.snapshot();
    let rows = rows.into_iter().map(|row| {
        let known = snapshot
            .categories()
            .iter()
            .find(|known| known.id == row.id);
        Ok(Category {
            id: row.id,
            handle: parsed(&row.handle)?,
            title: row.title,
            description: row.description,
            position: row.position,
            product_count: known.map_or(0, |known| known.product_count),
            total_count: Some(counts.get(&row.id).copied().unwrap_or(0)),
            image: known.and_then(|known| known.image.clone()),
        })
    });
    rows.collect()
}
