//! Who is given a connection when several wait: who is about to end something before who begins.
//!
//! First come, first served does not do where one thing takes several requests. When more begin than
//! can end, everybody waits at every step, and many give up or are refused half-way, with work done for
//! nothing. Where those who are further on go first, what was begun is ended, and as many begin as
//! there is room for.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

tokio::task_local! {
    static TURN: Turn;
}

/// When somebody's turn is, where several wait for a connection. Those of one turn are served in the
/// order in which they came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// Before all others: what ends something, and whatever does not say otherwise.
    #[default]
    First,
    /// What goes on with something.
    Next,
    /// What begins something.
    Last,
}

/// How many there are.
pub(crate) const TURNS: usize = 3;

impl Turn {
    /// Whatever connection `work` waits for, it waits for in this turn.
    pub async fn scope<T>(self, work: impl Future<Output = T>) -> T {
        TURN.scope(self, work).await
    }

    /// That of the work that asks.
    pub(crate) fn current() -> Self {
        TURN.try_with(|turn| *turn).unwrap_or_default()
    }
}

/// Room for so many at once. Clones are the same room.
#[derive(Debug, Clone)]
pub(crate) struct Room(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    free: usize,
    /// By turn. While there are any, nothing is free.
    waiting: [VecDeque<oneshot::Sender<Place>>; TURNS],
}

/// One's place in a room, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    /// Empty only when somebody else has it.
    room: Option<Room>,
}

impl Room {
    pub fn new(places: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            free: places,
            waiting: Default::default(),
        })))
    }

    /// A place, if one is free.
    pub fn try_enter(&self) -> Option<Place> {
        let mut state = self.state();
        state.free = state.free.checked_sub(1)?;
        Some(self.place())
    }

    /// A place, when it is this one's turn. Whoever does not wait until then leaves no gap.
    pub async fn enter(&self, turn: Turn) -> Place {
        loop {
            let called = {
                let mut state = self.state();
                if let Some(free) = state.free.checked_sub(1) {
                    state.free = free;
                    return self.place();
                }
                let (call, called) = oneshot::channel();
                let waiting = &mut state.waiting[turn as usize];
                // Who went away is called no more; in a long wait they would only take up memory.
                while waiting.front().is_some_and(oneshot::Sender::is_closed) {
                    waiting.pop_front();
                }
                waiting.push_back(call);
                called
            };
            if let Ok(place) = called.await {
                return place;
            }
        }
    }

    /// How many places are free.
    pub fn free(&self) -> usize {
        self.state().free
    }

    /// Somebody left: the next one's place, or a free one.
    fn leave(&self) {
        let mut place = self.place();
        loop {
            let call = {
                let mut state = self.state();
                let Some(call) = state.waiting.iter_mut().find_map(VecDeque::pop_front) else {
                    state.free += 1;
                    place.room = None;
                    return;
                };
                call
            };
            match call.send(place) {
                Ok(()) => return,
                Err(unwanted) => place = unwanted,
            }
        }
    }

    fn place(&self) -> Place {
        Place {
            room: Some(self.clone()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(room) = self.room.take() {
            room.leave();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use proptest::prelude::*;
    use tokio::{sync::mpsc, task::yield_now};

    use super::*;

    #[tokio::test]
    async fn who_ends_goes_before_who_begins() {
        let room = Room::new(1);
        let only = room.try_enter().unwrap();
        assert!(room.try_enter().is_none());
        let (told, mut order) = mpsc::unbounded_channel();
        for (number, turn) in [
            (4, Turn::Last),
            (2, Turn::Next),
            (0, Turn::First),
            (5, Turn::Last),
            (3, Turn::Next),
            (1, Turn::First),
        ] {
            let (room, told) = (room.clone(), told.clone());
            tokio::spawn(async move {
                let _place = room.enter(turn).await;
                told.send(number).unwrap();
            });
            yield_now().await;
        }
        drop(only);
        for number in 0..6 {
            assert_eq!(order.recv().await, Some(number));
        }
        assert_eq!(room.free(), 1);
    }

    #[tokio::test]
    async fn the_turn_is_that_of_the_work() {
        assert_eq!(Turn::current(), Turn::First);
        let inner = Turn::Last.scope(async {
            yield_now().await;
            Turn::current()
        });
        assert_eq!(inner.await, Turn::Last);
    }

    /// How many are inside.
    struct Inside(Arc<AtomicUsize>);

    impl Inside {
        fn one_more(inside: &Arc<AtomicUsize>) -> Self {
            inside.fetch_add(1, Ordering::Relaxed);
            Self(Arc::clone(inside))
        }
    }

    impl Drop for Inside {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Come(Turn),
        GiveUp(usize),
        Leave(usize),
        LetRun,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => prop_oneof![Just(Turn::First), Just(Turn::Next), Just(Turn::Last)].prop_map(Step::Come),
            1 => any::<usize>().prop_map(Step::GiveUp),
            2 => any::<usize>().prop_map(Step::Leave),
            2 => Just(Step::LetRun),
        ]
    }

    proptest! {
        /// Never more than there is room for; nobody is forgotten, and no place is lost.
        #[test]
        fn nobody_is_forgotten(places in 1_usize..4, steps in prop::collection::vec(step(), 1..60)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let room = Room::new(places);
                let inside = Arc::new(AtomicUsize::new(0));
                let mut tasks = Vec::new();
                let mut leave = Vec::new();
                for step in steps {
                    match step {
                        Step::Come(turn) => {
                            let (room, inside) = (room.clone(), Arc::clone(&inside));
                            let (go, gone) = oneshot::channel::<()>();
                            leave.push(go);
                            tasks.push(tokio::spawn(async move {
                                let _place = room.enter(turn).await;
                                let _inside = Inside::one_more(&inside);
                                let _ = gone.await;
                            }));
                        }
                        Step::GiveUp(which) if !tasks.is_empty() => {
                            tasks[which % tasks.len()].abort();
                        }
                        Step::Leave(which) if !leave.is_empty() => {
                            drop(leave.swap_remove(which % leave.len()));
                        }
                        Step::LetRun => yield_now().await,
                        Step::GiveUp(_) | Step::Leave(_) => {}
                    }
                    assert!(inside.load(Ordering::Relaxed) <= places);
                }
                drop(leave);
                for task in tasks {
                    let _ = task.await;
                }
                assert_eq!(room.free(), places);
            });
        }
    }
}
