//! When who arrives: computed ahead from the seed, whatever the shop does (an open model).
//!
//! Real shoppers do not wait until others were served. A generator that does hides the worst of
//! a slow shop (coordinated omission); here everybody comes at their time, and every latency
//! counts from the moment that was meant.

use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::plan::{Arrivals, Journey, Plan, Shares};

/// Somebody comes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrival {
    /// After the start.
    pub at: Duration,
    /// For what.
    pub journey: Journey,
    /// All that they decide follows from this.
    pub seed: u64,
}

/// All arrivals in their order.
#[derive(Debug, Clone)]
pub struct Schedule {
    random: StdRng,
    arrivals: Arrivals,
    shares: Shares,
    rate: f64,
    ramp: f64,
    end: f64,
    /// How many arrivals were expected by the last one.
    expected: f64,
}

impl Schedule {
    /// The schedule of a plan.
    pub fn new(plan: &Plan) -> Self {
        Self {
            random: StdRng::seed_from_u64(plan.seed),
            arrivals: plan.arrivals,
            shares: plan.shares.clone(),
            rate: plan.rate,
            ramp: plan.ramp.as_secs_f64(),
            end: plan.duration.as_secs_f64(),
            expected: 0.0,
        }
    }

    /// When so many are expected to have come: the inverse of the rate's integral.
    fn time_of(&self, expected: f64) -> f64 {
        let in_ramp = self.rate * self.ramp / 2.0;
        if expected < in_ramp {
            (2.0 * expected * self.ramp / self.rate).sqrt()
        } else {
            self.ramp + (expected - in_ramp) / self.rate
        }
    }
}

impl Iterator for Schedule {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let place: f64 = self.random.random();
        self.expected += match self.arrivals {
            // The time between independent arrivals; `place` is never 1.
            Arrivals::Poisson => -(1.0 - place).ln(),
            Arrivals::Even => 1.0,
        };
        let at = self.time_of(self.expected);
        (at <= self.end).then(|| Arrival {
            at: Duration::from_secs_f64(at),
            journey: self.shares.pick(self.random.random()),
            seed: self.random.random(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(rate: f64, seconds: u64, ramp: u64, arrivals: Arrivals) -> Plan {
        let mut plan = Plan::new("http://shop.example".parse().unwrap(), "r".into());
        (plan.rate, plan.arrivals) = (rate, arrivals);
        (plan.duration, plan.ramp) = (Duration::from_secs(seconds), Duration::from_secs(ramp));
        plan
    }

    #[test]
    fn the_same_seed_gives_the_same_shoppers() {
        let plan = plan(50.0, 10, 2, Arrivals::Poisson);
        let first: Vec<_> = Schedule::new(&plan).collect();
        let again: Vec<_> = Schedule::new(&plan).collect();
        assert_eq!(first, again);
        let other: Vec<_> = Schedule::new(&Plan { seed: 2, ..plan }).collect();
        assert_ne!(first, other);
    }

    #[test]
    fn even_arrivals_are_as_many_as_asked_and_as_far_apart() {
        let all: Vec<_> = Schedule::new(&plan(10.0, 5, 0, Arrivals::Even)).collect();
        assert_eq!(all.len(), 50);
        for pair in all.windows(2) {
            let apart = (pair[1].at - pair[0].at).as_secs_f64();
            assert!((apart - 0.1).abs() < 1e-6, "{apart}");
        }
    }

    #[test]
    fn a_ramp_brings_half_as_many_in_its_time() {
        let all: Vec<_> = Schedule::new(&plan(100.0, 20, 10, Arrivals::Even)).collect();
        assert_eq!(all.len(), 1500);
        let by = |seconds| {
            all.iter()
                .filter(|one| one.at <= Duration::from_secs(seconds))
                .count()
        };
        assert_eq!((by(5), by(10)), (125, 500));
    }

    #[test]
    fn poisson_arrivals_come_at_the_rate_and_are_as_uneven_as_people() {
        let all: Vec<_> = Schedule::new(&plan(100.0, 100, 0, Arrivals::Poisson)).collect();
        // Ten thousand are expected, give or take a hundred; five times that is a broken generator.
        assert!((9_500..10_500).contains(&all.len()), "{}", all.len());
        let gaps: Vec<f64> = all
            .windows(2)
            .map(|pair| (pair[1].at - pair[0].at).as_secs_f64())
            .collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        // Of an exponential distribution the standard deviation is the mean.
        assert!(
            (variance.sqrt() / mean - 1.0).abs() < 0.1,
            "{variance} {mean}"
        );
    }

    #[test]
    fn journeys_come_in_their_shares() {
        let plan = Plan {
            shares: "guest=3,browse=1".parse().unwrap(),
            ..plan(100.0, 100, 0, Arrivals::Even)
        };
        let guests = Schedule::new(&plan)
            .filter(|one| one.journey == Journey::Guest)
            .count();
        assert!((7_200..7_800).contains(&guests), "{guests}");
    }
}
