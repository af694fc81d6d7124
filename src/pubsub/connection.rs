//! The hub as the task of one live connection sees it: subscribe, receive, send.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::command::{Command, Protocol, Publication};
use super::inbox::Inbox;
use super::outbox::Outbox;
use super::recent::Moment;
use super::subscriber::CatchUp;
use crate::websocket::{Decoder, Incoming, encode};

/// How long a closing connection still reads, so that the client's last bytes do not reset it.
const LINGER: Duration = Duration::from_secs(2);

/// Input for a connection's task.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<N> {
    Text(String),
    Binary(Bytes),
    /// A frame without content that still costs work: a ping (already answered), a pong, or a fragment of
    /// an incomplete message. Reported so that the caller can count it against a rate limit.
    Control,
    Signal(N),
    /// The server stops, or asks all clients to reconnect.
    Stop,
    /// The client violated the framing rules. Holds the close code to send.
    ProtocolError(u16),
    /// The client closed the connection, with or without a close frame.
    Gone,
}

/// One live connection. Dropping it ends its subscriptions and closes the socket.
pub struct Connection<P: Protocol> {
    id: u64,
    inbox: Arc<Inbox<P>>,
    pub(super) outbox: Arc<Outbox<P::Signal>>,
    decoder: Decoder,
}

impl<P: Protocol> Connection<P> {
    pub(super) fn new(
        id: u64,
        inbox: Arc<Inbox<P>>,
        outbox: Arc<Outbox<P::Signal>>,
        early: &[u8],
    ) -> Self {
        let mut decoder = Decoder::default();
        decoder.feed(early);
        Self { id, inbox, outbox, decoder }
    }

    /// Subscribes to a channel, starting with the next event.
    pub fn subscribe(&self, channel: P::Channel) {
        self.inbox.put(Command::Subscribe { id: self.id, channel });
    }

    /// The current moment, for [`Self::subscribe_since`].
    pub fn moment(&self) -> Moment {
        self.inbox.present.moment()
    }

    /// Subscribes to channels that a query has named, and returns whether something of them may have been missed since
    /// a moment before the query. Then the caller, who now receives the next events, queries again.
    pub async fn subscribe_since(&self, channels: Vec<P::Channel>, moment: Moment) -> bool {
        let (answer, missed) = oneshot::channel();
        self.inbox.put(Command::SubscribeSince { id: self.id, channels, moment, answer });
        missed.await.unwrap_or(false)
    }

    /// Subscribes to a channel, but buffers its events until [`Self::go_live`]. Events published before this
    /// call are in the database; events published after it go into the replay buffer. So a caller that
    /// subscribes first and queries second misses nothing.
    pub fn subscribe_catching_up(&self, channel: P::Channel) {
        self.inbox.put(Command::SubscribeCatchingUp { id: self.id, channel });
    }

    /// Reports that this connection has all events of a channel up to position `after`. If the replay
    /// buffer lost nothing after it, the connection sends the payload `first`, then the buffered events,
    /// then all new ones.
    pub async fn go_live(&self, channel: P::Channel, after: i64, first: &[u8]) -> CatchUp {
        let (answer, answered) = oneshot::channel();
        let first = encode::text(first);
        self.inbox.put(Command::GoLive { id: self.id, channel, after, first, answer });
        answered.await.unwrap_or(CatchUp::Gone)
    }

    pub fn unsubscribe(&self, channel: P::Channel) {
        self.inbox.put(Command::Unsubscribe { id: self.id, channel });
    }

    /// Sends an event to the subscribers of `channel` that do not subscribe to `exclude`. Does nothing unless
    /// this connection subscribes to `channel` itself.
    pub fn broadcast(&self, channel: P::Channel, exclude: P::Channel, event: &P::Event) {
        self.inbox.put(Command::Broadcast(Publication {
            sender: Some(self.id),
            exclude: Some(exclude),
            ..Publication::new(channel, event)
        }));
    }

    /// Sends whole frames, or none, before all others, then the events published since
    /// [`super::Hub::connect`].
    pub fn start_with(&self, first: Bytes) {
        self.outbox.socket.start_with((!first.is_empty()).then_some(first));
    }

    /// Sends a text message. Never waits.
    pub fn send(&self, text: &[u8]) {
        self.send_frames(&encode::text(text));
    }

    /// Sends whole frames. Never waits.
    pub fn send_frames(&self, frames: &Bytes) {
        if !frames.is_empty() {
            self.outbox.socket.write(frames);
        }
    }

    /// Waits until the socket has taken all sent bytes. For a caller that sends a lot.
    pub async fn flushed(&self) {
        // The write driver runs around this future: it drains the queue before each poll, and its waker is
        // registered with the socket.
        poll_fn(|_| if self.outbox.socket.is_flushed() { Poll::Ready(()) } else { Poll::Pending })
            .await;
    }

    /// Waits for the next input.
    pub async fn next(&mut self) -> Received<P::Signal> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Received<P::Signal>> {
        if self.outbox.is_stopped() {
            return Poll::Ready(Received::Stop);
        }
        if let Some(signal) = self.outbox.next_signal() {
            return Poll::Ready(Received::Signal(signal));
        }
        loop {
            if let Some(incoming) = self.decoder.next() {
                return Poll::Ready(self.interpret(incoming));
            }
            if !ready!(self.outbox.socket.poll_read(cx, &mut self.decoder)) {
                return Poll::Ready(Received::Gone);
            }
        }
    }

    fn interpret(&self, incoming: Incoming) -> Received<P::Signal> {
        match incoming {
            Incoming::Text(text) => Received::Text(text),
            Incoming::Binary(payload) => Received::Binary(payload),
            Incoming::Ping(payload) => {
                self.send_frames(&encode::pong(&payload));
                Received::Control
            }
            Incoming::Pong | Incoming::Fragment => Received::Control,
            Incoming::Close(code) => {
                self.outbox.socket.close(code);
                Received::Gone
            }
            Incoming::ProtocolError(code) => Received::ProtocolError(code),
        }
    }

    /// Returns the driver that writes queued bytes to the socket while the connection is used.
    pub fn write_driver(&self) -> WriteDriver<P> {
        WriteDriver(self.outbox.clone())
    }

    /// Closes the connection with a close code. With `wait` it reads on for `LINGER`, for a client that is
    /// likely to be still sending: unread bytes would make the kernel reset the connection and drop the close
    /// frame.
    pub async fn finish(self, code: Option<u16>, wait: bool) {
        self.outbox.socket.close(code);
        self.outbox.socket.finish(if wait { LINGER } else { Duration::ZERO }).await;
    }
}

impl<P: Protocol> Drop for Connection<P> {
    fn drop(&mut self) {
        self.inbox.put(Command::Disconnect { id: self.id });
    }
}

/// Writes the queued bytes of a connection to its socket.
pub struct WriteDriver<P: Protocol>(Arc<Outbox<P::Signal>>);

impl<P: Protocol> WriteDriver<P> {
    /// Runs `work` and drains the send queue at the same time. Returns `None` as soon as the socket is cut.
    pub async fn drive<F: Future>(self, mut work: Pin<&mut F>) -> Option<F::Output> {
        let socket = &self.0.socket;
        poll_fn(|cx| {
            socket.register_waker(cx.waker());
            // The work goes on either way: `flushed` checks the queue itself.
            let (Poll::Ready(()) | Poll::Pending) = socket.poll_drain(cx);
            if socket.is_cut() { Poll::Ready(None) } else { work.as_mut().poll(cx).map(Some) }
        })
        .await
    }
}
