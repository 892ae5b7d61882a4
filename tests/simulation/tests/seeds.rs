//! Ten thousand seeds, in four parts so that they run side by side; and that a seed decides everything.

#![allow(
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a panic is how a test fails; the environment says how large a test is"
)]

use techcommerce_simulation::run;

/// `cargo xtask test --nightly` runs ten times as many.
fn times() -> u64 {
    match std::env::var_os("TECHCOMMERCE_TEST_NIGHTLY").is_some() {
        true => 10,
        false => 1,
    }
}

fn part(number: u64) {
    let seeds = 2_500 * times();
    let mut orders = 0;
    for seed in number * seeds..(number + 1) * seeds {
        let ran = run(seed, None, false);
        orders += ran.orders as u64;
        if let Some(violation) = ran.violation {
            panic!("{violation}\nreplay: cargo xtask simulate --seed {seed}");
        }
    }
    assert!(orders > seeds, "only {orders} orders: nothing was tried");
}

#[test]
fn nothing_is_lost_or_done_twice_1() {
    part(0);
}

#[test]
fn nothing_is_lost_or_done_twice_2() {
    part(1);
}

#[test]
fn nothing_is_lost_or_done_twice_3() {
    part(2);
}

#[test]
fn nothing_is_lost_or_done_twice_4() {
    part(3);
}

#[test]
fn a_seed_decides_everything() {
    let mut hashes = std::collections::BTreeSet::new();
    for seed in 0..100 {
        let first = run(seed, None, true);
        assert_eq!(first, run(seed, None, true), "seed {seed}");
        // Whoever writes the trace does not change what happens.
        assert_eq!(first.hash, run(seed, None, false).hash, "seed {seed}");
        hashes.insert(first.hash);
    }
    assert_eq!(hashes.len(), 100, "seeds differ");
}
