//! How far one connection is: waiting for its first byte, in the middle of a head, answering, or idle.
//!
//! Told by the stream (bytes came) and by the service (a request began, an answer is complete); asked
//! by `connection`, which sets its deadline by it. hyper has one time for idling and for a head that
//! has begun, and only the second may be short.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::Request;
use hyper::body::Body;
use tokio::time::Instant;

pub(super) struct Progress(Mutex<State>);

struct State {
    /// Bytes that came and belong to no request yet; negative while a body is still to come.
    ahead: i64,
    /// The end of the body is known by its chunks only, so `ahead` cannot be.
    chunked: bool,
    phase: Phase,
    /// At least one request was answered.
    kept: bool,
    closing: bool,
    since: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// For a request.
    Waiting,
    Answering,
    /// The whole answer was handed to hyper, which may still have to write it.
    Sent,
}

/// What a connection waits for, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// A head: the first one, or one of which there are bytes already.
    Head(Instant),
    /// The next request on a connection that is kept.
    Next(Instant),
    /// Nothing: a request is being answered.
    Busy,
}

impl Progress {
    pub fn new() -> Self {
        let since = Instant::now();
        let (phase, chunked, kept, closing) = (Phase::Waiting, false, false, false);
        Self(Mutex::new(State { ahead: 0, chunked, phase, kept, closing, since }))
    }

    /// Bytes came.
    pub fn came(&self, bytes: usize) {
        let mut state = self.lock();
        if state.phase == Phase::Waiting && state.ahead <= 0 && state.kept {
            state.since = Instant::now();
        }
        state.ahead = state.ahead.saturating_add_unsigned(bytes as u64);
    }

    /// The head of a request is complete.
    pub fn began<B: Body>(&self, request: &Request<B>) {
        let mut state = self.lock();
        state.phase = Phase::Answering;
        state.ahead = state.ahead.saturating_sub_unsigned(head_length(request));
        match request.body().size_hint().exact() {
            Some(length) => state.ahead = state.ahead.saturating_sub_unsigned(length),
            None => state.chunked = true,
        }
    }

    /// The whole answer was handed to hyper.
    pub fn sent(&self) {
        let mut state = self.lock();
        state.phase = Phase::Sent;
        if state.chunked {
            (state.chunked, state.ahead) = (false, 0);
        }
    }

    /// hyper has written all that it was handed.
    pub fn flushed(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Sent {
            (state.phase, state.kept, state.since) = (Phase::Waiting, true, Instant::now());
        }
    }

    /// The answer that comes next is the last one on this connection.
    pub fn close_after_next(&self) {
        self.lock().closing = true;
    }

    pub fn is_closing(&self) -> bool {
        self.lock().closing
    }

    pub fn wait(&self) -> Wait {
        let state = self.lock();
        match state.phase {
            Phase::Answering | Phase::Sent => Wait::Busy,
            Phase::Waiting if state.kept && state.ahead <= 0 => Wait::Next(state.since),
            Phase::Waiting => Wait::Head(state.since),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long the head was on the wire, if it was written without more spaces than it needs. One that
/// was longer leaves something over, and its connection idles as long as a head may take: no more
/// than that depends on it.
fn head_length<B>(request: &Request<B>) -> u64 {
    let path = request.uri().path_and_query().map_or(1, |path| path.as_str().len());
    let line = request.method().as_str().len() + path + "  HTTP/1.1\r\n".len();
    let headers = request.headers().iter();
    let headers: usize = headers.map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    (line + headers + 2) as u64
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    const HEAD: &str = "POST /rooms/1?a=b HTTP/1.1\r\nhost: x\r\ncookie: a=b; c=d\r\n\r\n";

    fn request(body: &'static str) -> Request<Body> {
        let request =
            Request::post("/rooms/1?a=b").header("host", "x").header("cookie", "a=b; c=d");
        request.body(Body::from(body)).expect("a request")
    }

    fn is_head(progress: &Progress) -> bool {
        matches!(progress.wait(), Wait::Head(_))
    }

    fn answer(progress: &Progress) {
        progress.flushed();
        assert_eq!(progress.wait(), Wait::Busy, "only the head");
        progress.sent();
        assert_eq!(progress.wait(), Wait::Busy, "not written yet");
        progress.flushed();
    }

    fn is_next(progress: &Progress) -> bool {
        matches!(progress.wait(), Wait::Next(_))
    }

    #[tokio::test]
    async fn a_head_counts_from_its_first_byte_and_an_idle_connection_from_its_last_answer() {
        let progress = Progress::new();
        assert!(is_head(&progress), "nothing came yet");
        progress.came(HEAD.len());
        assert!(is_head(&progress));
        progress.began(&request(""));
        assert_eq!(progress.wait(), Wait::Busy);
        answer(&progress);
        assert!(is_next(&progress));
        progress.came(1);
        assert!(is_head(&progress));
    }

    #[tokio::test]
    async fn what_came_behind_a_request_is_a_head_that_has_begun() {
        for (body, came, head) in [
            ("", HEAD.len(), false),
            ("", HEAD.len() + 1, true),
            ("four", HEAD.len() + 4, false),
            ("four", HEAD.len() + 5, true),
        ] {
            let progress = Progress::new();
            progress.came(came);
            progress.began(&request(body));
            answer(&progress);
            assert_eq!(is_head(&progress), head, "{body:?} {came}");
        }
    }

    #[tokio::test]
    async fn a_body_may_come_later_than_its_head() {
        let progress = Progress::new();
        progress.came(HEAD.len());
        progress.began(&request("four"));
        progress.came(4);
        answer(&progress);
        assert!(is_next(&progress));
    }
}
