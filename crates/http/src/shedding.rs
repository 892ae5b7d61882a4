//! Refusing early what could only wait.
//!
//! A service that takes on whatever comes does everything late once more comes than it can do. So
//! it looks how long a request would wait for what it works with, and refuses at the door what
//! would wait for too long, which costs next to nothing. What is too long depends on what is asked
//! for: whoever begins something is refused before whoever ends it, so that the work that was done
//! for them already is not lost.

use std::{fmt, sync::Arc, time::Duration};

use axum::extract::{MatchedPath, Request};
use http::Method;
use techcommerce_kernel::Error;

/// How long who was refused should wait.
const COME_BACK: Duration = Duration::from_secs(1);

/// Whether a request of a method and route template would wait for too long.
type TooLong = dyn Fn(&Method, &str) -> bool + Send + Sync;

/// When a service refuses requests before it begins with them. Requests of our own services are
/// never refused by it: they are part of what was taken on before.
#[derive(Clone)]
pub struct Shedding(Arc<TooLong>);

impl Shedding {
    /// `too_long` says whether a request of a method and route template that comes now would wait for
    /// longer than one of its kind may.
    pub fn new(too_long: impl Fn(&Method, &str) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(too_long))
    }

    /// # Errors
    /// `busy` if the request would wait for too long.
    pub(crate) fn check(&self, request: &Request) -> Result<(), Error> {
        let route = request.extensions().get::<MatchedPath>();
        let route = route.map_or("", MatchedPath::as_str);
        match (self.0)(request.method(), route) {
            true => Err(Error::busy(
                "More people are buying than the shop can serve at once. Please try again.",
            )
            .retry_after(COME_BACK)),
            false => Ok(()),
        }
    }
}

impl fmt::Debug for Shedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shedding").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use axum::{
        Router,
        body::Body,
        routing::{get, post},
    };
    use techcommerce_contracts::{Service, ServiceTokens, TokenSigner, identity::TOKEN_HEADER};
    use techcommerce_kernel::Env;
    use techcommerce_telemetry::Telemetry;
    use tower::ServiceExt;

    use super::*;
    use crate::{Exposure, Health, Limits, ServiceStack, shedding_service_stack};

    fn patience(method: &Method, route: &str) -> u64 {
        match (method, route) {
            (&Method::POST, "/begin/{id}") => 20,
            (_, "/told") => u64::MAX,
            _ => 100,
        }
    }

    /// Which of the requests are refused when a request would wait for so many milliseconds.
    #[tokio::test]
    async fn who_would_wait_too_long_is_refused_at_the_door() {
        let (env, _) = Env::manual(1);
        let wait = Arc::new(AtomicU64::new(0));
        let too_long = {
            let wait = Arc::clone(&wait);
            move |method: &Method, route: &str| {
                wait.load(Ordering::Relaxed) > patience(method, route)
            }
        };
        let signer = TokenSigner::from_seed(&[7; 32], env.clone());
        let stack = ServiceStack {
            service: Service::OrderApi,
            verifier: signer.verifier(),
            env,
            telemetry: Telemetry::new("test", "test"),
            health: Health::new(Service::OrderApi, Vec::new()),
            exposure: Exposure::Internal,
            limits: Limits::default(),
        };
        let routes = Router::new()
            .route("/begin/{id}", post(|| async {}).get(|| async {}))
            .route("/told", post(|| async {}))
            .route("/end", get(|| async {}));
        let router = shedding_service_stack(routes, stack, Shedding::new(too_long));
        let token = ServiceTokens::local(signer, Service::Worker)
            .token()
            .unwrap();
        let send = async |method: &str, path: &str, ours: bool| {
            let mut request = Request::builder().method(method).uri(path);
            if ours {
                request = request.header(TOKEN_HEADER, &token);
            }
            let request = request.body(Body::empty()).unwrap();
            router.clone().oneshot(request).await.unwrap()
        };
        for (millis, begin, end) in [
            (0, 200, 200),
            (20, 200, 200),
            (50, 503, 200),
            (101, 503, 503),
        ] {
            wait.store(millis, Ordering::Relaxed);
            let answer = send("POST", "/begin/1", false).await;
            assert_eq!(answer.status(), begin, "{millis}");
            assert_eq!(send("GET", "/end", false).await.status(), end, "{millis}");
            assert_eq!(send("GET", "/begin/1", false).await.status(), end);
            assert_eq!(send("POST", "/begin/1", true).await.status(), 200, "ours");
            assert_eq!(send("POST", "/told", false).await.status(), 200);
            assert_eq!(send("GET", "/healthz", false).await.status(), 200);
        }
        let refused = send("POST", "/begin/1", false).await;
        assert_eq!(refused.headers()["retry-after"], "1");
        assert_eq!(
            refused.headers()["content-type"],
            "application/problem+json"
        );
    }
}
