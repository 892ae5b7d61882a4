//! How many calls may be repeated: a service in trouble must not get twice the load.

use std::sync::atomic::{AtomicU32, Ordering};

/// A repeat for this many calls.
const CALLS_PER_REPEAT: u32 = 10;
/// How many repeats are saved up at most, and there at the start.
const SAVED: u32 = 20;

/// One repeat for every ten calls, and a few saved up for the moment when a replica goes.
#[derive(Debug)]
pub(super) struct Budget {
    /// In tenths of a repeat.
    tenths: AtomicU32,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            tenths: AtomicU32::new(SAVED * CALLS_PER_REPEAT),
        }
    }
}

impl Budget {
    /// A call was answered at its first try.
    pub fn earn(&self) {
        let more = |tenths: u32| Some((tenths + 1).min(SAVED * CALLS_PER_REPEAT));
        let _ = self
            .tenths
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    /// Takes one repeat, if one is left.
    pub fn spend(&self) -> bool {
        let less = |tenths: u32| tenths.checked_sub(CALLS_PER_REPEAT);
        self.tenths
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_calls_pay_for_one_repeat() {
        let budget = Budget::default();
        for _ in 0..SAVED {
            assert!(budget.spend());
        }
        assert!(!budget.spend());
        for _ in 0..9 {
            budget.earn();
        }
        assert!(!budget.spend());
        budget.earn();
        assert!(budget.spend());
        assert!(!budget.spend());
        for _ in 0..100_000 {
            budget.earn();
        }
        assert_eq!((0..1000).filter(|_| budget.spend()).count(), SAVED as usize);
    }
}
