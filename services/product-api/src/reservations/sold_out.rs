//! What was refused for want of stock a moment ago.
//!
//! In a rush on something that is sold out, nearly all who come are to be refused, and a refusal
//! that goes through the database costs as much as a sale. So a decision that something is short
//! is remembered for a moment, and whoever asks for it meanwhile is refused from memory. The
//! memory never says that something is there: only a decision does.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use techcommerce_contracts::product_api::Shortage;
use techcommerce_kernel::{Env, Error, Timestamp, Uuid, recent::Recent};

use super::lines::out_of_stock;
use crate::model::Notifier;

/// For how long a decision is believed that nothing was heard against. What another process gives
/// back, or what runs out, is found by who comes after this long.
const BELIEVED: Duration = Duration::from_millis(100);
/// How many variants may be sold out in a rush at once.
const VARIANTS: usize = 4_000;

/// Remembers what is short. Clones share it.
#[derive(Debug, Clone)]
pub struct SoldOut {
    env: Env,
    notifier: Notifier,
    known: Arc<Mutex<Recent<Uuid, Known>>>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    left: i64,
    at: Timestamp,
    /// What had been heard when it was decided.
    heard: u64,
}

impl SoldOut {
    pub fn new(env: Env, notifier: Notifier) -> Self {
        Self {
            env,
            notifier,
            known: Arc::new(Mutex::new(Recent::new(VARIANTS))),
        }
    }

    /// To be asked before a decision begins, for [`SoldOut::decided`].
    pub fn heard(&self) -> u64 {
        self.notifier.heard()
    }

    /// A decision refused for this reason; `heard` is of before it began.
    pub fn decided(&self, refusal: &Error, heard: u64) {
        let at = self.env.now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for line in Shortage::named_by(refusal) {
            let left = line.available;
            known.insert(line.variant_id, Known { left, at, heard });
        }
    }

    /// Whether all of it may be there.
    ///
    /// # Errors
    /// `out_of_stock`, as a decision a moment ago had it.
    pub fn look(&self, lines: &BTreeMap<Uuid, i64>) -> Result<(), Error> {
        let (now, heard) = (self.env.now(), self.notifier.heard());
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let short: Vec<Shortage> = lines
            .iter()
            .filter_map(|(variant, quantity)| {
                let known = known.get(variant)?;
                // One that was decided later than now is of a clock that ran ahead.
                let is_fresh = (known.at..=known.at + BELIEVED).contains(&now);
                let holds = known.heard == heard && is_fresh;
                (holds && known.left < *quantity).then_some(Shortage {
                    variant_id: *variant,
                    requested: *quantity,
                    available: known.left,
                })
            })
            .collect();
        match short.is_empty() {
            true => Ok(()),
            false => Err(out_of_stock(&short)),
        }
    }
}

#[cfg(test)]
mod tests {
    use techcommerce_contracts::codes;

    use super::*;

    fn refused(variant: Uuid, left: i64) -> Error {
        out_of_stock(&[Shortage {
            variant_id: variant,
            requested: 9,
            available: left,
        }])
    }

    #[test]
    fn a_refusal_holds_for_a_moment_and_until_something_comes_back() {
        let (env, clock) = Env::manual(1);
        let notifier = Notifier::default();
        let sold_out = SoldOut::new(env.clone(), notifier.clone());
        let mug = env.new_id();
        let want = |quantity| sold_out.look(&BTreeMap::from([(mug, quantity)]));
        let decide = || sold_out.decided(&refused(mug, 2), sold_out.heard());

        assert!(want(9).is_ok(), "nothing is known");
        decide();
        assert_eq!(want(3).unwrap_err().code(), codes::OUT_OF_STOCK);
        assert!(want(2).is_ok(), "two are left");
        assert!(sold_out.look(&BTreeMap::from([(env.new_id(), 9)])).is_ok());

        notifier.taken(Some(1));
        assert!(want(3).is_err(), "a sale brings nothing back");
        notifier.changed(None);
        assert!(want(3).is_err(), "nothing was changed");
        notifier.changed(Some(2));
        assert!(want(3).is_ok(), "something may have come back");

        decide();
        clock.advance(BELIEVED + Duration::from_micros(1));
        assert!(want(3).is_ok(), "a moment is over");

        decide();
        clock.set(env.now() - Duration::from_mins(15));
        assert!(want(3).is_ok(), "the clock was set right");
    }

    #[test]
    fn what_comes_back_during_a_decision_is_not_overlooked() {
        let (env, _clock) = Env::manual(1);
        let notifier = Notifier::default();
        let sold_out = SoldOut::new(env.clone(), notifier.clone());
        let mug = env.new_id();
        let before = sold_out.heard();
        notifier.changed(Some(1));
        sold_out.decided(&refused(mug, 0), before);
        assert!(sold_out.look(&BTreeMap::from([(mug, 1)])).is_ok());
    }

    #[test]
    fn other_refusals_are_no_want_of_stock() {
        let (env, _clock) = Env::manual(1);
        let sold_out = SoldOut::new(env.clone(), Notifier::default());
        let mug = env.new_id();
        let line = Shortage {
            variant_id: mug,
            requested: 1,
            available: 0,
        };
        let other = super::super::lines::short(codes::NOT_FOR_SALE, "No.", &[line]);
        sold_out.decided(&other, sold_out.heard());
        assert!(sold_out.look(&BTreeMap::from([(mug, 1)])).is_ok());
    }
}
