//! `GET /categories`: all categories.
//!
//! Gives no errors of its own.

use axum::{extract::State, response::Response};
use http::HeaderMap;
use techcommerce_contracts::product_api::CategoryList;
use techcommerce_http::ApiResult;

use super::{App, cached};

/// All categories, with how many products in each are on sale.
#[utoipa::path(
    get, path = "/categories", tag = "products", operation_id = "list_categories",
    responses(
        (status = 200, description = "All categories in their order.", body = CategoryList,
            headers(("etag" = String, description = "Names this content; send it as `If-None-Match`."))),
        (status = 304, description = "The copy that `If-None-Match` names is still right."),
    )
)]
pub async fn list(State(app): State<App>, headers: HeaderMap) -> ApiResult<Response> {
    let items = app.model.snapshot().categories().to_vec();
    cached(
        &headers,
        true,
        &CategoryList {
            items,
            next_cursor: None,
        },
    )
}
