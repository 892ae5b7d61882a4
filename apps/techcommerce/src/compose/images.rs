//! images.

use std::path::Path;

use techcommerce_config::Settings;
use techcommerce_contracts::Service;
use techcommerce_images::{Deps, Gcs, S3, Store, build};
use techcommerce_jobs::JobSet;
use techcommerce_kernel::Error;
use techcommerce_runtime::Module;

use crate::{demo, ground::Ground};

/// Where pictures are kept, for the service and for the worker.
pub fn store(settings: &Settings, data: &Path) -> Result<Store, Error> {
    let images = &settings.images;
    let exposed = |secret: &Option<techcommerce_config::Secret>| {
        secret.as_ref().map(|secret| secret.expose().to_owned())
    };
    if let Some((bucket, prefix)) = S3::parse(&images.store) {
        return Store::s3(&S3 {
            bucket,
            prefix,
            endpoint: images.s3_endpoint.clone(),
            region: images.s3_region.clone(),
            keys: exposed(&images.s3_access_key).zip(exposed(&images.s3_secret_key)),
            ca_file: images.s3_ca_file.clone(),
        });
    }
    if let Some((bucket, prefix)) = Gcs::parse(&images.store) {
        return Store::gcs(&Gcs {
            bucket,
            prefix,
            endpoint: images.gcs_endpoint.clone(),
            credentials: exposed(&images.gcs_credentials),
        });
    }
    match images.store.as_str() {
        "" => Store::folder(&data.join("images")),
        folder => Store::folder(Path::new(folder)),
    }
}

pub fn module(ground: &Ground) -> Result<(Module, JobSet), Error> {
    let folder = ground.folder()?;
    let built = build(Deps {
        env: ground.env.clone(),
        db: ground.db(Service::Images)?,
        store: store(&ground.settings, folder.path())?
            .measured(ground.meter(Service::Images, "object-store")),
        incoming: folder.join("incoming"),
        builtin: demo::pictures()?,
        wake: ground.wakes.images.clone(),
        telemetry: ground.telemetry.clone(),
        verifier: ground.trust.verifier(),
    });
    let module = Module {
        service: Service::Images,
        needs: vec![],
        router: built.router,
        health: built.health,
        tasks: built.tasks,
    };
    Ok((module, built.jobs))
}

pub fn jobs(ground: &Ground) -> Result<JobSet, Error> {
    let meter = ground.meter(ground.speaker(Service::Images), "object-store");
    let store = store(&ground.settings, ground.folder()?.path())?.measured(meter);
    let db = ground.db(Service::Images)?;
    Ok(techcommerce_images::jobs(
        &ground.env,
        &db,
        store,
        ground.wakes.images.clone(),
    ))
}
