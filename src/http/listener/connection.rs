//! One HTTP connection, from its first request to its last, with a deadline for everything it waits for.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tower::ServiceExt as _;

use super::capacity::{Capacity, IdleGuard};
use super::progress::{Progress, Wait};
use super::request_body;
use super::stream::{Linger, ResettableStream, Watched, plain_tcp};
use crate::limits::connection::{HEAD_BYTES, HEAD_WITHIN, IDLE, LAST_CALL, LINGER};
use crate::websocket::handshake::PlainTcp;

/// Serves a connection until the peer closes it, a deadline passes, or the server closes it as idle.
pub(super) async fn serve<S: ResettableStream>(
    stream: S,
    peer: SocketAddr,
    router: Router,
    capacity: Capacity,
    refusing: CancellationToken,
) {
    let progress = Arc::new(Progress::new());
    let linger = Linger::default();
    let io = Watched::new(stream, Arc::clone(&progress), linger.clone());
    let dispatch = Dispatch { peer, router, progress: Arc::clone(&progress), linger };
    let service = service_fn(move |request| dispatch.clone().answer(request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_buf_size(HEAD_BYTES)
        // `Deadlines` replaces it: hyper has only one timeout for heads and idle connections.
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(io), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let mut deadlines = Deadlines::new(progress, capacity, refusing);
    let ended = poll_fn(|cx| {
        loop {
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                return Poll::Ready(ended);
            }
            match deadlines.poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(End::Abort) => return Poll::Ready(Ok(())),
                // hyper writes its remaining bytes first.
                Poll::Ready(End::Graceful) => connection.as_mut().graceful_shutdown(),
            }
        }
    });
    if let Err(error) = ended.await {
        tracing::debug!(%error, "a connection failed");
    }
}

/// How a connection ends after a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Graceful,
    Abort,
}

/// The deadlines of a connection.
struct Deadlines {
    progress: Arc<Progress>,
    capacity: Capacity,
    /// Held while the connection is idle.
    idle: Option<IdleGuard>,
    /// Cancelled by [`Capacity`] when there are too many idle connections.
    evicted: CancellationToken,
    /// Ready when this connection was evicted, or the server accepts nothing new.
    shutdown: [Pin<Box<WaitForCancellationFutureOwned>>; 2],
    last_call: Option<Instant>,
    graceful_until: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

impl Deadlines {
    fn new(progress: Arc<Progress>, capacity: Capacity, refusing: CancellationToken) -> Self {
        let evicted = CancellationToken::new();
        let shutdown = [evicted.clone(), refusing].map(|token| Box::pin(token.cancelled_owned()));
        Self {
            progress,
            capacity,
            idle: None,
            evicted,
            shutdown,
            last_call: None,
            graceful_until: None,
            timer: Box::pin(sleep_until(Instant::now() + HEAD_WITHIN)),
        }
    }

    /// Ready when a deadline has passed. Otherwise registers the wakers of the timer and the shutdown.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.wait_for_shutdown(cx);
        let wait = self.progress.wait();
        match wait {
            Wait::Next(_) => {
                self.idle.get_or_insert_with(|| self.capacity.idle(&self.evicted));
            }
            Wait::Head(_) | Wait::Busy => self.idle = None,
        }
        let Some(deadline) = self.deadline(wait) else { return Poll::Pending };
        if self.timer.deadline() != deadline {
            self.timer.as_mut().reset(deadline);
        }
        if self.timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        match wait {
            Wait::Next(_) if self.graceful_until.is_none() => {
                self.graceful_until = Some(Instant::now() + LINGER);
                Poll::Ready(End::Graceful)
            }
            _ => Poll::Ready(End::Abort),
        }
    }

    /// When an idle connection must close, a request may already be on its way and must not be lost. So the
    /// server waits [`LAST_CALL`] for it, and answers it with `Connection: close`.
    fn wait_for_shutdown(&mut self, cx: &mut Context<'_>) {
        if self.last_call.is_none()
            && self.shutdown.iter_mut().any(|token| token.as_mut().poll(cx).is_ready())
        {
            self.last_call = Some(Instant::now() + LAST_CALL);
            self.progress.close_after_next();
        }
    }

    fn deadline(&self, wait: Wait) -> Option<Instant> {
        if self.graceful_until.is_some() {
            return self.graceful_until;
        }
        let usual = match wait {
            Wait::Head(since) => since + HEAD_WITHIN,
            Wait::Next(since) => since + IDLE,
            Wait::Busy => return None,
        };
        Some(self.last_call.map_or(usual, |last_call| last_call.min(usual)))
    }
}

/// Answers the requests of one connection.
#[derive(Clone)]
struct Dispatch {
    peer: SocketAddr,
    router: Router,
    progress: Arc<Progress>,
    linger: Linger,
}

impl Dispatch {
    async fn answer(self, request: Request<Incoming>) -> Result<Response<Answer>, Infallible> {
        self.progress.request_started(&request);
        let (mut request, upload) = request_body::share(request);
        request.extensions_mut().insert(ConnectInfo(self.peer));
        request.extensions_mut().insert(PlainTcp(plain_tcp));
        let Ok(mut response) = self.router.oneshot(request).await;
        // After a body timeout (408), the rest of the body is not waited for again.
        let timed_out = response.status() == StatusCode::REQUEST_TIMEOUT;
        let unread = match upload {
            Some(upload) if timed_out => !upload.is_complete(),
            Some(upload) => !upload.discard().await,
            None => false,
        };
        if unread {
            self.linger.ask();
        }
        let upgrades = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        if (unread || self.progress.is_closing()) && !upgrades {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response.map(|body| Answer { body, _sent: Sent(self.progress) }))
    }
}

/// The body of a response. Reports on drop that hyper has taken all of it.
struct Answer {
    body: Body,
    _sent: Sent,
}

struct Sent(Arc<Progress>);

impl Drop for Sent {
    fn drop(&mut self) {
        self.0.response_taken();
    }
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
