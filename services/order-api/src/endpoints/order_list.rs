//! `GET /orders`: one's own orders; for staff, all.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 503 `unavailable`. What only staff may ask
//! for narrows nobody else's list.

use axum::extract::State;
use techcommerce_contracts::{
    ListQuery, Page, Principal, Problem,
    order_api::{Order, OrderQuery},
};
use techcommerce_http::{ApiResult, Query, Signed};
use techcommerce_kernel::Error;

use super::{Private, private};
use crate::{
    app::App,
    orders::{self, Audience, Filter},
};

/// Orders, the latest first: one's own, or all of the shop for staff, who may also search them.
#[utoipa::path(
    get, path = "/orders", tag = "orders", operation_id = "list_orders",
    security(("bearer" = []), ("cookie" = [])),
    params(OrderQuery),
    responses(
        (status = 200, description = "A page of orders.", body = Page<Order>),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(app): State<App>,
    Signed(principal): Signed,
    Query(query): Query<OrderQuery>,
) -> ApiResult<Private<Page<Order>>> {
    let limit = ListQuery {
        limit: query.limit,
        cursor: None,
    }
    .limit()?;
    let mut filter = Filter {
        status: query.status,
        payment_status: query.payment_status,
        fulfillment_status: query.fulfillment_status,
        ..Filter::default()
    };
    let audience = if principal.is_staff() {
        filter.text = query.q.filter(|text| !text.trim().is_empty());
        filter.owner = query.account_id;
        (filter.from, filter.to) = (query.from, query.to);
        filter.attention = query.attention;
        filter.email = query.email.map(|email| email.trim().to_lowercase());
        let number = query.number.as_deref().map(str::parse::<i64>);
        filter.number = number
            .transpose()
            .map_err(|_| Error::invalid_field("number", "is no order number, as 1042"))?;
        Audience::Staff
    } else {
        filter.owner = match principal {
            Principal::Account { id, .. } | Principal::ApiKey { id, .. } => Some(id),
            Principal::Service { .. } => None,
        };
        Audience::Customer
    };
    let page = orders::list(&app, &filter, audience, limit, query.cursor.as_deref()).await?;
    Ok(private(page))
}
