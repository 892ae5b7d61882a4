//! `GET /shipping-methods`: the ways of shipping and what they cost.
//!
//! Errors: 404 `cart_not_found`, 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{
    Problem,
    order_api::{ShippingMethod, ShippingMethodList, ShippingQuery},
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
    let goods = match &query.cart_id {
        Some(id) => {
            let cart = carts::show(&app, id).await?;
            cart.subtotal.amount - cart.discount.amount
        }
        None => 0,
    };
    let mut items: Vec<_> = app
        .settings
        .shipping
        .iter()
        .map(|method| ShippingMethod {
            id: method.id.clone(),
            title: method.title.clone(),
            description: method.description.clone(),
            price: app.money(method.price_for(goods)),
        })
        .collect();
    items.sort_by_key(|method| method.price.amount);
    Ok(private(ShippingMethodList {
        items,
        next_cursor: None,
    }))
}
