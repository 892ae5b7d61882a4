//! Pictures: upload, check, sizes, delivery.
//!
//! What is uploaded is untrusted: it is streamed into a file under a byte limit, its type is told
//! by its content and its size by its header before a pixel is decoded, and only pixels that were
//! encoded anew leave the house. A picture's id stands for the same bytes for ever, so they may
//! be cached for ever. The bytes are in an object store; a row is what makes them a picture.
//!
//! Pictures that are part of the program ([`Builtin`]) are served from its own memory.

mod add;
mod builtin;
mod files;
mod internal;
mod prepare;
mod receive;
mod rows;
mod show;
mod sweep;
mod upload;
mod variant;

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};
use object_store::ObjectStore;
use sqlx::migrate::Migrator;
use techcommerce_contracts::{Service, TokenVerifier};
use techcommerce_http::{Check, Exposure, Health, Limits, ServiceStack, service_stack};
use techcommerce_jobs::{JobSet, Queue, Wake, with_tables};
use techcommerce_kernel::{Env, Error, Uuid};
use techcommerce_runtime::Task;
use techcommerce_store::Db;
use techcommerce_telemetry::{Counters, Label, Telemetry};
use tokio::sync::Semaphore;
use utoipa::OpenApi;

pub use builtin::{Builtin, builtin_id};
pub use files::local_store;
pub use prepare::MAX_PIXELS;
pub use receive::MAX_BYTES;

use files::Files;

/// This service's tables.
pub static MIGRATOR: LazyLock<Migrator> =
    LazyLock::new(|| with_tables(sqlx::migrate!("./migrations")));

/// What a form needs around its file.
const FORM_BYTES: usize = 64 * 1024;
/// How many ids are remembered to be pictures.
const KNOWN: usize = 50_000;

/// What the service needs.
#[derive(Debug)]
pub struct Deps {
    /// Clock and randomness.
    pub env: Env,
    /// The database, migrated with [`MIGRATOR`].
    pub db: Db,
    /// Where the bytes are; see [`local_store`].
    pub store: Arc<dyn ObjectStore>,
    /// A folder of this machine's for uploads that are under way; made if it is missing.
    pub incoming: PathBuf,
    /// The pictures that are part of the program.
    pub builtin: Builtin,
    /// Where it counts.
    pub telemetry: Telemetry,
    /// Verifies who calls.
    pub verifier: TokenVerifier,
}

/// The service, ready to be started.
pub struct Built {
    /// Its routes, at its own paths.
    pub router: Router,
    /// Its state.
    pub health: Health,
    /// None.
    pub tasks: Vec<Task>,
    /// What the worker does for it.
    pub jobs: JobSet,
    /// Its public paths.
    pub openapi: utoipa::openapi::OpenApi,
}

#[derive(OpenApi)]
#[openapi(paths(show::show, upload::upload))]
struct Document;

/// The state of the handlers. Clones share it.
#[derive(Clone)]
struct State {
    env: Env,
    db: Db,
    files: Files,
    incoming: Arc<PathBuf>,
    builtin: Arc<Builtin>,
    /// Held while an upload is decoded.
    preparing: Arc<Semaphore>,
    /// Ids that were seen to be pictures: none ever ceases to be one.
    known: Arc<Mutex<HashSet<Uuid>>>,
    uploads: Counters<1>,
}

impl State {
    /// Whether there is a picture with this id.
    async fn is_known(&self, id: Uuid) -> Result<bool, Error> {
        if self.known().contains(&id) {
            return Ok(true);
        }
        let exists = rows::by_id(&self.db, id).await?.is_some();
        if exists {
            let mut known = self.known();
            if known.len() >= KNOWN {
                known.clear();
            }
            known.insert(id);
        }
        Ok(exists)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashSet<Uuid>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts the service together.
pub fn build(deps: Deps) -> Built {
    let Deps {
        env,
        db,
        store,
        incoming,
        builtin,
        telemetry,
        verifier,
    } = deps;
    let jobs = jobs(&env, &db, store.clone(), incoming.clone());
    let files = Files(store);
    let state = State {
        env: env.clone(),
        db: db.clone(),
        files: files.clone(),
        incoming: Arc::new(incoming),
        builtin: Arc::new(builtin),
        preparing: Arc::new(Semaphore::new(1)),
        known: Arc::default(),
        uploads: telemetry.counters(
            "techcommerce_image_uploads_total",
            "Uploads of pictures by what became of them",
            [Label::one_of("outcome", &["stored", "known", "refused"])],
        ),
    };
    let health = Health::new(Service::Images, checks(db, files));
    let stack = ServiceStack {
        service: Service::Images,
        env,
        telemetry,
        verifier,
        health: health.clone(),
        exposure: Exposure::Internal,
        // A large picture over a slow line takes its time.
        limits: Limits {
            timeout: Duration::from_secs(120),
            ..Limits::default()
        },
    };
    let router = service_stack(routes().with_state(state), stack);
    Built {
        router,
        health,
        tasks: Vec::new(),
        jobs,
        openapi: Document::openapi(),
    }
}

fn routes() -> Router<State> {
    let limit = usize::try_from(MAX_BYTES).unwrap_or(usize::MAX) + FORM_BYTES;
    Router::new()
        .route(
            "/images/upload",
            post(upload::upload).layer(DefaultBodyLimit::max(limit)),
        )
        .route("/images/{id}/{variant}", get(show::show))
        .route("/internal/images", post(internal::create))
        .route("/internal/images/{id}", get(internal::get))
}

fn checks(db: Db, files: Files) -> Vec<Check> {
    vec![
        Check::new("database", move || {
            let db = db.clone();
            async move { Ok(db.ping().await?) }
        }),
        Check::new("object_store", move || {
            let files = files.clone();
            async move { files.ping().await }
        }),
    ]
}

/// The jobs of this service, for a worker that runs without it; [`build`] gives the same.
pub fn jobs(env: &Env, db: &Db, store: Arc<dyn ObjectStore>, incoming: PathBuf) -> JobSet {
    let queue = Queue::new(db.clone(), env.clone(), Wake::default());
    sweep::jobs(
        queue,
        sweep::Sweep {
            db: db.clone(),
            env: env.clone(),
            files: Files(store),
            incoming,
        },
    )
}
