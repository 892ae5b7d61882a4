//! `GET /orders/{id}`: one order.
//!
//! Errors: 404 `order_not_found`, also for those who may not see it, 503 `unavailable`.

use axum::extract::State;
use subtle::ConstantTimeEq;
use techcommerce_contracts::{
    Principal, Problem,
    order_api::{Order, OrderAccess},
};
use techcommerce_http::{ApiResult, Caller, Path, Query};
use techcommerce_kernel::Uuid;

use super::{Private, private};
use crate::{
    app::App,
    orders::{self, Audience, OrderRow},
};

/// One order, for its owner, for staff, or with its access token.
#[utoipa::path(
    get, path = "/orders/{id}", tag = "orders", operation_id = "get_order",
    security((), ("bearer" = []), ("cookie" = [])),
    params(("id" = Uuid, Path, description = "The order's id."), OrderAccess),
    responses(
        (status = 200, description = "The order.", body = Order),
        (status = 404, description = "`order_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(access): Query<OrderAccess>,
) -> ApiResult<Private<Order>> {
    let mut conn = app.db.read().await?;
    let order = orders::find(&mut conn, id)
        .await?
        .ok_or_else(orders::not_found)?;
    drop(conn);
    let audience =
        audience(&caller, access.access_token.as_deref(), &order).ok_or_else(orders::not_found)?;
    Ok(private(orders::show(&app, id, audience).await?))
}

/// What the caller may see of the order. Our own services call in the name of guests, so being
/// one opens nothing here.
fn audience(caller: &Caller, token: Option<&str>, order: &OrderRow) -> Option<Audience> {
    if caller.is_staff() {
        return Some(Audience::Staff);
    }
    let owner = match caller.principal() {
        Some(Principal::Account { id, .. } | Principal::ApiKey { id, .. }) => Some(*id),
        Some(Principal::Service { .. }) | None => None,
    };
    let owns = owner.is_some() && owner == order.owner_id;
    // In constant time, so that a token cannot be found out letter by letter.
    let opens = token
        .is_some_and(|token| bool::from(token.as_bytes().ct_eq(order.access_token.as_bytes())));
    (owns || opens).then_some(Audience::Customer)
}
