//! Whether a series of numbers grows, by its slope and not by its noise.

/// How much something may grow from the end of the warming up to the end of it all.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// Of its level.
    pub share: f64,
    /// Whatever its level is.
    pub units: f64,
}

impl Limit {
    /// So many times as much.
    pub fn times(self, factor: f64) -> Self {
        Self {
            share: self.share * factor,
            units: self.units * factor,
        }
    }
}

/// So many points of a series know nothing of each other at most.
const INDEPENDENT: usize = 30;

/// What became of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Course {
    /// Its middle.
    pub level: f64,
    /// By how much it grew, by the slope that is the middle of all slopes between two of its
    /// points (Theil and Sen): a few points that lie far off change nothing.
    pub growth: f64,
    /// How far its points lie from that line.
    pub noise: f64,
    /// How many points it has.
    pub points: usize,
}

impl Course {
    /// Of points, each a second and a value, that come after `warm` seconds.
    pub fn of(points: &[(f64, f64)], warm: f64) -> Option<Self> {
        let after: Vec<(f64, f64)> = points
            .iter()
            .copied()
            .filter(|(at, _)| *at >= warm)
            .collect();
        let (first, last) = (after.first()?, after.last()?);
        let span = last.0 - first.0;
        let level = middle(after.iter().map(|(_, value)| *value))?;
        let slopes = after.iter().enumerate().flat_map(|(index, (at, value))| {
            after[index + 1..]
                .iter()
                .filter(move |(later, _)| later > at)
                .map(move |(later, next)| (next - value) / (later - at))
        });
        let slope = middle(slopes)?;
        let start = middle(after.iter().map(|(at, value)| value - slope * at))?;
        let off = after
            .iter()
            .map(|(at, value)| (value - start - slope * at).abs());
        Some(Self {
            level,
            growth: slope * span,
            // As wide as a standard deviation, where points lie as chance has it.
            noise: 1.4826 * middle(off)?,
            points: after.len(),
        })
    }

    /// Whether it grows by more than it may, and by more than chance would have it.
    pub fn grows(&self, limit: Limit) -> bool {
        let allowed = (limit.share * self.level.abs()).max(limit.units);
        // The error of a slope over evenly spread points, three times. What lies off does so for a
        // while, as the teeth of a saw do: more points than these say no more.
        let points = self.points.clamp(1, INDEPENDENT) as f64;
        let chance = 3.0 * self.noise * (12.0 / points).sqrt();
        self.growth > allowed && self.growth > chance
    }
}

fn middle(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    if values.is_empty() {
        return None;
    }
    let half = values.len() / 2;
    let (_, middle, _) = values.select_nth_unstable_by(half, f64::total_cmp);
    Some(*middle)
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    const LIMIT: Limit = Limit {
        share: 0.05,
        units: 4.0,
    };

    /// An hour of points, one every five seconds, with noise of so many units to both sides.
    fn hour(noise: f64, of: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        let mut random = StdRng::seed_from_u64(7);
        (0..720)
            .map(|number| {
                let at = f64::from(number) * 5.0;
                (at, of(at) + random.random_range(-noise..=noise))
            })
            .collect()
    }

    fn grows(points: &[(f64, f64)]) -> bool {
        Course::of(points, 600.0).unwrap().grows(LIMIT)
    }

    #[test]
    fn what_is_flat_is_flat_however_noisy() {
        assert!(!grows(&hour(0.0, |_| 120.0)));
        assert!(!grows(&hour(30.0, |_| 120.0)));
        // Memory that is given back every ten minutes.
        assert!(!grows(&hour(2.0, |at| 120.0 + (at % 600.0) / 20.0)));
        // One point that lies far off.
        let mut once = hour(1.0, |_| 120.0);
        once[700].1 = 4_000.0;
        assert!(!grows(&once));
    }

    #[test]
    fn warming_up_is_no_leak_and_falling_is_none_either() {
        assert!(!grows(&hour(1.0, |at| 120.0 - 60.0 * (-at / 120.0).exp())));
        assert!(!grows(&hour(1.0, |at| 200.0 - at / 60.0)));
    }

    #[test]
    fn a_planted_leak_is_found() {
        // A unit every three minutes, as in a map that nobody empties, under noise of ten.
        assert!(grows(&hour(10.0, |at| 120.0 + at / 180.0)));
        // A descriptor every minute, in the steps in which they are lost.
        assert!(grows(&hour(0.0, |at| 40.0 + (at / 60.0).floor())));
        // A leak below the teeth of a saw.
        assert!(grows(&hour(2.0, |at| 120.0
            + at / 180.0
            + (at % 600.0) / 40.0)));
        // So slow that nobody would see it: less than what is allowed in an hour.
        assert!(!grows(&hour(1.0, |at| 120.0 + at / 1_800.0)));
    }

    #[test]
    fn few_points_that_happen_to_rise_prove_nothing() {
        let rises = [(0.0, 100.0), (5.0, 130.0), (10.0, 95.0), (15.0, 140.0)];
        assert!(!Course::of(&rises, 0.0).unwrap().grows(LIMIT));
        assert_eq!(Course::of(&rises, 100.0), None);
    }
}
