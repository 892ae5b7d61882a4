//! What a service brings to a process.

use std::{fmt, future::Future, pin::Pin};

use axum::Router;
use techcommerce_contracts::Service;
use techcommerce_http::Health;
use techcommerce_kernel::Error;

use crate::Shutdown;

/// A service, ready to be started.
#[derive(Debug)]
pub struct Module {
    /// Which service.
    pub service: Service,
    /// The services that must be up before it, here or elsewhere. Not the ones that it calls when
    /// asked: those may be away for a while.
    pub needs: Vec<Service>,
    /// Its routes, in its service stack, at the service's own paths.
    pub router: Router,
    /// Its state.
    pub health: Health,
    /// What it does in the background.
    pub tasks: Vec<Task>,
}

type Run =
    Box<dyn FnOnce(Shutdown) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> + Send>;

/// Something that runs in the background as long as its service does.
pub struct Task {
    pub(crate) name: &'static str,
    pub(crate) run: Run,
}

impl Task {
    /// A task that runs until its [`Shutdown`] is requested, or earlier if it is done.
    ///
    /// If it fails or panics, the whole process ends with its error: do not fail for what may
    /// pass, try again instead.
    pub fn new<F, Fut>(name: &'static str, run: F) -> Self
    where
        F: FnOnce(Shutdown) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), Error>> + Send + 'static,
    {
        Self {
            name,
            run: Box::new(move |shutdown| Box::pin(run(shutdown))),
        }
    }

    /// Names it in logs and errors.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Task({})", self.name)
    }
}

/// The modules in the order in which they start: each after all that it needs, else as given.
///
/// `elsewhere` says whether a service runs in another process.
///
/// # Errors
/// `internal` that names a need that is nowhere, a module given twice, or a circle of needs.
pub(crate) fn in_order(
    modules: Vec<Module>,
    elsewhere: impl Fn(Service) -> bool,
) -> Result<Vec<Module>, Error> {
    let here: Vec<Service> = modules.iter().map(|module| module.service).collect();
    for (index, module) in modules.iter().enumerate() {
        if here[..index].contains(&module.service) {
            let name = module.service;
            return Err(Error::internal(format!("{name} was given twice")));
        }
        for need in &module.needs {
            if !here.contains(need) && !elsewhere(*need) {
                return Err(Error::internal(format!(
                    "{} needs {need}, which neither runs here nor has an address elsewhere",
                    module.service
                )));
            }
        }
    }
    let mut waiting = modules;
    let mut started: Vec<Module> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let is_up = |need: &Service| {
            !here.contains(need) || started.iter().any(|module| module.service == *need)
        };
        let next = waiting
            .iter()
            .position(|module| module.needs.iter().all(is_up));
        let Some(next) = next else {
            let names: Vec<_> = waiting.iter().map(|m| m.service.name()).collect();
            return Err(Error::internal(format!(
                "these services need each other in a circle: {}",
                names.join(", ")
            )));
        };
        started.push(waiting.remove(next));
    }
    Ok(started)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Service::{Api, Auth, Frontend, OrderApi, ProductApi};

    fn module(service: Service, needs: &[Service]) -> Module {
        Module {
            service,
            needs: needs.to_vec(),
            router: Router::new(),
            health: Health::new(service, Vec::new()),
            tasks: Vec::new(),
        }
    }

    fn order(modules: Vec<Module>, elsewhere: &[Service]) -> Result<Vec<Service>, String> {
        in_order(modules, |service| elsewhere.contains(&service))
            .map(|modules| modules.into_iter().map(|m| m.service).collect())
            .map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn needs_come_first() {
        let modules = vec![
            module(Frontend, &[Api]),
            module(Api, &[Auth, ProductApi, OrderApi]),
            module(OrderApi, &[ProductApi]),
            module(ProductApi, &[]),
            module(Auth, &[]),
        ];
        assert_eq!(
            order(modules, &[]).unwrap(),
            [ProductApi, OrderApi, Auth, Api, Frontend]
        );
    }

    #[test]
    fn what_runs_elsewhere_is_up() {
        let alone = || vec![module(OrderApi, &[ProductApi])];
        assert_eq!(order(alone(), &[ProductApi]).unwrap(), [OrderApi]);
        let error = order(alone(), &[]).unwrap_err();
        assert!(error.contains("order-api needs product-api"), "{error}");
    }

    #[test]
    fn a_circle_is_told() {
        let error = order(
            vec![
                module(Auth, &[]),
                module(Api, &[OrderApi]),
                module(OrderApi, &[Api]),
            ],
            &[],
        )
        .unwrap_err();
        assert!(error.contains("circle: api, order-api"), "{error}");
        let twice = order(vec![module(Auth, &[]), module(Auth, &[])], &[]).unwrap_err();
        assert!(twice.contains("auth was given twice"), "{twice}");
    }
}
