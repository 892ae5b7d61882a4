//! Bodies on their way in.
//!
//! Who sends slowly must not keep others out. So at an edge a small body is waited for before its
//! request takes a place; and of those that are too large to be waited for, only so many come at
//! once: of one client, and in all.

use std::{
    collections::HashMap,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{BoxError, body::Body};
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use techcommerce_kernel::Error;

/// The most bytes that are waited for.
pub(crate) const SMALL: usize = 16 * 1024;

/// How long who sends too much at once should wait.
const COME_BACK: Duration = Duration::from_secs(5);

/// How many bodies may be on their way.
#[derive(Debug)]
pub(crate) struct Arrivals {
    /// Their requests have no place yet: what they hold is a connection and a little memory.
    small: Tally,
    /// Their requests have one.
    large: Tally,
}

impl Arrivals {
    /// For a service with so many places.
    pub(crate) fn new(places: usize) -> Self {
        let of_all = (places / 2).max(1);
        Self {
            small: Tally::new(places.saturating_mul(2), places.saturating_mul(8)),
            large: Tally::new((places / 8).max(2).min(of_all), of_all),
        }
    }

    /// Whether a body can be small, by what it says of itself.
    pub(crate) fn is_small(body: &Body) -> bool {
        body.size_hint().lower() <= SMALL as u64
    }

    /// The body once it is there. One that turns out to be large is let in as it comes.
    ///
    /// # Errors
    /// `too_many_requests` when its client sends too many at once; `body_unread` when it breaks
    /// off; those of [`Arrivals::let_in`].
    pub(crate) async fn wait(&self, client: Option<IpAddr>, body: Body) -> Result<Body, Error> {
        let share = self.small.take(client)?;
        let mut body = body;
        let mut there = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| unread().caused_by(error))?;
            if let Some(data) = frame.data_ref() {
                there.extend_from_slice(data);
            }
            if there.len() > SMALL {
                drop(share);
                return self.streamed(client, there.into(), body);
            }
        }
        Ok(Body::from(there))
    }

    /// A large body, as it comes.
    ///
    /// # Errors
    /// `too_many_requests` when its client sends too many at once; `unavailable` when all do.
    pub(crate) fn let_in(&self, client: Option<IpAddr>, body: Body) -> Result<Body, Error> {
        self.streamed(client, Bytes::new(), body)
    }

    fn streamed(&self, client: Option<IpAddr>, there: Bytes, rest: Body) -> Result<Body, Error> {
        let share = Some(self.large.take(client)?);
        Ok(Body::new(Streamed { there, rest, share }))
    }
}

/// A body that was not there.
pub(crate) fn unread() -> Error {
    Error::invalid("body_unread", "The body ended before it was complete.")
}

/// How many are on their way, by client.
#[derive(Debug)]
struct Tally {
    of_one: usize,
    of_all: usize,
    held: Arc<Mutex<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    /// Only of those who have any.
    clients: HashMap<IpAddr, usize>,
    all: usize,
}

impl Tally {
    fn new(of_one: usize, of_all: usize) -> Self {
        Self {
            of_one,
            of_all,
            held: Arc::default(),
        }
    }

    /// One more. Who comes from nowhere counts among all only.
    fn take(&self, client: Option<IpAddr>) -> Result<Share, Error> {
        let mut held = lock(&self.held);
        if held.all >= self.of_all {
            let busy = "Too much is being sent here at once; please try again.";
            return Err(Error::unavailable(busy));
        }
        if let Some(client) = client {
            let count = held.clients.entry(client).or_default();
            if *count >= self.of_one {
                let wait = "Your address is sending too much at once. Please wait for some of it.";
                return Err(Error::too_many(wait, COME_BACK));
            }
            *count += 1;
        }
        held.all += 1;
        drop(held);
        Ok(Share {
            held: Arc::clone(&self.held),
            client,
        })
    }
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One that is on its way, until it is dropped.
#[derive(Debug)]
struct Share {
    held: Arc<Mutex<Held>>,
    client: Option<IpAddr>,
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = lock(&self.held);
        held.all -= 1;
        let Some(client) = self.client else {
            return;
        };
        if let Some(count) = held.clients.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                held.clients.remove(&client);
            }
        }
    }
}

/// What is there of a body, and then the rest.
struct Streamed {
    there: Bytes,
    rest: Body,
    /// Given back with the last of the body: what follows is the handler's time.
    share: Option<Share>,
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if !this.there.is_empty() {
            let there = std::mem::take(&mut this.there);
            return Poll::Ready(Some(Ok(Frame::data(there))));
        }
        let frame = ready!(Pin::new(&mut this.rest).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) || this.rest.is_end_stream() {
            this.share = None;
        }
        Poll::Ready(frame.map(|frame| frame.map_err(BoxError::from)))
    }

    fn is_end_stream(&self) -> bool {
        self.there.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (there, rest) = (self.there.len() as u64, self.rest.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(there));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(there));
        }
        hint
    }
}

#[cfg(test)]
#[path = "arrival_tests.rs"]
mod tests;
