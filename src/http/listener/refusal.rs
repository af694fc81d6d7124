//! Refusal of connections above the limits. Each receives a short response, so that the client knows when to
//! retry. Health checks are answered, because a full server is healthy.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::capacity::Full;
use super::progress::Progress;
use super::stream::{Linger, Watched};
use crate::http::locale;
use crate::limits::{connection, installation};

const RETRY_IN_SECONDS: &str = "5";

/// The connections that are being refused. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Refusals(Arc<Mutex<VecDeque<CancellationToken>>>);

impl Refusals {
    /// Registers a connection to refuse. Above the limit, the oldest one is dropped: its token is cancelled.
    pub fn turn(&self) -> CancellationToken {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|turn| !turn.is_cancelled());
        if turns.len() >= installation::REFUSALS_AT_ONCE
            && let Some(longest) = turns.pop_front()
        {
            longest.cancel();
        }
        let turn = CancellationToken::new();
        turns.push_back(turn.clone());
        turn
    }
}

/// Answers one request and closes the connection.
pub(super) async fn refuse(stream: TcpStream, full: Full, turn: CancellationToken) {
    let linger = Linger::default();
    linger.ask();
    let io = Watched::new(stream, Arc::new(Progress::new()), linger);
    let service = service_fn(|request| async move { Ok::<_, Infallible>(answer(request, full)) });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_buf_size(connection::HEAD_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(io), service);
    let answered = turn.run_until_cancelled(timeout(connection::REFUSAL_WITHIN, connection)).await;
    turn.cancel();
    if !matches!(answered, Some(Ok(Ok(())))) {
        tracing::debug!(?full, "a connection closed before it could be refused");
    }
}

fn answer(request: Request<Incoming>, full: Full) -> Response<Body> {
    if request.uri().path() == "/up" {
        return Response::new(Body::from("ok\n"));
    }
    let (parts, _) = request.into_parts();
    let (status, text) = match full {
        Full::Files => (StatusCode::SERVICE_UNAVAILABLE, "error-503-detail"),
        Full::Address => (StatusCode::TOO_MANY_REQUESTS, "error-429-detail"),
    };
    let mut response = Response::new(Body::from(locale::language_of(&parts).text(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_IN_SECONDS));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// A spare open file. When the process has no file descriptor left, closing this one allows it to accept a
/// connection.
pub(super) struct SpareFile(Option<File>);

impl SpareFile {
    pub fn open() -> Self {
        Self(File::open("/dev/null").ok())
    }

    /// Closes the spare file. Returns whether it was open.
    pub fn give(&mut self) -> bool {
        self.0.take().is_some()
    }

    /// Opens the spare file again, if possible.
    pub fn take_back(&mut self) {
        if self.0.is_none() {
            *self = Self::open();
        }
    }
}
