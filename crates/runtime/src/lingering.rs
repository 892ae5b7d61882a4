//! Bodies that are read to their end although nobody wants them.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};

/// How much is read after the answer, and for how long.
const MOST: usize = 64 << 20;
const LONGEST: Duration = Duration::from_secs(5);

/// A request's body. When it is dropped before its end, because the answer did not need it, the
/// rest is read and thrown away for a while: a connection that is closed over a body makes the
/// sender fail, who then never sees why it was refused.
#[derive(Debug)]
pub struct Lingering(Option<Incoming>);

impl Lingering {
    /// Takes the body of a request, unless its sender waits to be asked for it (RFC 9110 §10.1.1).
    pub fn of(request: Request<Incoming>) -> Request<axum::body::Body> {
        let waits = request.headers().contains_key(header::EXPECT);
        request.map(|body| match waits {
            _ if body.is_end_stream() => axum::body::Body::empty(),
            true => axum::body::Body::new(body),
            false => axum::body::Body::new(Self(Some(body))),
        })
    }
}

impl Body for Lingering {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.0 {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0
            .as_ref()
            .map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let rest = self.0.take().filter(|body| !body.is_end_stream());
        if let (Some(rest), Ok(runtime)) = (rest, tokio::runtime::Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(LONGEST, read_away(rest)));
        }
    }
}

async fn read_away(mut rest: Incoming) {
    let mut read = 0;
    while let Some(Ok(frame)) = rest.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > MOST {
            return;
        }
    }
}
