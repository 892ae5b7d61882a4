//! A body has to keep coming, so that a client that sends next to nothing holds no place.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{BoxError, body::Body};
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

/// How long a body may be waited for in all before its pace counts.
const ALLOWANCE: Duration = Duration::from_secs(30);

/// A body that fails when it pauses for too long, or comes slower than a pace. Only the time in
/// which it was waited for counts: a handler that takes its time is not the client's fault.
pub(crate) struct PacedBody {
    body: Body,
    /// The longest pause.
    pause: Duration,
    /// The fewest bytes a second.
    pace: u32,
    bytes: u64,
    waited: Duration,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl PacedBody {
    /// `body`, which may pause for `pause` and has to bring `pace` bytes a second on average.
    pub(crate) fn new(body: Body, pause: Duration, pace: u32) -> Self {
        Self {
            body,
            pause,
            pace: pace.max(1),
            bytes: 0,
            waited: Duration::ZERO,
            waiting: None,
        }
    }

    /// How long the next frame may be waited for.
    fn patience(&self) -> Duration {
        let earned = Duration::from_secs(self.bytes / u64::from(self.pace));
        let left = (ALLOWANCE + earned).saturating_sub(self.waited);
        left.min(self.pause)
    }
}

impl HttpBody for PacedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            if let Some((since, _)) = this.waiting.take() {
                this.waited += since.elapsed();
            }
            if let Some(Ok(frame)) = &frame {
                this.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(BoxError::from)));
        }
        let patience = this.patience();
        let (_, patience_ends) = this
            .waiting
            .get_or_insert_with(|| (Instant::now(), Box::pin(sleep(patience))));
        ready!(patience_ends.as_mut().poll(context));
        Poll::Ready(Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body came too slowly.
#[derive(Debug)]
struct TooSlow;

impl fmt::Display for TooSlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body came too slowly")
    }
}

impl std::error::Error for TooSlow {}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};
    use http_body_util::BodyExt;

    use super::*;

    const PAUSE: Duration = Duration::from_secs(15);
    const PACE: u32 = 8 * 1024;

    /// A body of `count` pieces of `size` bytes, each after `every`; gives what came of it and
    /// how long it took.
    async fn read(count: usize, size: usize, every: Duration) -> (bool, Duration) {
        let pieces = stream::iter(0..count).then(move |_| async move {
            sleep(every).await;
            Ok::<_, BoxError>(Bytes::from(vec![b'x'; size]))
        });
        let started = Instant::now();
        let body = PacedBody::new(Body::from_stream(pieces), PAUSE, PACE);
        (body.collect().await.is_ok(), started.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_is_given_up() {
        let (whole, took) = read(1000, 1, Duration::from_secs(14)).await;
        assert!(!whole && took <= Duration::from_secs(45), "{took:?}");
        let (whole, took) = read(2, 1, Duration::from_secs(16)).await;
        assert!(!whole && took == PAUSE, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_line_is_waited_for() {
        assert!(read(200, 10 * 1024, Duration::from_secs(1)).await.0);
        assert!(read(2, 10, Duration::from_secs(14)).await.0, "a small one");
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_that_takes_its_time_is_not_the_clients_fault() {
        let pieces = stream::iter(0..5).then(|_| async {
            sleep(Duration::from_secs(1)).await;
            Ok::<_, BoxError>(Bytes::from_static(b"x"))
        });
        let mut body = PacedBody::new(Body::from_stream(pieces), PAUSE, PACE);
        let mut count = 0;
        while let Some(frame) = body.frame().await {
            frame.unwrap();
            count += 1;
            sleep(Duration::from_secs(60)).await;
        }
        assert_eq!(count, 5);
    }
}
