//! The registry, and helpers that make metrics under bounded labels.

use std::{
    any::Any,
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
};

use prometheus_client::{
    encoding::text,
    metrics::{family::Family, histogram::Histogram as PrometheusHistogram},
    registry::{Metric, Registry},
};

use crate::{
    catalogue::{Descriptor, Kind},
    http::HttpMetrics,
    labels::{Label, LabelValues},
    log_counts::{self, LogCollector},
    process::{self, ProcessCollector},
    trace::{Outbox, TraceOptions, Tracer},
};

/// A number that only grows.
pub type Counter = prometheus_client::metrics::counter::Counter;
/// A whole number that goes up and down.
pub type Gauge = prometheus_client::metrics::gauge::Gauge;
/// A number that goes up and down and has parts.
pub type FloatGauge = prometheus_client::metrics::gauge::Gauge<f64, AtomicU64>;
/// How values are spread over buckets.
pub type Histogram = PrometheusHistogram;

type HistogramFamily<const N: usize> = Family<LabelValues<N>, Histogram, Buckets>;

/// The handle to the process's metrics. Clones share one registry.
///
/// Asking twice for a metric of the same name and type gives the same one, so that two services
/// in one process may both count, say, their jobs.
#[derive(Clone)]
pub struct Telemetry {
    shared: Arc<Shared>,
    tracer: Tracer,
}

struct Shared {
    registry: Mutex<Registry>,
    known: Mutex<HashMap<String, Box<dyn Any + Send + Sync>>>,
    /// All that was registered, in that order.
    catalogue: Mutex<Vec<Descriptor>>,
    /// What looks at the state of things before it is told.
    looks: Mutex<Vec<Arc<dyn Fn() + Send + Sync>>>,
    http: HttpMetrics,
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").finish_non_exhaustive()
    }
}

impl Telemetry {
    /// A registry with the process's own metrics, `techcommerce_build_info{version,commit}` and
    /// the HTTP metrics in it.
    pub fn new(version: &'static str, commit: &'static str) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(ProcessCollector));
        registry.register_collector(Box::new(LogCollector));
        let mut catalogue = process::described();
        catalogue.extend(log_counts::described());
        let http = HttpMetrics::register(&mut registry, &mut catalogue);
        let telemetry = Self {
            shared: Arc::new(Shared {
                registry: Mutex::new(registry),
                known: Mutex::default(),
                catalogue: Mutex::new(catalogue),
                looks: Mutex::default(),
                http,
            }),
            tracer: Tracer::default(),
        };
        telemetry
            .gauges(
                "techcommerce_build_info",
                "What this process was built from; the value is always 1",
                [Label::up_to("version", 1), Label::up_to("commit", 1)],
            )
            .with([version, commit])
            .set(1);
        telemetry
    }

    /// The same with traces, and where the spans wait for the exporter.
    #[must_use]
    pub fn traced(self, options: TraceOptions) -> (Self, Outbox) {
        let (tracer, outbox) = Tracer::new(options, &self);
        let tracer = tracer.continuing_outside(self.tracer.continues_outside());
        (Self { tracer, ..self }, outbox)
    }

    /// The same, but says whether a trace that comes from outside is continued.
    #[must_use]
    pub fn continuing_outside(self, continues: bool) -> Self {
        let tracer = self.tracer.continuing_outside(continues);
        Self { tracer, ..self }
    }

    /// What makes traces; it is off unless [`Telemetry::traced`] was asked for.
    pub fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// A counter. `name` by convention ends in `_total`.
    pub fn counter(&self, name: &str, help: &str) -> Counter {
        self.counters(name, help, []).with([])
    }

    /// Counters under bounded labels.
    pub fn counters<const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: [Label; N],
    ) -> Counters<N> {
        // The encoder adds the suffix itself.
        let name = name.strip_suffix("_total").unwrap_or(name);
        let told = described(format!("{name}_total"), Kind::Counter, help, &labels);
        let family = Family::<LabelValues<N>, Counter>::default();
        let family = self.register(name, told, family);
        Counters { family, labels }
    }

    /// A gauge.
    pub fn gauge(&self, name: &str, help: &str) -> Gauge {
        self.gauges(name, help, []).with([])
    }

    /// Gauges under bounded labels.
    pub fn gauges<const N: usize>(&self, name: &str, help: &str, labels: [Label; N]) -> Gauges<N> {
        let told = described(name.to_owned(), Kind::Gauge, help, &labels);
        let family = self.register(name, told, Family::<LabelValues<N>, Gauge>::default());
        Gauges { family, labels }
    }

    /// A gauge whose value has parts.
    pub fn float_gauge(&self, name: &str, help: &str) -> FloatGauge {
        self.float_gauges(name, help, []).with([])
    }

    /// Gauges whose values have parts, under bounded labels.
    pub fn float_gauges<const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: [Label; N],
    ) -> FloatGauges<N> {
        let told = described(name.to_owned(), Kind::Gauge, help, &labels);
        let family = Family::<LabelValues<N>, FloatGauge>::default();
        let family = self.register(name, told, family);
        FloatGauges { family, labels }
    }

    /// A histogram with these upper bounds of its buckets (`+Inf` is added).
    pub fn histogram(&self, name: &str, help: &str, buckets: &'static [f64]) -> Histogram {
        self.histograms(name, help, buckets, []).with([])
    }

    /// Histograms under bounded labels.
    pub fn histograms<const N: usize>(
        &self,
        name: &str,
        help: &str,
        buckets: &'static [f64],
        labels: [Label; N],
    ) -> Histograms<N> {
        let family: HistogramFamily<N> = Family::new_with_constructor(Buckets(buckets));
        let told = Descriptor {
            buckets,
            ..described(name.to_owned(), Kind::Histogram, help, &labels)
        };
        let family = self.register(name, told, family);
        Histograms { family, labels }
    }

    /// `look` is called before each scrape, to set gauges to what is there. It must be quick.
    pub fn on_scrape(&self, look: impl Fn() + Send + Sync + 'static) {
        lock(&self.shared.looks).push(Arc::new(look));
    }

    /// All metrics that were registered, by their names.
    pub fn catalogue(&self) -> Vec<Descriptor> {
        let mut all = lock(&self.shared.catalogue).clone();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// All metrics in the Prometheus text format, version 0.0.4.
    pub fn encode(&self) -> String {
        let looks = lock(&self.shared.looks).clone();
        for look in looks {
            look();
        }
        let registry = lock(&self.shared.registry);
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = text::encode(&mut text, &registry);
        prometheus_text(&text)
    }

    /// The media type of [`Telemetry::encode`].
    pub const MEDIA_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    pub(crate) fn http(&self) -> &HttpMetrics {
        &self.shared.http
    }

    /// Registers `metric`, or gives the one that has this name and type already.
    fn register<M: Metric + Clone + Sync>(&self, name: &str, told: Descriptor, metric: M) -> M {
        let mut known = lock(&self.shared.known);
        if let Some(existing) = known.get(name) {
            if let Some(existing) = existing.downcast_ref::<M>() {
                return existing.clone();
            }
            tracing::error!(
                metric = name,
                "a metric of another type has this name already; this one is not exported"
            );
            return metric;
        }
        known.insert(name.to_owned(), Box::new(metric.clone()));
        lock(&self.shared.registry).register(name, told.help.as_str(), metric.clone());
        lock(&self.shared.catalogue).push(told);
        metric
    }
}

fn described(name: String, kind: Kind, help: &str, labels: &[Label]) -> Descriptor {
    Descriptor {
        name,
        kind,
        // The encoder ends the sentence.
        help: help.trim_end_matches('.').to_owned(),
        labels: labels.iter().map(Label::described).collect(),
        buckets: &[],
    }
}

/// Makes histograms with fixed buckets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Buckets(pub(crate) &'static [f64]);

impl prometheus_client::metrics::family::MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

/// Counters under the same name that differ by their labels.
#[derive(Clone)]
pub struct Counters<const N: usize> {
    family: Family<LabelValues<N>, Counter>,
    labels: [Label; N],
}

/// Gauges under the same name that differ by their labels.
#[derive(Clone)]
pub struct Gauges<const N: usize> {
    family: Family<LabelValues<N>, Gauge>,
    labels: [Label; N],
}

/// Gauges with parts under the same name that differ by their labels.
#[derive(Clone)]
pub struct FloatGauges<const N: usize> {
    family: Family<LabelValues<N>, FloatGauge>,
    labels: [Label; N],
}

/// Histograms under the same name that differ by their labels.
#[derive(Clone)]
pub struct Histograms<const N: usize> {
    family: HistogramFamily<N>,
    labels: [Label; N],
}

macro_rules! with {
    ($family:ident, $metric:ident) => {
        impl<const N: usize> $family<N> {
            /// The one with these values, in the order in which the labels were given. Keep it
            /// where it is used often.
            pub fn with(&self, values: [&str; N]) -> $metric {
                self.family
                    .get_or_create_owned(&label(&self.labels, values))
            }

            /// Each of them is there from now on, at zero: a rate needs a beginning, and what was
            /// never seen is not absent. For labels whose values are all known.
            #[must_use]
            pub fn at_zero(self) -> Self {
                let known = self.labels.each_ref().map(Label::known);
                let all: usize = known.iter().map(|values| values.len()).product();
                for mut number in 0..all {
                    let values = known.map(|values| {
                        let value = values[number % values.len()];
                        number /= values.len();
                        value
                    });
                    self.with(values);
                }
                self
            }
        }

        impl<const N: usize> fmt::Debug for $family<N> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($family))
                    .field("labels", &self.labels)
                    .finish_non_exhaustive()
            }
        }
    };
}

with!(Counters, Counter);
with!(Gauges, Gauge);
with!(FloatGauges, FloatGauge);
with!(Histograms, Histogram);

fn label<const N: usize>(labels: &[Label; N], values: [&str; N]) -> LabelValues<N> {
    let mut index = 0;
    LabelValues {
        names: labels.each_ref().map(|label| label.name),
        values: values.map(|value| {
            let bounded = labels[index].value(value);
            index += 1;
            bounded
        }),
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// OpenMetrics text to Prometheus text: the names in the comments of counters get their suffix,
/// and what the older format does not know is left out.
fn prometheus_text(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help: Option<(&str, &str)> = None;
    for line in open_metrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ');
        } else if let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|rest| rest.split_once(' '))
        {
            let suffix = if kind == "counter" { "_total" } else { "" };
            let kind = if kind == "unknown" { "untyped" } else { kind };
            if let Some((_, words)) = help.take().filter(|(named, _)| *named == name) {
                text.push_str(&format!("# HELP {name}{suffix} {words}\n"));
            }
            text.push_str(&format!("# TYPE {name}{suffix} {kind}\n"));
        } else if !line.starts_with("# UNIT") && line != "# EOF" {
            // `name{} 3` is allowed, but nobody writes it.
            match line.split_once("{} ") {
                Some((name, value)) if !name.contains('{') => {
                    text.push_str(&format!("{name} {value}\n"));
                }
                _ => text.push_str(&format!("{line}\n")),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_gauges_and_histograms_are_encoded() {
        let telemetry = Telemetry::new("0.1.0", "abcdef0");
        let orders = telemetry.counters(
            "techcommerce_orders_total",
            "Orders placed.",
            [Label::one_of("outcome", &["placed", "refused"])],
        );
        orders.with(["placed"]).inc();
        orders.with(["'; DROP TABLE"]).inc();
        telemetry.gauge("techcommerce_queue_depth", "Jobs").set(3);
        telemetry
            .histogram("techcommerce_job_seconds", "Time", &[0.5, 2.0])
            .observe(1.0);

        let text = telemetry.encode();
        for line in [
            "# HELP techcommerce_orders_total Orders placed.",
            "# TYPE techcommerce_orders_total counter",
            "techcommerce_orders_total{outcome=\"placed\"} 1",
            "techcommerce_orders_total{outcome=\"other\"} 1",
            "# TYPE techcommerce_queue_depth gauge",
            "techcommerce_queue_depth 3",
            "techcommerce_job_seconds_bucket{le=\"0.5\"} 0",
            "techcommerce_job_seconds_bucket{le=\"2.0\"} 1",
            "techcommerce_build_info{version=\"0.1.0\",commit=\"abcdef0\"} 1",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\nnot in\n{text}");
        }
        assert!(!text.contains("# EOF"));
    }

    #[test]
    fn the_same_name_is_the_same_metric() {
        let telemetry = Telemetry::new("0", "0");
        telemetry.counter("jobs_total", "Jobs").inc();
        telemetry.clone().counter("jobs_total", "Jobs").inc();
        let text = telemetry.encode();
        assert!(text.contains("jobs_total 2"), "{text}");
        assert_eq!(text.matches("# TYPE jobs_total counter").count(), 1);

        // Another type under that name is refused, not mixed in.
        telemetry.gauge("jobs", "Jobs").set(9);
        assert!(!telemetry.encode().contains("jobs 9"));
    }
}
