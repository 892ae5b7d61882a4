//! Lists of orders, the latest first.

use techcommerce_contracts::{
    Page,
    order_api::{Attention, FulfillmentStatus, Order, OrderStatus, PaymentStatus},
};
use techcommerce_http::cursor;
use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::with;

use super::{Audience, attention, load, view, words};
use crate::app::App;

/// Which orders. What is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this account or API key.
    pub owner: Option<Uuid>,
    /// Whose number, mail address or recipient begins so.
    pub text: Option<String>,
    /// With this status.
    pub status: Option<OrderStatus>,
    /// With this payment status.
    pub payment_status: Option<PaymentStatus>,
    /// With this fulfilment status.
    pub fulfillment_status: Option<FulfillmentStatus>,
    /// That somebody has to look at for this reason.
    pub attention: Option<Attention>,
    /// Placed then or later.
    pub from: Option<Timestamp>,
    /// Placed before then.
    pub to: Option<Timestamp>,
    /// With this mail address.
    pub email: Option<String>,
    /// With this number.
    pub number: Option<i64>,
}

/// A value for a placeholder.
enum Bind {
    Text(String),
    Number(i64),
    Id(Uuid),
}

/// Conditions and what is bound in them.
struct Conditions {
    sql: Vec<String>,
    /// For `$1` and so on.
    binds: Vec<Bind>,
}

impl Conditions {
    /// The placeholder of one more value.
    fn bind(&mut self, bind: Bind) -> usize {
        self.binds.push(bind);
        self.binds.len()
    }

    /// `column operator value`.
    fn compare(&mut self, what: &str, bind: Bind) {
        let at = self.bind(bind);
        self.sql.push(format!("{what} ${at}"));
    }

    fn of(filter: &Filter, after: Option<(i64, Uuid)>, now: Timestamp) -> Self {
        let mut all = Self {
            sql: Vec::new(),
            binds: Vec::new(),
        };
        if let Some((at, id)) = after {
            let (at, id) = (all.bind(Bind::Number(at)), all.bind(Bind::Id(id)));
            all.sql.push(format!(
                "placed_at <= ${at} AND (placed_at < ${at} OR id < ${id})"
            ));
        }
        // Names of ours, written out so that both engines can tell how many rows have them.
        let mut named = |column: &str, name: Option<&str>| {
            if let Some(name) = name {
                all.sql.push(format!("{column} = '{name}'"));
            }
        };
        named("status", filter.status.map(OrderStatus::name));
        named(
            "payment_status",
            filter.payment_status.map(PaymentStatus::name),
        );
        named(
            "fulfillment_status",
            filter.fulfillment_status.map(FulfillmentStatus::name),
        );
        if filter.payment_status == Some(PaymentStatus::Failed) {
            // No payment fails for good without the order being cancelled; the index knows this.
            named("status", Some(OrderStatus::Cancelled.name()));
        }
        if let Some(attention) = filter.attention {
            all.sql.push(attention::status(attention).to_owned());
            all.sql.push(attention::condition(attention, now));
        }
        if let Some(owner) = filter.owner {
            all.compare("owner_id =", Bind::Id(owner));
        }
        if let Some(email) = &filter.email {
            all.compare("email_key =", Bind::Text(email.clone()));
        }
        if let Some(number) = filter.number {
            all.compare("number =", Bind::Number(number));
        }
        if let Some(from) = filter.from {
            all.compare("placed_at >=", Bind::Number(from.as_micros()));
        }
        if let Some(to) = filter.to {
            all.compare("placed_at <", Bind::Number(to.as_micros()));
        }
        for (first, end) in filter.text.iter().flat_map(|text| words::ranges(text)) {
            let (first, end) = (all.bind(Bind::Text(first)), all.bind(Bind::Text(end)));
            all.sql.push(format!(
                "id IN (SELECT order_id FROM order_words WHERE word >= ${first} AND word < ${end})"
            ));
        }
        all
    }

    /// The whole question, for one more row than `limit`.
    fn sql(&mut self, limit: usize) -> String {
        let limit = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
        let at = self.bind(Bind::Number(limit));
        let wanted = match self.sql.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", self.sql.join(" AND ")),
        };
        format!(
            "SELECT id, placed_at FROM orders{wanted} ORDER BY placed_at DESC, id DESC LIMIT ${at}"
        )
    }
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
    let after: Option<(i64, Uuid)> = after.map(cursor::decode).transpose()?;
    let mut conditions = Conditions::of(filter, after, app.env.now());
    let sql = conditions.sql(limit);
    // Whoever has just bought something looks for it here; staff look at many.
    let mut conn = match audience {
        Audience::Staff => app.db.read_lagging().await?,
        Audience::Buyer | Audience::Customer => app.db.read().await?,
    };
    let mut rows: Vec<(Uuid, i64)> = with!(conn, |c| {
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()));
        for bind in &conditions.binds {
            query = match bind {
                Bind::Text(text) => query.bind(text.as_str()),
                Bind::Number(number) => query.bind(*number),
                Bind::Id(id) => query.bind(*id),
            };
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
