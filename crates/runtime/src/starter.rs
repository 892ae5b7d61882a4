//! Starts modules in the order of their needs, serves, and stops all in reverse.

use std::{fmt, panic::AssertUnwindSafe, time::Duration};

use axum::Router;
use futures_util::FutureExt;
use techcommerce_contracts::Service;
use techcommerce_http::Health;
use techcommerce_kernel::Error;
use techcommerce_telemetry::Telemetry;
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use crate::{
    Listener, Module, ServerLimits, Shutdown, Switchboard, Task, management,
    module::in_order,
    server::{self, Doors, Ending},
};

/// What tasks have to stop when the requests used up the grace.
const TASKS_AT_LEAST: Duration = Duration::from_secs(5);

/// How often the services' dependencies are tried for the metrics.
const CHECK_EVERY: Duration = Duration::from_secs(10);

/// Puts a process together and runs it.
#[derive(Debug)]
pub struct Starter {
    telemetry: Telemetry,
    switchboard: Switchboard,
    modules: Vec<Module>,
    public: Vec<(Service, Listener)>,
    straight: Option<(&'static str, Service)>,
    management: Option<Listener>,
    limits: ServerLimits,
    grace: Duration,
    unready_for: Duration,
}

/// A module that runs.
struct Running {
    service: Service,
    health: Health,
    stop: Shutdown,
    tasks: Vec<(&'static str, JoinHandle<()>)>,
}

impl Starter {
    /// A process without modules. The switchboard is the one whose ways the modules were given.
    pub fn new(telemetry: Telemetry, switchboard: Switchboard) -> Self {
        Self {
            telemetry,
            switchboard,
            modules: Vec::new(),
            public: Vec::new(),
            straight: None,
            management: None,
            limits: ServerLimits::default(),
            grace: Duration::from_secs(20),
            unready_for: Duration::ZERO,
        }
    }

    /// Adds a module; the order does not matter.
    #[must_use]
    pub fn module(mut self, module: Module) -> Self {
        self.modules.push(module);
        self
    }

    /// Serves the service on this listener.
    #[must_use]
    pub fn listen(mut self, service: Service, listener: Listener) -> Self {
        self.public.push((service, listener));
        self
    }

    /// On all listeners, what comes to a path below `prefix` (as `/api/`) goes straight to this
    /// service, which must be fit for outsiders, instead of through the listener's own.
    #[must_use]
    pub fn straight(mut self, prefix: &'static str, service: Service) -> Self {
        self.straight = Some((prefix, service));
        self
    }

    /// Serves metrics and health on this listener.
    #[must_use]
    pub fn management(mut self, listener: Listener) -> Self {
        self.management = Some(listener);
        self
    }

    /// What each listener takes on.
    #[must_use]
    pub fn limits(mut self, limits: ServerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// How long a stop waits for what is under way and for the tasks together; the tasks get at
    /// least five seconds, so a stop takes at most `grace` and five seconds.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How long a stop goes on taking connections after it reported itself unready, for load
    /// balancers that need a moment to see it. Meanwhile each answer closes its connection. Zero
    /// if not set.
    #[must_use]
    pub fn unready_for(mut self, time: Duration) -> Self {
        self.unready_for = time;
        self
    }

    /// Runs until `shutdown` is requested or a task fails; `on_ready` is called once, when all
    /// modules are up and all listeners serve.
    ///
    /// # Errors
    /// Needs that cannot be met, or the error of the task that failed. A stop that was asked for
    /// is no error.
    pub async fn run(self, shutdown: Shutdown, on_ready: impl FnOnce()) -> Result<(), Error> {
        let modules = in_order(self.modules, |service| self.switchboard.is_remote(service))?;
        let routers: Vec<(Service, Router)> = modules
            .iter()
            .map(|module| (module.service, module.router.clone()))
            .collect();
        let public = pair(self.public, self.straight, &routers)?;

        let healths: Vec<Health> = modules.iter().map(|m| m.health.clone()).collect();
        for health in &healths {
            health.tell(&self.telemetry);
        }
        let checking = tokio::spawn(check(healths));
        // Operators can watch the start.
        let management_end = Ending::default();
        let management = self.management.map(|listener| {
            let healths = modules.iter().map(|m| m.health.clone()).collect();
            let router = management::router(self.telemetry, healths);
            let ending = management_end.clone();
            tokio::spawn(server::serve(
                listener,
                Doors::one(router),
                self.limits,
                ending,
            ))
        });

        // All ways lead somewhere before the first task runs.
        for (service, router) in routers {
            self.switchboard.bind(service, router);
        }
        let (failed, mut failure) = mpsc::channel(1);
        let running: Vec<Running> = modules
            .into_iter()
            .map(|module| start(module, &failed))
            .collect();
        let ending = Ending::default();
        let servers: Vec<_> = public
            .into_iter()
            .map(|(listener, doors)| {
                let ending = ending.clone();
                tokio::spawn(server::serve(listener, doors, self.limits, ending))
            })
            .collect();
        on_ready();

        let outcome = tokio::select! {
            () = shutdown.requested() => Ok(()),
            // `failed` is held here, so the channel stays open.
            Some(error) = failure.recv() => Err(error),
        };

        for module in &running {
            module.health.set_draining();
        }
        ending.draining.request();
        if outcome.is_ok() {
            tokio::time::sleep(self.unready_for).await;
        }
        ending.stop.request();
        let deadline = Instant::now() + self.grace;
        drain(servers, &running, deadline).await;
        let deadline = deadline.max(Instant::now() + TASKS_AT_LEAST);
        for module in running.into_iter().rev() {
            stop(module, deadline).await;
        }
        checking.abort();
        management_end.stop.request();
        if let Some(management) = management {
            // Nobody's data hangs on a scrape.
            let _ = tokio::time::timeout(Duration::from_secs(1), management).await;
        }
        // A task that failed while stopping is no less a failure.
        match (outcome, failure.try_recv()) {
            (Ok(()), Ok(late)) => Err(late),
            (outcome, _) => outcome,
        }
    }
}

/// Runs the checks also where nobody asks for them: the metrics tell what they found.
async fn check(healths: Vec<Health>) {
    loop {
        for health in &healths {
            health.is_ready().await;
        }
        tokio::time::sleep(CHECK_EVERY).await;
    }
}

fn pair(
    listeners: Vec<(Service, Listener)>,
    straight: Option<(&'static str, Service)>,
    routers: &[(Service, Router)],
) -> Result<Vec<(Listener, Doors)>, Error> {
    let router_of = |service: Service| {
        let known = routers.iter().find(|(name, _)| *name == service);
        known.map(|(_, router)| router.clone()).ok_or_else(|| {
            Error::internal(format!("{service} has a listener but does not run here"))
        })
    };
    let below = match straight {
        Some((prefix, service)) => Some((prefix, router_of(service)?)),
        None => None,
    };
    let doors = |(service, listener)| {
        let main = router_of(service)?;
        let below = below.clone();
        Ok((listener, Doors { main, below }))
    };
    listeners.into_iter().map(doors).collect()
}

fn start(module: Module, failed: &mpsc::Sender<Error>) -> Running {
    let stop = Shutdown::new();
    let service = module.service;
    let tasks = module
        .tasks
        .into_iter()
        .map(|task| {
            let name = task.name();
            let work = supervise(service, task, stop.clone(), failed.clone());
            let span = tracing::info_span!("task", service = service.name(), task = name);
            let handle = tokio::spawn(tracing::Instrument::instrument(work, span));
            (name, handle)
        })
        .collect();
    module.health.set_ready();
    tracing::debug!(service = service.name(), "started");
    Running {
        service,
        health: module.health,
        stop,
        tasks,
    }
}

/// Runs a task and reports its failure. Only the first report counts.
async fn supervise(service: Service, task: Task, stop: Shutdown, failed: mpsc::Sender<Error>) {
    let Task { name, run } = task;
    let error = match AssertUnwindSafe(run(stop)).catch_unwind().await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error,
        Err(_) => Error::internal(format!("the task {name} of {service} panicked")),
    };
    tracing::error!(service = service.name(), task = name, error = ?error, "a task failed");
    let _ = failed.try_send(error);
}

/// Waits until the requests under way are answered and the changes under way are done.
async fn drain(servers: Vec<JoinHandle<()>>, running: &[Running], deadline: Instant) {
    for server in servers {
        let handle = server.abort_handle();
        if timeout_at(deadline, server).await.is_err() {
            tracing::warn!("some requests did not end in time and are cut off");
            handle.abort();
        }
    }
    // Who calls others is waited for before those whom it calls.
    for module in running.iter().rev() {
        let work = module.health.work();
        work.close();
        if timeout_at(deadline, work.wait()).await.is_err() {
            tracing::warn!(
                service = module.service.name(),
                unfinished = work.len(),
                "some changes did not end in time and are cut off"
            );
        }
    }
}

async fn stop(module: Running, deadline: Instant) {
    module.stop.request();
    for (name, task) in module.tasks {
        let handle = task.abort_handle();
        if timeout_at(deadline, task).await.is_err() {
            let service = module.service.name();
            tracing::warn!(
                service,
                task = name,
                "a task did not stop in time and is cut off"
            );
            handle.abort();
        }
    }
    tracing::debug!(service = module.service.name(), "stopped");
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "starter_tests.rs"]
mod tests;
