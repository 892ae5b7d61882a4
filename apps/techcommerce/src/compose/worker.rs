//! worker.

use std::time::Duration;

use techcommerce_contracts::Service;
use techcommerce_jobs::JobSet;
use techcommerce_kernel::Error;
use techcommerce_runtime::Module;
use techcommerce_worker::{Deps, Settings, build};

use crate::{ground::Ground, here::WITH_DATABASE};

pub fn module(ground: &Ground, sets: Vec<JobSet>) -> Result<Module, Error> {
    let settings = &ground.settings;
    let grace = Duration::from_secs(settings.shutdown.grace_seconds.into());
    let built = build(Deps {
        env: ground.env.clone(),
        settings: Settings {
            name: ground.worker.clone(),
            poll: Duration::from_millis(settings.worker.poll_milliseconds.into()),
            concurrency: settings.worker.concurrency as usize,
            // What does not end in time is given back, which takes a moment.
            grace: grace.mul_f64(0.75),
            ..Settings::default()
        },
        sets,
        telemetry: ground.telemetry.clone(),
        verifier: ground.trust.verifier(),
    });
    Ok(Module {
        service: Service::Worker,
        needs: WITH_DATABASE.to_vec(),
        router: built.router,
        health: built.health,
        tasks: built.tasks,
    })
}
