//! `POST /carts`: a new, empty cart.
//!
//! Errors: 503 `unavailable`.

use axum::extract::State;
use http::StatusCode;
use techcommerce_contracts::{Problem, order_api::Cart};
use techcommerce_http::ApiResult;

use super::{Private, private};
use crate::{app::App, carts};

/// A new, empty cart. Keep its id: it is the only key to it.
#[utoipa::path(
    post, path = "/carts", tag = "carts", operation_id = "create_cart",
    security(()),
    responses(
        (status = 201, description = "The cart.", body = Cart),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create(State(app): State<App>) -> ApiResult<(StatusCode, Private<Cart>)> {
    let cart = carts::create(&app).await?;
    app.metrics.cart();
    Ok((StatusCode::CREATED, private(cart)))
}
