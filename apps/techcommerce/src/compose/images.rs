//! images.

use std::path::Path;

use techcommerce_config::Settings;
use techcommerce_contracts::Service;
use techcommerce_images::{Deps, Gcs, S3, Store, build};
use techcommerce_jobs::JobSet;
use techcommerce_kernel::Error;
use techcommerce_runtime::Module;

use crate::{
    demo,
    following::{pair, source},
    ground::Ground,
};

/// Where pictures are kept, for the service and for the worker.
pub fn store(settings: &Settings, data: &Path) -> Result<Store, Error> {
    let images = &settings.images;
    if let Some((bucket, prefix)) = S3::parse(&images.store) {
        let keys = images
            .s3_access_key
            .as_ref()
            .zip(images.s3_secret_key.as_ref());
        let keys = keys.map(|(access, secret)| {
            pair("images.s3_access_key, images.s3_secret_key", access, secret)
        });
        let place = S3 {
            bucket,
            prefix,
            endpoint: images.s3_endpoint.clone(),
            region: images.s3_region.clone(),
            keys: keys.as_ref().map(|keys| keys.value().clone()),
            ca_file: images.s3_ca_file.clone(),
        };
        return match keys {
            None => Store::s3(&place),
            Some(keys) => Store::s3_following(place, keys),
        };
    }
    if let Some((bucket, prefix)) = Gcs::parse(&images.store) {
        let credentials = images.gcs_credentials.as_ref();
        let credentials = credentials.map(|secret| source("images.gcs_credentials", secret));
        let place = Gcs {
            bucket,
            prefix,
            endpoint: images.gcs_endpoint.clone(),
            credentials: credentials.as_ref().map(|secret| secret.value().clone()),
        };
        return match credentials {
            None => Store::gcs(&place),
            Some(credentials) => Store::gcs_following(place, credentials),
        };
    }
    match images.store.as_str() {
        "" => Store::folder(&data.join("images")),
        folder => Store::folder(Path::new(folder)),
    }
}

/// The same, with keys that change with their files.
fn followed(ground: &Ground) -> Result<Store, Error> {
    let store = store(&ground.settings, ground.folder()?.path())?;
    ground.following.follow(store.current().clone())?;
    Ok(store)
}

pub fn module(ground: &Ground) -> Result<(Module, JobSet), Error> {
    let folder = ground.folder()?;
    let built = build(Deps {
        env: ground.env.clone(),
        db: ground.db(Service::Images)?,
        store: followed(ground)?.measured(ground.meter(Service::Images, "object-store")),
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
    let store = followed(ground)?.measured(meter);
    let db = ground.db(Service::Images)?;
    Ok(techcommerce_images::jobs(
        &ground.env,
        &db,
        store,
        ground.wakes.images.clone(),
    ))
}
