//! Which services run in this process.

use techcommerce_config::{ServiceUrl, Settings};
use techcommerce_contracts::Service;
use techcommerce_kernel::Error;

/// The services that keep a database of their own.
pub const WITH_DATABASE: [Service; 4] = [
    Service::ProductApi,
    Service::OrderApi,
    Service::Auth,
    Service::Images,
];

/// Which services run in this process: all as one shop, or some that find the others by address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    services: Vec<Service>,
    whole: bool,
}

impl Here {
    /// All services of a shop, with nothing beside it.
    pub fn whole() -> Self {
        Self {
            services: Service::ALL.to_vec(),
            whole: true,
        }
    }

    /// These services; none named are all as one shop.
    ///
    /// # Errors
    /// If the settings do not suffice for services that run apart.
    pub fn of(mut services: Vec<Service>, settings: &Settings) -> Result<Self, Error> {
        if services.is_empty() {
            return Ok(Self::whole());
        }
        services.sort_unstable();
        services.dedup();
        let here = Self {
            services,
            whole: false,
        };
        if settings.database_url.is_none() && !here.databases().is_empty() {
            return Err(Error::invalid(
                "configuration",
                "Services that run apart keep their data in PostgreSQL: set database_url, or start all \
                 of them in one process with `techcommerce serve`.",
            ));
        }
        Ok(here)
    }

    /// What a command that is no `serve` works with: these services, or all of them, as the
    /// settings have them run.
    pub fn for_command(services: Vec<Service>, settings: &Settings) -> Result<Self, Error> {
        match services.is_empty() && settings.keys.trusted.is_some() {
            true => Self::of(Service::ALL.to_vec(), settings),
            false => Self::of(services, settings),
        }
    }

    /// Whether this process is the whole shop.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// The services that run here.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// Whether the service runs here.
    pub fn has(&self, service: Service) -> bool {
        self.services.contains(&service)
    }

    /// The services whose databases are opened here: their own, and for the worker all.
    pub fn databases(&self) -> Vec<Service> {
        WITH_DATABASE
            .into_iter()
            .filter(|service| self.has(*service) || self.has(Service::Worker))
            .collect()
    }

    /// The services that run elsewhere.
    pub fn elsewhere(&self) -> impl Iterator<Item = Service> {
        let here = self.services.clone();
        Service::ALL
            .into_iter()
            .filter(move |service| !here.contains(service))
    }
}

/// Where a service is reached when it runs apart.
pub fn address(settings: &Settings, service: Service) -> &ServiceUrl {
    let services = &settings.services;
    match service {
        Service::Frontend => &services.frontend,
        Service::Api => &services.api,
        Service::ProductApi => &services.product_api,
        Service::OrderApi => &services.order_api,
        Service::Auth => &services.auth,
        Service::Images => &services.images,
        Service::Worker => &services.worker,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Settings {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let sources = techcommerce_config::Sources {
            environment: variables.iter().map(own).collect(),
            ..techcommerce_config::Sources::default()
        };
        techcommerce_config::load(&sources).unwrap().settings
    }

    #[test]
    fn a_service_opens_its_own_database_and_the_worker_all() {
        let settings = settings(&[("DATABASE_URL", "postgres://db/shop")]);
        let of = |services: &[Service]| {
            let here = Here::of(services.to_vec(), &settings).unwrap();
            here.databases()
        };
        assert_eq!(of(&[Service::OrderApi]), [Service::OrderApi]);
        assert_eq!(of(&[Service::Frontend, Service::Api]), []);
        assert_eq!(of(&[Service::Worker]), WITH_DATABASE);
        assert_eq!(of(&[]), WITH_DATABASE);
    }

    #[test]
    fn services_apart_need_postgres() {
        let settings = settings(&[]);
        assert!(Here::of(vec![Service::Auth], &settings).is_err());
        assert!(Here::of(vec![Service::Frontend], &settings).is_ok());
        assert!(Here::of(Vec::new(), &settings).unwrap().is_whole());
    }
}
