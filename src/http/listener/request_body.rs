//! The body of a request, shared by handler and server. If a handler does not read it to the end, the server
//! reads and discards the rest before it sends the response, or the response announces that the connection
//! closes.
//!
//! hyper also closes a connection with an unread body, but without announcing it: the client would send its next
//! request to a closed connection.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::Request;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::EXPECT;
use tokio::time::timeout;

use crate::limits::request::{DISCARD_WITHIN, DISCARDED};

/// The handler's side of the body.
pub(super) struct RequestBody(Arc<Mutex<Inner>>);

/// The server's side of the body.
#[derive(Clone)]
pub struct Upload(Arc<Mutex<Inner>>);

struct Inner {
    incoming: Incoming,
    complete: bool,
    /// The client sent `Expect` and waits for 100 Continue before it sends the body.
    awaits_continue: bool,
}

/// Shares the body of a request. Returns no [`Upload`] if the body is empty.
pub(super) fn share(request: Request<Incoming>) -> (Request<axum::body::Body>, Option<Upload>) {
    let awaits_continue = request.headers().contains_key(EXPECT);
    let (parts, incoming) = request.into_parts();
    if incoming.is_end_stream() {
        return (Request::from_parts(parts, axum::body::Body::empty()), None);
    }
    let inner = Arc::new(Mutex::new(Inner { incoming, complete: false, awaits_continue }));
    let body = axum::body::Body::new(RequestBody(Arc::clone(&inner)));
    let mut request = Request::from_parts(parts, body);
    request.extensions_mut().insert(Upload(Arc::clone(&inner)));
    (request, Some(Upload(inner)))
}

impl Upload {
    /// Whether the whole body was read.
    pub fn is_complete(&self) -> bool {
        lock(&self.0).complete
    }

    /// Reads and discards the rest of the body, within limits. Returns whether the body is complete.
    pub(super) async fn discard(self) -> bool {
        {
            let inner = lock(&self.0);
            let left = inner.incoming.size_hint().lower();
            if inner.complete || inner.awaits_continue || left > DISCARDED {
                return inner.complete;
            }
        }
        let mut discarded = 0;
        let read = async {
            while let Some(Ok(frame)) = std::future::poll_fn(|cx| lock(&self.0).poll(cx)).await {
                discarded += frame.data_ref().map_or(0, |data| data.len() as u64);
                if discarded > DISCARDED {
                    break;
                }
            }
        };
        // Bytes that arrive later are not waited for; the result then is false.
        timeout(DISCARD_WITHIN, read).await.ok();
        self.is_complete()
    }
}

impl Inner {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.awaits_continue = false;
        let polled = Pin::new(&mut self.incoming).poll_frame(cx);
        let ended = matches!(polled, Poll::Ready(None)) || self.incoming.is_end_stream();
        self.complete |= ended;
        polled
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        lock(&self.0).poll(cx)
    }

    fn is_end_stream(&self) -> bool {
        lock(&self.0).incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        lock(&self.0).incoming.size_hint()
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}
