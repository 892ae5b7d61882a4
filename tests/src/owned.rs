//! A role of its own for each service, its address in a file that is mounted as a Secret.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::mounted::Mounted;
use crate::shop::Setup;

/// The services that keep books.
pub const WITH_DATABASE: [&str; 4] = ["product-api", "order-api", "auth", "images"];

/// The addresses of the services' databases.
pub struct Owned {
    folder: PathBuf,
    /// The superuser's address of the shop's database.
    pub admin: String,
    suffix: String,
}

impl Owned {
    /// Gives each service of `setup` an address in a file; the roles are yet to be made.
    pub fn new(setup: Setup) -> Result<(Setup, Self)> {
        let admin = setup.database_url().context("PostgreSQL")?.to_owned();
        Self::at(setup, admin, None)
    }

    /// As [`Self::new`], on the server of this superuser, and with another host and port than the
    /// server's own.
    pub fn at(mut setup: Setup, admin: String, place: Option<&str>) -> Result<(Setup, Self)> {
        let owned = Self {
            folder: setup.folder().join("databases"),
            // Roles are the server's, and many tests share it.
            suffix: format!("{:08x}", rand::random::<u32>()),
            admin,
        };
        for service in WITH_DATABASE {
            let address = owned.address(service, "first", place)?;
            owned.mount(service, &address)?;
            let name = service.replace('-', "_").to_uppercase();
            let file = owned.folder.join(service).join("url");
            setup = setup.set(
                &format!("TECHCOMMERCE_DATABASES_{name}_FILE"),
                &file.display().to_string(),
            );
        }
        Ok((setup.set("DATABASE_URL", ""), owned))
    }

    /// The name of a service's role.
    pub fn role(&self, service: &str) -> String {
        format!("{}_{}", service.replace('-', "_"), self.suffix)
    }

    /// The address of a service's database with this password.
    pub fn address(&self, service: &str, password: &str, place: Option<&str>) -> Result<String> {
        let (_, rest) = self.admin.rsplit_once('@').context("an address")?;
        let (server, database) = rest.split_once('/').context("a database")?;
        let place = place.unwrap_or(server);
        let role = self.role(service);
        Ok(format!("postgres://{role}:{password}@{place}/{database}"))
    }

    /// Puts an address where the service reads it, as kubelet does.
    pub fn mount(&self, service: &str, address: &str) -> Result<()> {
        Mounted::at(self.folder.join(service)).put(&[("url", address)])
    }

    /// `techcommerce migrate` as the Job runs it.
    pub fn migrate(&self, setup: &Setup) -> Result<String> {
        let mut command = setup.command(&["migrate"])?;
        command.env("TECHCOMMERCE_DATABASE_ADMIN_URL", &self.admin);
        let done = command.output()?;
        ensure!(done.status.success(), "{done:?}");
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    }

    /// A connection as somebody who may do everything.
    pub async fn superuser(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect(&self.admin).await?)
    }

    /// A connection as the service has it.
    pub async fn connect(&self, service: &str, password: &str) -> Result<PgConnection> {
        let address = self.address(service, password, None)?;
        Ok(PgConnection::connect(&address).await?)
    }

    /// Changes the password of a service's role in the server alone.
    pub async fn alter_password(&self, service: &str, password: &str) -> Result<()> {
        let sql = format!("ALTER ROLE {} PASSWORD '{password}'", self.role(service));
        let mut admin = self.superuser().await?;
        admin.execute(AssertSqlSafe(sql)).await?;
        Ok(())
    }

    /// Takes the roles away after the test; its database goes by itself.
    pub async fn forget(&self) -> Result<()> {
        let mut admin = self.superuser().await?;
        for service in WITH_DATABASE {
            let role = self.role(service);
            let sql = format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}");
            admin.execute(AssertSqlSafe(sql)).await?;
        }
        Ok(())
    }
}
