//! The dashboard's figures, each of one question to the database, however many orders there are.

use std::fmt::Write;

use techcommerce_contracts::order_api::{
    Attention, AttentionCounts, BestSeller, DaySummary, OrderSummary, TodaySummary,
};
use techcommerce_kernel::{Day, Error, Timestamp, Uuid};
use techcommerce_store::{Conn, with};

use super::attention;
use crate::{app::App, payment::findings};

/// How many variants are told as best sellers.
const BEST: i64 = 10;

/// Microseconds of a day that the clocks leave alone.
const DAY: i64 = 24 * 3600 * 1_000_000;

#[derive(sqlx::FromRow)]
struct DayRow {
    day: i64,
    orders: i64,
    revenue: i64,
    refunded: i64,
}

#[derive(sqlx::FromRow)]
struct BestRow {
    variant_id: Uuid,
    product_id: Uuid,
    product_handle: String,
    title: String,
    variant_title: String,
    units: i64,
    revenue: i64,
}

/// How the shop's orders stand, and how they went in the last `count` days.
///
/// # Errors
/// Those of the database.
pub async fn summary(app: &App, count: u32) -> Result<OrderSummary, Error> {
    let now = app.env.now();
    let zone = &app.settings.time_zone;
    let days = zone.days_until(now, count.max(1));
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return Err(Error::internal("the calendar has no such days"));
    };
    let mut conn = app.db.read_lagging().await?;
    let rows = by_day(&mut conn, &days, first.starts).await?;
    let shown: Vec<DaySummary> = days
        .iter()
        .zip(0_i64..)
        .map(|(day, index)| {
            let row = rows.iter().find(|row| row.day == index);
            DaySummary {
                date: day.date.clone(),
                orders: row.map_or(0, |row| row.orders),
                revenue: app.money(row.map_or(0, |row| row.revenue)),
                refunded: app.money(row.map_or(0, |row| row.refunded)),
            }
        })
        .collect();
    let today = shown.last().ok_or_else(|| Error::internal("no day"))?;
    Ok(OrderSummary {
        time_zone: zone.name().to_owned(),
        today: TodaySummary {
            orders: today.orders,
            revenue: today.revenue,
            refunded: today.refunded,
            units: units_since(&mut conn, last.starts).await?,
        },
        attention: attention_counts(&mut conn, now).await?,
        best_sellers: best_sellers(app, &mut conn, first.starts).await?,
        days: shown,
    })
}

/// The days' figures; days without orders are left out.
async fn by_day(conn: &mut Conn, days: &[Day], since: Timestamp) -> Result<Vec<DayRow>, Error> {
    let sql = format!(
        "SELECT day, COUNT(*) AS orders, CAST(SUM(total) AS BIGINT) AS revenue, \
         CAST(SUM(refunded) AS BIGINT) AS refunded \
         FROM (SELECT {} AS day, total, refunded FROM orders \
         WHERE placed_at >= $1 AND status <> 'cancelled') placed GROUP BY day",
        index_of_day(days)
    );
    Ok(with!(conn, |c| sqlx::query_as(sqlx::AssertSqlSafe(
        sql.as_str()
    ))
    .bind(since.as_micros())
    .fetch_all(c)
    .await)?)
}

/// SQL that gives which of `days` an order was placed on. Days of 24 hours in a row are counted by
/// dividing; so there is one case for each time that the clocks are changed.
fn index_of_day(days: &[Day]) -> String {
    let mut sql = "CASE".to_owned();
    let mut run = (0, days.first().map_or(0, |day| day.starts.as_micros()));
    for (pair, index) in days.windows(2).zip(0_i64..) {
        let (start, end) = (pair[0].starts.as_micros(), pair[1].starts.as_micros());
        if end - start != DAY {
            let (from, at) = run;
            // Writing to a string cannot fail.
            let _ = write!(
                sql,
                " WHEN placed_at < {start} THEN {from} + (placed_at - {at}) / {DAY}"
            );
            let _ = write!(sql, " WHEN placed_at < {end} THEN {index}");
            run = (index + 1, end);
        }
    }
    let (from, at) = run;
    // What was placed while the clock was read counts as today's.
    let today = days.len().saturating_sub(1);
    let last = days.last().map_or(0, |day| day.starts.as_micros());
    let _ = write!(
        sql,
        " WHEN placed_at < {last} THEN {from} + (placed_at - {at}) / {DAY} ELSE {today} END"
    );
    sql
}

async fn units_since(conn: &mut Conn, since: Timestamp) -> Result<i64, Error> {
    const UNITS: &str = "SELECT CAST(COALESCE(SUM(l.quantity), 0) AS BIGINT) \
         FROM orders o JOIN order_lines l ON l.order_id = o.id \
         WHERE o.placed_at >= $1 AND o.status <> 'cancelled'";
    Ok(with!(conn, |c| sqlx::query_scalar(UNITS)
        .bind(since.as_micros())
        .fetch_one(c)
        .await)?)
}

async fn attention_counts(conn: &mut Conn, now: Timestamp) -> Result<AttentionCounts, Error> {
    let count = |attention| {
        let condition = attention::condition(attention, now);
        format!("COUNT(CASE WHEN {condition} THEN 1 END)")
    };
    let open = format!(
        "SELECT {}, {}, {} FROM orders WHERE {}",
        count(Attention::PaymentPendingLong),
        count(Attention::ToFulfil),
        count(Attention::InvoicesOpen),
        attention::status(Attention::ToFulfil),
    );
    let failed = format!(
        "SELECT COUNT(*) FROM orders WHERE {} AND {}",
        attention::status(Attention::PaymentFailed),
        attention::condition(Attention::PaymentFailed, now),
    );
    let disputed = format!(
        "SELECT COUNT(*) FROM orders WHERE {}",
        attention::condition(Attention::PaymentDisputed, now),
    );
    let (payment_pending_long, to_fulfil, invoices_open) =
        with!(conn, |c| sqlx::query_as(sqlx::AssertSqlSafe(open.as_str()))
            .fetch_one(c)
            .await)?;
    let payment_failed = with!(conn, |c| sqlx::query_scalar(sqlx::AssertSqlSafe(
        failed.as_str()
    ))
    .fetch_one(c)
    .await)?;
    let payment_disputed = with!(conn, |c| sqlx::query_scalar(sqlx::AssertSqlSafe(
        disputed.as_str()
    ))
    .fetch_one(c)
    .await)?;
    Ok(AttentionCounts {
        payment_disputed,
        payment_findings: findings::open(conn).await?,
        payment_failed,
        payment_pending_long,
        to_fulfil,
        invoices_open,
    })
}

async fn best_sellers(
    app: &App,
    conn: &mut Conn,
    since: Timestamp,
) -> Result<Vec<BestSeller>, Error> {
    const BEST_SELLERS: &str = "SELECT l.variant_id, l.product_id, \
         MAX(l.product_handle) AS product_handle, MAX(l.title) AS title, \
         MAX(l.variant_title) AS variant_title, CAST(SUM(l.quantity) AS BIGINT) AS units, \
         CAST(SUM(l.subtotal - l.discount) AS BIGINT) AS revenue \
         FROM orders o JOIN order_lines l ON l.order_id = o.id \
         WHERE o.placed_at >= $1 AND o.status <> 'cancelled' \
         GROUP BY l.variant_id, l.product_id ORDER BY units DESC, l.variant_id LIMIT $2";
    let rows: Vec<BestRow> = with!(conn, |c| sqlx::query_as(BEST_SELLERS)
        .bind(since.as_micros())
        .bind(BEST)
        .fetch_all(c)
        .await)?;
    Ok(rows
        .into_iter()
        .map(|row| BestSeller {
            variant_id: row.variant_id,
            product_id: row.product_id,
            product_handle: row.product_handle,
            title: row.title,
            variant_title: row.variant_title,
            units: row.units,
            revenue: app.money(row.revenue),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use techcommerce_kernel::TimeZone;

    use super::*;

    fn cases(zone: &str, now: &str, days: u32) -> usize {
        let zone: TimeZone = zone.parse().unwrap();
        let days = zone.days_until(now.parse().unwrap(), days);
        index_of_day(&days).matches("WHEN").count()
    }

    #[test]
    fn days_of_24_hours_need_no_case_each() {
        assert_eq!(cases("UTC", "2026-11-21T12:00:00Z", 366), 1);
        assert_eq!(cases("UTC", "2026-11-21T12:00:00Z", 1), 1);
        assert_eq!(cases("Europe/Berlin", "2026-11-21T12:00:00Z", 366), 5);
    }
}
