//! One client's end of the hub, for the task that serves this client.

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
use super::subscriber::CatchUp;
use crate::websocket::{Decoder, Incoming, encode};

/// How long to hear out somebody who was told to stop talking.
const LINGER: Duration = Duration::from_secs(2);

/// What comes to a connection's task.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<N> {
    Text(String),
    /// A message of bytes.
    Binary,
    /// What says nothing but costs work: a ping, which is answered already, a pong, or a piece of a
    /// message that is not complete yet.
    Control,
    Signal(N),
    /// The server stops, or wants everybody to come again.
    Stop,
    /// The client broke the rules of framing; the code says which.
    ProtocolError(u16),
    /// The client has gone, with a word or without.
    Gone,
}

/// Dropping it ends all it listens to, and the socket.
pub struct Connection<P: Protocol> {
    id: u64,
    inbox: Arc<Inbox<P>>,
    pub(super) outbox: Arc<Outbox<P::Signal>>,
    parser: Decoder,
}

impl<P: Protocol> Connection<P> {
    pub(super) fn new(
        id: u64,
        inbox: Arc<Inbox<P>>,
        peer: Arc<Outbox<P::Signal>>,
        early: &[u8],
    ) -> Self {
        let mut parser = Decoder::default();
        parser.feed(early);
        Self { id, inbox, outbox: peer, parser }
    }

    /// Listens to a channel from now on.
    pub fn subscribe(&self, channel: P::Channel) {
        self.inbox.put(Command::Subscribe { id: self.id, channel });
    }

    /// Begins to follow a channel: nothing of it comes until [`Self::go_live`]. What was published
    /// before this call is in the database, and what is published after it is held back.
    pub fn subscribe_catching_up(&self, channel: P::Channel) {
        self.inbox.put(Command::SubscribeCatchingUp { id: self.id, channel });
    }

    /// Says that this connection has everything of a channel up to the mark `after`. If nothing
    /// above it was lost, it gets the payload `first`, then what was held back, then all that
    /// comes.
    pub async fn go_live(&self, channel: P::Channel, after: i64, first: &[u8]) -> CatchUp {
        let (answer, answered) = oneshot::channel();
        let first = encode::text(first);
        self.inbox.put(Command::GoLive { id: self.id, channel, after, first, answer });
        answered.await.unwrap_or(CatchUp::Gone)
    }

    pub fn unsubscribe(&self, channel: P::Channel) {
        self.inbox.put(Command::Unsubscribe { id: self.id, channel });
    }

    /// Hands an event to everybody who listens to `channel` and not to `except`, if this connection
    /// listens to it too.
    pub fn broadcast(&self, channel: P::Channel, exclude: P::Channel, event: &P::Event) {
        self.inbox.put(Command::Broadcast(Publication {
            sender: Some(self.id),
            exclude: Some(exclude),
            ..Publication::new(channel, event)
        }));
    }

    /// Sends whole frames as the very first, and then what was published meanwhile.
    pub fn start_with(&self, first: Bytes) {
        self.outbox.socket.start_with(Some(first));
    }

    /// Sends a text. Never waits.
    pub fn send(&self, text: &[u8]) {
        self.send_frames(&encode::text(text));
    }

    /// Sends whole frames. Never waits.
    pub fn send_frames(&self, frames: &Bytes) {
        if !frames.is_empty() {
            self.outbox.socket.write(frames);
        }
    }

    /// Waits until all that was sent is on its way: for who sends much.
    pub async fn flushed(&self) {
        // What waits is handed over by the attendant, around this, before this is asked again.
        poll_fn(|_| if self.outbox.socket.is_flushed() { Poll::Ready(()) } else { Poll::Pending })
            .await;
    }

    /// What comes next.
    pub async fn next(&mut self) -> Received<P::Signal> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Received<P::Signal>> {
        if self.outbox.is_stopped() {
            return Poll::Ready(Received::Stop);
        }
        if let Some(notice) = self.outbox.next_signal() {
            return Poll::Ready(Received::Signal(notice));
        }
        loop {
            if let Some(incoming) = self.parser.next() {
                return Poll::Ready(self.interpret(incoming));
            }
            if !ready!(self.outbox.socket.poll_read(cx, &mut self.parser)) {
                return Poll::Ready(Received::Gone);
            }
        }
    }

    fn interpret(&self, incoming: Incoming) -> Received<P::Signal> {
        match incoming {
            Incoming::Text(text) => Received::Text(text),
            Incoming::Binary => Received::Binary,
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

    /// Who hands over what waits for the socket while the connection is used.
    pub fn write_driver(&self) -> WriteDriver<P> {
        WriteDriver(self.outbox.clone())
    }

    /// Ends the connection with a code. `wait` hears the client out for a moment: for somebody who
    /// is likely to be talking still.
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

/// Keeps a connection's socket supplied.
pub struct WriteDriver<P: Protocol>(Arc<Outbox<P::Signal>>);

impl<P: Protocol> WriteDriver<P> {
    /// Runs what a connection does, and hands over what waits for its socket beside it. Gives up,
    /// without a result, when the line was cut.
    pub async fn drive<F: Future>(self, mut work: Pin<&mut F>) -> Option<F::Output> {
        let line = &self.0.socket;
        poll_fn(|cx| {
            line.register_waker(cx.waker());
            // Ready or not: the work goes on, and whoever waits for it asks again.
            let (Poll::Ready(()) | Poll::Pending) = line.poll_drain(cx);
            if line.is_cut() { Poll::Ready(None) } else { work.as_mut().poll(cx).map(Some) }
        })
        .await
    }
}
