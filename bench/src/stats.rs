//! Few numbers about many.

use std::{fmt, time::Duration};

/// The middle of several measurements, and how far they lie apart.
#[derive(Debug, Clone)]
pub struct Spread(Vec<f64>);

impl Spread {
    /// Of these; what is no number was not measured.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().filter(|it| !it.is_nan()).collect();
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    pub fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        match self.0.len() {
            0 => f64::NAN,
            count if count % 2 == 1 => self.0[middle],
            _ => f64::midpoint(self.0[middle - 1], self.0[middle]),
        }
    }

    pub fn min(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    pub fn max(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }
}

impl Spread {
    /// All of them times `factor`.
    pub fn scaled(&self, factor: f64) -> Self {
        Self::of(self.0.iter().map(|value| value * factor))
    }
}

impl fmt::Display for Spread {
    /// As `0.52 (0.49–0.55)`, with as many digits as make sense; a dash where nothing was measured.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("–");
        }
        let (median, min, max) = (self.median(), self.min(), self.max());
        let digits = if median >= 100.0 {
            0
        } else if median >= 10.0 {
            1
        } else {
            2
        };
        write!(f, "{median:.digits$} ({min:.digits$}–{max:.digits$})")
    }
}

/// What one round of load found.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Things done, those that warmed up included.
    pub done: usize,
    /// Things done in a second.
    pub rate: f64,
    /// How long half of them took at most, and 99 of 100.
    pub p50: Duration,
    pub p99: Duration,
    /// Processor seconds for a thousand, of the program that is measured.
    pub cpu: f64,
    /// The same of its database, if that is a process of its own.
    pub database_cpu: f64,
    /// Resident memory of the server afterwards, in bytes.
    pub memory: u64,
}

/// The same number of each sample.
pub fn each(samples: &[Sample], number: impl Fn(&Sample) -> f64) -> Spread {
    Spread::of(samples.iter().map(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_ends() {
        let spread = Spread::of([3.0, 1.0, 2.0]);
        assert_eq!(spread.to_string(), "2.00 (1.00–3.00)");
        assert_eq!(Spread::of([400.4, 100.0]).to_string(), "250 (100–400)");
        assert_eq!(Spread::of([f64::NAN, 1.0]).to_string(), "1.00 (1.00–1.00)");
        assert_eq!(Spread::of([f64::NAN]).to_string(), "–");
    }
}
