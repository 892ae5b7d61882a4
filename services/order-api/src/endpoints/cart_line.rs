//! `PUT /carts/{id}/lines/{variant_id}`: how many of a variant the cart holds.
//!
//! Errors: 400 `invalid_input`, 404 `cart_not_found` or `variant_not_found`, 409
//! `not_for_sale`, `cart_ordered` or `cart_too_large`, 503 `unavailable`. That there is not
//! enough stock is no error here: the line says so.

use axum::extract::State;
use techcommerce_contracts::{
    Problem,
    order_api::{Cart, CartLineInput},
};
use techcommerce_http::{ApiResult, Json, Path};
use techcommerce_kernel::{Error, Quantity, Uuid};

use super::{Private, private};
use crate::{app::App, carts};

/// Sets how many of a variant the cart holds; 0 takes it out.
#[utoipa::path(
    put, path = "/carts/{id}/lines/{variant_id}", tag = "carts", operation_id = "put_cart_line",
    security(()),
    params(
        ("id" = String, Path, description = "The cart's id."),
        ("variant_id" = Uuid, Path, description = "The variant."),
    ),
    request_body = CartLineInput,
    responses(
        (status = 200, description = "The cart.", body = Cart),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`cart_not_found`, `variant_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`not_for_sale`, `cart_ordered`, `cart_too_large`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn put(
    State(app): State<App>,
    Path((id, variant)): Path<(String, Uuid)>,
    Json(input): Json<CartLineInput>,
) -> ApiResult<Private<Cart>> {
    let quantity = match input.quantity {
        0 => None,
        more => Some(
            Quantity::new(more)
                .map_err(|_| Error::invalid_field("quantity", "must be between 0 and 9999"))?,
        ),
    };
    let cart = carts::set_line(&app, &id, variant, quantity.map(Quantity::get)).await?;
    Ok(private(cart))
}
