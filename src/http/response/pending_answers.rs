//! Answers that their readers have not taken yet. An answer is made as a whole, and whoever asks for
//! many large ones and reads none has them kept here: so a user has so many bytes of them, over all
//! connections.

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

use crate::http::request::auth::Viewer;
use crate::http::{AppState, Problem};
use crate::kernel::UserId;
use crate::limits::user::UNREAD_ANSWERS;

/// Smaller ones are not counted: there are as many as there are connections.
const SMALL: usize = 32 * 1024;
/// What the connection gets at a time: it keeps no more of an answer that is not read.
const PIECE: usize = 16 * 1024;
/// When to try again. A reader that takes nothing is cut before long.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// How many bytes there are of each user's answers.
#[derive(Clone, Default)]
pub struct PendingAnswers(Arc<Mutex<HashMap<UserId, usize>>>);

/// Counts the large answers to signed-in users, and refuses one too many with 429. What has changed
/// something is answered all the same: those are bounded by their rates.
pub async fn bound(State(site): State<AppState>, request: Request, next: Next) -> Response {
    let user = request.extensions().get::<Viewer>().map(|Viewer(me)| me.person.id);
    let is_safe = request.method().is_safe();
    let response = next.run(request).await;
    let length =
        response.body().size_hint().exact().and_then(|length| usize::try_from(length).ok());
    match (user, length) {
        (Some(user), Some(length)) if length > SMALL => {
            let Some(share) = site.unread.take(user, length, is_safe) else {
                return Problem::too_many(AGAIN_AFTER).into_response();
            };
            response.map(|body| Body::new(Counted { body, rest: Bytes::new(), _share: share }))
        }
        _ => response,
    }
}

impl PendingAnswers {
    fn take(&self, user: UserId, bytes: usize, refusable: bool) -> Option<Reservation> {
        let mut users = self.users();
        let held = users.entry(user).or_default();
        // The first one passes, however large it is.
        if refusable && *held > 0 && *held + bytes > UNREAD_ANSWERS {
            return None;
        }
        *held += bytes;
        Some(Reservation { all: self.clone(), user, bytes })
    }

    fn users(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one answer takes of its reader's bytes, until it is dropped.
struct Reservation {
    all: PendingAnswers,
    user: UserId,
    bytes: usize,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut users = self.all.users();
        if let Some(held) = users.get_mut(&self.user) {
            *held -= self.bytes;
            if *held == 0 {
                users.remove(&self.user);
            }
        }
    }
}

/// A body in small pieces. The connection takes each when it has sent the one before.
struct Counted {
    body: Body,
    rest: Bytes,
    _share: Reservation,
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
        let length = self.rest.len().min(PIECE);
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
    async fn a_counted_body_is_the_same_in_pieces() {
        let unread = PendingAnswers::default();
        for length in [0, 1, PIECE, PIECE + 1, 3 * PIECE + 7] {
            let whole: Vec<u8> =
                (0..length).map(|n| u8::try_from(n % 251).expect("a byte")).collect();
            let share = unread.take(UserId(1), length, true).expect("room");
            let body =
                Counted { body: Body::from(whole.clone()), rest: Bytes::new(), _share: share };
            assert_eq!(body.size_hint().exact(), Some(length as u64));
            let mut pieces = Body::new(body).into_data_stream();
            let mut found = Vec::new();
            while let Some(piece) = pieces.next().await {
                let piece = piece.expect("a piece");
                assert!(piece.len() <= PIECE);
                found.extend_from_slice(&piece);
            }
            assert!(found == whole, "{length}");
        }
        assert!(unread.users().is_empty(), "all of it was given back");
    }

    #[test]
    fn a_user_has_so_many_bytes_and_others_have_theirs() {
        let (unread, me, other) = (PendingAnswers::default(), UserId(1), UserId(2));
        let first = unread.take(me, UNREAD_ANSWERS + 1, true);
        assert!(first.is_some(), "one passes, however large");
        assert!(unread.take(me, 1, true).is_none());
        assert!(unread.take(me, 1, false).is_some(), "what changed something is answered");
        let theirs = unread.take(other, UNREAD_ANSWERS, true);
        assert!(theirs.is_some());
        drop(first);
        assert!(unread.take(me, UNREAD_ANSWERS, true).is_some());
    }
}
