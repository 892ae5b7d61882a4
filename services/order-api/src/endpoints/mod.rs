//! The endpoints, one file each, and what they share.

mod cart_create;
mod cart_discount;
mod cart_line;
mod cart_show;
mod order_cancel;
mod order_list;
mod order_mark_paid;
mod order_place;
mod order_refund;
mod order_ship;
mod order_show;
mod shipping_methods;
mod time;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{FromRequest, Request},
};
use http::{HeaderName, HeaderValue, header};
use serde::de::DeserializeOwned;
use techcommerce_contracts::{codes, order_api::Order};
use techcommerce_http::{ApiError, ApiResult, Json};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::transact;
use utoipa::{OpenApi, openapi};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    orders::{self, Audience, Cause},
    path::{Event, State},
};

#[derive(OpenApi)]
#[openapi(tags(
    (name = "carts", description = "Carts. A cart's id is its key: whoever knows it may change it."),
    (name = "orders", description = "Placing orders, and what becomes of them."),
))]
struct Documented;

/// All endpoints, and the document of the public ones by their outer paths.
pub fn router(app: App) -> (Router, openapi::OpenApi) {
    let (router, document) = OpenApiRouter::with_openapi(Documented::openapi())
        .routes(routes!(cart_create::create))
        .routes(routes!(cart_show::show))
        .routes(routes!(cart_line::put))
        .routes(routes!(cart_discount::put, cart_discount::remove))
        .routes(routes!(shipping_methods::list))
        .routes(routes!(order_place::place, order_list::list))
        .routes(routes!(order_show::show))
        .routes(routes!(order_cancel::cancel))
        .routes(routes!(order_refund::refund))
        .routes(routes!(order_ship::ship))
        .routes(routes!(order_mark_paid::mark_paid))
        .routes(routes!(time::time))
        .split_for_parts();
    (router.with_state(app), outside(document))
}

/// The same document with the paths that the edge has.
fn outside(document: openapi::OpenApi) -> openapi::OpenApi {
    let mut outer = document.clone();
    outer.paths = openapi::Paths::new();
    outer.nest("/api", document)
}

/// What is somebody's own must be kept by nobody on the way.
const PRIVATE: [(HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];

/// An answer that only the caller may keep.
type Private<T> = ([(HeaderName, HeaderValue); 1], Json<T>);

fn private<T>(body: T) -> Private<T> {
    (PRIVATE, Json(body))
}

/// A JSON body that may be left out.
struct BodyOrDefault<T>(T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for BodyOrDefault<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (head, body) = request.into_parts();
        let body = Bytes::from_request(Request::from_parts(head.clone(), body), state)
            .await
            .map_err(|error| Error::invalid(codes::INVALID_JSON, error.to_string()))?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        let request = Request::from_parts(head, Body::from(body));
        let Json(body) = Json::from_request(request, state).await?;
        Ok(Self(body))
    }
}

/// Applies what a member of staff asks for and gives the order as it is then.
async fn staff_event(
    app: &App,
    order: Uuid,
    event: &Event,
    actor: &str,
    reason: &str,
) -> ApiResult<Order> {
    let cause = Cause {
        actor,
        reason,
        by_job: false,
    };
    transact!(app.db, |tx| -> Result<State, Error> {
        orders::change(tx, app, order, event, cause).await
    })?;
    app.queue.wake();
    Ok(orders::show(app, order, Audience::Staff).await?)
}

/// A reason or comment of staff: at most 500 characters.
fn checked_text(path: &str, text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.chars().count() > 500 {
        return Err(Error::invalid_field(
            path,
            "must have at most 500 characters",
        ));
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Error::invalid_field(
            path,
            "must not hold control characters",
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use utoipa_axum::router::OpenApiRouter;

    use super::*;

    #[test]
    fn every_public_path_is_documented_as_it_is_outside() {
        let document = OpenApiRouter::<App>::with_openapi(Documented::openapi())
            .routes(routes!(cart_line::put))
            .routes(routes!(order_place::place, order_list::list))
            .into_openapi();
        let outer = outside(document);
        let paths: Vec<_> = outer.paths.paths.keys().map(String::as_str).collect();
        assert_eq!(paths, ["/api/carts/{id}/lines/{variant_id}", "/api/orders"]);
        let json = serde_json::to_value(&outer).unwrap();
        assert!(json["components"]["schemas"]["Order"].is_object());
        assert!(json["paths"]["/api/orders"]["post"]["requestBody"].is_object());
    }
}
