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
pub mod copies;
mod endpoints;
mod files;
mod prepare;
mod preparing;
mod receive;
mod rows;
mod sizes;
mod store;
mod sweep;
mod variant;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use axum::Router;
use sqlx::migrate::Migrator;
use techcommerce_contracts::{Service, TokenVerifier};
use techcommerce_http::{Check, Exposure, Health, Limits, ServiceStack, service_stack};
use techcommerce_jobs::{JobSet, Queue, Schedule, Wake};
use techcommerce_kernel::{Env, Error, Uuid};
use techcommerce_runtime::Task;
use techcommerce_store::Db;
use techcommerce_telemetry::{Counters, Label, Telemetry};
use utoipa::OpenApi as _;

pub use builtin::{Builtin, builtin_id};
pub use prepare::{MAX_PIXELS, Prepared, prepare, smaller};
pub use receive::MAX_BYTES;
pub use store::{Gcs, S3, Store};
pub use variant::Variant;

use files::Files;
use preparing::Preparing;

/// This service's tables.
pub static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let own = techcommerce_jobs::with_tables(sqlx::migrate!("./migrations"));
    techcommerce_audit::with_tables(own)
});

/// How many pictures' sizes are remembered.
const KNOWN: usize = 50_000;

/// What the service needs.
#[derive(Debug)]
pub struct Deps {
    /// Clock and randomness.
    pub env: Env,
    /// The database, migrated with [`MIGRATOR`].
    pub db: Db,
    /// Where the bytes are.
    pub store: Store,
    /// A folder of this machine's for uploads that are under way; made if it is missing.
    pub incoming: PathBuf,
    /// The pictures that are part of the program.
    pub builtin: Builtin,
    /// Wakes the worker, if it runs in this process.
    pub wake: Wake,
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
}

/// The document of its public paths.
pub fn openapi() -> utoipa::openapi::OpenApi {
    endpoints::Document::openapi()
}

/// The state of the handlers. Clones share it.
#[derive(Clone)]
struct State {
    env: Env,
    db: Db,
    files: Files,
    queue: Queue,
    incoming: Arc<PathBuf>,
    builtin: Arc<Builtin>,
    preparing: Preparing,
    /// The sizes in pixels of pictures that were asked for: they never change.
    known: Arc<Mutex<HashMap<Uuid, (u32, u32)>>>,
    uploads: Counters<1>,
}

impl State {
    /// The size in pixels of the picture with this id, if there is one.
    async fn size_of(&self, id: Uuid) -> Result<Option<(u32, u32)>, Error> {
        if let Some(size) = self.known().get(&id) {
            return Ok(Some(*size));
        }
        let size = rows::by_id(&self.db, id).await?.map(|row| row.size());
        if let Some(size) = size {
            let mut known = self.known();
            if known.len() >= KNOWN {
                known.clear();
            }
            known.insert(id, size);
        }
        Ok(size)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, (u32, u32)>> {
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
        wake,
        telemetry,
        verifier,
    } = deps;
    let files = Files::new(store);
    let preparing = Preparing::default();
    let queue = Queue::new(db.clone(), env.clone(), wake);
    let jobs = job_set(&env, &db, &files, &preparing, queue.clone());
    let state = State {
        env: env.clone(),
        db: db.clone(),
        files: files.clone(),
        queue,
        incoming: Arc::new(incoming),
        builtin: Arc::new(builtin),
        preparing,
        known: Arc::default(),
        uploads: uploads(&telemetry),
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
    let router = service_stack(endpoints::routes().with_state(state), stack);
    Built {
        router,
        health,
        tasks: Vec::new(),
        jobs,
    }
}

fn uploads(telemetry: &Telemetry) -> Counters<1> {
    let uploads = telemetry.counters(
        "techcommerce_image_uploads_total",
        "Uploads of pictures by what became of them",
        [Label::one_of("outcome", &add::OUTCOMES)],
    );
    uploads.at_zero()
}

/// Registers what this service counts, for the catalogue.
pub fn describe(telemetry: &Telemetry) {
    uploads(telemetry);
}

fn checks(db: Db, files: Files) -> Vec<Check> {
    vec![
        Check::new("database", move || {
            let db = db.clone();
            async move { db.ping().await }
        }),
        Check::new("object_store", move || {
            let files = files.clone();
            async move { files.ping().await }
        }),
    ]
}

/// The jobs of this service, for a worker that runs without it; [`build`] gives the same.
pub fn jobs(env: &Env, db: &Db, store: Store, wake: Wake) -> JobSet {
    let queue = Queue::new(db.clone(), env.clone(), wake);
    job_set(env, db, &Files::new(store), &Preparing::default(), queue)
}

fn job_set(env: &Env, db: &Db, files: &Files, preparing: &Preparing, queue: Queue) -> JobSet {
    JobSet::new("images", queue)
        .handler(sizes::Sizes {
            db: db.clone(),
            env: env.clone(),
            files: files.clone(),
            preparing: preparing.clone(),
        })
        .handler(sweep::Sweep {
            db: db.clone(),
            env: env.clone(),
            files: files.clone(),
        })
        .schedule(Schedule::new(
            sweep::KIND,
            Duration::from_hours(24),
            sweep::KIND,
        ))
        .build()
}
