//! One connection from its first request to its last, with a bounded time for whatever it waits for.

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
use super::stream::{Duplex, Linger, Watched, plain_tcp};
use crate::limits::connection::{HEAD_BYTES, HEAD_WITHIN, IDLE, LAST_CALL, LINGER};
use crate::websocket::handshake::PlainTcp;

/// Serves until the peer is gone, has waited too long, or is let go.
pub(super) async fn serve<S: Duplex>(
    stream: S,
    peer: SocketAddr,
    router: Router,
    capacity: Capacity,
    stopping: CancellationToken,
) {
    let (progress, linger) = (Arc::new(Progress::new()), Linger::default());
    let io = Watched::new(stream, Arc::clone(&progress), linger.clone());
    let desk = Dispatch { peer, router, progress: Arc::clone(&progress), linger };
    let service = service_fn(move |request| desk.clone().answer(request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_buf_size(HEAD_BYTES)
        // The times are kept here: hyper has one for a head and for idling.
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(io), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let mut patience = Deadlines::new(progress, capacity, stopping);
    let ended = poll_fn(|cx| {
        loop {
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                return Poll::Ready(ended);
            }
            match patience.poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(End::Cut) => return Poll::Ready(Ok(())),
                // What it still has to write is written first.
                Poll::Ready(End::LetGo) => connection.as_mut().graceful_shutdown(),
            }
        }
    });
    if let Err(error) = ended.await {
        tracing::debug!(%error, "a connection broke");
    }
}

/// How a connection that has waited too long ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    LetGo,
    Cut,
}

/// The deadline of what a connection waits for.
struct Deadlines {
    progress: Arc<Progress>,
    capacity: Capacity,
    /// While it idles.
    seat: Option<IdleGuard>,
    told: CancellationToken,
    /// Somebody else needs its place, or the server stops.
    leave: [Pin<Box<WaitForCancellationFutureOwned>>; 2],
    last_call: Option<Instant>,
    let_go: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

impl Deadlines {
    fn new(progress: Arc<Progress>, capacity: Capacity, stopping: CancellationToken) -> Self {
        let told = CancellationToken::new();
        let leave = [told.clone(), stopping].map(|token| Box::pin(token.cancelled_owned()));
        let timer = Box::pin(sleep_until(Instant::now() + HEAD_WITHIN));
        let (seat, last_call, let_go) = (None, None, None);
        Self { progress, capacity, seat, told, leave, last_call, let_go, timer }
    }

    /// Ready when it is over; waits for that, and for whatever changes it.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.wait_for_shutdown(cx);
        let wait = self.progress.wait();
        match wait {
            Wait::Next(_) => {
                self.seat.get_or_insert_with(|| self.capacity.idle(&self.told));
            }
            Wait::Head(_) | Wait::Busy => self.seat = None,
        }
        let Some(deadline) = self.deadline(wait) else { return Poll::Pending };
        if self.timer.deadline() != deadline {
            self.timer.as_mut().reset(deadline);
        }
        if self.timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        match wait {
            Wait::Next(_) if self.let_go.is_none() => {
                self.let_go = Some(Instant::now() + LINGER);
                Poll::Ready(End::LetGo)
            }
            _ => Poll::Ready(End::Cut),
        }
    }

    /// A connection that idles when it is to end may have a request on its way already, which must not
    /// be lost: it is waited for a moment, and answered with the word that no other is.
    fn wait_for_shutdown(&mut self, cx: &mut Context<'_>) {
        if self.last_call.is_none()
            && self.leave.iter_mut().any(|leave| leave.as_mut().poll(cx).is_ready())
        {
            self.last_call = Some(Instant::now() + LAST_CALL);
            self.progress.close_after_next();
        }
    }

    fn deadline(&self, wait: Wait) -> Option<Instant> {
        if self.let_go.is_some() {
            return self.let_go;
        }
        let usual = match wait {
            Wait::Head(since) => since + HEAD_WITHIN,
            Wait::Next(since) => since + IDLE,
            Wait::Busy => return None,
        };
        Some(self.last_call.map_or(usual, |last_call| last_call.min(usual)))
    }
}

/// Where the requests of one connection are answered.
#[derive(Clone)]
struct Dispatch {
    peer: SocketAddr,
    router: Router,
    progress: Arc<Progress>,
    linger: Linger,
}

impl Dispatch {
    async fn answer(self, request: Request<Incoming>) -> Result<Response<Answer>, Infallible> {
        self.progress.began(&request);
        let (mut request, upload) = request_body::hold(request);
        request.extensions_mut().insert(ConnectInfo(self.peer));
        request.extensions_mut().insert(PlainTcp(plain_tcp));
        let Ok(mut response) = self.router.oneshot(request).await;
        // A body that was too slow once is not waited for again.
        let gave_up = response.status() == StatusCode::REQUEST_TIMEOUT;
        let unread = match upload {
            Some(upload) if gave_up => !upload.is_complete(),
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

/// The body of an answer, which says when all of it was taken.
struct Answer {
    body: Body,
    _sent: Sent,
}

struct Sent(Arc<Progress>);

impl Drop for Sent {
    fn drop(&mut self) {
        self.0.sent();
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
