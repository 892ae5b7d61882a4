//! Stock and reservations, as product-api has them. tests/reservations.rs holds them against that.

use std::collections::BTreeMap;

use techcommerce_contracts::codes;
use techcommerce_kernel::Uuid;

use crate::bugs::Bug;

/// Pieces by variant.
pub type Lines = BTreeMap<Uuid, i64>;

/// What became of a request, or the code of its refusal.
pub type Outcome = Result<(), &'static str>;

/// Where a reservation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Promised until its deadline.
    Held,
    /// Sold to an order.
    Claimed,
    /// Given back.
    Released,
    /// Ran out.
    Expired,
}

/// A reservation.
#[derive(Debug, Clone)]
pub struct Reservation {
    /// Of what.
    pub lines: Lines,
    /// How much of what was sold has come back.
    pub restocked: Lines,
    /// Until when it is held.
    pub deadline: i64,
    /// Where it stands.
    pub state: State,
    /// The order that claimed it.
    pub order: Option<Uuid>,
}

impl Reservation {
    /// What the order still has of a variant.
    pub fn out(&self, variant: Uuid) -> i64 {
        let of = |lines: &Lines| lines.get(&variant).copied().unwrap_or(0);
        match self.state {
            State::Claimed => of(&self.lines) - of(&self.restocked),
            State::Held | State::Released | State::Expired => 0,
        }
    }
}

/// How many there are of a variant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Level {
    /// On the shelf.
    pub on_hand: i64,
    /// Of these promised.
    pub reserved: i64,
    /// All that ever came in, less what staff found missing.
    pub received: i64,
    /// What was available a while ago.
    old: i64,
}

/// The stock.
#[derive(Debug, Default)]
pub struct Warehouse {
    /// By variant.
    pub levels: BTreeMap<Uuid, Level>,
    /// By id.
    pub reservations: BTreeMap<Uuid, Reservation>,
    restocks: BTreeMap<Uuid, Lines>,
    /// What is wrong with it.
    pub bug: Option<Bug>,
    /// Set when more was promised or sold than there is.
    pub oversold: Option<Uuid>,
}

impl Warehouse {
    fn is(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// Goods come in, or staff count `delta` more or fewer.
    pub fn receive(&mut self, variant: Uuid, delta: i64) {
        let level = self.levels.entry(variant).or_default();
        level.on_hand += delta;
        level.received += delta;
    }

    /// For the bug of that name: what is available now is what will be believed for a while.
    pub fn look(&mut self) {
        for level in self.levels.values_mut() {
            level.old = level.on_hand - level.reserved;
        }
    }

    fn available(&self, variant: Uuid) -> i64 {
        let level = self.levels.get(&variant).copied().unwrap_or_default();
        match self.is(Bug::ReserveOnOldCount) {
            true => level.old,
            false => level.on_hand - level.reserved,
        }
    }

    /// Changes levels; what is promised beyond what is there must not grow.
    fn shift(&mut self, lines: &Lines, on_hand: i64, reserved: i64, selling: bool) {
        for (variant, quantity) in lines {
            let level = self.levels.entry(*variant).or_default();
            let lacking = level.reserved - level.on_hand;
            level.on_hand += on_hand * quantity;
            level.reserved += reserved * quantity;
            let more = level.reserved - level.on_hand > lacking.max(0);
            if selling && (more || level.on_hand < 0) {
                self.oversold = Some(*variant);
            }
        }
    }

    /// Holds all lines or none until the deadline.
    pub fn reserve(&mut self, id: Uuid, lines: &Lines, deadline: i64, now: i64) -> Outcome {
        if deadline <= now {
            return Err("invalid_input");
        }
        let first = self.reserve_now(id, lines, deadline, now);
        // Stock whose deadline has passed is not left to the next run of the schedule.
        if first == Err(codes::OUT_OF_STOCK) && self.expire(now) > 0 {
            return self.reserve_now(id, lines, deadline, now);
        }
        first
    }

    fn reserve_now(&mut self, id: Uuid, lines: &Lines, deadline: i64, now: i64) -> Outcome {
        if let Some(before) = self.reservations.get_mut(&id) {
            if before.lines != *lines {
                return Err(codes::RESERVATION_MISMATCH);
            }
            match before.state {
                State::Claimed => return Ok(()),
                State::Held if self.bug == Some(Bug::ReserveTwice) => {}
                State::Held if before.deadline > now => return Ok(()),
                State::Held => {
                    before.deadline = deadline;
                    return Ok(());
                }
                State::Released => return Err(codes::RESERVATION_RELEASED),
                State::Expired => {}
            }
        }
        let enough = lines.iter().all(|(id, n)| self.available(*id) >= *n);
        if !enough {
            return Err(codes::OUT_OF_STOCK);
        }
        self.shift(lines, 0, 1, true);
        let reservation = Reservation {
            lines: lines.clone(),
            restocked: Lines::new(),
            deadline,
            state: State::Held,
            order: None,
        };
        self.reservations.insert(id, reservation);
        Ok(())
    }

    /// Whether a reservation was released.
    pub fn was_given_back(&self, id: Uuid) -> bool {
        let reservation = self.reservations.get(&id);
        reservation.is_some_and(|it| it.state == State::Released)
    }

    /// Sells what is held to an order; what ran out too, if it is still there.
    pub fn claim(&mut self, id: Uuid, order: Uuid) -> Outcome {
        let reservation = self.reservations.get(&id).cloned();
        let reservation = reservation.ok_or(codes::RESERVATION_NOT_FOUND)?;
        let held = match reservation.state {
            State::Claimed if reservation.order != Some(order) => {
                return Err(codes::RESERVATION_MISMATCH);
            }
            State::Claimed => return Ok(()),
            State::Released => return Err(codes::RESERVATION_RELEASED),
            State::Held => true,
            State::Expired => false,
        };
        let blind = !held && self.is(Bug::ClaimExpiredUnseen);
        let enough = reservation.lines.iter().all(|(variant, quantity)| {
            let level = self.levels.get(variant).copied().unwrap_or_default();
            let promised = if held { 0 } else { level.reserved };
            level.on_hand - promised >= *quantity
        });
        if !enough && !blind {
            match self.is(Bug::RefusedClaimStays) {
                true if held => self.set(id, State::Expired, None),
                true => {}
                false => self.set(id, State::Released, None),
            }
            if held {
                self.shift(&reservation.lines, 0, -1, false);
            }
            return Err(codes::RESERVATION_EXPIRED);
        }
        self.set(id, State::Claimed, Some(order));
        self.shift(&reservation.lines, -1, -i64::from(held), true);
        Ok(())
    }

    /// Gives back whatever it holds.
    pub fn release(&mut self, id: Uuid) -> Outcome {
        let reservation = self.reservations.get(&id).cloned();
        let reservation = reservation.ok_or(codes::RESERVATION_NOT_FOUND)?;
        match reservation.state {
            State::Held => self.shift(&reservation.lines, 0, -1, false),
            State::Claimed if !self.is(Bug::ReleaseForgetsClaimed) => {
                let out = reservation.lines.keys();
                let out = out.map(|variant| (*variant, reservation.out(*variant)));
                self.shift(&out.collect(), 1, 0, false);
            }
            State::Claimed | State::Released | State::Expired => {}
        }
        let order = reservation.order;
        self.set(id, State::Released, order);
        Ok(())
    }

    /// Puts some of what an order took back, once for each `id`.
    pub fn restock(&mut self, id: Uuid, order: Uuid, lines: &Lines) -> Outcome {
        match self.restocks.get(&id) {
            Some(known) if known != lines => return Err(codes::RESERVATION_MISMATCH),
            Some(_) if !self.is(Bug::RestockTwice) => return Ok(()),
            _ => {}
        }
        let twice = self.is(Bug::RestockTwice);
        let mut claimed = self.reservations.values_mut();
        let claimed = claimed.find(|it| it.state == State::Claimed && it.order == Some(order));
        let claimed = claimed.ok_or(codes::RESERVATION_NOT_FOUND)?;
        let fits = lines.iter().all(|(variant, n)| claimed.out(*variant) >= *n);
        if !fits && !twice {
            return Err(codes::RESTOCK_EXCEEDS_SOLD);
        }
        if !self.restocks.contains_key(&id) {
            for (variant, quantity) in lines {
                *claimed.restocked.entry(*variant).or_insert(0) += quantity;
            }
        }
        self.restocks.insert(id, lines.clone());
        self.shift(lines, 1, 0, false);
        Ok(())
    }

    /// Takes back what is overdue; how many that were.
    pub fn expire(&mut self, now: i64) -> usize {
        let claimed_too = self.is(Bug::ExpiryTakesClaimed);
        let overdue: Vec<(Uuid, Lines)> = self
            .reservations
            .iter()
            .filter(|(_, it)| {
                let open = it.state == State::Held || (claimed_too && it.state == State::Claimed);
                open && it.deadline <= now
            })
            .map(|(id, it)| (*id, it.lines.clone()))
            .collect();
        for (id, lines) in &overdue {
            self.set(*id, State::Expired, None);
            self.shift(lines, 0, -1, false);
        }
        overdue.len()
    }

    fn set(&mut self, id: Uuid, state: State, order: Option<Uuid>) {
        if let Some(reservation) = self.reservations.get_mut(&id) {
            reservation.state = state;
            reservation.order = order;
        }
    }
}
