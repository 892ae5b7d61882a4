//! `POST /payments/stripe/webhook`: Stripe says that something happened.
//!
//! Errors: 400 `webhook_signature_invalid` or `invalid_json`, 404 `not_found` in a shop that has no
//! Stripe, 413 `body_too_large`, 503 `unavailable`.

use axum::{body::Bytes, extract::State};
use http::{HeaderMap, StatusCode};
use techcommerce_contracts::{Problem, codes};
use techcommerce_http::ApiResult;
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::{Conn, execute, transact};

use crate::{
    app::App,
    orders::{self, Cause, Changed},
    path::Event,
    payment::{
        disputes,
        stripe::{Heard, Stripe, Unsigned, doubt_refund},
    },
};

/// Takes a message of Stripe, which signs it; set its address at Stripe as that of a webhook for
/// `payment_intent.*`, `refund.*` and `charge.dispute.*`. What it says is not believed: it is a
/// reason to ask Stripe. It may come twice, late and in any order. What is about a payment that the
/// shop does not know is taken too, and found by the comparison with Stripe's books.
#[utoipa::path(
    post, path = "/payments/stripe/webhook", tag = "orders", operation_id = "stripe_webhook",
    security(()),
    params(("Stripe-Signature" = Option<String>, Header, description = "`t=…,v1=…` as Stripe signs.")),
    request_body(content = Object, content_type = "application/json", description = "An event of Stripe."),
    responses(
        (status = 200, description = "It was taken, now or before."),
        (status = 400, description = "`webhook_signature_invalid`, `invalid_json`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`not_found`: the shop has no Stripe", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn hear(
    State(app): State<App>,
    headers: HeaderMap,
    body: Bytes,
) -> ApiResult<StatusCode> {
    let stripe = app.providers.stripe();
    let stripe = stripe.ok_or_else(|| {
        Error::not_found(codes::NOT_FOUND, "This shop takes no payments by Stripe.")
    })?;
    let signature = headers.get("stripe-signature");
    let signature = signature.and_then(|value| value.to_str().ok());
    let heard = stripe.hear(signature.unwrap_or_default(), &body);
    let heard = heard.map_err(|Unsigned| {
        Error::invalid(
            codes::WEBHOOK_SIGNATURE_INVALID,
            "The message is not signed with the shop's secret, or is older than five minutes.",
        )
    })??;
    take(&app, stripe, &heard).await?;
    Ok(StatusCode::OK)
}

/// Takes a message once, with all that follows from it.
async fn take(app: &App, stripe: &Stripe, heard: &Heard) -> Result<(), Error> {
    const ONCE: &str = "INSERT INTO stripe_events (id, kind, created_at) VALUES ($1, $2, $3) \
         ON CONFLICT (id) DO NOTHING";
    let changed = transact!(app.db, |tx| -> Result<Option<Changed>, Error> {
        let now = app.env.now().as_micros();
        let new = execute!(
            tx,
            sqlx::query(ONCE)
                .bind(&heard.id)
                .bind(&heard.kind)
                .bind(now)
        )? == 1;
        if !new {
            return Ok(None);
        }
        // An order is written before Stripe is asked: of what is not known now there is none.
        let Some(order) = stripe.order_of(tx, heard).await? else {
            return Ok(None);
        };
        let spoke = Event::ProviderSpoke;
        let changed = match orders::change(tx, app, order, &spoke, Cause::by("system")).await {
            Ok(changed) => changed,
            // The payment names an order that is not there.
            Err(error) if error.code() == codes::ORDER_NOT_FOUND => return Ok(None),
            Err(error) => return Err(error),
        };
        also(tx, app, order, heard).await?;
        Ok(Some(changed))
    })?;
    match changed {
        Some(changed) => app.metrics.changed(&changed, app.env.now()),
        None => tracing::info!(kind = heard.kind, "a message of Stripe changes nothing"),
    }
    app.queue.wake();
    Ok(())
}

/// What is recorded beside waking the order.
async fn also(tx: &mut Conn, app: &App, order: Uuid, heard: &Heard) -> Result<(), Error> {
    if let Some(dispute) = &heard.dispute {
        disputes::heard(tx, app, order, dispute).await?;
    }
    let Some(refund) = &heard.refund else {
        return Ok(());
    };
    if let Some(order) = orders::find(tx, order).await? {
        doubt_refund(tx, app, &order, refund).await?;
    }
    Ok(())
}
