//! The body of a request, of which the server keeps hold: what a handler leaves unread is read away
//! before the answer goes out, or the answer says that the connection ends.
//!
//! hyper closes a connection with an unread body too, but without a word: the client sends its next
//! request into the void.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::Request;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::EXPECT;
use tokio::time::timeout;

use crate::limits::request::{DISCARD_WITHIN, DISCARDED};

/// The body as handlers get it.
pub(super) struct RequestBody(Arc<Mutex<Inner>>);

/// The server's hold on it.
#[derive(Clone)]
pub struct Upload(Arc<Mutex<Inner>>);

struct Inner {
    incoming: Incoming,
    complete: bool,
    /// The client waits for a word before it sends the body, and has not had it.
    held_back: bool,
}

/// Takes hold of the body of a request, if it has any.
pub(super) fn hold(request: Request<Incoming>) -> (Request<axum::body::Body>, Option<Upload>) {
    let held_back = request.headers().contains_key(EXPECT);
    let (parts, incoming) = request.into_parts();
    if incoming.is_end_stream() {
        return (Request::from_parts(parts, axum::body::Body::empty()), None);
    }
    let inner = Arc::new(Mutex::new(Inner { incoming, complete: false, held_back }));
    let body = axum::body::Body::new(RequestBody(Arc::clone(&inner)));
    let mut request = Request::from_parts(parts, body);
    request.extensions_mut().insert(Upload(Arc::clone(&inner)));
    (request, Some(Upload(inner)))
}

impl Upload {
    /// Whether all of it has come.
    pub fn is_complete(&self) -> bool {
        lock(&self.0).complete
    }

    /// Reads away what is left, within limits. Answers whether that was all.
    pub(super) async fn discard(self) -> bool {
        {
            let inner = lock(&self.0);
            let left = inner.incoming.size_hint().lower();
            if inner.complete || inner.held_back || left > DISCARDED {
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
        // What is not here by then is not waited for: the caller asks whether it is complete.
        timeout(DISCARD_WITHIN, read).await.ok();
        self.is_complete()
    }
}

impl Inner {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.held_back = false;
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
