//! One client's end of the hub, for the task that serves this client.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::delivery::Standing;
use super::hub::{Command, Hub, Words};
use super::peer::Peer;
use super::transport::{Incoming, Parser, frame};

/// How long to hear out somebody who was told to stop talking.
const PATIENCE: Duration = Duration::from_secs(2);

/// What comes to a connection's task.
#[derive(Debug, PartialEq, Eq)]
pub enum Input<N> {
    Text(String),
    /// A message of bytes.
    Binary,
    /// What says nothing but costs work: a ping, which is answered already, a pong, or a piece of a
    /// message that is not complete yet.
    Control,
    Notice(N),
    /// The server stops, or wants everybody to come again.
    Stop,
    /// The client broke the rules of framing; the code says which.
    Broken(u16),
    /// The client has gone, with a word or without.
    Gone,
}

/// Dropping it ends all it listens to, and the socket.
pub struct Connection<W: Words> {
    id: u64,
    hub: Hub<W>,
    pub(super) peer: Arc<Peer<W::Notice>>,
    parser: Parser,
}

impl<W: Words> Connection<W> {
    pub(super) fn new(id: u64, hub: Hub<W>, peer: Arc<Peer<W::Notice>>, early: &[u8]) -> Self {
        let mut parser = Parser::default();
        parser.feed(early);
        Self { id, hub, peer, parser }
    }

    /// Listens to a topic from now on.
    pub fn listen(&self, topic: W::Topic) {
        self.hub.send(Command::Listen { id: self.id, topic });
    }

    /// Begins to follow a topic: nothing of it comes until [`Self::go_live`]. What was published
    /// before this call is in the database, and what is published after it is held back.
    pub fn follow(&self, topic: W::Topic) {
        self.hub.send(Command::Follow { id: self.id, topic });
    }

    /// Says that this connection has everything of a topic up to the mark `after`. If nothing
    /// above it was lost, it gets the payload `first`, then what was held back, then all that
    /// comes.
    pub async fn go_live(&self, topic: W::Topic, after: i64, first: &[u8]) -> Standing {
        let (answer, answered) = oneshot::channel();
        let first = frame::text(first);
        self.hub.send(Command::GoLive { id: self.id, topic, after, first, answer });
        answered.await.unwrap_or(Standing::Gone)
    }

    pub fn ignore(&self, topic: W::Topic) {
        self.hub.send(Command::Ignore { id: self.id, topic });
    }

    /// Hands an event to everybody who listens to `topic` and not to `except`, if this connection
    /// listens to it too.
    pub fn whisper(&self, topic: W::Topic, except: W::Topic, event: &W::Event) {
        self.hub.whisper(self.id, topic, except, event);
    }

    /// Sends whole frames as the very first, and then what was published meanwhile.
    pub fn begin(&self, first: Bytes) {
        self.peer.line.begin(Some(first));
    }

    /// Sends a text. Never waits.
    pub fn send(&self, text: &[u8]) {
        self.send_frames(&frame::text(text));
    }

    /// Sends whole frames. Never waits.
    pub fn send_frames(&self, frames: &Bytes) {
        if !frames.is_empty() {
            self.peer.line.write(frames);
        }
    }

    /// Waits until all that was sent is on its way: for who sends much.
    pub async fn cleared(&self) {
        // What waits is handed over by the attendant, around this, before this is asked again.
        poll_fn(|_| if self.peer.line.is_clear() { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// What comes next.
    pub async fn next(&mut self) -> Input<W::Notice> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Input<W::Notice>> {
        if self.peer.is_stopped() {
            return Poll::Ready(Input::Stop);
        }
        if let Some(notice) = self.peer.next_notice() {
            return Poll::Ready(Input::Notice(notice));
        }
        loop {
            if let Some(incoming) = self.parser.next() {
                return Poll::Ready(self.understand(incoming));
            }
            if !ready!(self.peer.line.poll_read(cx, &mut self.parser)) {
                return Poll::Ready(Input::Gone);
            }
        }
    }

    fn understand(&self, incoming: Incoming) -> Input<W::Notice> {
        match incoming {
            Incoming::Text(text) => Input::Text(text),
            Incoming::Binary => Input::Binary,
            Incoming::Ping(payload) => {
                self.send_frames(&frame::pong(&payload));
                Input::Control
            }
            Incoming::Pong | Incoming::Piece => Input::Control,
            Incoming::Close(code) => {
                self.peer.line.close(code);
                Input::Gone
            }
            Incoming::Broken(code) => Input::Broken(code),
        }
    }

    /// Who hands over what waits for the socket while the connection is used.
    pub fn attendant(&self) -> Attendant<W> {
        Attendant(self.peer.clone())
    }

    /// Ends the connection with a code. `wait` hears the client out for a moment: for somebody who
    /// is likely to be talking still.
    pub async fn finish(self, code: Option<u16>, wait: bool) {
        self.peer.line.close(code);
        self.peer.line.finish(if wait { PATIENCE } else { Duration::ZERO }).await;
    }
}

impl<W: Words> Drop for Connection<W> {
    fn drop(&mut self) {
        self.hub.send(Command::Leave { id: self.id });
    }
}

/// Keeps a connection's socket supplied.
pub struct Attendant<W: Words>(Arc<Peer<W::Notice>>);

impl<W: Words> Attendant<W> {
    /// Runs what a connection does, and hands over what waits for its socket beside it. Gives up,
    /// without a result, when the line was cut.
    pub async fn during<F: Future>(self, mut work: Pin<&mut F>) -> Option<F::Output> {
        let line = &self.0.line;
        poll_fn(|cx| {
            line.attend(cx.waker());
            // Ready or not: the work goes on, and whoever waits for it asks again.
            let (Poll::Ready(()) | Poll::Pending) = line.poll_clear(cx);
            if line.is_cut() { Poll::Ready(None) } else { work.as_mut().poll(cx).map(Some) }
        })
        .await
    }
}
