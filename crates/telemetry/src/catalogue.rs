//! What there is to be read: every metric is written down as it is registered, so that a list of
//! them cannot differ from what is exposed.

use std::fmt;

/// What kind of number it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How values are spread over buckets.
    Histogram,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        })
    }
}

/// How many values a label can have, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// One of these, or `other`.
    OneOf(&'static [&'static str]),
    /// So many, which the program knows by their names; all further ones are `other`.
    UpTo(usize),
    /// As many as this says in words.
    Words(&'static str),
}

/// A label of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DescribedLabel {
    /// Its name.
    pub name: &'static str,
    /// Its values.
    pub bound: Bound,
}

/// A metric as it was registered.
#[derive(Debug, Clone, PartialEq)]
pub struct Descriptor {
    /// Its name, as it is scraped: a counter's ends in `_total`.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// What it means.
    pub help: String,
    /// Its labels, in their order.
    pub labels: Vec<DescribedLabel>,
    /// The upper bounds of a histogram's buckets.
    pub buckets: &'static [f64],
}

impl Descriptor {
    /// The unit, which stands at the end of the name by Prometheus's conventions.
    pub fn unit(&self) -> &'static str {
        let name = self.name.strip_suffix("_total").unwrap_or(&self.name);
        if name.ends_with("_timestamp_seconds") || name == "process_start_time_seconds" {
            return "seconds since 1970";
        }
        let units = [
            ("_seconds", "seconds"),
            ("_bytes", "bytes"),
            ("_minor_units", "minor units of the currency"),
            ("_info", "always 1"),
        ];
        let unit = units.iter().find(|(end, _)| name.ends_with(end));
        unit.map_or("number", |(_, unit)| unit)
    }

    /// The names under which samples of it are scraped.
    pub fn samples(&self) -> Vec<String> {
        match self.kind {
            Kind::Histogram => ["_bucket", "_count", "_sum"]
                .map(|end| format!("{}{end}", self.name))
                .to_vec(),
            Kind::Counter | Kind::Gauge => vec![self.name.clone()],
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Label, MetricKind, Telemetry};

    #[test]
    fn what_is_registered_is_written_down() {
        let telemetry = Telemetry::new("0", "0");
        let labels = || [Label::one_of("outcome", &["paid"]), Label::up_to("kind", 4)];
        telemetry.counters("techcommerce_orders", "Orders.", labels());
        telemetry.counters("techcommerce_orders_total", "Orders.", labels());
        let catalogue = telemetry.catalogue();
        let found: Vec<_> = catalogue
            .iter()
            .filter(|told| told.name == "techcommerce_orders_total")
            .collect();
        let [orders] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(orders.kind, MetricKind::Counter);
        assert_eq!(orders.labels.len(), 2);
        assert!(catalogue.is_sorted_by(|a, b| a.name < b.name), "each once");
    }

    #[test]
    fn what_is_scraped_is_in_the_catalogue() {
        let telemetry = Telemetry::new("0", "0");
        telemetry.dependency("api", "redis");
        telemetry
            .float_gauge("techcommerce_lag_seconds", "Lag")
            .set(0.25);
        let catalogue = telemetry.catalogue();
        let text = telemetry.encode();
        let typed = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let mut number = 0;
        for line in typed {
            let (name, kind) = line.split_once(' ').unwrap();
            let told = catalogue.iter().find(|told| told.name == name);
            assert_eq!(told.unwrap().kind.to_string(), kind, "{name}");
            number += 1;
        }
        assert!(number >= 8, "{text}");
        assert!(text.contains("techcommerce_lag_seconds 0.25"), "{text}");
    }

    #[test]
    fn the_unit_is_the_end_of_the_name() {
        let telemetry = Telemetry::new("0", "0");
        telemetry.counter("techcommerce_captured_minor_units_total", "");
        telemetry.gauge("techcommerce_seen_timestamp_seconds", "");
        let unit = |name: &str| {
            let catalogue = telemetry.catalogue();
            let told = catalogue.iter().find(|told| told.name == name);
            told.unwrap().unit()
        };
        assert_eq!(unit("http_server_request_duration_seconds"), "seconds");
        assert_eq!(
            unit("techcommerce_captured_minor_units_total"),
            "minor units of the currency"
        );
        assert_eq!(
            unit("techcommerce_seen_timestamp_seconds"),
            "seconds since 1970"
        );
        assert_eq!(unit("http_server_active_requests"), "number");
    }
}
