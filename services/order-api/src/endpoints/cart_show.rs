//! `GET /carts/{id}`: the cart at today's prices.
//!
//! Errors: 404 `cart_not_found`, 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{Problem, order_api::Cart};
use techcommerce_http::{ApiResult, Path};

use super::{Private, private};
use crate::{app::App, carts};

/// The cart at today's prices, with what stands in the way of ordering it.
#[utoipa::path(
    get, path = "/carts/{id}", tag = "carts", operation_id = "get_cart",
    security(()),
    params(("id" = String, Path, description = "The cart's id.")),
    responses(
        (status = 200, description = "The cart.", body = Cart),
        (status = 404, description = "`cart_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn show(State(app): State<App>, Path(id): Path<String>) -> ApiResult<Private<Cart>> {
    Ok(private(carts::show(&app, &id).await?))
}
