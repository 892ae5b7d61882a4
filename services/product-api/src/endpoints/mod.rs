//! The endpoints, one file each, and what they share.

mod internal_quotes;
mod internal_reservations;
mod internal_restocks;

use std::{ops::Deref, sync::Arc};

use axum::{Router, routing::post};
use techcommerce_kernel::Env;
use techcommerce_store::Db;
use utoipa::{OpenApi, openapi};
use utoipa_axum::router::OpenApiRouter;

use crate::{Settings, model::Notifier, reservations::Collector};

/// What every endpoint works with.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// See [`App`].
pub struct Inner {
    pub env: Env,
    pub db: Db,
    pub settings: Settings,
    pub notifier: Notifier,
    pub collector: Collector,
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

#[derive(OpenApi)]
#[openapi(tags((
    name = "products",
    description = "Products, categories and stock."
)))]
struct Documented;

/// All endpoints, and the document of the public ones by their outer paths.
pub fn router(app: App) -> (Router, openapi::OpenApi) {
    let (public, document) = OpenApiRouter::with_openapi(Documented::openapi()).split_for_parts();
    let internal = Router::new()
        .route("/internal/quotes", post(internal_quotes::quote))
        .route("/internal/restocks", post(internal_restocks::restock))
        .merge(internal_reservations::routes());
    let mut outer = document.clone();
    outer.paths = openapi::Paths::new();
    let outer = outer.nest("/api", document);
    (public.merge(internal).with_state(app), outer)
}
