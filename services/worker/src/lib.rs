//! Runs the jobs and schedules that the services bring, and knows none of them.
//!
//! Each [`JobSet`] has a task of its own that polls its queue, so that the slow work of one
//! service does not hold up another's: it takes as many jobs as it has room for, runs them side
//! by side, and sleeps until it is woken, a job's time comes, or the next poll. When the process
//! stops, nothing new is taken, what runs may finish, and what does not finish in time is given
//! back, so that another worker takes it at once.
//!
//! Since it holds the queues of all services, staff find here what was given up, and try it again
//! or give it up for good ([`endpoints`]).

mod endpoints;
mod metrics;
mod pool;
mod state;
mod watching;

use std::{sync::Arc, time::Duration};

use axum::Router;
use techcommerce_contracts::{Service, TokenVerifier};
use techcommerce_http::{Check, Exposure, Health, Limits, ServiceStack, service_stack};
use techcommerce_jobs::JobSet;
use techcommerce_kernel::{Env, Error};
use techcommerce_runtime::Task;
use techcommerce_telemetry::Telemetry;

use crate::{metrics::Metrics, pool::Pool, state::State};

/// How the worker works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name among all workers. One that comes back under the same name takes up what it held
    /// before, so it is to be the pod's or, where only one can run, a fixed one.
    pub name: String,
    /// How often a queue is looked at that nobody woke it for.
    pub poll: Duration,
    /// How many jobs of one service run at once.
    pub concurrency: usize,
    /// For how long a job stays with a worker that has gone silent.
    pub lease: Duration,
    /// How long jobs may go on after the process began to stop, before they are given back: some
    /// seconds less than the process is given to end.
    pub grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "worker".into(),
            poll: Duration::from_secs(1),
            concurrency: 4,
            lease: Duration::from_secs(60),
            grace: Duration::from_secs(15),
        }
    }
}

/// What the worker needs.
#[derive(Debug)]
pub struct Deps {
    /// Clock and randomness; the same clock as the queues'.
    pub env: Env,
    /// How it works.
    pub settings: Settings,
    /// The jobs of the services that it works for.
    pub sets: Vec<JobSet>,
    /// Where it counts.
    pub telemetry: Telemetry,
    /// For its service stack.
    pub verifier: TokenVerifier,
}

/// The worker, ready to be started.
#[derive(Debug)]
pub struct Built {
    /// The health paths, and what staff do with jobs.
    pub router: Router,
    /// Ready while it can reach the databases and its tasks go round.
    pub health: Health,
    /// One or two for each set.
    pub tasks: Vec<Task>,
}

/// The document of the public endpoints, by their outer paths.
pub fn openapi() -> utoipa::openapi::OpenApi {
    endpoints::document()
}

/// Registers what the worker counts itself, for the catalogue.
pub fn describe(telemetry: &Telemetry) {
    Metrics::new(telemetry);
}

/// Puts the worker together; nothing runs until its tasks do.
pub fn build(deps: Deps) -> Built {
    let Deps {
        env,
        settings,
        sets,
        telemetry,
        verifier,
    } = deps;
    let settings = Arc::new(settings);
    let metrics = Metrics::new(&telemetry);
    let app = endpoints::App::new(sets.iter().cloned());
    let states: Vec<Arc<State>> = sets
        .into_iter()
        .map(|set| Arc::new(State::new(set, env.clone(), settings.poll)))
        .collect();
    let checks = states.iter().flat_map(checks_of).collect();
    let reported: Arc<[Arc<State>]> = states.clone().into();
    let health = Health::new(Service::Worker, checks).with_extra(move || {
        let states = reported.clone();
        async move { state::report(&states).await }
    });
    for state in &states {
        metrics.knows(state.set.service(), state.set.kinds());
    }
    let watching = states
        .iter()
        .map(|state| watching::task(state.set.service(), state.set.watches(&telemetry)));
    let mut tasks: Vec<Task> = watching.flatten().collect();
    let pools = states.into_iter().map(|state| {
        let (settings, metrics, health) = (settings.clone(), metrics.clone(), health.clone());
        let tracer = telemetry.tracer().clone();
        let pool = Pool::new(state, settings, metrics, tracer, health);
        Task::new("worker", |stop| async move {
            pool.run(stop.token()).await;
            Ok(())
        })
    });
    tasks.extend(pools);
    let stack = ServiceStack {
        service: Service::Worker,
        env,
        telemetry,
        verifier,
        health: health.clone(),
        exposure: Exposure::Internal,
        limits: Limits::default(),
    };
    Built {
        router: service_stack(endpoints::router(app), stack),
        health,
        tasks,
    }
}

/// The set's database answers, and its task goes round.
fn checks_of(state: &Arc<State>) -> [Check; 2] {
    let (set, state) = (state.set.clone(), state.clone());
    let (database, heartbeat) = state.check_names();
    [
        Check::new(database, move || {
            let set = set.clone();
            async move { set.queue().ping().await }
        }),
        Check::new(heartbeat, move || {
            let state = state.clone();
            async move {
                let silent = state.silent_for();
                if silent > state.patience() {
                    let text = format!("the worker's task has not gone round for {silent:?}");
                    return Err(Error::unavailable("The worker hangs.").caused_by(text));
                }
                Ok(())
            }
        }),
    ]
}
