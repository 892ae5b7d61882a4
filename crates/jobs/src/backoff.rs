//! How long to wait before trying again.

use std::time::Duration;

use techcommerce_kernel::Env;

/// The first pause.
pub const FIRST: Duration = Duration::from_secs(1);
/// The longest pause.
pub const LONGEST: Duration = Duration::from_secs(3600);
/// How often a job is tried unless it says otherwise: over about nine hours.
pub const MAX_ATTEMPTS: u32 = 20;

/// The pause after the `attempt`th failure (from 1): doubles from one second up to an hour, of
/// which the second half is random, so that what failed together does not come back together.
pub fn pause(env: &Env, attempt: u32) -> Duration {
    pause_up_to(env, attempt, LONGEST)
}

/// The same, doubling up to `longest`.
pub fn pause_up_to(env: &Env, attempt: u32, longest: Duration) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    let half = FIRST.saturating_mul(1 << doublings).min(longest) / 2;
    half + env.jitter(half)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn grows_up_to_an_hour_and_is_never_less_than_half(attempt in 0_u32.., seed in any::<u64>()) {
            let (env, _) = Env::manual(seed);
            let pause = pause(&env, attempt);
            let whole = Duration::from_secs(1 << attempt.clamp(1, 13).saturating_sub(1)).min(LONGEST);
            prop_assert!(pause >= whole / 2, "{pause:?} < {whole:?} / 2");
            prop_assert!(pause <= whole, "{pause:?} > {whole:?}");
        }

        #[test]
        fn is_never_longer_than_is_said(attempt in 0_u32.., seed in any::<u64>(), longest in 1_u64..100) {
            let (env, _) = Env::manual(seed);
            let longest = Duration::from_secs(longest);
            prop_assert!(pause_up_to(&env, attempt, longest) <= longest);
        }
    }
}
