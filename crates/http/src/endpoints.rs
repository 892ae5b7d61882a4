//! One list of a service's endpoints, read twice: into the router that serves them, and into the
//! document that describes them. The two readings share nothing but the list, so a program that only
//! serves has no code that describes; of what is shipped that was a twentieth.

use axum::{Router, routing::MethodRouter};
use utoipa::openapi::{OpenApi, Paths};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

#[doc(hidden)]
pub use utoipa::Path;
#[doc(hidden)]
pub use utoipa_axum::{PathItemExt, paste, routes as described};

/// Where a list of endpoints is read into.
pub trait Endpoints<S>: Sized {
    /// Adds one path with its methods, as [`routes!`](crate::routes) gives it.
    #[must_use]
    fn routes(
        self,
        route: Route<
            impl FnOnce() -> (String, MethodRouter<S>),
            impl FnOnce() -> UtoipaMethodRouter<S>,
        >,
    ) -> Self;
}

/// A path with its methods, for both readings.
#[derive(Debug)]
pub struct Route<Served, Described> {
    /// The path and who answers there.
    pub served: Served,
    /// What the document says of it.
    pub described: Described,
}

impl<S: Clone + Send + Sync + 'static> Endpoints<S> for Router<S> {
    fn routes(
        self,
        route: Route<
            impl FnOnce() -> (String, MethodRouter<S>),
            impl FnOnce() -> UtoipaMethodRouter<S>,
        >,
    ) -> Self {
        let (path, methods) = (route.served)();
        self.route(&path, methods)
    }
}

impl<S: Clone + Send + Sync + 'static> Endpoints<S> for OpenApiRouter<S> {
    fn routes(
        self,
        route: Route<
            impl FnOnce() -> (String, MethodRouter<S>),
            impl FnOnce() -> UtoipaMethodRouter<S>,
        >,
    ) -> Self {
        Self::routes(self, (route.described)())
    }
}

/// The document of a list by the paths that the edge has: `list` adds it to what `about` says.
pub fn document<S>(
    about: OpenApi,
    list: impl FnOnce(OpenApiRouter<S>) -> OpenApiRouter<S>,
) -> OpenApi
where
    S: Clone + Send + Sync + 'static,
{
    let document = list(OpenApiRouter::with_openapi(about)).into_openapi();
    let mut outer = document.clone();
    outer.paths = Paths::new();
    outer.nest("/api", document)
}

/// A path's handlers, one for each method, each named by its module; `#[utoipa::path]` says where
/// they answer: `routes!(order_place::place, order_list::list)`.
#[macro_export]
macro_rules! routes {
    ($first:ident::$head:ident $(, $module:ident::$handler:ident)* $(,)?) => {
        $crate::endpoints::Route {
            served: || $crate::endpoints::paste! {{
                use $crate::endpoints::{Path, PathItemExt};
                let methods = axum::routing::MethodRouter::new();
                let methods = <$first::[<__path_ $head>] as Path>::methods()
                    .iter()
                    .fold(methods, |methods, method| methods.on(method.to_method_filter(), $first::$head));
                $(
                    let methods = <$module::[<__path_ $handler>] as Path>::methods()
                        .iter()
                        .fold(methods, |methods, method| {
                            methods.on(method.to_method_filter(), $module::$handler)
                        });
                )*
                (<$first::[<__path_ $head>] as Path>::path(), methods)
            }},
            described: || $crate::endpoints::described!($first::$head $(, $module::$handler)*),
        }
    };
}
