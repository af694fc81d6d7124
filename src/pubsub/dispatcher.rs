//! All subscriptions, and the loop that writes events to the sockets. One task owns the dispatcher, so no
//! lock is held while it writes to a thousand sockets.
//!
//! The dispatcher takes all pending commands in order. It collects the events they publish and writes them
//! at the end, all events of a channel as one batch of frames, because a write of one frame costs as much
//! as a write of twenty. The order within a channel is kept. A subscriber that catches up receives only
//! events after its own position.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::Instant;

use super::command::{Command, Protocol, Publication};
use super::outbox::Outbox;
use super::recent::{Moment, Present, RecentChannels};
use super::subscriber::{CatchUp, Encode, EncodedBatch, Encoding, Subscriber};
use crate::limits::installation::SEND_QUEUES;
use crate::websocket::{SHED_THRESHOLD, SocketMetrics};

/// Commands that are executed before the events they published are written.
const COMMAND_BATCH: usize = 1024;
/// Sockets that are written to before the task yields to other tasks.
const YIELD_EVERY: usize = 256;
/// If more bytes than this are queued over all connections, the next tick disconnects the slowest clients
/// until [`SHED_TO`] bytes are left. Above [`SHED_THRESHOLD`] this happens without waiting for the tick.
const SHED_ABOVE: usize = SEND_QUEUES / 4 * 3;
const SHED_TO: usize = SEND_QUEUES / 2;
/// A client that has read nothing for this long is slow. A client that was written to more recently may
/// still be a fast reader, so it stays connected while the total is below the limit.
const STALLED_AFTER: Duration = Duration::from_secs(1);

/// Ordered by connection id, that is by time of connection. Connections opened together are adjacent in
/// memory, both here and in the kernel, so this order is the fastest to write in.
type Subscribers<P> = BTreeMap<u64, Subscriber<<P as Protocol>::Signal>>;

pub(super) struct Dispatcher<P: Protocol> {
    encode: Encode<P::Event>,
    connections: HashMap<u64, ConnectionEntry<P>>,
    channels: HashMap<P::Channel, Subscribers<P>>,
    /// Published events that are not written yet, in order.
    batches: Vec<Batch<P>>,
    /// Channels whose next coalesced event must wait for the next tick, with the newest pending event.
    coalesced_events: HashMap<P::Channel, Option<Publication<P>>>,
    /// The same for signals.
    coalesced_signals: HashMap<P::Channel, Option<P::Signal>>,
    recent: RecentChannels<P::Channel>,
    stopping: bool,
    metrics: SocketMetrics,
}

struct ConnectionEntry<P: Protocol> {
    outbox: Arc<Outbox<P::Signal>>,
    encoding: Encoding,
    channels: Vec<P::Channel>,
}

/// Events for the same subscribers.
struct Batch<P: Protocol> {
    channel: P::Channel,
    exclude: Option<P::Channel>,
    fallback: Option<(P::Channel, P::Signal)>,
    events: Vec<(Option<i64>, P::Event)>,
}

impl<P: Protocol> Dispatcher<P> {
    pub fn new(encode: Encode<P::Event>, metrics: SocketMetrics, present: Present) -> Self {
        Self {
            encode,
            connections: HashMap::new(),
            channels: HashMap::new(),
            batches: Vec::new(),
            coalesced_events: HashMap::new(),
            coalesced_signals: HashMap::new(),
            recent: RecentChannels::new(present),
            stopping: false,
            metrics,
        }
    }

    /// Executes all commands and leaves the list empty.
    pub async fn process(&mut self, commands: &mut Vec<Command<P>>) {
        let mut commands = commands.drain(..);
        while !commands.as_slice().is_empty() {
            for command in commands.by_ref().take(COMMAND_BATCH) {
                // A new subscriber must not receive events published before it subscribed.
                let channels = command.subscribed();
                if self.batches.iter().any(|batch| channels.contains(&batch.channel)) {
                    self.write_batches().await;
                }
                self.execute(command);
                self.shed_if_full();
            }
            self.write_batches().await;
        }
    }

    /// Delivers the newest coalesced event and signal of each channel, and disconnects slow clients if too
    /// many bytes are queued.
    pub async fn tick(&mut self) {
        let mut due = Vec::new();
        self.coalesced_events.retain(|_, waiting| match waiting.take() {
            Some(publication) => {
                due.push(publication);
                true
            }
            None => false,
        });
        for publication in due {
            self.enqueue(publication);
        }
        let channels = &self.channels;
        self.coalesced_signals.retain(|channel, waiting| match waiting.take() {
            Some(signal) => {
                notify(channels, *channel, None, signal);
                true
            }
            None => false,
        });
        self.write_batches().await;
        if self.queued_bytes() > SHED_ABOVE {
            self.shed();
        }
    }

    /// Notified when [`Self::shed_if_full`] has work to do, whichever task queued the bytes.
    pub fn queues_full(&self) -> Arc<Notify> {
        self.metrics.queues_full.clone()
    }

    /// Disconnects the slowest clients before the total limit is reached. At the limit itself, the next
    /// socket that has to queue is disconnected, even if its client reads fast. That is why the dispatcher
    /// calls this after every single write.
    pub fn shed_if_full(&self) {
        if self.queued_bytes() > SHED_THRESHOLD {
            self.shed();
        }
    }

    /// Bytes in all send queues together.
    fn queued_bytes(&self) -> usize {
        usize::try_from(self.metrics.queued.get()).unwrap_or(usize::MAX)
    }

    /// Keeps the sum of all send queues below its limit: disconnects the clients that have read nothing
    /// for the longest time.
    fn shed(&self) {
        let sockets = self.connections.values().map(|connection| &connection.outbox.socket);
        let mut blocked: Vec<_> =
            sockets.filter_map(|socket| Some((socket.blocked_since()?, socket))).collect();
        blocked.sort_unstable_by_key(|(since, _)| *since);
        // Clients that have not stalled yet are disconnected only above the threshold, and only down to
        // SHED_ABOVE.
        let limit_for_recent =
            if self.queued_bytes() > SHED_THRESHOLD { SHED_ABOVE } else { usize::MAX };
        let now = Instant::now();
        let mut cut = 0_usize;
        for (since, socket) in blocked {
            let is_recent = now.duration_since(since) < STALLED_AFTER;
            let limit = if is_recent { limit_for_recent } else { SHED_TO };
            if self.queued_bytes() <= limit {
                break;
            }
            socket.cut_as_slow();
            cut += 1;
        }
        if cut > 0 {
            tracing::warn!(
                cut,
                left = self.queued_bytes(),
                "the send queues are too full: disconnected the slowest clients"
            );
        }
    }

    /// Runs one heartbeat of every connection.
    pub async fn beat(&mut self) {
        for (n, connection) in self.connections.values().enumerate() {
            if n % YIELD_EVERY == YIELD_EVERY - 1 {
                yield_now().await;
            }
            connection.outbox.heartbeat();
        }
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// Asks all connections to close, including connections that are opened later.
    pub fn stop(&mut self) {
        self.stopping = true;
        self.stop_all();
    }

    /// Asks all current connections to close. Their clients reconnect.
    pub fn stop_all(&self) {
        for connection in self.connections.values() {
            connection.outbox.stop();
        }
    }

    fn execute(&mut self, command: Command<P>) {
        command.note_in(&mut self.recent);
        match command {
            Command::Broadcast(publication) => self.broadcast(publication),
            Command::Notify { channel, exclude, signal } => {
                notify(&self.channels, channel, exclude, signal);
            }
            Command::NotifyCoalesced { channel, signal } => {
                if let Some(waiting) = self.coalesced_signals.get_mut(&channel) {
                    *waiting = Some(signal);
                } else {
                    self.coalesced_signals.insert(channel, None);
                    notify(&self.channels, channel, None, signal);
                }
            }
            Command::SubscribeAll { who, channel } => {
                for id in self.subscribers_of(who) {
                    self.subscribe(id, channel, Subscriber::live);
                }
            }
            Command::UnsubscribeAll { who, channel } => {
                for id in self.subscribers_of(who) {
                    self.unsubscribe(id, channel);
                }
            }
            Command::Connect { id, encoding, outbox } => {
                if self.stopping {
                    outbox.stop();
                }
                self.connections
                    .insert(id, ConnectionEntry { outbox, encoding, channels: Vec::new() });
            }
            Command::Subscribe { id, channel } => self.subscribe(id, channel, Subscriber::live),
            Command::SubscribeSince { id, channels, moment, answer } => {
                answer.send(self.subscribe_since(id, channels, moment)).ok();
            }
            Command::SubscribeCatchingUp { id, channel } => {
                self.subscribe(id, channel, Subscriber::catching_up);
            }
            Command::GoLive { id, channel, after, first, answer } => {
                let subscriber = self.channels.get_mut(&channel).and_then(|all| all.get_mut(&id));
                let result = subscriber
                    .map_or(CatchUp::Gone, |subscriber| subscriber.go_live(after, &first));
                // The connection may have closed since; then no one waits for the answer.
                answer.send(result).ok();
            }
            Command::Unsubscribe { id, channel } => self.unsubscribe(id, channel),
            Command::DisconnectAll => self.stop_all(),
            Command::ListChannels { answer } => {
                answer.send(self.channels.keys().copied().collect()).ok();
            }
            Command::FindSubscribed { mut channels, answer } => {
                channels.retain(|channel| self.channels.contains_key(channel));
                answer.send(channels.into_iter().collect()).ok();
            }
            Command::Disconnect { id } => self.disconnect(id),
        }
    }

    fn disconnect(&mut self, id: u64) {
        let connection = self.connections.remove(&id);
        for channel in connection.into_iter().flat_map(|connection| connection.channels) {
            self.remove_subscriber(id, channel);
        }
    }

    /// Returns whether one of the channels may have been used since the moment.
    fn subscribe_since(&mut self, id: u64, channels: Vec<P::Channel>, moment: Moment) -> bool {
        let missed = self.recent.used_since(moment, &channels);
        for channel in channels {
            self.subscribe(id, channel, Subscriber::live);
        }
        missed
    }

    fn broadcast(&mut self, publication: Publication<P>) {
        if !publication.coalesce {
            self.enqueue(publication);
        } else if let Some(waiting) = self.coalesced_events.get_mut(&publication.channel) {
            *waiting = Some(publication);
        } else {
            self.coalesced_events.insert(publication.channel, None);
            self.enqueue(publication);
        }
    }

    fn enqueue(&mut self, publication: Publication<P>) {
        let Publication { channel, position, exclude, sender, fallback, event, .. } = publication;
        let Some(subscribers) = self.channels.get(&channel) else { return };
        if sender.is_some_and(|id| !subscribers.contains_key(&id)) {
            return;
        }
        let is_same = |batch: &&mut Batch<P>| batch.channel == channel && batch.exclude == exclude;
        match self.batches.iter_mut().rev().find(is_same) {
            Some(batch) => batch.events.push((position, event)),
            None => self.batches.push(Batch {
                channel,
                exclude,
                fallback,
                events: vec![(position, event)],
            }),
        }
    }

    async fn write_batches(&mut self) {
        for batch in std::mem::take(&mut self.batches) {
            // Removed from the map during the write, so that `excluded` can borrow another entry of it.
            let Some(mut subscribers) = self.channels.remove(&batch.channel) else { continue };
            let excluded = batch.exclude.and_then(|channel| self.channels.get(&channel));
            let fallback = batch
                .fallback
                .and_then(|(channel, signal)| Some((self.channels.get(&channel)?, signal)));
            let mut written: Vec<(Encoding, EncodedBatch)> = Vec::new();
            let mut delivered = 0;
            for (n, (id, subscriber)) in subscribers.iter_mut().enumerate() {
                if n % YIELD_EVERY == YIELD_EVERY - 1 {
                    yield_now().await;
                }
                if excluded.is_some_and(|excluded| excluded.contains_key(id)) {
                    continue;
                }
                if let Some((signalled, signal)) = fallback
                    && signalled.contains_key(id)
                {
                    subscriber.outbox.signal(signal);
                    continue;
                }
                let encoding = subscriber.encoding;
                if !written.iter().any(|(known, _)| *known == encoding) {
                    written
                        .push((encoding, EncodedBatch::new(&batch.events, encoding, &self.encode)));
                }
                let encoded = written.iter().find(|(known, _)| *known == encoding);
                if let Some((_, encoded)) = encoded {
                    delivered += subscriber.deliver(encoded);
                    self.shed_if_full();
                }
            }
            self.metrics.deliveries.inc_by(delivered);
            self.channels.insert(batch.channel, subscribers);
        }
    }

    fn subscribers_of(&self, channel: P::Channel) -> Vec<u64> {
        self.channels.get(&channel).into_iter().flat_map(BTreeMap::keys).copied().collect()
    }

    fn subscribe(
        &mut self,
        id: u64,
        channel: P::Channel,
        subscriber: impl Fn(Arc<Outbox<P::Signal>>, Encoding) -> Subscriber<P::Signal>,
    ) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if !connection.channels.contains(&channel) {
            connection.channels.push(channel);
        }
        let subscriber = subscriber(connection.outbox.clone(), connection.encoding);
        self.channels.entry(channel).or_default().insert(id, subscriber);
    }

    fn unsubscribe(&mut self, id: u64, channel: P::Channel) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.channels.retain(|other| *other != channel);
        }
        self.remove_subscriber(id, channel);
    }

    /// Removes a channel with its last subscriber, so that an unused channel takes no memory.
    fn remove_subscriber(&mut self, id: u64, channel: P::Channel) {
        if let Some(subscribers) = self.channels.get_mut(&channel) {
            subscribers.remove(&id);
            if subscribers.is_empty() {
                self.channels.remove(&channel);
            }
        }
    }
}

/// Sends a signal to the subscribers of `channel` that do not subscribe to `exclude`.
fn notify<T: Copy + Eq + Hash, N: Copy + PartialEq>(
    channels: &HashMap<T, BTreeMap<u64, Subscriber<N>>>,
    channel: T,
    exclude: Option<T>,
    signal: N,
) {
    let excluded = exclude.and_then(|channel| channels.get(&channel));
    for (id, subscriber) in channels.get(&channel).into_iter().flatten() {
        if !excluded.is_some_and(|excluded| excluded.contains_key(id)) {
            subscriber.outbox.signal(signal);
        }
    }
}
