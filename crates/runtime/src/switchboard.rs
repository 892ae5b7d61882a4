//! The ways between services, handed out before the services exist.

use std::{collections::BTreeMap, fmt};

use axum::{Router, extract::Request};
use http::Uri;
use techcommerce_contracts::{Channel, Service, channel::LocalBinding};
use tower::ServiceExt;

/// Knows the way to each service: into this process, or to an address.
pub struct Switchboard {
    ways: BTreeMap<Service, (Channel, Option<LocalBinding>)>,
}

impl Switchboard {
    /// The services in `remote` are at these addresses (`http://product-api:5000`); all others
    /// are expected in this process. A call to one that is not there yet, or never comes, fails
    /// as `unavailable`.
    pub fn new(remote: impl IntoIterator<Item = (Service, Uri)>) -> Self {
        let mut ways: BTreeMap<_, _> = Service::ALL
            .into_iter()
            .map(|service| {
                let (channel, binding) = Channel::local(service);
                (service, (channel, Some(binding)))
            })
            .collect();
        for (service, address) in remote {
            ways.insert(service, (Channel::remote(service, address), None));
        }
        Self { ways }
    }

    /// The way to `service`. It may be handed out before the service is there.
    pub fn channel(&self, service: Service) -> Channel {
        match self.ways.get(&service) {
            Some((channel, _)) => channel.clone(),
            // Not reached: every service has a way. An unbound one answers `unavailable`.
            None => Channel::local(service).0,
        }
    }

    /// Whether the service is at an address outside of this process.
    pub fn is_remote(&self, service: Service) -> bool {
        matches!(self.ways.get(&service), Some((_, None)))
    }

    /// From now on the ways to `service` lead to `router`.
    ///
    /// What the caller left in the extensions of a request (its own route, its peer, who called
    /// it) does not come along: a call in this process carries what a call over the network would.
    pub(crate) fn bind(&self, service: Service, router: Router) {
        if let Some((_, Some(binding))) = self.ways.get(&service) {
            binding.bind(router.map_request(|mut request: Request| {
                request.extensions_mut().clear();
                request
            }));
        }
    }
}

impl fmt::Debug for Switchboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remote = |(_, binding): &(Channel, Option<LocalBinding>)| match binding {
            Some(_) => "here",
            None => "elsewhere",
        };
        f.debug_map()
            .entries(
                self.ways
                    .iter()
                    .map(|(service, way)| (service, remote(way))),
            )
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, extract::Extension, routing::get};
    use http_body_util::BodyExt;

    use super::*;

    fn request() -> http::Request<Body> {
        let mut request = http::Request::get("/hello").body(Body::empty()).unwrap();
        request.extensions_mut().insert("from the caller");
        request
    }

    #[tokio::test]
    async fn a_way_can_be_had_before_the_service() {
        let switchboard = Switchboard::new([]);
        let channel = switchboard.channel(Service::Auth);
        let error = channel.call(request()).await.unwrap_err();
        assert_eq!(error.kind(), techcommerce_kernel::Kind::Unavailable);

        let hello = |left: Option<Extension<&'static str>>| async move {
            format!("hello {}", left.is_some())
        };
        switchboard.bind(Service::Auth, Router::new().route("/hello", get(hello)));
        let response = channel.call(request()).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "hello false", "extensions stay behind");
    }

    #[test]
    fn addresses_are_elsewhere() {
        let at = Uri::from_static("http://auth:5001");
        let switchboard = Switchboard::new([(Service::Auth, at)]);
        assert!(switchboard.is_remote(Service::Auth));
        assert!(!switchboard.is_remote(Service::Api));
    }
}
