//! `POST /internal/restocks`: put sold stock back. For the shop's own services.
//!
//! Errors: 400 `invalid_input`, 403 `forbidden`, 404 `reservation_not_found`, 409
//! `restock_exceeds_sold`, `reservation_mismatch`. The same id puts it back once.

use axum::extract::State;
use http::StatusCode;
use techcommerce_contracts::product_api::RestockRequest;
use techcommerce_http::{ApiResult, Json, ServiceOnly};
use techcommerce_kernel::Error;
use techcommerce_store::transact;

use super::App;
use crate::reservations;

/// Puts the lines back.
pub async fn restock(
    State(app): State<App>,
    ServiceOnly(service): ServiceOnly,
    Json(request): Json<RestockRequest>,
) -> ApiResult<StatusCode> {
    let actor = format!("service:{service}");
    let position = transact!(app.db, |tx| -> Result<Option<i64>, Error> {
        reservations::restock(tx, &app.env, &request, &actor).await
    })?;
    app.notifier.changed(position);
    Ok(StatusCode::NO_CONTENT)
}
