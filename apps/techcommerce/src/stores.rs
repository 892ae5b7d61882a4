//! The services' databases: a file each, or a schema each of one PostgreSQL.

use std::{fs::OpenOptions, io::ErrorKind, path::Path, str::FromStr};

use sqlx::{migrate::Migrator, postgres::PgConnectOptions};
use techcommerce_config::{HostPort, Secret, Settings};
use techcommerce_contracts::Service;
use techcommerce_kernel::Error;
use techcommerce_store::{Db, MigrationError, Pace, Place, PostgresOptions};

use crate::{
    data_folder::DataFolder,
    following::{Following, source},
    here::{WITH_DATABASE, setting},
    schemas::schema,
};

/// The databases of the services that keep theirs here.
#[derive(Debug, Clone)]
pub struct Stores(Vec<(Service, Db)>);

impl Stores {
    /// Opens those of `services`, making SQLite's files where they are not there.
    pub async fn open(
        settings: &Settings,
        folder: Option<&DataFolder>,
        services: &[Service],
    ) -> Result<Self, Error> {
        let mut stores = Vec::with_capacity(services.len());
        for service in services {
            stores.push((*service, open_one(settings, folder, *service).await?));
        }
        Ok(Self(stores))
    }

    /// Opens SQLite's files in a folder, whatever the settings say: those of a backup.
    pub async fn open_files(folder: &DataFolder) -> Result<Self, Error> {
        let mut stores = Vec::with_capacity(WITH_DATABASE.len());
        for service in WITH_DATABASE {
            stores.push((service, open_file(folder, service).await?));
        }
        Ok(Self(stores))
    }

    /// The database of a service.
    ///
    /// # Errors
    /// `internal` if it is not open here.
    pub fn get(&self, service: Service) -> Result<&Db, Error> {
        let found = self.0.iter().find(|(name, _)| *name == service);
        found
            .map(|(_, db)| db)
            .ok_or_else(|| Error::internal(format!("the database of {service} is not open here")))
    }

    /// Each with its service and its migrations.
    pub fn all(&self) -> impl Iterator<Item = (Service, &Db, &'static Migrator)> {
        self.0
            .iter()
            .filter_map(|(service, db)| Some((*service, db, migrator(*service)?)))
    }

    /// Brings all of them up to date. Several processes may do it at once.
    pub async fn migrate(&self) -> Result<(), Error> {
        self.migrate_at(|_| Pace::default()).await
    }

    /// The same, at this pace.
    pub async fn migrate_at(&self, pace: impl Fn(Service) -> Pace) -> Result<(), Error> {
        for (service, db, migrator) in self.all() {
            let done = db.migrate_at(migrator, &pace(service)).await;
            done.map_err(|error| not_migrated(service, error))?;
        }
        Ok(())
    }

    /// Lets each of them have another address when the file changes that it stands in.
    ///
    /// # Errors
    /// Those of [`Following::follow`].
    pub fn follow(&self, following: &Following) -> Result<(), Error> {
        let addresses = self.0.iter().filter_map(|(_, db)| db.address());
        addresses
            .cloned()
            .try_for_each(|address| following.follow(address))
    }

    /// Closes all of them.
    pub async fn close(&self) {
        for (_, db) in &self.0 {
            db.close().await;
        }
    }
}

/// The address of a service's database in PostgreSQL: its own, else the one for all.
pub fn url(settings: &Settings, service: Service) -> Option<&Secret> {
    own_url(settings, service).or(settings.database_url.as_ref())
}

/// The address that a service has for itself.
pub fn own_url(settings: &Settings, service: Service) -> Option<&Secret> {
    let databases = &settings.databases;
    let own = match service {
        Service::ProductApi => &databases.product_api,
        Service::OrderApi => &databases.order_api,
        Service::Auth => &databases.auth,
        Service::Images => &databases.images,
        Service::Frontend | Service::Api | Service::Worker => return None,
    };
    own.as_ref()
}

/// Why a database could not be brought up to date, for people.
pub fn not_migrated(service: Service, error: MigrationError) -> Error {
    let away = error.is_away();
    let text = error.to_string();
    let failed = Error::from(error);
    if away {
        return Error::unavailable(format!(
            "The database of {service} cannot be reached: {}.\n\
             Check that it runs and that its address is right; `techcommerce doctor` tries it.",
            std::error::Error::source(&failed)
                .map_or_else(|| failed.to_string(), ToString::to_string)
        ));
    }
    let code = match failed.code() {
        "internal" => "migration".to_owned(),
        code => code.to_owned(),
    };
    let message = format!("The database of {service} could not be brought up to date: {text}.");
    Error::new(failed.kind(), code, message)
}

/// The migrations that a service's database is brought up to date with.
pub fn migrator(service: Service) -> Option<&'static Migrator> {
    match service {
        Service::ProductApi => Some(&techcommerce_product_api::MIGRATOR),
        Service::OrderApi => Some(&techcommerce_order_api::MIGRATOR),
        Service::Auth => Some(&techcommerce_auth::MIGRATOR),
        Service::Images => Some(&techcommerce_images::MIGRATOR),
        Service::Frontend | Service::Api | Service::Worker => None,
    }
}

async fn open_one(
    settings: &Settings,
    folder: Option<&DataFolder>,
    service: Service,
) -> Result<Db, Error> {
    let Some(url) = url(settings, service) else {
        let folder = folder.ok_or_else(|| Error::internal("SQLite needs the data folder"))?;
        return open_file(folder, service).await;
    };
    let key = match own_url(settings, service) {
        Some(_) => setting(service),
        None => "database_url".to_owned(),
    };
    let connect = PgConnectOptions::from_str(url.expose()).map_err(|error| {
        Error::invalid(
            "configuration",
            format!("the address of the database of {service} is no PostgreSQL address: {error}"),
        )
    })?;
    Ok(Db::open_postgres(PostgresOptions {
        direct: settings.database_direct_address.as_ref().map(place),
        replica: settings.database_replica_address.as_ref().map(place),
        source: Some(source(key, url)),
        ..PostgresOptions::new(connect, &schema(service), settings.database_connections)
    }))
}

async fn open_file(folder: &DataFolder, service: Service) -> Result<Db, Error> {
    let path = folder.join(format!("{service}.db"));
    make_for_owner(&path)?;
    Db::open_sqlite(&path).await.map_err(|error| {
        Error::invalid(
            "database",
            format!(
                "The database {} cannot be opened: {error}.\n\
                 If another program holds it, stop that; if the file is damaged, restore a backup.",
                path.display()
            ),
        )
    })
}

fn place(address: &HostPort) -> Place {
    Place {
        host: address.host().to_owned(),
        port: address.port(),
    }
}

/// Makes the file, if it is not there, for its owner alone: a data folder that was made by others
/// may let everyone on the machine in. SQLite gives its files beside this one the same rights.
fn make_for_owner(path: &Path) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Error::invalid(
            "database",
            format!("The database {} cannot be made: {error}.", path.display()),
        )),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn nobody_else_on_the_machine_reads_the_books() {
        let path = std::env::temp_dir().join(format!("techcommerce-stores-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        let folder = DataFolder::open(&path).unwrap();
        let settings = techcommerce_config::load(&techcommerce_config::Sources::default());
        let settings = settings.unwrap().settings;
        for _ in 0..2 {
            let stores = Stores::open(&settings, Some(&folder), &WITH_DATABASE)
                .await
                .unwrap();
            stores.migrate().await.unwrap();
            let mut files = 0;
            for file in std::fs::read_dir(&path).unwrap() {
                let file = file.unwrap();
                let mode = file.metadata().unwrap().permissions().mode();
                assert_eq!(mode & 0o077, 0, "{:?}: {mode:o}", file.path());
                files += 1;
            }
            assert!(files >= 4);
            stores.close().await;
        }
        std::fs::remove_dir_all(path).unwrap();
    }
}
