//! How the house stands: the edge is where all services can be asked, and asks none of their
//! stores. What it found is kept for some seconds, so that nobody can make it ask more often.

mod look;
mod words;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use techcommerce_contracts::{
    Problem,
    system::{ShopReport, SystemReport},
};
use techcommerce_http::{ApiError, Json};
use techcommerce_kernel::Env;
use tokio::{sync::Mutex, time::Instant};
use utoipa::{OpenApi, openapi};

use self::look::House;
use crate::{Channels, proxy::Edge};

/// How old an answer may be.
const AGE: std::time::Duration = std::time::Duration::from_secs(5);

#[derive(OpenApi)]
#[openapi(
    tags((name = "system", description = "How the house stands.")),
    paths(system, status),
)]
struct Documented;

/// The document of what the edge itself answers.
pub fn openapi() -> openapi::OpenApi {
    Documented::openapi()
}

#[derive(Clone)]
struct System(Arc<Inner>);

struct Inner {
    edge: Edge,
    house: House,
    known: Mutex<Option<(Instant, Arc<Known>)>>,
}

/// What was found.
struct Known {
    house: SystemReport,
    shop: ShopReport,
}

impl System {
    /// What was found at most [`AGE`] ago. Whoever comes while it is looked waits for that look.
    async fn known(&self) -> Arc<Known> {
        let mut known = self.0.known.lock().await;
        if let Some((at, found)) = known.as_ref()
            && at.elapsed() < AGE
        {
            return Arc::clone(found);
        }
        let found = self.0.house.look().await;
        let shop = words::shop(&found);
        let house = found.report;
        let found = Arc::new(Known { house, shop });
        *known = Some((Instant::now(), Arc::clone(&found)));
        found
    }
}

/// The routes.
pub fn router(edge: &Edge, env: Env, channels: Channels) -> Router {
    let options = || async {
        let allow = [(header::ALLOW, "GET, HEAD, OPTIONS")];
        (StatusCode::NO_CONTENT, allow)
    };
    let inner = Inner {
        edge: edge.clone(),
        house: House::new(env, channels),
        known: Mutex::new(None),
    };
    Router::new()
        .route("/api/system", get(system).options(options))
        .route("/api/status", get(status).options(options))
        .with_state(System(Arc::new(inner)))
}

const NOBODY: (HeaderName, HeaderValue) =
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
const EVERYBODY: (HeaderName, HeaderValue) = (
    header::CACHE_CONTROL,
    HeaderValue::from_static("public, max-age=5"),
);

/// All services, how each stands and what it stores in. At most five seconds old.
#[utoipa::path(
    get, path = "/api/system", tag = "system", operation_id = "get_system",
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The services, also those that do not answer.", body = SystemReport),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: nobody can be recognised at the moment", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn system(State(system): State<System>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let mut told = None;
    let answer = match system.0.edge.staff(&mut parts, &mut told).await {
        Ok(()) => ([NOBODY], Json(system.known().await.house.clone())).into_response(),
        Err(error) => ApiError(error).into_response(),
    };
    crate::proxy::telling(answer, told)
}

/// Whether the shop is open, part by part, in the words of a customer. At most five seconds old,
/// and always answered while anything of the shop is there.
#[utoipa::path(
    get, path = "/api/status", tag = "system", operation_id = "get_status",
    security(()),
    responses((status = 200, description = "Whatever the state is.", body = ShopReport)),
)]
async fn status(State(system): State<System>) -> Response {
    ([EVERYBODY], Json(system.known().await.shop.clone())).into_response()
}
