//! The services' databases: a file each, or a schema each of one PostgreSQL.

use std::str::FromStr;

use sqlx::{migrate::Migrator, postgres::PgConnectOptions};
use techcommerce_config::Settings;
use techcommerce_contracts::Service;
use techcommerce_kernel::Error;
use techcommerce_store::{Db, PostgresOptions};

use crate::data_folder::DataFolder;

/// The most connections to PostgreSQL that each service keeps.
const CONNECTIONS_PER_SERVICE: u32 = 10;

/// The databases of the services that have one.
#[derive(Debug, Clone)]
pub struct Stores {
    pub product_api: Db,
    pub order_api: Db,
    pub auth: Db,
    pub images: Db,
}

impl Stores {
    /// Opens all of them, making SQLite's files where they are not there.
    pub async fn open(settings: &Settings, folder: &DataFolder) -> Result<Self, Error> {
        let open = |service| open_one(settings, folder, service);
        Ok(Self {
            product_api: open(Service::ProductApi).await?,
            order_api: open(Service::OrderApi).await?,
            auth: open(Service::Auth).await?,
            images: open(Service::Images).await?,
        })
    }

    /// Each with its service and its migrations.
    pub fn all(&self) -> [(Service, &Db, &'static Migrator); 4] {
        [
            (
                Service::ProductApi,
                &self.product_api,
                &techcommerce_product_api::MIGRATOR,
            ),
            (
                Service::OrderApi,
                &self.order_api,
                &techcommerce_order_api::MIGRATOR,
            ),
            (Service::Auth, &self.auth, &techcommerce_auth::MIGRATOR),
            (
                Service::Images,
                &self.images,
                &techcommerce_images::MIGRATOR,
            ),
        ]
    }

    /// Brings all of them up to date.
    pub async fn migrate(&self) -> Result<(), Error> {
        for (service, db, migrator) in self.all() {
            db.migrate(migrator).await.map_err(|error| {
                let unreachable = error.is_unreachable();
                let failed = Error::from(error);
                if unreachable {
                    Error::unavailable(format!(
                        "The database of {service} cannot be reached: {}.\n\
                         Check that it runs and that database_url is right; `techcommerce doctor` tries it.",
                        std::error::Error::source(&failed)
                            .map_or_else(|| failed.to_string(), ToString::to_string)
                    ))
                } else {
                    Error::new(
                        failed.kind(),
                        "migration",
                        format!("The database of {service} could not be brought up to date: {failed:?}"),
                    )
                }
            })?;
        }
        Ok(())
    }

    /// Closes all of them.
    pub async fn close(&self) {
        for (_, db, _) in self.all() {
            db.close().await;
        }
    }
}

async fn open_one(settings: &Settings, folder: &DataFolder, service: Service) -> Result<Db, Error> {
    let Some(url) = &settings.database_url else {
        let path = folder.join(format!("{service}.db"));
        return Db::open_sqlite(&path).await.map_err(|error| {
            Error::invalid(
                "database",
                format!(
                    "The database {} cannot be opened: {error}.\n\
                     If another program holds it, stop that; if the file is damaged, restore a backup.",
                    path.display()
                ),
            )
        });
    };
    let connect = PgConnectOptions::from_str(url.expose()).map_err(|error| {
        Error::invalid(
            "configuration",
            format!("database_url is no PostgreSQL address: {error}"),
        )
    })?;
    Ok(Db::open_postgres(PostgresOptions {
        connect,
        schema: service.name().replace('-', "_"),
        max_connections: CONNECTIONS_PER_SERVICE,
    }))
}
