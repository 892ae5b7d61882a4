//! Lists of orders, the latest first.

use techcommerce_contracts::{
    Page,
    order_api::{FulfillmentStatus, Order, OrderStatus, PaymentStatus},
};
use techcommerce_http::cursor;
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::with;

use super::{Audience, load, view};
use crate::app::App;

/// Which orders. What is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this account or API key.
    pub owner: Option<Uuid>,
    /// With this status.
    pub status: Option<OrderStatus>,
    /// With this payment status.
    pub payment_status: Option<PaymentStatus>,
    /// With this fulfilment status.
    pub fulfillment_status: Option<FulfillmentStatus>,
    /// With this mail address.
    pub email: Option<String>,
    /// With this number.
    pub number: Option<i64>,
}

/// One page of the orders that `filter` lets through.
///
/// # Errors
/// `invalid_input` for a cursor that is none.
pub async fn list(
    app: &App,
    filter: &Filter,
    audience: Audience,
    limit: usize,
    after: Option<&str>,
) -> Result<Page<Order>, Error> {
    const BEFORE: &str = "(placed_at < $1 OR (placed_at = $1 AND id < $2))";
    let after: Option<(i64, Uuid)> = after.map(cursor::decode).transpose()?;
    let (at, id) = after.unwrap_or((i64::MAX, Uuid::max()));
    // Conditions that are always there keep the placeholders' numbers fixed.
    let mut conditions = vec![BEFORE.to_owned()];
    let texts = [
        ("status", filter.status.map(OrderStatus::name)),
        (
            "payment_status",
            filter.payment_status.map(PaymentStatus::name),
        ),
        (
            "fulfillment_status",
            filter.fulfillment_status.map(FulfillmentStatus::name),
        ),
        ("email_key", filter.email.as_deref()),
    ];
    let mut next = 4;
    let mut condition = |column: &str| {
        conditions.push(format!("{column} = ${next}"));
        next += 1;
    };
    for (column, value) in &texts {
        if value.is_some() {
            condition(column);
        }
    }
    if filter.owner.is_some() {
        condition("owner_id");
    }
    if filter.number.is_some() {
        condition("number");
    }
    let sql = format!(
        "SELECT id, placed_at FROM orders WHERE {} ORDER BY placed_at DESC, id DESC LIMIT $3",
        conditions.join(" AND ")
    );
    let mut conn = app.db.read().await?;
    let mut rows: Vec<(Uuid, i64)> = with!(conn, |c| {
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
            .bind(at)
            .bind(id)
            .bind(i64::try_from(limit + 1).unwrap_or(i64::MAX));
        for (_, value) in &texts {
            if let Some(value) = value {
                query = query.bind(*value);
            }
        }
        if let Some(owner) = filter.owner {
            query = query.bind(owner);
        }
        if let Some(number) = filter.number {
            query = query.bind(number);
        }
        query.fetch_all(c).await
    })?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = match rows.last() {
        Some((id, at)) if more => Some(cursor::encode(&(*at, *id))?),
        _ => None,
    };
    let ids: Vec<Uuid> = rows.into_iter().map(|(id, _)| id).collect();
    let orders = load(&mut conn, &ids).await?;
    let items: Result<Vec<_>, _> = orders
        .into_iter()
        .map(|order| view::view(order, audience))
        .collect();
    Ok(Page {
        items: items?,
        next_cursor,
    })
}
