//! auth.

use std::time::Duration;

use techcommerce_auth::{Deps, Quotas, Settings, build};
use techcommerce_contracts::Service;
use techcommerce_jobs::JobSet;
use techcommerce_kernel::Error;
use techcommerce_runtime::Module;

use crate::ground::Ground;

fn deps(ground: &Ground) -> Result<Deps, Error> {
    let settings = &ground.settings;
    // Where only the jobs run, the signer is the worker's; no job signs for others.
    let signer = ground.trust.signer(ground.speaker(Service::Auth))?;
    Ok(Deps {
        env: ground.env.clone(),
        db: ground.db(Service::Auth)?,
        sessions: ground.sessions()?,
        signer: signer.clone(),
        verifier: ground.trust.verifier(),
        mailer: ground.mailer.clone(),
        wake: ground.wakes.auth.clone(),
        telemetry: ground.telemetry.clone(),
        settings: Settings {
            public_url: settings.public_url.as_str().to_owned(),
            shop_name: settings.shop.name.clone(),
            session_idle: Duration::from_secs(u64::from(settings.session.idle_days) * 24 * 3600),
            quotas: Quotas::new(settings.limits.login_per_minute),
        },
    })
}

pub fn module(ground: &Ground) -> Result<(Module, JobSet), Error> {
    let built = build(deps(ground)?);
    let module = Module {
        service: Service::Auth,
        needs: vec![],
        router: built.router,
        health: built.health,
        tasks: vec![],
    };
    Ok((module, built.jobs))
}

pub fn jobs(ground: &Ground) -> Result<JobSet, Error> {
    Ok(techcommerce_auth::jobs(&deps(ground)?))
}
