//! `GET /shipping-methods`: the ways of shipping and what they cost.
//!
//! Errors: 404 `cart_not_found`, 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{
    Problem,
    order_api::{ShippingMethodList, ShippingQuery},
};
use techcommerce_http::{ApiResult, Query};

use super::{Private, private};
use crate::{app::App, carts};

/// The ways of shipping, the cheapest first, at their prices for a cart.
#[utoipa::path(
    get, path = "/shipping-methods", tag = "carts", operation_id = "list_shipping_methods",
    security(()),
    params(ShippingQuery),
    responses(
        (status = 200, description = "All of them.", body = ShippingMethodList),
        (status = 404, description = "`cart_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(app): State<App>,
    Query(query): Query<ShippingQuery>,
) -> ApiResult<Private<ShippingMethodList>> {
    let items = carts::shipping_methods(&app, query.cart_id.as_deref()).await?;
    Ok(private(ShippingMethodList {
        items,
        next_cursor: None,
    }))
}
