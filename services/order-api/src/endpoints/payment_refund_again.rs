//! `POST /payments/findings/{id}/refund-again`: pays back once more what came back to us.
//!
//! Errors: 401 `unauthenticated`, 403 `forbidden`, 404 `finding_not_found`, 409 `finding_state`,
//! `refund_exceeds_captured` or `order_state`, 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{Problem, order_api::PaymentFinding};
use techcommerce_http::{ApiResult, Path, Staff};

use super::{Private, private};
use crate::{app::App, payment::dealt};

/// Makes a refund again that failed after it was made: with a key of its own at the provider, and
/// once: as long as it is under way, or made, whoever asks again gets the same one. The finding is
/// closed when the customer has the money.
#[utoipa::path(
    post, path = "/payments/findings/{id}/refund-again", tag = "orders", operation_id = "refund_again",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = String, Path, description = "The finding's id.")),
    responses(
        (status = 200, description = "The finding with the refund.", body = PaymentFinding),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`finding_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`finding_state`; `refund_exceeds_captured`, `order_state`: the money was paid back otherwise", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn refund_again(
    State(app): State<App>,
    Staff(staff): Staff,
    Path(id): Path<String>,
) -> ApiResult<Private<PaymentFinding>> {
    Ok(private(dealt::refund_again(&app, &staff, &id).await?))
}
