//! `POST /orders/{id}/notes`: staff write something down.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `order_not_found`, 422
//! `idempotency_key_reused`, 503 `unavailable`.

use axum::extract::State;
use http::StatusCode;
use techcommerce_contracts::{
    Problem,
    order_api::{NoteInput, Order},
};
use techcommerce_http::{ApiResult, Path, Staff};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_once::{Answer, Keyed};
use techcommerce_store::transact;

use super::text_within;
use crate::{
    app::App,
    orders::{self, Audience},
};

/// Writes a note into the order's timeline, which only staff are shown. With an `Idempotency-Key`
/// a repeat is the same note.
#[utoipa::path(
    post, path = "/orders/{id}/notes", tag = "orders", operation_id = "note_order",
    security(("bearer" = []), ("cookie" = [])),
    params(
        ("id" = Uuid, Path, description = "The order's id."),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable characters. The same request under the same key within a day is done once and has the same answer; another request under it is refused."),
    ),
    request_body = NoteInput,
    responses(
        (status = 201, description = "The order with the note.", body = Order),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`order_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency_key_reused`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn note(
    State(app): State<App>,
    Staff(staff): Staff,
    Path(order): Path<Uuid>,
    Keyed { once, input }: Keyed<NoteInput>,
) -> ApiResult<Answer> {
    let text = text_within("text", &input.text, 2000)?;
    if text.is_empty() {
        return Err(Error::invalid_field("text", "must not be empty").into());
    }
    let id = once.id().unwrap_or_else(|| app.env.new_id());
    Ok(transact!(app.db, |tx| -> Result<Answer, Error> {
        if let Some(answer) = once.begin(tx, &app.env).await? {
            return Ok(answer);
        }
        orders::note(tx, &app, order, id, &text, &staff).await?;
        let shown = orders::show_in(tx, order, Audience::Staff).await?;
        once.keep(tx, Answer::json(StatusCode::CREATED, &shown)?)
            .await
    })?)
}
