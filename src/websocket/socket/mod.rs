//! One socket with its send queue. The dispatcher and the connection's task both write to it, pongs and
//! close frames included, under one lock: so no frame is ever split by another.
//!
//! A frame is written to the kernel immediately, without waking a task. Bytes that the kernel does not take
//! are queued, up to a limit. The connection's task drains the queue when the socket is writable again.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use prometheus_client::metrics::counter::Counter;
use tokio::time::{Instant, timeout};

use crate::limits::connection::{SEND_AT_ONCE, SEND_QUEUE};
use crate::limits::installation::SEND_QUEUES;
use crate::websocket::decode::Decoder;
use crate::websocket::send_queue::SendQueue;
use crate::websocket::stream::Stream;
use crate::websocket::{SocketMetrics, encode};

/// How long writing the remaining bytes and the close frame may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

thread_local! {
    /// The buffer for reads, before decoding. All sockets of a thread share it: a separate buffer would be
    /// most of the memory of an idle connection.
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; 64 * 1024].into_boxed_slice());
}

pub struct Socket {
    stream: Stream,
    out: Mutex<Outgoing>,
    task: AtomicWaker,
    /// Heartbeats since the client sent or took a byte.
    since_received: AtomicU8,
    cuts: Counter,
}

/// Heartbeats without activity of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleBeats {
    /// Since the client sent or took a byte.
    pub quiet: u8,
    /// Since the client took a byte, while bytes are queued; otherwise 0.
    pub since_sent: u8,
}

struct Outgoing {
    state: State,
    /// See [`IdleBeats::since_sent`]. A pong does not reset it: a client that answers pings but does not
    /// read is stalled, too.
    stalled: u8,
    /// When the client last took a byte of the queue, or when the queue started to fill. Heartbeats are
    /// too coarse to order many slow clients.
    since: Instant,
    /// A layer in between, such as TLS, still buffers bytes.
    unflushed: bool,
    queue: SendQueue,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Everything is queued until [`Socket::start_with`].
    Corked,
    Open,
    /// The close frame is queued or sent.
    Closing,
    Cut,
}

impl Socket {
    /// Creates a socket that queues everything until [`Self::start_with`].
    pub fn new(stream: Stream, metrics: &SocketMetrics) -> Self {
        let out = Outgoing {
            state: State::Corked,
            stalled: 0,
            since: Instant::now(),
            unflushed: false,
            queue: SendQueue::new(metrics),
        };
        Self {
            stream,
            out: Mutex::new(out),
            task: AtomicWaker::new(),
            since_received: AtomicU8::new(0),
            cuts: metrics.cuts.clone(),
        }
    }

    /// Writes the first frames, if there are any, and then the bytes queued so far.
    pub fn start_with(&self, first: Option<Bytes>) {
        let mut out = self.out();
        if out.state == State::Corked {
            out.state = State::Open;
            out.since = Instant::now();
            if let Some(first) = first {
                out.queue.push_first(first);
            }
            self.try_drain(&mut out);
        }
    }

    /// Writes whole frames. Never waits: bytes that the socket does not take immediately are queued. If the
    /// queue would exceed [`SEND_QUEUE`], the connection is dropped.
    pub fn write(&self, frames: &Bytes) {
        let mut out = self.out();
        if matches!(out.state, State::Corked | State::Open) {
            self.put(&mut out, frames);
        }
    }

    /// Writes the close frame. Later writes are discarded.
    pub fn close(&self, code: Option<u16>) {
        let mut out = self.out();
        if matches!(out.state, State::Corked | State::Open) {
            out.state = State::Open;
            self.try_drain(&mut out);
            self.put(&mut out, &encode::close(code));
            if out.state == State::Open {
                out.state = State::Closing;
            }
        }
    }

    /// Aborts the connection and frees its queue.
    pub fn cut(&self) {
        self.abort(&mut self.out());
    }

    /// The same, for a client that reads too slowly. Counted; the client reconnects and catches up.
    pub fn cut_as_slow(&self) {
        self.abort_as_slow(&mut self.out());
    }

    pub fn is_cut(&self) -> bool {
        self.out().state == State::Cut
    }

    /// Wakes the connection's task.
    pub fn wake(&self) {
        self.task.wake();
    }

    /// Registers the task to wake when there is work for this socket.
    pub fn register_waker(&self, waker: &Waker) {
        self.task.register(waker);
    }

    /// Whether the queue is empty and flushed. Only meaningful in the task that drains it.
    pub fn is_flushed(&self) -> bool {
        let out = self.out();
        out.queue.is_empty() && !out.unflushed
    }

    /// Drains the queue as the socket takes bytes. Ready if the queue is empty or the connection aborted.
    pub fn poll_drain(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut out = self.out();
        while out.state != State::Corked {
            let result = match out.queue.front() {
                Some(front) => ready!(self.stream.poll_write(cx, front)),
                None if out.unflushed => ready!(self.stream.poll_flush(cx)).map(|()| 0),
                None => break,
            };
            match result {
                Ok(0) if out.queue.is_empty() => out.unflushed = false,
                Ok(written @ 1..) => {
                    self.consume(&mut out, written);
                    out.unflushed = matches!(self.stream, Stream::Other(_));
                }
                Ok(0) | Err(_) => self.abort(&mut out),
            }
        }
        Poll::Ready(())
    }

    /// Reads bytes into the decoder. Returns false at the end of the stream.
    pub fn poll_read(&self, cx: &mut Context<'_>, decoder: &mut Decoder) -> Poll<bool> {
        READ_BUFFER.with_borrow_mut(|buffer| {
            let read = ready!(self.stream.poll_read(cx, buffer)).unwrap_or(0);
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
                return Poll::Ready(false);
            };
            self.reset_silence();
            decoder.feed(bytes);
            Poll::Ready(true)
        })
    }

    /// Counts a heartbeat and returns the counts.
    pub fn beat(&self) -> IdleBeats {
        let mut out = self.out();
        // A corked queue waits for the database, not for the client.
        let stalls = !out.queue.is_empty() && out.state != State::Corked;
        out.stalled = if stalls { out.stalled.saturating_add(1) } else { 0 };
        let quiet = self.since_received.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        IdleBeats { quiet, since_sent: out.stalled }
    }

    /// Returns since when the client has read nothing of the queue; `None` if the queue is empty. Tries to
    /// write first, because the task of a client that does read may not have run yet.
    pub fn blocked_since(&self) -> Option<Instant> {
        let mut out = self.out();
        if out.state == State::Corked {
            // A corked queue waits for the server, not for the client.
            out.since = Instant::now();
        } else {
            self.try_drain(&mut out);
        }
        (!out.queue.is_empty()).then_some(out.since)
    }

    /// Returns the length of the queue in bytes.
    #[cfg(test)]
    pub fn backlog(&self) -> usize {
        self.out().queue.len()
    }

    /// Drains the queue, shuts down the write side, and then reads on until the client closes, for at most
    /// `linger`. Without reading on, bytes that arrive at a closed socket would make the kernel reset the
    /// connection and discard the last frames.
    pub async fn finish(&self, linger: Duration) {
        let shutdown = poll_fn(|cx| {
            ready!(self.poll_drain(cx));
            self.stream.poll_finish(cx)
        });
        match timeout(CLOSE_TIMEOUT, shutdown).await {
            Ok(Ok(())) => drop(timeout(linger, poll_fn(|cx| self.poll_end(cx))).await),
            Ok(Err(_)) | Err(_) => self.cut(),
        }
    }

    /// Reads and discards bytes until the client closes.
    fn poll_end(&self, cx: &mut Context<'_>) -> Poll<()> {
        READ_BUFFER.with_borrow_mut(|buffer| {
            while let Ok(1..) = ready!(self.stream.poll_read(cx, buffer)) {}
            Poll::Ready(())
        })
    }

    fn reset_silence(&self) {
        self.since_received.store(0, Ordering::Relaxed);
    }

    fn put(&self, out: &mut Outgoing, frames: &Bytes) {
        let is_queued = !out.queue.is_empty();
        // Frames must stay in order: with a queue, new ones go behind it.
        let must_queue = out.state == State::Corked || is_queued;
        let written = if must_queue { Ok(0) } else { self.try_write(out, frames) };
        match written {
            Ok(written) if written == frames.len() => {}
            Ok(written) => {
                if !is_queued {
                    out.since = Instant::now();
                }
                out.queue.push(frames.slice(written..));
                // A single batch may be longer: a client that had read everything must not be
                // disconnected for the amount that others write at the same time.
                let limit = if is_queued { SEND_QUEUE } else { SEND_AT_ONCE };
                if out.queue.len() > limit || out.queue.all() > SEND_QUEUES {
                    self.abort_as_slow(out);
                }
                self.wake();
            }
            Err(_) => self.abort(out),
        }
    }

    /// Like [`Self::poll_drain`], but without waiting: the connection's task drains the rest.
    fn try_drain(&self, out: &mut Outgoing) {
        while let Some(front) = out.queue.front().cloned() {
            match self.try_write(out, &front) {
                Ok(0) => break,
                Ok(written) => self.consume(out, written),
                Err(_) => return self.abort(out),
            }
        }
        if !out.queue.is_empty() {
            self.wake();
        }
    }

    /// Removes written bytes from the queue. The client reads, so its silence ends.
    fn consume(&self, out: &mut Outgoing, written: usize) {
        out.queue.consume(written);
        out.stalled = 0;
        out.since = Instant::now();
        self.reset_silence();
    }

    /// Returns how many bytes were written; 0 if the socket would block.
    fn try_write(&self, out: &mut Outgoing, bytes: &[u8]) -> io::Result<usize> {
        match self.stream.try_write(bytes) {
            Ok(0) => Err(ErrorKind::WriteZero.into()),
            Ok(written) => {
                let flushed = self.stream.poll_flush(&mut Context::from_waker(Waker::noop()));
                if flushed.is_pending() {
                    out.unflushed = true;
                    self.wake();
                }
                Ok(written)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error),
        }
    }

    fn abort_as_slow(&self, out: &mut Outgoing) {
        if out.state != State::Cut {
            self.cuts.inc();
            self.abort(out);
        }
    }

    fn abort(&self, out: &mut Outgoing) {
        if out.state != State::Cut {
            out.state = State::Cut;
            out.unflushed = false;
            out.queue.clear();
            self.stream.cut();
            self.wake();
        }
    }

    /// Locks the state. A poisoned lock is usable: after a panic the socket is at worst cut.
    fn out(&self) -> MutexGuard<'_, Outgoing> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
