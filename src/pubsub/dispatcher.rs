//! Who listens to what, and the sweeps that write to them. Owned by the hub's one task: no lock is
//! held while a thousand sockets are written to.
//!
//! All commands that have gathered are taken in order, but what was published in them is written
//! at the end, all of a topic as one run of frames: a write costs the same for one frame and for
//! twenty. The order within a topic is kept, and marks keep from those who catch up what they have.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::Instant;

use super::command::{Command, Protocol, Publication};
use super::outbox::Outbox;
use super::subscriber::{CatchUp, Encode, EncodedBatch, Encoding, Subscriber};
use crate::limits::installation::SEND_QUEUES;
use crate::websocket::{SHED_THRESHOLD, SocketMetrics};

/// Commands that are taken before what they published is written.
const COMMAND_BATCH: usize = 1024;
/// Sockets that are written to before other tasks get their turn.
const YIELD_EVERY: usize = 256;
/// Where more than this waits over all connections, at the next tick the slowest are cut until [`SHED_TO`]
/// is left. Above [`CROWDED`] it is not left until then.
const SHED_ABOVE: usize = SEND_QUEUES / 4 * 3;
const SHED_TO: usize = SEND_QUEUES / 2;
/// Who took nothing for so long is slow. Of others it is not known yet: they have only just been written
/// to, and so are not cut as long as there is room.
const STALLED_AFTER: Duration = Duration::from_secs(1);

/// In the order in which they came: those who came together lie side by side in memory, here and in the
/// system, and are written to faster than in any other order.
type Subscribers<P> = BTreeMap<u64, Subscriber<<P as Protocol>::Signal>>;

pub(super) struct Dispatcher<P: Protocol> {
    encode: Encode<P::Event>,
    connections: HashMap<u64, ConnectionEntry<P>>,
    channels: HashMap<P::Channel, Subscribers<P>>,
    /// What was published and is not written yet, in order.
    batches: Vec<Batch<P>>,
    /// What may be told again at the next tick only, with the newest that waits for it.
    coalesced_events: HashMap<P::Channel, Option<Publication<P>>>,
    /// The same of notices.
    coalesced_signals: HashMap<P::Channel, Option<P::Signal>>,
    stopping: bool,
    metrics: SocketMetrics,
}

struct ConnectionEntry<P: Protocol> {
    outbox: Arc<Outbox<P::Signal>>,
    encoding: Encoding,
    channels: Vec<P::Channel>,
}

/// Events that go to the same listeners.
struct Batch<P: Protocol> {
    channel: P::Channel,
    exclude: Option<P::Channel>,
    fallback: Option<(P::Channel, P::Signal)>,
    events: Vec<(Option<i64>, P::Event)>,
}

impl<P: Protocol> Dispatcher<P> {
    pub fn new(encode: Encode<P::Event>, metrics: SocketMetrics) -> Self {
        Self {
            encode,
            connections: HashMap::new(),
            channels: HashMap::new(),
            batches: Vec::new(),
            coalesced_events: HashMap::new(),
            coalesced_signals: HashMap::new(),
            stopping: false,
            metrics,
        }
    }

    /// Takes all commands, and leaves the list empty.
    pub async fn process(&mut self, commands: &mut Vec<Command<P>>) {
        let mut commands = commands.drain(..);
        while !commands.as_slice().is_empty() {
            for command in commands.by_ref().take(COMMAND_BATCH) {
                // Who begins to listen gets nothing from before.
                if let Command::Subscribe { channel, .. } = &command
                    && self.batches.iter().any(|run| run.channel == *channel)
                {
                    self.write_batches().await;
                }
                self.execute(command);
                self.shed_if_full();
            }
            self.write_batches().await;
        }
    }

    /// Tells the newest of what was held back since the last tick.
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

    /// Told when [`Self::relieve`] has something to do, whoever wrote what waits.
    pub fn queues_full(&self) -> Arc<Notify> {
        self.metrics.queues_full.clone()
    }

    /// Makes room before the limit is reached: there a line is cut where it would wait, which could
    /// be that of somebody who reads. So it is asked for after every single write.
    pub fn shed_if_full(&self) {
        if self.queued_bytes() > SHED_THRESHOLD {
            self.shed();
        }
    }

    /// Bytes that wait in all queues together.
    fn queued_bytes(&self) -> usize {
        usize::try_from(self.metrics.queued.get()).unwrap_or(usize::MAX)
    }

    /// Keeps the sum of all queues below its limit at the cost of those who took nothing for longest.
    fn shed(&self) {
        let lines = self.connections.values().map(|connection| &connection.outbox.socket);
        let mut behind: Vec<_> =
            lines.filter_map(|line| Some((line.blocked_since()?, line))).collect();
        behind.sort_unstable_by_key(|(since, _)| *since);
        // With all of these it stays where it is, if it can.
        let with_new = if self.queued_bytes() > SHED_THRESHOLD { SHED_ABOVE } else { usize::MAX };
        let now = Instant::now();
        let mut cut = 0_usize;
        for (since, line) in behind {
            let most = if now.duration_since(since) < STALLED_AFTER { with_new } else { SHED_TO };
            if self.queued_bytes() <= most {
                break;
            }
            line.cut_as_slow();
            cut += 1;
        }
        if cut > 0 {
            tracing::warn!(
                cut,
                left = self.queued_bytes(),
                "too much waits to be sent: the slowest come again"
            );
        }
    }

    /// One heartbeat of all connections.
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

    /// Asks all connections to end, now and those that come yet.
    pub fn stop(&mut self) {
        self.stopping = true;
        self.stop_all();
    }

    /// Asks all connections to end and to come again.
    pub fn stop_all(&self) {
        for connection in self.connections.values() {
            connection.outbox.stop();
        }
    }

    fn execute(&mut self, command: Command<P>) {
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
            Command::SubscribeCatchingUp { id, channel } => {
                self.subscribe(id, channel, Subscriber::catching_up)
            }
            Command::GoLive { id, channel, after, first, answer } => {
                let subscriber = self.channels.get_mut(&channel).and_then(|all| all.get_mut(&id));
                let standing = subscriber
                    .map_or(CatchUp::Gone, |subscriber| subscriber.go_live(after, &first));
                // Who has gone meanwhile needs no answer.
                answer.send(standing).ok();
            }
            Command::Unsubscribe { id, channel } => self.unsubscribe(id, channel),
            Command::DisconnectAll => self.stop_all(),
            Command::Disconnect { id } => {
                let connection = self.connections.remove(&id);
                for channel in connection.into_iter().flat_map(|connection| connection.channels) {
                    self.remove_subscriber(id, channel);
                }
            }
        }
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
        let same = |run: &&mut Batch<P>| run.channel == channel && run.exclude == exclude;
        match self.batches.iter_mut().rev().find(same) {
            Some(run) => run.events.push((position, event)),
            None => self.batches.push(Batch {
                channel,
                exclude,
                fallback,
                events: vec![(position, event)],
            }),
        }
    }

    async fn write_batches(&mut self) {
        for run in std::mem::take(&mut self.batches) {
            // Taken out for the while, so that who is left out can be looked up beside it.
            let Some(mut subscribers) = self.channels.remove(&run.channel) else { continue };
            let excluded = run.exclude.and_then(|channel| self.channels.get(&channel));
            let apart = run
                .fallback
                .and_then(|(channel, signal)| Some((self.channels.get(&channel)?, signal)));
            let mut written: Vec<(Encoding, EncodedBatch)> = Vec::new();
            let mut delivered = 0;
            for (n, (id, subscriber)) in subscribers.iter_mut().enumerate() {
                if n % YIELD_EVERY == YIELD_EVERY - 1 {
                    yield_now().await;
                }
                if excluded.is_some_and(|them| them.contains_key(id)) {
                    continue;
                }
                if let Some((them, signal)) = apart
                    && them.contains_key(id)
                {
                    subscriber.outbox.signal(signal);
                    continue;
                }
                let encoding = subscriber.encoding;
                if !written.iter().any(|(known, _)| *known == encoding) {
                    written
                        .push((encoding, EncodedBatch::new(&run.events, encoding, &self.encode)));
                }
                let encoded = written.iter().find(|(known, _)| *known == encoding);
                if let Some((_, encoded)) = encoded {
                    delivered += subscriber.deliver(encoded);
                    self.shed_if_full();
                }
            }
            self.metrics.deliveries.add(delivered);
            self.channels.insert(run.channel, subscribers);
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

    /// A topic that nobody listens to takes no memory.
    fn remove_subscriber(&mut self, id: u64, channel: P::Channel) {
        if let Some(subscribers) = self.channels.get_mut(&channel) {
            subscribers.remove(&id);
            if subscribers.is_empty() {
                self.channels.remove(&channel);
            }
        }
    }
}

/// Leaves a notice for everybody who listens to `topic` and not to `except`.
fn notify<T: Copy + Eq + Hash, N: Copy + PartialEq>(
    channels: &HashMap<T, BTreeMap<u64, Subscriber<N>>>,
    channel: T,
    exclude: Option<T>,
    signal: N,
) {
    let excluded = exclude.and_then(|channel| channels.get(&channel));
    for (id, subscriber) in channels.get(&channel).into_iter().flatten() {
        if !excluded.is_some_and(|them| them.contains_key(id)) {
            subscriber.outbox.signal(signal);
        }
    }
}
