//! `PATCH /products/{id}`: changes a product. For staff.
//!
//! Errors: 400 `invalid_input` with each place, 401 `unauthenticated`, 403 `forbidden`, 404
//! `product_not_found`, 409 `handle_taken`, `product_changed`.
//!
//! Two that change different parts do not disturb each other; of two that change the same part
//! the last one wins, unless it sends `If-Match`.

use std::collections::BTreeSet;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header};
use techcommerce_contracts::{
    Problem,
    product_api::{Product, ProductPatch},
};
use techcommerce_http::{ApiResult, Json, Path, Staff};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::transact;

use super::{App, check_tag, entity_tag, known_category};
use crate::{
    catalogue::{
        input, read,
        write::{Writer, lock_product},
    },
    changes,
    stock::Reason,
};

/// Changes a product: what is not given stays.
///
/// With `If-Match` (the tag that `GET` gave to staff) the change is refused if somebody else has
/// changed the product since.
#[utoipa::path(
    patch, path = "/products/{id}", tag = "products", operation_id = "update_product",
    params(
        ("id" = Uuid, Path, description = "The product's id."),
        ("if-match" = Option<String>, Header, description = "Only if the product is still this version."),
    ),
    request_body = ProductPatch,
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The product as it is now.", body = Product),
        (status = 400, description = "`invalid_json`, `invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`, `cross_origin`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`product_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`handle_taken`, `product_changed`", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`too_large`", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn update(
    State(app): State<App>,
    Staff(principal): Staff,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Json(patch): Json<ProductPatch>,
) -> ApiResult<Response> {
    let actor = principal.actor();
    let writer = Writer::new(&app.env, app.settings.currency, &actor, Reason::Set);
    let position = transact!(app.db, |tx| -> Result<Option<i64>, Error> {
        lock_product(tx, id).await?;
        let record = read::product(tx, id).await?;
        check_tag(&headers, record.row.version)?;
        let draft = input::patch(&record, patch.clone(), app.settings.currency)?;
        known_category(tx, draft.category.as_ref()).await?;
        let mut changed = BTreeSet::new();
        let stock = writer.update(tx, &record, &draft, &mut changed).await?;
        writer.set_stock(tx, &stock).await?;
        Ok(changes::record(tx, app.env.now(), &changed).await?)
    })?;
    app.notifier.caught_up(position).await;
    let mut conn = app.db.read().await?;
    let record = read::product(&mut conn, id).await?;
    let tag = [(header::ETAG, entity_tag(record.row.version))];
    Ok((tag, Json(record.product()?)).into_response())
}
