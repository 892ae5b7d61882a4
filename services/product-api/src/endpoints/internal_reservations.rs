//! `/internal/reservations`: hold, claim and release stock. For the shop's own services.
//!
//! Errors: 400 `invalid_input`, 403 `forbidden`, 404 `reservation_not_found`, 409
//! `out_of_stock`, `not_for_sale` and `reservation_expired` (each with `lines`),
//! `reservation_mismatch`, `reservation_released`, 503 `unavailable`. Each call may be repeated.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use http::StatusCode;
use techcommerce_contracts::product_api::{ClaimRequest, LookRequest, Reservation, ReserveRequest};
use techcommerce_http::{ApiResult, Json, Path, ServiceOnly};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::transact;

use super::App;
use crate::reservations::{self, Wanted};

/// The routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/internal/reservations", post(reserve))
        .route("/internal/reservations/look", post(look))
        .route("/internal/reservations/{id}", get(show))
        .route("/internal/reservations/{id}/claim", post(claim))
        .route("/internal/reservations/{id}/release", post(release))
}

async fn reserve(
    State(app): State<App>,
    _: ServiceOnly,
    Json(request): Json<ReserveRequest>,
) -> ApiResult<Json<Reservation>> {
    let wanted = Wanted::new(&request, app.env.now())?;
    Ok(Json(app.collector.reserve(wanted).await?))
}

/// Whether a reservation may succeed: refuses what was refused to others a moment ago.
async fn look(
    State(app): State<App>,
    _: ServiceOnly,
    Json(request): Json<LookRequest>,
) -> ApiResult<StatusCode> {
    let lines = reservations::sum(&request.lines)?;
    app.collector.look(&lines)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn show(
    State(app): State<App>,
    _: ServiceOnly,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<Reservation>> {
    let mut conn = app.db.read().await?;
    Ok(Json(reservations::find(&mut conn, id).await?.answer()))
}

async fn claim(
    State(app): State<App>,
    ServiceOnly(service): ServiceOnly,
    Path(id): Path<Uuid>,
    Json(request): Json<ClaimRequest>,
) -> ApiResult<Json<Reservation>> {
    type Claimed = (Result<Reservation, Error>, Option<i64>);
    let actor = format!("service:{service}");
    let (answer, position) = transact!(app.db, |tx| -> Result<Claimed, Error> {
        reservations::claim(tx, &app.env, id, &request.reference, &actor).await
    })?;
    match &answer {
        Ok(_) => app.notifier.taken(position),
        // What was held for it is free.
        Err(_) => app.notifier.changed(position),
    }
    Ok(Json(answer?))
}

async fn release(
    State(app): State<App>,
    ServiceOnly(service): ServiceOnly,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<Reservation>> {
    let actor = format!("service:{service}");
    let (answer, position) =
        transact!(app.db, |tx| -> Result<(Reservation, Option<i64>), Error> {
            reservations::release(tx, &app.env, id, &actor).await
        })?;
    app.notifier.changed(position);
    Ok(Json(answer))
}
