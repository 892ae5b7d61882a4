//! How the ground stands that the services of this process are on, for the metrics: the settings
//! in force, the room on the disks, the schemas, the replica, and certificates in files.

mod certificates;
mod configuration;
mod disk;

use std::time::Duration;

use techcommerce_contracts::Service;
use techcommerce_kernel::Env;
use techcommerce_runtime::Shutdown;
use techcommerce_store::{Db, ReplicaLag};
use techcommerce_telemetry::{FloatGauges, Gauges, Label, SERVICES, Telemetry};
use tokio::task::JoinHandle;

use crate::{
    ground::{Ground, needs_folder},
    here::Here,
    schemas::schema,
    stores::Stores,
};

use certificates::Certificates;
use disk::Disks;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(10);
/// How long a look at the databases may take.
const WITHIN: Duration = Duration::from_secs(8);

/// Registers all that a process tells of which has these services, for the catalogue.
pub fn describe(telemetry: &Telemetry, here: &Here) {
    configuration::describe(telemetry);
    Certificates::new(telemetry, Vec::new());
    if needs_folder(here) {
        Disks::new(telemetry, Vec::new());
    }
    if !here.databases().is_empty() {
        Schemas::new(telemetry);
        lag(telemetry);
    }
}

/// Looks until `stop`.
pub fn start(ground: &Ground, stop: Shutdown) -> JoinHandle<()> {
    configuration::tell(ground);
    let telemetry = &ground.telemetry;
    let disks = Disks::of(ground);
    let watched = &ground.settings.certificates.watch;
    let certificates = Certificates::new(telemetry, certificates::named(watched));
    let schemas = Schemas::new(telemetry);
    let mut replicas = Replicas::of(ground);
    let stores = ground.stores.clone();
    let looking = async move {
        loop {
            disks.look().await;
            certificates.look().await;
            let databases = async {
                schemas.look(&stores).await;
                replicas.look().await;
            };
            // The next look comes soon.
            let _ = tokio::time::timeout(WITHIN, databases).await;
            tokio::time::sleep(EVERY).await;
        }
    };
    tokio::spawn(async move {
        tokio::select! {
            () = stop.requested() => {}
            () = looking => {}
        }
    })
}

/// Which migrations were applied, and which the program needs.
struct Schemas {
    at: Gauges<1>,
    needed: Gauges<1>,
}

impl Schemas {
    fn new(telemetry: &Telemetry) -> Self {
        const NAMES: &[&str] = &["product_api", "order_api", "auth", "images"];
        let label = || [Label::one_of("schema", NAMES)];
        Self {
            at: telemetry.gauges(
                "techcommerce_schema_version",
                "The last of the service's migrations that was applied",
                label(),
            ),
            needed: telemetry.gauges(
                "techcommerce_schema_needed",
                "The last migration that this program needs; a schema may be ahead of it",
                label(),
            ),
        }
    }

    async fn look(&self, stores: &Stores) {
        for (service, db, migrator) in stores.all() {
            let Ok(state) = db.schema_state(migrator).await else {
                continue;
            };
            let name = schema(service);
            let at = number(state.at.as_deref().unwrap_or_default());
            self.at.with([&name]).set(at);
            self.needed.with([&name]).set(number(&state.needed));
        }
    }
}

/// That of `4 staff`.
fn number(migration: &str) -> i64 {
    let number = migration.split(' ').next().unwrap_or_default();
    number.parse().unwrap_or(0)
}

fn lag(telemetry: &Telemetry) -> FloatGauges<1> {
    telemetry.float_gauges(
        "techcommerce_db_replica_lag_seconds",
        "For how long the replica has not reached where the primary was; only where there is one",
        [Label::one_of("service", SERVICES)],
    )
}

/// How far replicas are behind.
struct Replicas {
    env: Env,
    telemetry: Telemetry,
    each: Vec<(Service, Db, ReplicaLag)>,
}

impl Replicas {
    fn of(ground: &Ground) -> Self {
        let all = ground.stores.all();
        let with = all.filter(|(_, db, _)| db.has_replica());
        let each = with.map(|(service, db, _)| {
            let speaker = ground.speaker(service);
            (speaker, db.clone(), ReplicaLag::default())
        });
        Self {
            env: ground.env.clone(),
            telemetry: ground.telemetry.clone(),
            each: each.collect(),
        }
    }

    async fn look(&mut self) {
        let mut worst: Vec<(Service, Duration)> = Vec::new();
        for (service, db, known) in &mut self.each {
            let Ok(Some(behind)) = db.replica_lag(known, self.env.now()).await else {
                continue;
            };
            match worst.iter_mut().find(|(speaker, _)| speaker == service) {
                Some((_, most)) => *most = behind.max(*most),
                None => worst.push((*service, behind)),
            }
        }
        for (service, behind) in worst {
            let gauge = lag(&self.telemetry).with([service.name()]);
            gauge.set(behind.as_secs_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_has_a_number() {
        assert_eq!(number("4 staff"), 4);
        assert_eq!(number(""), 0);
    }
}
