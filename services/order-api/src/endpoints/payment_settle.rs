//! `POST /payments/findings/{id}/settle`: says that it is dealt with.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `finding_not_found`, 409
//! `finding_state`, 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{
    Problem,
    order_api::{PaymentFinding, PaymentFindingSettled},
};
use techcommerce_http::{ApiResult, Json, Path, Staff};
use techcommerce_kernel::Error;

use super::{Private, checked_text, private};
use crate::{app::App, payment::dealt};

/// Says that a finding is dealt with, and how, as when a customer got the money by bank transfer.
/// It is open again when there is something new about it. A dispute comes to its end at the provider.
#[utoipa::path(
    post, path = "/payments/findings/{id}/settle", tag = "orders", operation_id = "settle_finding",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = String, Path, description = "The finding's id.")),
    request_body = PaymentFindingSettled,
    responses(
        (status = 200, description = "The finding, closed.", body = PaymentFinding),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`finding_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`finding_state`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn settle(
    State(app): State<App>,
    Staff(staff): Staff,
    Path(id): Path<String>,
    Json(input): Json<PaymentFindingSettled>,
) -> ApiResult<Private<PaymentFinding>> {
    let note = checked_text("note", &input.note)?;
    if note.is_empty() {
        return Err(Error::invalid_field("note", "must not be empty").into());
    }
    Ok(private(dealt::settle(&app, &staff, &id, &note).await?))
}
