//! `GET /time`: what time it is at the database.
//!
//! Errors: 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{Problem, order_api::DatabaseTime};
use techcommerce_http::ApiResult;
use techcommerce_kernel::Timestamp;
use techcommerce_store::dialect::database_time_micros;

use super::{Private, private};
use crate::app::App;

/// The time by the database's own clock.
#[utoipa::path(
    get, path = "/time", tag = "orders", operation_id = "get_time",
    security(()),
    responses(
        (status = 200, description = "The time.", body = DatabaseTime),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn time(State(app): State<App>) -> ApiResult<Private<DatabaseTime>> {
    let mut conn = app.db.read().await?;
    let time = Timestamp::from_micros(database_time_micros(&mut conn).await?);
    Ok(private(DatabaseTime { time }))
}
