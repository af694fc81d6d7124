//! Where events are published. Publishing puts a command into an inbox and never waits; the one
//! task that empties it (see [`super::board`]) sees everything in the order in which it came.

use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, oneshot};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::connection::Connection;
use super::delivery::{Encode, Form, Standing};
use super::meters::Meters;
use super::peer::Peer;
use super::transport::Stream;
use crate::lifecycle::Lifecycle;

/// Events and notices that may wait for the hub. One that finds no room is dropped, and then every
/// connection is told to come again, which makes them ask the database: a hub that is so far
/// behind shall not grow, and nobody shall miss something without knowing.
const WAITING: usize = 32 * 1024;
/// How often merged events are told, at most.
const TICK: Duration = Duration::from_millis(250);
/// How many ticks there are to a heartbeat of five seconds.
const BEAT: u32 = 20;

/// What may be a topic, an event, a notice.
pub trait Words: 'static {
    type Topic: Copy + Eq + Hash + Send + Sync + 'static;
    /// Copied once for all who hear of it.
    type Event: Clone + Send + Sync + 'static;
    type Notice: Copy + PartialEq + Send + Sync + 'static;
}

/// Where what is spoken of in the words `W` is published. Clones are the same hub.
pub struct Hub<W: Words> {
    inbox: Arc<Inbox<W>>,
    last_id: Arc<AtomicU64>,
    meters: Meters,
}

/// An event on its way to those who listen to its topic.
pub(super) struct Publication<W: Words> {
    pub topic: W::Topic,
    /// Grows with every event of a topic that is to be complete; others have none.
    pub mark: Option<i64>,
    /// Who listens to this topic is left out.
    pub except: Option<W::Topic>,
    /// Only if this connection listens to the topic itself.
    pub from: Option<u64>,
    /// Only the newest of many counts.
    pub merged: bool,
    /// Who listens to this topic gets the notice instead of the event.
    pub instead: Option<(W::Topic, W::Notice)>,
    pub event: W::Event,
}

impl<W: Words> Publication<W> {
    fn of(topic: W::Topic, event: &W::Event) -> Self {
        let (mark, except, from, instead) = (None, None, None, None);
        Self { topic, mark, except, from, merged: false, instead, event: event.clone() }
    }
}

pub(super) enum Command<W: Words> {
    Publish(Publication<W>),
    Tell { topic: W::Topic, except: Option<W::Topic>, notice: W::Notice },
    TellSoon { topic: W::Topic, notice: W::Notice },
    Join { who: W::Topic, topic: W::Topic },
    Part { who: W::Topic, topic: W::Topic },
    Connect { id: u64, form: Form, peer: Arc<Peer<W::Notice>> },
    Listen { id: u64, topic: W::Topic },
    Follow { id: u64, topic: W::Topic },
    GoLive { id: u64, topic: W::Topic, after: i64, first: Bytes, answer: oneshot::Sender<Standing> },
    Ignore { id: u64, topic: W::Topic },
    Leave { id: u64 },
    Recall,
}

pub(super) struct Inbox<W: Words> {
    waiting: Mutex<Waiting<W>>,
    filled: Notify,
}

struct Waiting<W: Words> {
    commands: Vec<Command<W>>,
    overrun: bool,
}

impl<W: Words> Clone for Hub<W> {
    fn clone(&self) -> Self {
        let (inbox, last_id) = (self.inbox.clone(), self.last_id.clone());
        Self { inbox, last_id, meters: self.meters.clone() }
    }
}

impl<W: Words> Hub<W> {
    /// Starts the task. It ends with the workers; at [`Lifecycle::stopping`] every connection is
    /// asked to end.
    pub fn start(encode: Encode<W::Event>, lifecycle: &Lifecycle) -> Self {
        let (hub, board) = Self::build(encode);
        let (stopping, closing) = (lifecycle.stopping(), lifecycle.closing());
        lifecycle.spawn_worker(work(hub.inbox.clone(), board, stopping, closing));
        hub
    }

    pub(super) fn build(encode: Encode<W::Event>) -> (Self, Board<W>) {
        let waiting = Mutex::new(Waiting { commands: Vec::new(), overrun: false });
        let inbox = Arc::new(Inbox { waiting, filled: Notify::new() });
        let meters = Meters::default();
        let board = Board::new(encode, meters.clone());
        (Self { inbox, last_id: Arc::default(), meters }, board)
    }

    /// A new connection, which listens to nothing yet. Nothing is written to it before
    /// [`Connection::begin`]; `early` are bytes of the client that were read already.
    pub fn connect(&self, form: Form, stream: Stream, early: &[u8]) -> Connection<W> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed);
        let peer = Arc::new(Peer::new(stream, &self.meters));
        self.send(Command::Connect { id, form, peer: peer.clone() });
        Connection::new(id, self.clone(), peer, early)
    }

    /// Hands an event to everybody who listens to the topic. Never waits. The marks of a topic that
    /// is followed ([`Connection::follow`]) grow with every event; others need none.
    pub fn publish(&self, topic: W::Topic, mark: i64, event: &W::Event) {
        let publication = Publication::of(topic, event);
        self.send(Command::Publish(Publication { mark: Some(mark), ..publication }));
    }

    /// Hands the newest of many events to everybody who listens to `topic` and not to `except`: the
    /// first at once, then no more than one every quarter of a second. For whom the event is not true,
    /// since they listen to the topic `instead.0` too, there is the notice `instead.1`. Never waits.
    pub fn remind(
        &self,
        topic: W::Topic,
        except: W::Topic,
        event: &W::Event,
        instead: (W::Topic, W::Notice),
    ) {
        let publication = Publication::of(topic, event);
        let (except, instead) = (Some(except), Some(instead));
        self.send(Command::Publish(Publication { except, instead, merged: true, ..publication }));
    }

    /// Hands an event of one connection to everybody who listens to `topic` and not to `except`, if
    /// that connection listens to it itself.
    pub(super) fn whisper(&self, id: u64, topic: W::Topic, except: W::Topic, event: &W::Event) {
        let publication = Publication::of(topic, event);
        let (from, except) = (Some(id), Some(except));
        self.send(Command::Publish(Publication { except, from, ..publication }));
    }

    /// Hands a notice to everybody who listens to the topic. Never waits.
    pub fn tell(&self, topic: W::Topic, notice: W::Notice) {
        self.send(Command::Tell { topic, except: None, notice });
    }

    /// Hands a notice to everybody who listens to the topic: the first at once, then the
    /// newest every quarter of a second. Never waits.
    pub fn tell_soon(&self, topic: W::Topic, notice: W::Notice) {
        self.send(Command::TellSoon { topic, notice });
    }

    /// Hands a notice to everybody who listens to `topic` and not to `except`. Never waits.
    pub fn tell_others(&self, topic: W::Topic, except: W::Topic, notice: W::Notice) {
        self.send(Command::Tell { topic, except: Some(except), notice });
    }

    /// From now on everybody who listens to `who` listens to `topic` too.
    pub fn join(&self, who: W::Topic, topic: W::Topic) {
        self.send(Command::Join { who, topic });
    }

    /// From now on nobody who listens to `who` listens to `topic`. What is published later does not
    /// reach them.
    pub fn part(&self, who: W::Topic, topic: W::Topic) {
        self.send(Command::Part { who, topic });
    }

    /// Asks all connections to end and to come again.
    pub fn recall(&self) {
        self.send(Command::Recall);
    }

    pub fn meters(&self) -> &Meters {
        &self.meters
    }

    #[cfg(test)]
    pub(super) fn take(&self, commands: &mut Vec<Command<W>>) -> bool {
        self.inbox.take(commands)
    }

    pub(super) fn send(&self, command: Command<W>) {
        self.inbox.put(command);
    }
}

impl<W: Words> Inbox<W> {
    fn put(&self, command: Command<W>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let may_be_dropped = matches!(
            command,
            Command::Publish(_) | Command::Tell { .. } | Command::TellSoon { .. }
        );
        if may_be_dropped && waiting.commands.len() >= WAITING {
            waiting.overrun = true;
            return;
        }
        waiting.commands.push(command);
        drop(waiting);
        self.filled.notify_one();
    }

    /// Takes all that waits, in exchange for an empty list, and says whether something was dropped.
    fn take(&self, empty: &mut Vec<Command<W>>) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut waiting.commands, empty);
        std::mem::take(&mut waiting.overrun)
    }
}

async fn work<W: Words>(
    inbox: Arc<Inbox<W>>,
    mut board: Board<W>,
    stopping: CancellationToken,
    closing: CancellationToken,
) {
    let crowded = board.crowded();
    let mut commands = Vec::new();
    let mut ticks: u32 = 0;
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = closing.cancelled() => return,
            () = stopping.cancelled(), if !board.is_stopping() => board.stop(),
            _ = tick.tick() => {
                board.tick().await;
                ticks = (ticks + 1) % BEAT;
                if ticks == 0 {
                    board.beat().await;
                }
            }
            () = crowded.notified() => board.relieve(),
            () = inbox.filled.notified() => {
                let overrun = inbox.take(&mut commands);
                board.work_off(&mut commands).await;
                if overrun {
                    tracing::warn!("the hub is too far behind: all connections come again");
                    board.stop_all();
                }
            }
        }
    }
}
