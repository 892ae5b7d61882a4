//! `PATCH /products/{id}`: changes a product. For staff.
//!
//! Errors: 400 `invalid_input` with each place, 401 `unauthenticated`, 403 `forbidden`, 404
//! `product_not_found`, 409 `handle_taken`, `product_changed`.
//!
//! Two that change different parts do not disturb each other; of two that change the same part
//! the last one wins, unless it sends the version that it read.

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
use techcommerce_kernel::Uuid;

use super::{
    App, entity_tag,
    product_change::{Expected, change},
};
use crate::catalogue::{input, read};

/// Changes a product: what is not given stays.
///
/// With `version` (as the product has it), or with `If-Match` (the tag that `GET` gave to staff),
/// the change is refused if somebody else has changed the product since. A variant that is left
/// out is no longer sold; orders and checkouts under way keep what they have of it.
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
    let expected = Expected {
        headers: &headers,
        version: patch.version,
    };
    let position = change(&app, &principal, "product.update", id, |record| {
        expected.check(record)?;
        input::patch(record, patch.clone(), app.settings.currency)
    })
    .await?;
    app.notifier.caught_up(position).await;
    let mut conn = app.db.read().await?;
    let record = read::product(&mut conn, id).await?;
    let tag = [(header::ETAG, entity_tag(record.row.version))];
    Ok((tag, Json(record.product()?)).into_response())
}
