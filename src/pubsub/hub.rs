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

use super::connection::Connection;
use super::dispatcher::Dispatcher;
use super::outbox::Outbox;
use super::subscriber::{CatchUp, Encode, Encoding};
use crate::lifecycle::Lifecycle;
use crate::websocket::SocketMetrics;
use crate::websocket::Stream;

/// Events and notices that may wait for the hub. One that finds no room is dropped, and then every
/// connection is told to come again, which makes them ask the database: a hub that is so far
/// behind shall not grow, and nobody shall miss something without knowing.
const INBOX_CAPACITY: usize = 32 * 1024;
/// How often merged events are told, at most.
const COALESCE_INTERVAL: Duration = Duration::from_millis(250);
/// How many ticks there are to a heartbeat of five seconds.
const TICKS_PER_HEARTBEAT: u32 = 20;

/// What may be a topic, an event, a notice.
pub trait Protocol: 'static {
    type Channel: Copy + Eq + Hash + Send + Sync + 'static;
    /// Copied once for all who hear of it.
    type Event: Clone + Send + Sync + 'static;
    type Signal: Copy + PartialEq + Send + Sync + 'static;
}

/// Where what is spoken of in the words `W` is published. Clones are the same hub.
pub struct Hub<W: Protocol> {
    inbox: Arc<Inbox<W>>,
    last_id: Arc<AtomicU64>,
    metrics: SocketMetrics,
}

/// An event on its way to those who listen to its topic.
pub(super) struct Publication<W: Protocol> {
    pub channel: W::Channel,
    /// Grows with every event of a topic that is to be complete; others have none.
    pub position: Option<i64>,
    /// Who listens to this topic is left out.
    pub exclude: Option<W::Channel>,
    /// Only if this connection listens to the topic itself.
    pub sender: Option<u64>,
    /// Only the newest of many counts.
    pub coalesce: bool,
    /// Who listens to this topic gets the notice instead of the event.
    pub fallback: Option<(W::Channel, W::Signal)>,
    pub event: W::Event,
}

impl<W: Protocol> Publication<W> {
    fn of(topic: W::Channel, event: &W::Event) -> Self {
        let (mark, except, from, instead) = (None, None, None, None);
        Self {
            channel: topic,
            position: mark,
            exclude: except,
            sender: from,
            coalesce: false,
            fallback: instead,
            event: event.clone(),
        }
    }
}

pub(super) enum Command<W: Protocol> {
    Broadcast(Publication<W>),
    Notify {
        topic: W::Channel,
        except: Option<W::Channel>,
        notice: W::Signal,
    },
    NotifyCoalesced {
        topic: W::Channel,
        notice: W::Signal,
    },
    SubscribeFollowers {
        who: W::Channel,
        topic: W::Channel,
    },
    UnsubscribeFollowers {
        who: W::Channel,
        topic: W::Channel,
    },
    Connect {
        id: u64,
        encoding: Encoding,
        outbox: Arc<Outbox<W::Signal>>,
    },
    Subscribe {
        id: u64,
        topic: W::Channel,
    },
    SubscribeCatchingUp {
        id: u64,
        topic: W::Channel,
    },
    GoLive {
        id: u64,
        topic: W::Channel,
        after: i64,
        first: Bytes,
        answer: oneshot::Sender<CatchUp>,
    },
    Unsubscribe {
        id: u64,
        topic: W::Channel,
    },
    Disconnect {
        id: u64,
    },
    DisconnectAll,
}

pub(super) struct Inbox<W: Protocol> {
    waiting: Mutex<Pending<W>>,
    not_empty: Notify,
}

struct Pending<W: Protocol> {
    commands: Vec<Command<W>>,
    overflowed: bool,
}

impl<W: Protocol> Clone for Hub<W> {
    fn clone(&self) -> Self {
        let (inbox, last_id) = (self.inbox.clone(), self.last_id.clone());
        Self { inbox, last_id, metrics: self.metrics.clone() }
    }
}

impl<W: Protocol> Hub<W> {
    /// Starts the task. It ends with the workers; at [`Lifecycle::stopping`] every connection is
    /// asked to end.
    pub fn start(encode: Encode<W::Event>, lifecycle: &Lifecycle) -> Self {
        let (hub, board) = Self::build(encode);
        let (stopping, closing) = (lifecycle.stopping(), lifecycle.closing());
        lifecycle.spawn_worker(run(hub.inbox.clone(), board, stopping, closing));
        hub
    }

    pub(super) fn build(encode: Encode<W::Event>) -> (Self, Dispatcher<W>) {
        let waiting = Mutex::new(Pending { commands: Vec::new(), overflowed: false });
        let inbox = Arc::new(Inbox { waiting, not_empty: Notify::new() });
        let meters = SocketMetrics::default();
        let board = Dispatcher::new(encode, meters.clone());
        (Self { inbox, last_id: Arc::default(), metrics: meters }, board)
    }

    /// A new connection, which listens to nothing yet. Nothing is written to it before
    /// [`Connection::begin`]; `early` are bytes of the client that were read already.
    pub fn connect(&self, form: Encoding, stream: Stream, early: &[u8]) -> Connection<W> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed);
        let peer = Arc::new(Outbox::new(stream, &self.metrics));
        self.send(Command::Connect { id, encoding: form, outbox: peer.clone() });
        Connection::new(id, self.clone(), peer, early)
    }

    /// Hands an event to everybody who listens to the topic. Never waits. The marks of a topic that
    /// is followed ([`Connection::follow`]) grow with every event; others need none.
    pub fn broadcast(&self, topic: W::Channel, mark: i64, event: &W::Event) {
        let publication = Publication::of(topic, event);
        self.send(Command::Broadcast(Publication { position: Some(mark), ..publication }));
    }

    /// Hands the newest of many events to everybody who listens to `topic` and not to `except`: the
    /// first at once, then no more than one every quarter of a second. For whom the event is not true,
    /// since they listen to the topic `instead.0` too, there is the notice `instead.1`. Never waits.
    pub fn broadcast_coalesced(
        &self,
        topic: W::Channel,
        except: W::Channel,
        event: &W::Event,
        instead: (W::Channel, W::Signal),
    ) {
        let publication = Publication::of(topic, event);
        let (except, instead) = (Some(except), Some(instead));
        self.send(Command::Broadcast(Publication {
            exclude: except,
            fallback: instead,
            coalesce: true,
            ..publication
        }));
    }

    /// Hands an event of one connection to everybody who listens to `topic` and not to `except`, if
    /// that connection listens to it itself.
    pub(super) fn broadcast_from(
        &self,
        id: u64,
        topic: W::Channel,
        except: W::Channel,
        event: &W::Event,
    ) {
        let publication = Publication::of(topic, event);
        let (from, except) = (Some(id), Some(except));
        self.send(Command::Broadcast(Publication { exclude: except, sender: from, ..publication }));
    }

    /// Hands a notice to everybody who listens to the topic. Never waits.
    pub fn notify(&self, topic: W::Channel, notice: W::Signal) {
        self.send(Command::Notify { topic, except: None, notice });
    }

    /// Hands a notice to everybody who listens to the topic: the first at once, then the
    /// newest every quarter of a second. Never waits.
    pub fn notify_coalesced(&self, topic: W::Channel, notice: W::Signal) {
        self.send(Command::NotifyCoalesced { topic, notice });
    }

    /// Hands a notice to everybody who listens to `topic` and not to `except`. Never waits.
    pub fn notify_except(&self, topic: W::Channel, except: W::Channel, notice: W::Signal) {
        self.send(Command::Notify { topic, except: Some(except), notice });
    }

    /// From now on everybody who listens to `who` listens to `topic` too.
    pub fn subscribe_all(&self, who: W::Channel, topic: W::Channel) {
        self.send(Command::SubscribeFollowers { who, topic });
    }

    /// From now on nobody who listens to `who` listens to `topic`. What is published later does not
    /// reach them.
    pub fn unsubscribe_all(&self, who: W::Channel, topic: W::Channel) {
        self.send(Command::UnsubscribeFollowers { who, topic });
    }

    /// Asks all connections to end and to come again.
    pub fn disconnect_all(&self) {
        self.send(Command::DisconnectAll);
    }

    pub fn metrics(&self) -> &SocketMetrics {
        &self.metrics
    }

    #[cfg(test)]
    pub(super) fn take(&self, commands: &mut Vec<Command<W>>) -> bool {
        self.inbox.take(commands)
    }

    pub(super) fn send(&self, command: Command<W>) {
        self.inbox.put(command);
    }
}

impl<W: Protocol> Inbox<W> {
    fn put(&self, command: Command<W>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let may_be_dropped = matches!(
            command,
            Command::Broadcast(_) | Command::Notify { .. } | Command::NotifyCoalesced { .. }
        );
        if may_be_dropped && waiting.commands.len() >= INBOX_CAPACITY {
            waiting.overflowed = true;
            return;
        }
        waiting.commands.push(command);
        drop(waiting);
        self.not_empty.notify_one();
    }

    /// Takes all that waits, in exchange for an empty list, and says whether something was dropped.
    fn take(&self, empty: &mut Vec<Command<W>>) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut waiting.commands, empty);
        std::mem::take(&mut waiting.overflowed)
    }
}

async fn run<W: Protocol>(
    inbox: Arc<Inbox<W>>,
    mut board: Dispatcher<W>,
    stopping: CancellationToken,
    closing: CancellationToken,
) {
    let crowded = board.queues_full();
    let mut commands = Vec::new();
    let mut ticks: u32 = 0;
    let mut tick = interval(COALESCE_INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = closing.cancelled() => return,
            () = stopping.cancelled(), if !board.is_stopping() => board.stop(),
            _ = tick.tick() => {
                board.tick().await;
                ticks = (ticks + 1) % TICKS_PER_HEARTBEAT;
                if ticks == 0 {
                    board.beat().await;
                }
            }
            () = crowded.notified() => board.shed_if_full(),
            () = inbox.not_empty.notified() => {
                let overrun = inbox.take(&mut commands);
                board.process(&mut commands).await;
                if overrun {
                    tracing::warn!("the hub is too far behind: all connections come again");
                    board.stop_all();
                }
            }
        }
    }
}
