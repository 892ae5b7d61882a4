//! How many lines were logged, and lost. The log is the process's own, and so are the numbers.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter},
};
use tracing::Level;

use crate::catalogue::{Bound, DescribedLabel, Descriptor, Kind};

const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];
const LINES: (&str, &str) = (
    "techcommerce_log_lines",
    "Lines of the log by how much they matter",
);
const DROPPED: (&str, &str) = (
    "techcommerce_log_lines_dropped",
    "Lines of the log that could not be written",
);

static COUNTS: [AtomicU64; 5] = [const { AtomicU64::new(0) }; 5];
static LOST: AtomicU64 = AtomicU64::new(0);

/// A line was made.
pub(crate) fn line(level: Level) {
    let place = match level {
        Level::ERROR => 0,
        Level::WARN => 1,
        Level::INFO => 2,
        Level::DEBUG => 3,
        Level::TRACE => 4,
    };
    COUNTS[place].fetch_add(1, Ordering::Relaxed);
}

/// These lines went nowhere.
pub(crate) fn dropped(lines: &[u8]) {
    let lost = lines.iter().filter(|byte| **byte == b'\n').count();
    LOST.fetch_add(lost as u64, Ordering::Relaxed);
}

/// For the catalogue.
pub(crate) fn described() -> [Descriptor; 2] {
    let told = |(name, help): (&str, &str), labels| Descriptor {
        name: format!("{name}_total"),
        kind: Kind::Counter,
        help: help.to_owned(),
        labels,
        buckets: &[],
    };
    let level = DescribedLabel {
        name: "level",
        bound: Bound::OneOf(LEVELS),
    };
    [told(LINES, vec![level]), told(DROPPED, Vec::new())]
}

#[derive(Debug)]
pub(crate) struct LogCollector;

impl Collector for LogCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut lines = encoder.encode_descriptor(LINES.0, LINES.1, None, MetricType::Counter)?;
        for (level, count) in LEVELS.iter().zip(&COUNTS) {
            let count = ConstCounter::new(count.load(Ordering::Relaxed));
            count.encode(lines.encode_family(&[("level", *level)])?)?;
        }
        let lost = encoder.encode_descriptor(DROPPED.0, DROPPED.1, None, MetricType::Counter)?;
        ConstCounter::new(LOST.load(Ordering::Relaxed)).encode(lost)
    }
}

#[cfg(test)]
mod tests {
    use crate::Telemetry;

    #[test]
    fn lines_are_counted_by_their_level() {
        let count = |series: &str| -> u64 {
            let text = Telemetry::new("0", "0").encode();
            let line = text.lines().find(|line| line.starts_with(series));
            let line = line.unwrap_or_else(|| panic!("{series} is not in\n{text}"));
            line.rsplit_once(' ').unwrap().1.parse().unwrap()
        };
        let series = [
            r#"techcommerce_log_lines_total{level="warn"}"#,
            "techcommerce_log_lines_dropped_total",
        ];
        let before = series.map(count);
        super::line(tracing::Level::WARN);
        super::dropped(b"one\ntwo\n");
        let after = series.map(count);
        // Other tests may log meanwhile.
        assert!(
            after[0] > before[0] && after[1] >= before[1] + 2,
            "{before:?} {after:?}"
        );
    }
}
