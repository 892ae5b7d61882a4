//! What the kernel knows of this process, read from `/proc` on each scrape. Where there is no
//! `/proc` (macOS, Windows) these metrics are absent.

use std::{fmt, fs};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};

use crate::catalogue::{Descriptor, Kind};

/// Ticks per second in `/proc/self/stat`: fixed at 100 by the kernel's interface (USER_HZ).
const TICKS_PER_SECOND: f64 = 100.0;

const MEMORY: (&str, &str) = ("process_resident_memory_bytes", "Resident memory");
const START: (&str, &str) = (
    "process_start_time_seconds",
    "When the process started, in seconds since 1970",
);
const OPEN: (&str, &str) = ("process_open_fds", "Open file descriptors");
const MOST: (&str, &str) = ("process_max_fds", "How many file descriptors may be open");
const CPU: (&str, &str) = ("process_cpu_seconds", "Processor time spent");

/// For the catalogue.
pub(crate) fn described() -> Vec<Descriptor> {
    let told = |name: &str, help: &str, kind| Descriptor {
        name: name.to_owned(),
        kind,
        help: help.to_owned(),
        labels: Vec::new(),
        buckets: &[],
    };
    let gauges = [MEMORY, START, OPEN, MOST].map(|(name, help)| told(name, help, Kind::Gauge));
    let mut all = gauges.to_vec();
    all.push(told(&format!("{}_total", CPU.0), CPU.1, Kind::Counter));
    all
}

#[derive(Debug)]
pub(crate) struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut gauge = |(name, help): (&str, &str), value: Option<f64>| -> fmt::Result {
            let Some(value) = value else { return Ok(()) };
            let metric = ConstGauge::new(value);
            let encoder = encoder.encode_descriptor(name, help, None, metric.metric_type())?;
            metric.encode(encoder)
        };
        gauge(MEMORY, resident_bytes())?;
        gauge(START, start_seconds())?;
        gauge(OPEN, open_files())?;
        gauge(MOST, max_files())?;
        if let Some(seconds) = cpu_seconds() {
            let metric = ConstCounter::new(seconds);
            let encoder = encoder.encode_descriptor(CPU.0, CPU.1, None, metric.metric_type())?;
            metric.encode(encoder)?;
        }
        Ok(())
    }
}

fn resident_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024.0)
}

/// A field of `/proc/self/stat`, numbered from 1 as in proc(5).
fn stat(field: usize) -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name in brackets and may hold blanks.
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(field.checked_sub(3)?)?.parse().ok()
}

fn cpu_seconds() -> Option<f64> {
    Some((stat(14)? + stat(15)?) / TICKS_PER_SECOND)
}

fn start_seconds() -> Option<f64> {
    let system = fs::read_to_string("/proc/stat").ok()?;
    let boot: f64 = system
        .lines()
        .find_map(|l| l.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()?;
    Some(boot + stat(22)? / TICKS_PER_SECOND)
}

#[allow(clippy::cast_precision_loss, reason = "a few thousand at most")]
fn open_files() -> Option<f64> {
    Some(fs::read_dir("/proc/self/fd").ok()?.count() as f64)
}

fn max_files() -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|l| l.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_seen() {
        assert!(resident_bytes().unwrap() > 100_000.0);
        assert!(start_seconds().unwrap() > 1_500_000_000.0);
        assert!(open_files().unwrap() >= 3.0);
        assert!(cpu_seconds().unwrap() >= 0.0);
        let text = crate::Telemetry::new("0", "0").encode();
        assert!(text.contains("# TYPE process_resident_memory_bytes gauge"));
        assert!(text.contains("process_cpu_seconds_total "), "{text}");
    }
}
