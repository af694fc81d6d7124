//! Limits the memory of responses that their clients have not read yet. A response is built completely before
//! it is sent. A client that requests many large ones and reads none would fill the memory, so the bytes are
//! limited per user, over all connections.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::{Body as _, Frame, SizeHint};

use crate::http::Problem;
use crate::http::request::auth::Viewer;
use crate::http::response::streamed::Streamed;
use crate::kernel::UserId;
use crate::limits::user::UNREAD_ANSWERS;

/// Responses up to this size are not counted: the number of connections limits them.
const SMALL: usize = 32 * 1024;
/// The size of the chunks that the connection receives: it buffers no more of an unread response.
const CHUNK: usize = 16 * 1024;
/// When the client may retry. A client that reads nothing is disconnected soon.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// The unread bytes of each user's responses.
#[derive(Clone, Default)]
pub struct PendingAnswers(Arc<Mutex<HashMap<UserId, usize>>>);

/// Counts large responses to signed-in users, and answers 429 above the limit. The response to a change is
/// always sent, because the change was made; rate limits bound those.
pub async fn bound(
    State(pending_answers): State<PendingAnswers>,
    request: Request,
    next: Next,
) -> Response {
    let user = request.extensions().get::<Viewer>().map(|Viewer(me)| me.user.id);
    let is_safe = request.method().is_safe();
    let response = next.run(request).await;
    if response.extensions().get::<Streamed>().is_some() {
        return response;
    }
    let length =
        response.body().size_hint().exact().and_then(|length| usize::try_from(length).ok());
    match (user, length) {
        (Some(user), Some(length)) if length > SMALL => {
            let Some(reservation) = pending_answers.take(user, length, is_safe) else {
                return Problem::too_many(AGAIN_AFTER).into_response();
            };
            response.map(|body| {
                Body::new(Counted { body, rest: Bytes::new(), _reservation: reservation })
            })
        }
        _ => response,
    }
}

impl PendingAnswers {
    fn take(&self, user: UserId, bytes: usize, refusable: bool) -> Option<Reservation> {
        let mut users = self.users();
        let reserved = users.entry(user).or_default();
        // A single response of any size is allowed.
        if refusable && *reserved > 0 && *reserved + bytes > UNREAD_ANSWERS {
            return None;
        }
        *reserved += bytes;
        Some(Reservation { all: self.clone(), user, bytes })
    }

    fn users(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bytes of one response, released on drop.
struct Reservation {
    all: PendingAnswers,
    user: UserId,
    bytes: usize,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut users = self.all.users();
        if let Some(reserved) = users.get_mut(&self.user) {
            *reserved -= self.bytes;
            if *reserved == 0 {
                users.remove(&self.user);
            }
        }
    }
}

/// A body in small chunks. The connection takes the next chunk when it has sent the previous one.
struct Counted {
    body: Body,
    rest: Bytes,
    _reservation: Reservation,
}

impl hyper::body::Body for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                ended => return Poll::Ready(ended),
            };
            match frame.into_data() {
                Ok(data) => self.rest = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        let length = self.rest.len().min(CHUNK);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.size_hint();
        let rest = self.rest.len() as u64;
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    #[tokio::test]
    async fn a_counted_body_is_the_same_in_chunks() {
        let unread = PendingAnswers::default();
        for length in [0, 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7] {
            let whole: Vec<u8> =
                (0..length).map(|n| u8::try_from(n % 251).expect("a byte")).collect();
            let reservation = unread.take(UserId(1), length, true).expect("room");
            let body = Counted {
                body: Body::from(whole.clone()),
                rest: Bytes::new(),
                _reservation: reservation,
            };
            assert_eq!(body.size_hint().exact(), Some(length as u64));
            let mut chunks = Body::new(body).into_data_stream();
            let mut found = Vec::new();
            while let Some(chunk) = chunks.next().await {
                let chunk = chunk.expect("a chunk");
                assert!(chunk.len() <= CHUNK);
                found.extend_from_slice(&chunk);
            }
            assert!(found == whole, "{length}");
        }
        assert!(unread.users().is_empty(), "all bytes were released");
    }

    #[test]
    fn unread_bytes_are_limited_per_user() {
        let (unread, me, other) = (PendingAnswers::default(), UserId(1), UserId(2));
        let first = unread.take(me, UNREAD_ANSWERS + 1, true);
        assert!(first.is_some(), "a single response of any size passes");
        assert!(unread.take(me, 1, true).is_none());
        assert!(unread.take(me, 1, false).is_some(), "the response to a change is sent");
        let theirs = unread.take(other, UNREAD_ANSWERS, true);
        assert!(theirs.is_some());
        drop(first);
        assert!(unread.take(me, UNREAD_ANSWERS, true).is_some());
    }
}
