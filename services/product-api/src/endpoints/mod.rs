//! The endpoints, one file each, and what they share.

mod audit_list;
mod category_change;
mod category_list;
mod import_apply;
mod import_list;
mod import_show;
mod internal_changes;
mod internal_quotes;
mod internal_reservations;
mod internal_restocks;
mod product_archive;
mod product_bulk;
mod product_change;
mod product_counts;
mod product_create;
mod product_export;
mod product_import;
mod product_list;
mod product_preview;
mod product_show;
mod product_update;
mod stock_adjust;
mod stock_level;
mod stock_list;
mod stock_write;

use std::{ops::Deref, path::PathBuf, sync::Arc};

use axum::{
    Router,
    response::Response,
    routing::{get, post},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use techcommerce_contracts::{codes, product_api::StockLevel};
use techcommerce_http::{
    ApiResult, Packed,
    endpoints::{self, Endpoints},
    etag, routes,
};
use techcommerce_jobs::Wake;
use techcommerce_kernel::{Env, Error};
use techcommerce_store::{Conn, Db};
use utoipa::{OpenApi as _, openapi::OpenApi};

use crate::{
    Settings,
    catalogue::{draft::CategoryDraft, read},
    model::{Model, Notifier},
    reservations::Collector,
    stock::Level,
};

/// What every endpoint works with.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// See [`App`].
pub struct Inner {
    pub env: Env,
    pub db: Db,
    pub settings: Settings,
    pub model: Model,
    pub notifier: Notifier,
    pub collector: Collector,
    pub wake: Wake,
    pub spool: PathBuf,
}

impl App {
    pub fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

#[derive(utoipa::OpenApi)]
#[openapi(tags((
    name = "products",
    description = "Products, categories and stock."
)))]
struct Documented;

/// All endpoints.
pub fn router(app: App) -> Router {
    let internal = Router::new()
        .route("/internal/changes", get(internal_changes::list))
        .route("/internal/quotes", post(internal_quotes::quote))
        .route("/internal/restocks", post(internal_restocks::restock))
        .merge(internal_reservations::routes());
    public(Router::new()).merge(internal).with_state(app)
}

/// The document of the public ones, by their outer paths.
pub fn document() -> OpenApi {
    endpoints::document(Documented::openapi(), public)
}

/// The public ones.
fn public<E: Endpoints<App>>(list: E) -> E {
    list.routes(routes!(product_list::list, product_create::create))
        .routes(routes!(
            product_show::show,
            product_update::update,
            product_archive::archive
        ))
        .routes(routes!(product_import::import))
        .routes(routes!(import_list::list))
        .routes(routes!(import_show::show))
        .routes(routes!(import_apply::apply))
        .routes(routes!(product_export::export))
        .routes(routes!(product_bulk::bulk))
        .routes(routes!(product_counts::counts))
        .routes(routes!(product_preview::preview))
        .routes(routes!(category_list::list, category_change::create))
        .routes(routes!(category_change::update, category_change::delete))
        .routes(routes!(stock_list::list))
        .routes(routes!(stock_list::movements))
        .routes(routes!(audit_list::list))
        .routes(routes!(stock_level::show, stock_level::set))
        .routes(routes!(stock_adjust::adjust))
}

/// Browsers ask for it again each time; caches in between may give it out for some seconds.
const PUBLIC: &str = "public, max-age=0, s-maxage=5, stale-while-revalidate=30";

/// An answer to the public out of what is kept of it, with its tag.
fn kept(headers: &HeaderMap, tag: &HeaderValue, body: &Bytes, packed: &Packed) -> Response {
    let body = || body.clone();
    let mut answer = etag::tagged(headers, "application/json", PUBLIC, tag.clone(), body);
    answer.extensions_mut().insert(packed.clone());
    answer
}

/// An answer with its tag. What staff see is nobody else's.
fn cached(headers: &HeaderMap, public: bool, body: &impl Serialize) -> ApiResult<Response> {
    let control = if public { PUBLIC } else { "private, no-store" };
    let body = serde_json::to_vec(body).map_err(Error::internal)?;
    Ok(etag::answer(headers, "application/json", control, body))
}

/// Names a version of a product for `If-Match`.
fn entity_tag(version: i64) -> String {
    format!("\"v{version}\"")
}

/// Refuses the change if `If-Match` names other versions only (RFC 9110 §13.1.1). We answer 409
/// as for every other conflict.
fn check_tag(headers: &HeaderMap, version: i64) -> Result<(), Error> {
    let wanted: Vec<&HeaderValue> = headers.get_all(header::IF_MATCH).iter().collect();
    let tag = entity_tag(version);
    let matches = |value: &HeaderValue| {
        value.to_str().is_ok_and(|text| {
            text.split(',')
                .map(str::trim)
                .any(|candidate| candidate == "*" || candidate == tag)
        })
    };
    if wanted.is_empty() || wanted.into_iter().any(matches) {
        return Ok(());
    }
    Err(product_changed())
}

fn product_changed() -> Error {
    Error::conflict(
        codes::PRODUCT_CHANGED,
        "Somebody else has changed the product since you read it.",
    )
}

/// Staff name categories that there are.
async fn known_category(tx: &mut Conn, draft: Option<&CategoryDraft>) -> Result<(), Error> {
    match draft {
        Some(draft) if read::category(tx, &draft.handle).await?.is_none() => Err(
            Error::invalid_field("category", "is the handle of no category"),
        ),
        _ => Ok(()),
    }
}

/// Why staff change the stock, in their words.
fn note(path: &str, text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 500 || text.contains('\0') {
        return Err(Error::invalid_field(path, "must be 1 to 500 characters"));
    }
    Ok(text.to_owned())
}

fn variant_not_found() -> Error {
    Error::not_found(codes::VARIANT_NOT_FOUND, "There is no such variant.")
}

fn shown_level(level: Level) -> StockLevel {
    StockLevel {
        variant_id: level.variant_id,
        on_hand: level.on_hand,
        reserved: level.reserved,
        available: level.available(),
    }
}
