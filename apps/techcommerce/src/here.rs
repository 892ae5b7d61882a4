//! Which services run in this process.

use techcommerce_config::{ServiceUrl, Settings};
use techcommerce_contracts::Service;
use techcommerce_kernel::Error;

use crate::stores;

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
            let here = Self::whole();
            let without = here.without_address(settings);
            if !without.is_empty() && without.len() < WITH_DATABASE.len() {
                return Err(Error::invalid(
                    "configuration",
                    format!(
                        "Some services have a database in PostgreSQL, and {} none: set {}, or \
                         database_url for all that have none of their own.",
                        names(&without, |service| service.name().to_owned()),
                        names(&without, setting),
                    ),
                ));
            }
            return Ok(here);
        }
        services.sort_unstable();
        services.dedup();
        let here = Self {
            services,
            whole: false,
        };
        let without = here.without_address(settings);
        if !without.is_empty() {
            return Err(Error::invalid(
                "configuration",
                format!(
                    "Services that run apart keep their data in PostgreSQL: set {}, or database_url for \
                     all, or start all of them in one process with `techcommerce serve`.",
                    names(&without, setting),
                ),
            ));
        }
        Ok(here)
    }

    /// Whether all databases that are opened here are in PostgreSQL.
    pub fn is_in_postgres(&self, settings: &Settings) -> bool {
        self.without_address(settings).is_empty()
    }

    /// Those of [`Self::databases`] that have no address in PostgreSQL.
    fn without_address(&self, settings: &Settings) -> Vec<Service> {
        let databases = self.databases().into_iter();
        databases
            .filter(|service| stores::url(settings, *service).is_none())
            .collect()
    }

    /// This service alone, whatever the settings say.
    pub fn apart(service: Service) -> Self {
        Self {
            services: vec![service],
            whole: false,
        }
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

/// The setting with the address of a service's own database.
pub fn setting(service: Service) -> String {
    format!("databases.{}", service.name().replace('-', "_"))
}

fn names(services: &[Service], name: impl Fn(Service) -> String) -> String {
    let names: Vec<_> = services.iter().map(|service| name(*service)).collect();
    names.join(", ")
}

/// The services that a service calls: the flows that a network has to let through.
pub fn calls(service: Service) -> &'static [Service] {
    match service {
        Service::Frontend => &[Service::Api, Service::Images],
        Service::Api => &[
            Service::ProductApi,
            Service::OrderApi,
            Service::Auth,
            Service::Images,
            Service::Worker,
        ],
        Service::ProductApi | Service::Auth | Service::Images => &[],
        Service::OrderApi => &[Service::ProductApi],
        Service::Worker => &[Service::ProductApi, Service::Images],
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

    #[test]
    fn a_service_needs_the_address_of_its_own_database_alone() {
        let some = settings(&[("TECHCOMMERCE_DATABASES_ORDER_API", "postgres://db/shop")]);
        assert!(Here::of(vec![Service::OrderApi], &some).is_ok());
        for services in [vec![Service::Worker], vec![Service::Auth], vec![]] {
            let error = Here::of(services, &some).unwrap_err().to_string();
            assert!(error.contains("databases.auth"), "{error}");
            assert!(!error.contains("databases.order_api"), "{error}");
        }
    }
}
