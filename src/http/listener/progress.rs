//! The state of one connection: waiting for the first byte, receiving a request head, responding, or idle.
//!
//! The stream reports received bytes; the service reports the start of a request and the end of a response.
//! `connection` sets its deadline by the state. hyper has only one timeout for idle connections and for an
//! incomplete request head, but only the second may be short.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::Request;
use hyper::body::Body;
use tokio::time::Instant;

pub(super) struct Progress(Mutex<State>);

struct State {
    /// Received bytes that belong to no request yet. Negative while a body is incomplete.
    ahead: i64,
    /// The body is chunked. Its length is unknown, so `ahead` is not reliable until the response is sent.
    chunked: bool,
    phase: Phase,
    /// At least one request was answered on this connection.
    kept: bool,
    closing: bool,
    since: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Waiting for a request.
    Waiting,
    Answering,
    /// hyper has taken the whole response, but may not have written it yet.
    Sent,
}

/// The event that a connection waits for, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// A request head: the first one, or one of which some bytes have arrived.
    Head(Instant),
    /// The next request on a kept-alive connection.
    Next(Instant),
    /// None: a request is being answered.
    Busy,
}

impl Progress {
    pub fn new() -> Self {
        Self(Mutex::new(State {
            ahead: 0,
            chunked: false,
            phase: Phase::Waiting,
            kept: false,
            closing: false,
            since: Instant::now(),
        }))
    }

    /// Reports received bytes.
    pub fn received(&self, bytes: usize) {
        let mut state = self.lock();
        if state.phase == Phase::Waiting && state.ahead <= 0 && state.kept {
            state.since = Instant::now();
        }
        state.ahead = state.ahead.saturating_add_unsigned(bytes as u64);
    }

    /// Reports that the head of a request is complete.
    pub fn request_started<B: Body>(&self, request: &Request<B>) {
        let mut state = self.lock();
        state.phase = Phase::Answering;
        state.ahead = state.ahead.saturating_sub_unsigned(head_length(request));
        match request.body().size_hint().exact() {
            Some(length) => state.ahead = state.ahead.saturating_sub_unsigned(length),
            None => state.chunked = true,
        }
    }

    /// Reports that hyper has taken the whole response.
    pub fn response_taken(&self) {
        let mut state = self.lock();
        state.phase = Phase::Sent;
        if state.chunked {
            state.chunked = false;
            state.ahead = 0;
        }
    }

    /// Reports that hyper has written all its bytes.
    pub fn flushed(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Sent {
            state.phase = Phase::Waiting;
            state.kept = true;
            state.since = Instant::now();
        }
    }

    /// Makes the next response the last one on this connection.
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

/// Computes the length of a request head on the wire, assuming no optional whitespace. If the head was longer,
/// `ahead` stays positive, and the idle connection gets the short timeout of a head. Nothing else depends on it.
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
        progress.response_taken();
        assert_eq!(progress.wait(), Wait::Busy, "not written yet");
        progress.flushed();
    }

    fn is_next(progress: &Progress) -> bool {
        matches!(progress.wait(), Wait::Next(_))
    }

    #[tokio::test]
    async fn a_head_is_timed_from_its_first_byte_and_idling_from_the_last_response() {
        let progress = Progress::new();
        assert!(is_head(&progress), "nothing received yet");
        progress.received(HEAD.len());
        assert!(is_head(&progress));
        progress.request_started(&request(""));
        assert_eq!(progress.wait(), Wait::Busy);
        answer(&progress);
        assert!(is_next(&progress));
        progress.received(1);
        assert!(is_head(&progress));
    }

    #[tokio::test]
    async fn bytes_after_a_request_start_the_next_head() {
        for (body, received, head) in [
            ("", HEAD.len(), false),
            ("", HEAD.len() + 1, true),
            ("four", HEAD.len() + 4, false),
            ("four", HEAD.len() + 5, true),
        ] {
            let progress = Progress::new();
            progress.received(received);
            progress.request_started(&request(body));
            answer(&progress);
            assert_eq!(is_head(&progress), head, "{body:?} {received}");
        }
    }

    #[tokio::test]
    async fn a_body_may_arrive_after_its_head() {
        let progress = Progress::new();
        progress.received(HEAD.len());
        progress.request_started(&request("four"));
        progress.received(4);
        answer(&progress);
        assert!(is_next(&progress));
    }
}
