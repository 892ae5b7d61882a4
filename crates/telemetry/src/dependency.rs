//! Calls to what a service depends on.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use techcommerce_kernel::{Called, Measure, Meter};

use crate::{DURATION_BUCKETS, Gauge, Histogram, Label, SERVICES, Telemetry, trace::measured_call};

/// What services depend on: each other, and what stands outside.
pub const DEPENDENCIES: &[&str] = &[
    "api",
    "product-api",
    "order-api",
    "auth",
    "images",
    "worker",
    "database",
    "redis",
    "object-store",
    "smtp",
    "payment-provider",
    "picture-source",
];

const OUTCOMES: &[&str] = &["ok", "error", "timeout", "refused"];

impl Telemetry {
    /// Measures what `service` calls at `dependency`, which is one of [`DEPENDENCIES`]. Its series
    /// are there from now on.
    pub fn dependency(&self, service: &'static str, dependency: &'static str) -> Meter {
        let durations = self.histograms(
            "techcommerce_dependency_duration_seconds",
            "How long calls to a dependency took, and how they ended: refused were not even tried, \
             because it is known to be away",
            DURATION_BUCKETS,
            [
                service_label(),
                Label::one_of("dependency", DEPENDENCIES),
                Label::one_of("outcome", OUTCOMES),
            ],
        );
        let called = Called::ALL.map(|how| durations.with([service, dependency, how.label()]));
        let series = Series {
            called,
            breaker: OnceLock::new(),
            telemetry: self.clone(),
            of: [service, dependency],
        };
        Meter::new(service, dependency, Arc::new(series))
    }

    /// Whether a dependency answers the checks of `service`.
    pub fn dependency_up(&self, service: &str, dependency: &str) -> Gauge {
        let up = self.gauges(
            "techcommerce_dependency_up",
            "Whether a dependency answered the service's last check of it",
            [service_label(), Label::one_of("dependency", DEPENDENCIES)],
        );
        up.with([service, dependency])
    }
}

/// The label `service`.
pub(crate) fn service_label() -> Label {
    Label::one_of("service", SERVICES)
}

/// The series of one dependency, found once.
struct Series {
    /// By the place in [`Called::ALL`].
    called: [Histogram; 4],
    /// Not all have one.
    breaker: OnceLock<Gauge>,
    telemetry: Telemetry,
    of: [&'static str; 2],
}

impl Measure for Series {
    fn called(&self, how: Called, taken: Duration) {
        self.called[how as usize].observe(taken.as_secs_f64());
        let [_, dependency] = self.of;
        // What is told more closely elsewhere: calls between services and statements.
        if !SERVICES.contains(&dependency) && dependency != "database" {
            measured_call(dependency, how, taken);
        }
    }

    fn breaker(&self, open: bool) {
        let gauge = self.breaker.get_or_init(|| {
            let breakers = self.telemetry.gauges(
                "techcommerce_breaker_open",
                "Whether calls to a dependency are refused at once, because it is away",
                [service_label(), Label::one_of("dependency", DEPENDENCIES)],
            );
            breakers.with(self.of)
        });
        gauge.set(i64::from(open));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn calls_are_counted_by_how_they_ended() {
        let telemetry = Telemetry::new("0", "0");
        let meter = telemetry.dependency("api", "redis");
        for how in Called::ALL {
            let call = async { Err::<(), _>("away") };
            let outcome = meter.measure(call, |_| how).await;
            assert_eq!(outcome, Err("away"));
        }
        meter.breaker(true);
        let text = telemetry.encode();
        for how in OUTCOMES {
            let labels = format!(r#"{{service="api",dependency="redis",outcome="{how}"}}"#);
            let line = format!("techcommerce_dependency_duration_seconds_count{labels} 1");
            assert!(text.contains(&line), "{line}\nnot in\n{text}");
        }
        let open = r#"techcommerce_breaker_open{service="api",dependency="redis"} 1"#;
        assert!(text.contains(open), "{text}");
    }

    #[test]
    fn the_series_are_there_before_the_first_call() {
        let telemetry = Telemetry::new("0", "0");
        telemetry.dependency("worker", "smtp");
        let text = telemetry.encode();
        assert_eq!(text.matches(r#"dependency="smtp""#).count(), 4 * 18);
        assert!(!text.contains("techcommerce_breaker_open{"), "it has none");
    }
}
