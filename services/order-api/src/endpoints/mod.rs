//! The endpoints, one file each, and what they share.

mod audit_list;
mod backup_list;
mod cart_create;
mod cart_discount;
mod cart_line;
mod cart_show;
mod discount_create;
mod discount_delete;
mod discount_edit;
mod discount_list;
mod discount_show;
mod order_cancel;
mod order_list;
mod order_mark_paid;
mod order_note;
mod order_place;
mod order_refund;
mod order_ship;
mod order_show;
mod order_summary;
mod payment_findings;
mod payment_refund_again;
mod payment_settle;
mod shedding;
mod shipping_methods;
mod stripe_webhook;
mod time;
mod webhook_create;
mod webhook_delete;
mod webhook_deliveries;
mod webhook_delivery;
mod webhook_edit;
mod webhook_list;
mod webhook_resend;
mod webhook_resend_failed;
mod webhook_rotate;
mod webhook_show;
mod webhook_test;

use axum::Router;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;
use techcommerce_contracts::Principal;
use techcommerce_http::{
    ApiResult, Json,
    endpoints::{self, Endpoints},
    routes,
};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_once::{Answer, Once};
use techcommerce_store::transact;
use utoipa::{OpenApi as _, openapi::OpenApi};

use crate::{
    app::App,
    orders::{self, Audience, Cause},
    path::Event,
};

pub use shedding::{in_turn, shedding};

#[derive(utoipa::OpenApi)]
#[openapi(tags(
    (name = "carts", description = "Carts. A cart's id is its key: whoever knows it may change it."),
    (name = "orders", description = "Placing orders, and what becomes of them."),
    (name = "discounts", description = "Discount codes, for staff."),
    (name = "webhooks", description = "Where the shop tells others what happens, for admins."),
    (name = "audit", description = "What staff changed, service by service."),
    (name = "system", description = "How the house stands."),
))]
struct Documented;

/// All endpoints.
pub fn router(app: App) -> Router {
    public(Router::new()).with_state(app)
}

/// The document of the public ones, by their outer paths.
pub fn document() -> OpenApi {
    endpoints::document(Documented::openapi(), public)
}

/// The public ones.
fn public<E: Endpoints<App>>(list: E) -> E {
    list.routes(routes!(cart_create::create))
        .routes(routes!(cart_show::show))
        .routes(routes!(cart_line::put))
        .routes(routes!(cart_discount::put, cart_discount::remove))
        .routes(routes!(shipping_methods::list))
        .routes(routes!(order_place::place, order_list::list))
        .routes(routes!(order_summary::summary))
        .routes(routes!(order_show::show))
        .routes(routes!(order_note::note))
        .routes(routes!(order_cancel::cancel))
        .routes(routes!(order_refund::refund))
        .routes(routes!(order_ship::ship))
        .routes(routes!(order_mark_paid::mark_paid))
        .routes(routes!(discount_list::list, discount_create::create))
        .routes(routes!(
            discount_show::show,
            discount_edit::edit,
            discount_delete::delete
        ))
        .routes(routes!(webhook_list::list, webhook_create::create))
        .routes(routes!(
            webhook_show::show,
            webhook_edit::edit,
            webhook_delete::delete
        ))
        .routes(routes!(webhook_rotate::rotate))
        .routes(routes!(webhook_test::test))
        .routes(routes!(webhook_resend_failed::resend_failed))
        .routes(routes!(webhook_deliveries::list))
        .routes(routes!(webhook_delivery::show))
        .routes(routes!(webhook_resend::resend))
        .routes(routes!(audit_list::list))
        .routes(routes!(backup_list::list))
        .routes(routes!(stripe_webhook::hear))
        .routes(routes!(payment_findings::list))
        .routes(routes!(payment_refund_again::refund_again))
        .routes(routes!(payment_settle::settle))
        .routes(routes!(time::time))
}

/// What is somebody's own must be kept by nobody on the way.
const PRIVATE: [(HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];

/// An answer that only the caller may keep.
type Private<T> = ([(HeaderName, HeaderValue); 1], Json<T>);

fn private<T>(body: T) -> Private<T> {
    (PRIVATE, Json(body))
}

/// What a member of staff asks for.
struct Asked<'a> {
    who: &'a Principal,
    /// As the audit log has it.
    action: &'static str,
    event: Event,
    /// For staff.
    reason: &'a str,
    /// For the customer.
    message: &'a str,
}

/// Applies what a member of staff asks for and gives the order as it is then.
async fn staff_event(app: &App, order: Uuid, asked: Asked<'_>, once: &Once) -> ApiResult<Answer> {
    let actor = asked.who.actor();
    let cause = Cause {
        reason: asked.reason,
        message: asked.message,
        ..Cause::by(&actor)
    };
    type Done = (Option<orders::Changed>, Answer);
    let (changed, answer) = transact!(app.db, |tx| -> Result<Done, Error> {
        if let Some(answer) = once.begin(tx, &app.env).await? {
            return Ok((None, answer));
        }
        let changed = orders::change(tx, app, order, &asked.event, cause).await?;
        let said = json!({ "reason": asked.reason, "message": asked.message });
        orders::record(tx, app, (asked.who, asked.action), order, &changed, said).await?;
        let shown = orders::show_in(tx, order, Audience::Staff).await?;
        let answer = once.keep(tx, Answer::json(StatusCode::OK, &shown)?).await?;
        Ok((Some(changed), answer))
    })?;
    if let Some(changed) = &changed {
        app.metrics.changed(changed, app.env.now());
    }
    app.queue.wake();
    Ok(answer)
}

/// A reason or comment of staff: at most 500 characters.
fn checked_text(path: &str, text: &str) -> Result<String, Error> {
    text_within(path, text, 500)
}

/// A text of at most so many characters, without control characters but for new lines.
fn text_within(path: &str, text: &str, most: usize) -> Result<String, Error> {
    // Forms send lines as the mail of old did.
    let text = text.trim().replace("\r\n", "\n");
    if text.chars().count() > most {
        return Err(Error::invalid_field(
            path,
            format!("must have at most {most} characters"),
        ));
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Error::invalid_field(
            path,
            "must not hold control characters",
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_public_path_is_documented_as_it_is_outside() {
        fn some<E: Endpoints<App>>(list: E) -> E {
            list.routes(routes!(cart_line::put))
                .routes(routes!(order_place::place, order_list::list))
        }
        let outer = endpoints::document(Documented::openapi(), some);
        let paths: Vec<_> = outer.paths.paths.keys().map(String::as_str).collect();
        assert_eq!(paths, ["/api/carts/{id}/lines/{variant_id}", "/api/orders"]);
        let json = serde_json::to_value(&outer).unwrap();
        assert!(json["components"]["schemas"]["Order"].is_object());
        assert!(json["paths"]["/api/orders"]["post"]["requestBody"].is_object());
    }
}
