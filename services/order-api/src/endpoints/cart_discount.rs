//! `PUT /carts/{id}/discount` and `DELETE /carts/{id}/discount`: the cart's discount code.
//!
//! Errors: 404 `cart_not_found`, 409 `discount_invalid` or `cart_ordered`, 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{
    Problem,
    order_api::{Cart, DiscountInput},
};
use techcommerce_http::{ApiResult, Json, Path};

use super::{Private, private};
use crate::{app::App, carts};

/// Applies a discount code in place of any other.
#[utoipa::path(
    put, path = "/carts/{id}/discount", tag = "carts", operation_id = "put_cart_discount",
    security(()),
    params(("id" = String, Path, description = "The cart's id.")),
    request_body = DiscountInput,
    responses(
        (status = 200, description = "The cart.", body = Cart),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`cart_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`discount_invalid`, `cart_ordered`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn put(
    State(app): State<App>,
    Path(id): Path<String>,
    Json(input): Json<DiscountInput>,
) -> ApiResult<Private<Cart>> {
    Ok(private(
        carts::set_discount(&app, &id, Some(&input.code)).await?,
    ))
}

/// Takes the discount code away, if there is one.
#[utoipa::path(
    delete, path = "/carts/{id}/discount", tag = "carts", operation_id = "delete_cart_discount",
    security(()),
    params(("id" = String, Path, description = "The cart's id.")),
    responses(
        (status = 200, description = "The cart.", body = Cart),
        (status = 404, description = "`cart_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`cart_ordered`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn remove(State(app): State<App>, Path(id): Path<String>) -> ApiResult<Private<Cart>> {
    Ok(private(carts::set_discount(&app, &id, None).await?))
}
