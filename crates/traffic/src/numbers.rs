//! Latencies, in microseconds, to three significant digits.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest latency that is told apart: ten minutes.
const LONGEST: u64 = 600_000_000;

/// Latencies of one kind.
#[derive(Debug, Clone)]
pub struct Latencies(Option<Histogram<u64>>);

impl Latencies {
    pub fn new() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST, 3).ok())
    }

    pub fn add(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(LONGEST);
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(micros);
        }
    }

    /// What they come to.
    pub fn told(&self) -> Told {
        let Some(histogram) = &self.0 else {
            return Told::default();
        };
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
        Told {
            count: histogram.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p99_9: at(0.999),
            max: histogram.max() as f64 / 1000.0,
        }
    }
}

/// Latencies in a report, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Told {
    /// How many there were.
    pub count: u64,
    /// Half were no longer.
    pub p50: f64,
    /// Nine of ten were no longer.
    pub p90: f64,
    /// 99 of a hundred were no longer.
    pub p99: f64,
    /// 999 of a thousand were no longer.
    pub p99_9: f64,
    /// The longest.
    pub max: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_three_digits() {
        let mut latencies = Latencies::new();
        for millis in 1..=1000 {
            latencies.add(Duration::from_millis(millis));
        }
        let told = latencies.told();
        assert_eq!(told.count, 1000);
        for (found, wanted) in [
            (told.p50, 500.0),
            (told.p90, 900.0),
            (told.p99, 990.0),
            (told.p99_9, 999.0),
            (told.max, 1000.0),
        ] {
            assert!((found / wanted - 1.0).abs() < 0.001, "{found} for {wanted}");
        }
        latencies.add(Duration::from_secs(3600));
        assert!(latencies.told().max >= 600_000.0);
    }
}
