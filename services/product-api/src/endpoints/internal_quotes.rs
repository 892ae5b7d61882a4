//! `POST /internal/quotes`: what variants are and cost now. For the shop's own services.
//!
//! Errors: 400 `invalid_input`, 403 `forbidden`. Unknown variants are left out.

use axum::extract::State;
use techcommerce_contracts::product_api::{QuoteRequest, Quotes};
use techcommerce_http::{ApiResult, Json, ServiceOnly};
use techcommerce_kernel::Error;

use super::App;
use crate::reservations;

/// The most variants that are asked for at once.
const MAX_VARIANTS: usize = 1_000;

/// Reads them from the database: a checkout must not see an old price.
pub async fn quote(
    State(app): State<App>,
    _: ServiceOnly,
    Json(request): Json<QuoteRequest>,
) -> ApiResult<Json<Quotes>> {
    let mut variants = request.variant_ids;
    variants.sort_unstable();
    variants.dedup();
    if variants.len() > MAX_VARIANTS {
        let message = format!("must hold at most {MAX_VARIANTS} variants");
        return Err(Error::invalid_field("variant_ids", message).into());
    }
    let mut conn = app.db.read().await?;
    let items = reservations::quotes(&mut conn, &variants).await?;
    Ok(Json(Quotes { items }))
}
