//! One socket and its one writer. Whoever has something for it, hub or session, pongs and closes
//! included, writes under one lock, so that no frame is ever cut in two by another.
//!
//! A frame goes to the system at once, without waking anybody. What the system does not take waits
//! in a queue with a limit; the connection's task hands it over as the socket takes it.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use tokio::time::{Instant, timeout};

use crate::kernel::metrics::Counter;
use crate::limits::connection::{SEND_AT_ONCE, SEND_QUEUE};
use crate::limits::installation::SEND_QUEUES;
use crate::websocket::SocketMetrics;
use crate::websocket::decode::Decoder;
use crate::websocket::encode;
use crate::websocket::send_queue::SendQueue;
use crate::websocket::stream::Stream;

/// How long the last words may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

thread_local! {
    /// Where bytes arrive before they are parsed. One for all sockets of a thread: a buffer each
    /// would be most of what an idle connection costs.
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; 64 * 1024].into_boxed_slice());
}

pub struct Socket {
    stream: Stream,
    out: Mutex<Outgoing>,
    task: AtomicWaker,
    /// Heartbeats since the other side gave a sign of life.
    since_received: AtomicU8,
    cuts: Counter,
}

/// Heartbeats since something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleBeats {
    /// Since the other side gave a sign of life.
    pub quiet: u8,
    /// Since it took a byte, while something waits for it.
    pub since_sent: u8,
}

struct Outgoing {
    state: State,
    /// As in [`Beats`]: a pong is no excuse for not reading.
    stalled: u8,
    /// When the last byte of what waits was taken, or when it began to wait: heartbeats are too
    /// coarse to tell who of many is slow.
    since: Instant,
    /// A layer in between still keeps something.
    unflushed: bool,
    queue: SendQueue,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Everything waits for the first frame.
    Corked,
    Open,
    /// The last frame is in the queue or gone.
    Closing,
    Cut,
}

impl Socket {
    /// A line that holds everything back until [`Self::begin`].
    pub fn new(stream: Stream, meters: &SocketMetrics) -> Self {
        let (state, since, queue) = (State::Corked, Instant::now(), SendQueue::new(meters));
        Self {
            stream,
            out: Mutex::new(Outgoing { state, stalled: 0, since, unflushed: false, queue }),
            task: AtomicWaker::new(),
            since_received: AtomicU8::new(0),
            cuts: meters.cuts.clone(),
        }
    }

    /// Writes the very first frame, if there is one, and then what has gathered behind it.
    pub fn start_with(&self, first: Option<Bytes>) {
        let mut out = self.out();
        if out.state == State::Corked {
            (out.state, out.since) = (State::Open, Instant::now());
            if let Some(first) = first {
                out.queue.push_first(first);
            }
            self.hand_over(&mut out);
        }
    }

    /// Writes whole frames. Never waits: what the socket does not take at once is queued, and where
    /// more than [`SEND_QUEUE`] would wait the line is cut.
    pub fn write(&self, frames: &Bytes) {
        let mut out = self.out();
        if matches!(out.state, State::Corked | State::Open) {
            self.put(&mut out, frames);
        }
    }

    /// Writes the last frame; nothing comes behind it.
    pub fn close(&self, code: Option<u16>) {
        let mut out = self.out();
        if matches!(out.state, State::Corked | State::Open) {
            out.state = State::Open;
            self.hand_over(&mut out);
            self.put(&mut out, &encode::close(code));
            if out.state == State::Open {
                out.state = State::Closing;
            }
        }
    }

    /// Ends it now, and frees what waits.
    pub fn cut(&self) {
        self.give_up(&mut self.out());
    }

    /// The same, for a client that is too slow: it comes back and catches up.
    pub fn cut_as_slow(&self) {
        self.give_up_as_slow(&mut self.out());
    }

    pub fn is_cut(&self) -> bool {
        self.out().state == State::Cut
    }

    /// Wakes the task of this line.
    pub fn wake(&self) {
        self.task.wake();
    }

    /// Names the task that is to be woken when there is something to do for this line.
    pub fn register_waker(&self, waker: &Waker) {
        self.task.register(waker);
    }

    /// Whether nothing waits. Of use only in the task that hands over.
    pub fn is_flushed(&self) -> bool {
        let out = self.out();
        out.queue.is_empty() && !out.unflushed
    }

    /// Hands over what waits, as the socket takes it. Ready when nothing waits, or all is over.
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
                    self.took(&mut out, written);
                    out.unflushed = matches!(self.stream, Stream::Other(_));
                }
                Ok(0) | Err(_) => self.give_up(&mut out),
            }
        }
        Poll::Ready(())
    }

    /// Hands the next bytes to the parser. False at the end of the stream.
    pub fn poll_read(&self, cx: &mut Context<'_>, parser: &mut Decoder) -> Poll<bool> {
        READ_BUFFER.with_borrow_mut(|buffer| {
            let read = ready!(self.stream.poll_read(cx, buffer)).unwrap_or(0);
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
                return Poll::Ready(false);
            };
            self.heard();
            parser.feed(bytes);
            Poll::Ready(true)
        })
    }

    /// Counts a heartbeat.
    pub fn beat(&self) -> IdleBeats {
        let mut out = self.out();
        // A greeting that is still being put together waits for the database, not for the client.
        let stalls = !out.queue.is_empty() && out.state != State::Corked;
        out.stalled = if stalls { out.stalled.saturating_add(1) } else { 0 };
        let quiet = self.since_received.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        IdleBeats { quiet, since_sent: out.stalled }
    }

    /// Hands over what the socket takes just now, and says since when it has taken nothing of what is
    /// left; nothing if nothing is. The socket is asked, since the task of somebody who reads may
    /// not have had its turn.
    pub fn blocked_since(&self) -> Option<Instant> {
        let mut out = self.out();
        if out.state == State::Corked {
            // What waits for the greeting waits for us.
            out.since = Instant::now();
        } else {
            self.hand_over(&mut out);
        }
        (!out.queue.is_empty()).then_some(out.since)
    }

    /// How many bytes wait.
    #[cfg(test)]
    pub fn backlog(&self) -> usize {
        self.out().queue.len()
    }

    /// Hands over what waits, says that it was all, and hears the other side out for as long as
    /// `patience`: bytes that arrive at a socket which is closed already would make the system
    /// throw the last words away.
    pub async fn finish(&self, patience: Duration) {
        let farewell = poll_fn(|cx| {
            ready!(self.poll_drain(cx));
            self.stream.poll_finish(cx)
        });
        match timeout(CLOSE_TIMEOUT, farewell).await {
            Ok(Ok(())) => drop(timeout(patience, poll_fn(|cx| self.poll_end(cx))).await),
            Ok(Err(_)) | Err(_) => self.cut(),
        }
    }

    /// Reads on, for nothing, until the other side ends.
    fn poll_end(&self, cx: &mut Context<'_>) -> Poll<()> {
        READ_BUFFER.with_borrow_mut(|buffer| {
            while let Ok(1..) = ready!(self.stream.poll_read(cx, buffer)) {}
            Poll::Ready(())
        })
    }

    fn heard(&self) {
        self.since_received.store(0, Ordering::Relaxed);
    }

    fn put(&self, out: &mut Outgoing, frames: &Bytes) {
        let waits = !out.queue.is_empty();
        let written =
            if out.state == State::Corked || waits { Ok(0) } else { self.try_write(out, frames) };
        match written {
            Ok(written) if written == frames.len() => {}
            Ok(written) => {
                if !waits {
                    out.since = Instant::now();
                }
                out.queue.push(frames.slice(written..));
                // One run of frames may be longer, or who reads well would be cut for what others write.
                let most = if waits { SEND_QUEUE } else { SEND_AT_ONCE };
                if out.queue.len() > most || out.queue.all() > SEND_QUEUES {
                    self.give_up_as_slow(out);
                }
                self.wake();
            }
            Err(_) => self.give_up(out),
        }
    }

    /// As [`Self::poll_clear`], without waiting: the task does the rest.
    fn hand_over(&self, out: &mut Outgoing) {
        while let Some(front) = out.queue.front().cloned() {
            match self.try_write(out, &front) {
                Ok(0) => break,
                Ok(written) => self.took(out, written),
                Err(_) => return self.give_up(out),
            }
        }
        if !out.queue.is_empty() {
            self.wake();
        }
    }

    /// So many bytes of what waits were taken: there is somebody who reads.
    fn took(&self, out: &mut Outgoing, written: usize) {
        out.queue.consume(written);
        (out.stalled, out.since) = (0, Instant::now());
        self.heard();
    }

    /// How many bytes were taken; none when the socket would block.
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

    fn give_up_as_slow(&self, out: &mut Outgoing) {
        if out.state != State::Cut {
            self.cuts.add(1);
            self.give_up(out);
        }
    }

    fn give_up(&self, out: &mut Outgoing) {
        if out.state != State::Cut {
            (out.state, out.unflushed) = (State::Cut, false);
            out.queue.clear();
            self.stream.cut();
            self.wake();
        }
    }

    /// A panic while the lock was held leaves a line that is at worst cut.
    fn out(&self) -> MutexGuard<'_, Outgoing> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
