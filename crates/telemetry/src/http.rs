//! The metrics of the HTTP servers, by the names of OpenTelemetry's conventions.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::{
    Histogram, SERVICES, Telemetry,
    catalogue::{Bound, DescribedLabel, Descriptor, Kind},
    metrics::Buckets,
};

/// Upper bounds in seconds: they tell 1 ms from 2 ms, and 2 s is an edge because the alert on
/// slow answers asks for it.
pub const DURATION_BUCKETS: &[f64] = &[
    0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.125, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0,
];

/// What else comes is `other`.
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    service: &'static str,
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServiceLabel {
    service: &'static str,
}

pub(crate) struct HttpMetrics {
    duration: Family<RequestLabels, Histogram, Buckets>,
    active: Family<ServiceLabel, Gauge>,
}

impl HttpMetrics {
    pub(crate) fn register(registry: &mut Registry, catalogue: &mut Vec<Descriptor>) -> Self {
        let duration = Family::new_with_constructor(Buckets(DURATION_BUCKETS));
        let active = Family::default();
        let label = |name, bound| DescribedLabel { name, bound };
        let service = label("service", Bound::OneOf(SERVICES));
        let told = Descriptor {
            name: "http_server_request_duration_seconds".into(),
            kind: Kind::Histogram,
            help: "Time from the head of a request to the head of its answer".into(),
            labels: vec![
                service,
                label("method", Bound::OneOf(METHODS)),
                label(
                    "route",
                    Bound::Words("a route's template as `/carts/{id}`, or `unmatched`"),
                ),
                label(
                    "status",
                    Bound::Words("a status of HTTP; 499: the client went away"),
                ),
            ],
            buckets: DURATION_BUCKETS,
        };
        registry.register(&told.name, &told.help, duration.clone());
        catalogue.push(told);
        let told = Descriptor {
            name: "http_server_active_requests".into(),
            kind: Kind::Gauge,
            help: "Requests under way".into(),
            labels: vec![service],
            buckets: &[],
        };
        registry.register(&told.name, &told.help, active.clone());
        catalogue.push(told);
        Self { duration, active }
    }
}

/// What was answered by one route: how often with a method and a status, and in what time.
type Answered = Vec<((&'static str, u16), Histogram)>;

/// Records the requests of one service. Clones are the same.
#[derive(Clone)]
pub struct HttpRecorder {
    telemetry: Telemetry,
    service: &'static str,
    active: Gauge,
    /// The series that there are, so that nobody has to put labels together to find one, and
    /// nobody waits: there are few, and soon all of them are there.
    known: Arc<ArcSwap<HashMap<String, Answered>>>,
}

impl fmt::Debug for HttpRecorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpRecorder({})", self.service)
    }
}

impl HttpRecorder {
    /// A recorder for the service of this name.
    pub fn new(telemetry: &Telemetry, service: &'static str) -> Self {
        Self {
            telemetry: telemetry.clone(),
            service,
            active: telemetry
                .http()
                .active
                .get_or_create_owned(&ServiceLabel { service }),
            known: Arc::default(),
        }
    }

    /// The number of requests under way.
    pub fn active(&self) -> &Gauge {
        &self.active
    }

    /// A request was answered. `route` is the template (`/carts/{id}`), never the path; `method`
    /// is a standard one or `other`; `status` is 499 if the client went away before the answer.
    pub fn record(&self, method: &'static str, route: &str, status: u16, taken: Duration) {
        let taken = taken.as_secs_f64();
        let known = self.known.load();
        let answered = known.get(route).into_iter().flatten();
        for (labels, histogram) in answered {
            if *labels == (method, status) {
                histogram.observe(taken);
                return;
            }
        }
        drop(known);
        let histogram = self
            .telemetry
            .http()
            .duration
            .get_or_create_owned(&RequestLabels {
                service: self.service,
                method,
                route: route.to_owned(),
                status,
            });
        histogram.observe(taken);
        self.known.rcu(|known| {
            let mut known = HashMap::clone(known);
            let answered = known.entry(route.to_owned()).or_default();
            // Two may have found it missing; the second does no harm, for it is the same.
            answered.push(((method, status), histogram.clone()));
            known
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_recorded_under_its_route() {
        let telemetry = Telemetry::new("0", "0");
        let recorder = HttpRecorder::new(&telemetry, "order-api");
        recorder.record("GET", "/carts/{id}", 200, Duration::from_micros(1500));
        recorder
            .clone()
            .record("GET", "/carts/{id}", 200, Duration::from_micros(2500));
        recorder.record("GET", "/carts/{id}", 404, Duration::from_micros(2500));
        recorder.active().inc();
        let text = telemetry.encode();
        let labels = r#"{service="order-api",method="GET",route="/carts/{id}",status="200""#;
        for line in [
            format!("http_server_request_duration_seconds_count{labels}}} 2"),
            format!(
                r#"http_server_request_duration_seconds_bucket{{le="0.001",{}}} 0"#,
                &labels[1..]
            ),
            format!(
                r#"http_server_request_duration_seconds_bucket{{le="0.002",{}}} 1"#,
                &labels[1..]
            ),
            "http_server_active_requests{service=\"order-api\"} 1".to_owned(),
        ] {
            assert!(text.contains(&line), "{line}\nnot in\n{text}");
        }
    }

    #[test]
    fn two_seconds_is_an_edge() {
        assert!(DURATION_BUCKETS.contains(&2.0));
        assert!(DURATION_BUCKETS.is_sorted());
    }
}
