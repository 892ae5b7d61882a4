//! product-api.

use std::time::Duration;

use techcommerce_contracts::Service;
use techcommerce_jobs::JobSet;
use techcommerce_kernel::Error;
use techcommerce_product_api::{Deps, HostsAllowed, PictureDeps, Settings, build};
use techcommerce_runtime::{Module, Switchboard};

use crate::ground::Ground;

fn deps(ground: &Ground, switchboard: &Switchboard) -> Result<Deps, Error> {
    let allowed = &ground.settings.imports.picture_hosts_allowed;
    let wrong = |error: String| {
        let message = format!("imports.picture_hosts_allowed: {error}");
        Error::invalid("configuration", message)
    };
    let speaker = ground.speaker(Service::ProductApi);
    Ok(Deps {
        env: ground.env.clone(),
        db: ground.db(Service::ProductApi)?,
        wake: ground.wakes.product_api.clone(),
        verifier: ground.trust.verifier(),
        pictures: PictureDeps {
            images: ground.job_way(switchboard, speaker, Service::Images),
            tokens: ground.trust.tokens(speaker)?,
            meter: ground.job_meter(speaker, "picture-source"),
            hosts_allowed: HostsAllowed::parse(allowed.iter().map(String::as_str))
                .map_err(wrong)?,
        },
        spool: ground.folder()?.join("imports"),
        telemetry: ground.telemetry.clone(),
        settings: Settings {
            ledger_check: Duration::from_secs(ground.settings.worker.ledger_check_seconds.into()),
            currency: ground.settings.shop.currency,
            public_url: ground.settings.public_url.as_str().to_owned(),
        },
    })
}

pub async fn module(ground: &Ground, switchboard: &Switchboard) -> Result<(Module, JobSet), Error> {
    let built = build(deps(ground, switchboard)?).await?;
    let module = Module {
        service: Service::ProductApi,
        needs: vec![],
        router: built.router,
        health: built.health,
        tasks: built.tasks,
    };
    Ok((module, built.jobs))
}

pub fn jobs(ground: &Ground, switchboard: &Switchboard) -> Result<JobSet, Error> {
    Ok(techcommerce_product_api::jobs(&deps(ground, switchboard)?))
}
