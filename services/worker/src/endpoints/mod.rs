//! The endpoints, one file each: what staff do with jobs.

mod job_counts;
mod job_discard;
mod job_list;
mod job_retry;
mod job_retry_many;
mod job_show;

use std::sync::Arc;

use axum::Router;
use http::{HeaderName, HeaderValue, header};
use techcommerce_contracts::codes;
use techcommerce_http::{
    Json,
    endpoints::{self, Endpoints},
    routes,
};
use techcommerce_jobs::JobSet;
use techcommerce_kernel::Error;
use utoipa::{OpenApi as _, openapi::OpenApi};

#[derive(utoipa::OpenApi)]
#[openapi(tags(
    (name = "jobs", description = "Background jobs of all services, for staff."),
))]
struct Documented;

/// The queues of the services, by their names.
#[derive(Clone)]
pub struct App(Arc<[JobSet]>);

impl App {
    pub fn new(sets: impl IntoIterator<Item = JobSet>) -> Self {
        Self(sets.into_iter().collect())
    }

    fn sets(&self) -> &[JobSet] {
        &self.0
    }

    /// The jobs of the service with this name.
    ///
    /// # Errors
    /// `job_not_found`, since no job is there.
    fn set(&self, service: &str) -> Result<&JobSet, Error> {
        let mut sets = self.0.iter();
        let set = sets.find(|set| set.service() == service);
        set.ok_or_else(|| {
            let message = "There is no service with jobs of this name.";
            Error::not_found(codes::JOB_NOT_FOUND, message)
        })
    }
}

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
    list.routes(routes!(job_list::list))
        .routes(routes!(job_counts::counts))
        .routes(routes!(job_retry_many::retry))
        .routes(routes!(job_retry::retry))
        .routes(routes!(job_show::show, job_discard::discard))
}

/// An answer that only the caller may keep.
type Private<T> = ([(HeaderName, HeaderValue); 1], Json<T>);

fn private<T>(body: T) -> Private<T> {
    let nobody = HeaderValue::from_static("no-store");
    ([(header::CACHE_CONTROL, nobody)], Json(body))
}
