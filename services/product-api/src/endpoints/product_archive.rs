//! `DELETE /products/{id}`: takes a product off sale for good. For staff.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `product_not_found`,
//! 409 `product_changed`.

use axum::extract::State;
use http::{HeaderMap, StatusCode};
use techcommerce_contracts::{
    Problem,
    product_api::{ProductPatch, ProductStatus},
};
use techcommerce_http::{ApiResult, Path, Staff};
use techcommerce_kernel::Uuid;

use super::{
    App,
    product_change::{Expected, change},
};
use crate::catalogue::input;

/// Archives a product: it is no longer sold, and orders that name it keep what they say.
#[utoipa::path(
    delete, path = "/products/{id}", tag = "products", operation_id = "archive_product",
    params(
        ("id" = Uuid, Path, description = "The product's id."),
        ("if-match" = Option<String>, Header, description = "Only if the product is still this version."),
    ),
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 204, description = "It is archived, or was before."),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`, `cross_origin`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`product_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`product_changed`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn archive(
    State(app): State<App>,
    Staff(principal): Staff,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> ApiResult<StatusCode> {
    let expected = Expected {
        headers: &headers,
        version: None,
    };
    let position = change(&app, &principal, "product.archive", id, |record| {
        let patch = ProductPatch {
            status: Some(ProductStatus::Archived),
            ..ProductPatch::default()
        };
        if record.row.status != ProductStatus::Archived.name() {
            expected.check(record)?;
        }
        input::patch(record, patch, app.settings.currency)
    })
    .await?;
    app.notifier.caught_up(position).await;
    Ok(StatusCode::NO_CONTENT)
}
