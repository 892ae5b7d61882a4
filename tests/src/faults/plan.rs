//! What is done when: all of it follows from a seed.

use std::fmt;
use std::time::Duration;

use anyhow::{Result, ensure};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

use super::catalogue::{Fault, LANES, Lane, all};

/// A fault of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// From 1.
    pub number: usize,
    pub fault: Fault,
    /// How long nothing is done to the same lane before.
    pub rest: Duration,
    /// How long it lasts.
    pub lasts: Duration,
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>4} {} after {} ms, for {} ms",
            self.number,
            self.fault,
            self.rest.as_millis(),
            self.lasts.as_millis()
        )
    }
}

/// The faults of each lane in their order. Lanes go on side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub seed: u64,
    pub faults: Vec<Planned>,
}

impl Plan {
    /// So many faults, from those whose names contain one of `only`; from all if that is empty.
    pub fn new(seed: u64, count: usize, only: &[String]) -> Result<Self> {
        let wanted = |fault: &Fault| {
            let name = fault.to_string();
            only.is_empty() || only.iter().any(|part| name.contains(part))
        };
        let known: Vec<Fault> = all().into_iter().filter(wanted).collect();
        ensure!(
            !known.is_empty(),
            "no fault is called {}; see --list",
            only.join(" or ")
        );
        let mut random = StdRng::seed_from_u64(seed);
        // All of a lane come before one comes again.
        let mut decks: Vec<Deck> = LANES.iter().map(|lane| Deck::of(*lane, &known)).collect();
        decks.retain(|deck| !deck.cards.is_empty());
        let mut faults = Vec::with_capacity(count);
        let turns = decks.len();
        for number in 1..=count {
            let fault = decks[number % turns].draw(&mut random);
            faults.push(Planned {
                number,
                fault,
                rest: Duration::from_millis(random.random_range(300..1500)),
                lasts: Duration::from_millis(random.random_range(200..2500)),
            });
        }
        Ok(Self { seed, faults })
    }

    /// What is done in this lane, in its order.
    pub fn of(&self, lane: Lane) -> Vec<Planned> {
        let mine = |planned: &&Planned| planned.fault.lane() == lane;
        self.faults.iter().filter(mine).copied().collect()
    }
}

/// The faults of a lane, drawn without putting back until all were drawn.
struct Deck {
    cards: Vec<Fault>,
    left: Vec<Fault>,
}

impl Deck {
    fn of(lane: Lane, known: &[Fault]) -> Self {
        let mine = known.iter().filter(|fault| fault.lane() == lane);
        Self {
            cards: mine.copied().collect(),
            left: Vec::new(),
        }
    }

    fn draw(&mut self, random: &mut StdRng) -> Fault {
        if self.left.is_empty() {
            self.left.clone_from(&self.cards);
            self.left.shuffle(random);
        }
        self.left.pop().expect("a deck has cards")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_plan() -> Result<()> {
        let plan = Plan::new(7, 100, &[])?;
        assert_eq!(plan, Plan::new(7, 100, &[])?);
        assert_ne!(plan.faults, Plan::new(8, 100, &[])?.faults);
        assert_eq!(plan.faults.len(), 100);
        let lanes: usize = LANES.iter().map(|lane| plan.of(*lane).len()).sum();
        assert_eq!(lanes, 100);
        Ok(())
    }

    #[test]
    fn a_long_plan_leaves_nothing_out() -> Result<()> {
        let plan = Plan::new(1, 1000, &[])?;
        for fault in all() {
            let there = plan.faults.iter().any(|planned| planned.fault == fault);
            assert!(there, "{fault} is not among 1,000");
        }
        Ok(())
    }

    #[test]
    fn names_choose() -> Result<()> {
        let only = ["kill:".to_owned()];
        let plan = Plan::new(1, 20, &only)?;
        let kills = |planned: &Planned| planned.fault.to_string().starts_with("kill:");
        assert!(plan.faults.iter().all(kills));
        assert!(Plan::new(1, 20, &["nonsense".to_owned()]).is_err());
        Ok(())
    }
}
