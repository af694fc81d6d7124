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
use super::shedding::{self, SHED_ABOVE};
use super::subscriber::{CatchUp, Encode, EncodedBatch, Encoding, Subscriber};
use crate::websocket::{SHED_THRESHOLD, SocketMetrics};

/// How often [`Dispatcher::tick`] is called.
pub(super) const TICK: Duration = Duration::from_millis(250);
/// Commands that are executed before the events they published are written.
const COMMAND_BATCH: usize = 1024;
/// Sockets that are written to before the task yields to other tasks.
const YIELD_EVERY: usize = 256;
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
    /// When all connections must have been asked to close, once the server stops.
    stopping_until: Option<Instant>,
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
            stopping_until: None,
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

    /// Delivers the newest coalesced event and signal of each channel, asks the next connections to close if the
    /// server stops, and disconnects slow clients if too many bytes are queued.
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
        self.stop_slice();
        if shedding::queued_bytes(&self.metrics) > SHED_ABOVE {
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
        if shedding::queued_bytes(&self.metrics) > SHED_THRESHOLD {
            self.shed();
        }
    }

    fn shed(&self) {
        let sockets = self.connections.values().map(|connection| &connection.outbox.socket);
        shedding::shed(sockets, &self.metrics);
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
        self.stopping_until.is_some()
    }

    /// Asks all connections to close: evenly over a time, so that their clients do not all reconnect at once.
    /// Connections that are opened later are asked immediately.
    pub fn stop(&mut self, over: Duration) {
        self.stopping_until = Some(Instant::now() + over);
        self.stop_slice();
    }

    /// Asks the next of them, as many as each tick needs so that none is left in time.
    fn stop_slice(&self) {
        let Some(until) = self.stopping_until else { return };
        let outboxes = self.connections.values().map(|connection| &connection.outbox);
        let open: Vec<_> = outboxes.filter(|outbox| !outbox.is_stopped()).collect();
        let left = until.saturating_duration_since(Instant::now()).as_millis();
        let ticks = usize::try_from(left / TICK.as_millis()).unwrap_or(usize::MAX);
        for outbox in &open[..open.len().div_ceil(ticks.saturating_add(1))] {
            outbox.stop();
        }
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
                if self.is_stopping() {
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
