//! Every planted mistake is found, and by what it says here: so it is known that the simulation looks.

use techcommerce_simulation::{bugs::Bug, find};

/// So many seeds are tried at most.
const SEEDS: u64 = 10_000;

#[test]
fn every_planted_mistake_is_found() {
    assert!(Bug::ALL.len() >= 20);
    let mut missed = Vec::new();
    for bug in Bug::ALL {
        match find(*bug, 0..SEEDS) {
            Some((seed, invariant)) => println!("{bug:28} {invariant:?} by seed {seed}"),
            None => missed.push(bug.name()),
        }
    }
    assert!(missed.is_empty(), "not found in {SEEDS} seeds: {missed:?}");
}
