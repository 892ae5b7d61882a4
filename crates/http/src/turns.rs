//! Requests under one `Idempotency-Key`, one after the other.
//!
//! Who hears nothing sends again, and the first one may be at work still. If the second were faster
//! and refused, its client would be told that nothing was done, and then the first would do it. So
//! at an edge who comes later waits until who came before is through. That holds for one process;
//! where there are several, what was done is still done once, by the rows that services keep.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, Hasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::extract::Request;
use http::header;
use tokio::sync::oneshot;

/// The header that names a request.
const KEY: &str = "idempotency-key";

/// Who is at work, and who waits for whom.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    hasher: RandomState,
    lines: Arc<Mutex<Lines>>,
}

/// The last in each line. Two names with one hash wait for each other, which does no harm.
#[derive(Debug, Default)]
struct Lines {
    last: HashMap<u64, Last>,
    /// How many there were.
    number: u64,
}

#[derive(Debug)]
struct Last {
    number: u64,
    /// Comes to an end when it is through.
    through: oneshot::Receiver<()>,
}

impl Turns {
    /// A place in the line of what has the request's key, for what has one: the same caller and
    /// address.
    pub(crate) fn enter(&self, request: &Request) -> Option<Turn> {
        let headers = request.headers();
        let key = headers.get(KEY)?;
        let mut hash = self.hasher.build_hasher();
        request.uri().path().hash(&mut hash);
        for value in [
            Some(key),
            headers.get(header::AUTHORIZATION),
            headers.get(header::COOKIE),
        ] {
            value.hash(&mut hash);
        }
        let name = hash.finish();
        let (done, through) = oneshot::channel();
        let mut lines = lock(&self.lines);
        lines.number += 1;
        let number = lines.number;
        let before = lines.last.insert(name, Last { number, through });
        drop(lines);
        Some(Turn {
            before: before.map(|last| last.through),
            _done: done,
            name,
            number,
            lines: Arc::clone(&self.lines),
        })
    }
}

/// A place in a line, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    before: Option<oneshot::Receiver<()>>,
    _done: oneshot::Sender<()>,
    name: u64,
    number: u64,
    lines: Arc<Mutex<Lines>>,
}

impl Turn {
    /// Waits until who came before is through.
    pub(crate) async fn comes(&mut self) {
        if let Some(before) = &mut self.before {
            // Its end says nothing.
            let _ = before.await;
            self.before = None;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut lines = lock(&self.lines);
        if lines.last.get(&self.name).map(|last| last.number) == Some(self.number) {
            lines.last.remove(&self.name);
        }
    }
}

fn lock(lines: &Mutex<Lines>) -> MutexGuard<'_, Lines> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures_util::{FutureExt, poll};

    use super::*;

    fn request(path: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = Request::post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn the_same_waits_and_another_does_not() {
        let turns = Turns::default();
        let named = [(KEY, "k"), ("authorization", "Bearer a")];
        assert!(turns.enter(&request("/orders", &named[1..])).is_none());
        let mut first = turns.enter(&request("/orders", &named)).unwrap();
        let mut second = turns.enter(&request("/orders", &named)).unwrap();
        let mut third = turns.enter(&request("/orders", &named)).unwrap();
        assert!(first.comes().now_or_never().is_some());
        {
            let mut waits = Box::pin(second.comes());
            assert!(poll!(&mut waits).is_pending());
            assert!(third.comes().now_or_never().is_none());
        }
        for other in [
            request("/refunds", &named),
            request("/orders", &[(KEY, "l"), named[1]]),
            request("/orders", &[named[0], ("authorization", "Bearer b")]),
            request("/orders", &[named[0], named[1], ("cookie", "tc_session=x")]),
        ] {
            let mut other = turns.enter(&other).unwrap();
            assert!(other.comes().now_or_never().is_some());
        }
        drop(first);
        drop((second, third));
        assert!(lock(&turns.lines).last.is_empty());
    }
}
