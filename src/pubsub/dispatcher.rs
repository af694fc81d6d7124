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

use super::hub::{Command, Protocol, Publication};
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
type Subscribers<W> = BTreeMap<u64, Subscriber<<W as Protocol>::Signal>>;

pub(super) struct Dispatcher<W: Protocol> {
    encode: Encode<W::Event>,
    connections: HashMap<u64, ConnectionEntry<W>>,
    channels: HashMap<W::Channel, Subscribers<W>>,
    /// What was published and is not written yet, in order.
    batches: Vec<Batch<W>>,
    /// What may be told again at the next tick only, with the newest that waits for it.
    coalesced_events: HashMap<W::Channel, Option<Publication<W>>>,
    /// The same of notices.
    coalesced_signals: HashMap<W::Channel, Option<W::Signal>>,
    stopping: bool,
    metrics: SocketMetrics,
}

struct ConnectionEntry<W: Protocol> {
    outbox: Arc<Outbox<W::Signal>>,
    encoding: Encoding,
    channels: Vec<W::Channel>,
}

/// Events that go to the same listeners.
struct Batch<W: Protocol> {
    channel: W::Channel,
    exclude: Option<W::Channel>,
    fallback: Option<(W::Channel, W::Signal)>,
    events: Vec<(Option<i64>, W::Event)>,
}

impl<W: Protocol> Dispatcher<W> {
    pub fn new(encode: Encode<W::Event>, meters: SocketMetrics) -> Self {
        Self {
            encode,
            connections: HashMap::new(),
            channels: HashMap::new(),
            batches: Vec::new(),
            coalesced_events: HashMap::new(),
            coalesced_signals: HashMap::new(),
            stopping: false,
            metrics: meters,
        }
    }

    /// Takes all commands, and leaves the list empty.
    pub async fn process(&mut self, commands: &mut Vec<Command<W>>) {
        let mut commands = commands.drain(..);
        while !commands.as_slice().is_empty() {
            for command in commands.by_ref().take(COMMAND_BATCH) {
                // Who begins to listen gets nothing from before.
                if let Command::Subscribe { topic, .. } = &command
                    && self.batches.iter().any(|run| run.channel == *topic)
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
        let topics = &self.channels;
        self.coalesced_signals.retain(|topic, waiting| match waiting.take() {
            Some(notice) => {
                notify(topics, *topic, None, notice);
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
        let lines = self.connections.values().map(|member| &member.outbox.socket);
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
        for (n, member) in self.connections.values().enumerate() {
            if n % YIELD_EVERY == YIELD_EVERY - 1 {
                yield_now().await;
            }
            member.outbox.heartbeat();
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
        for member in self.connections.values() {
            member.outbox.stop();
        }
    }

    fn execute(&mut self, command: Command<W>) {
        match command {
            Command::Broadcast(publication) => self.broadcast(publication),
            Command::Notify { topic, except, notice } => {
                notify(&self.channels, topic, except, notice);
            }
            Command::NotifyCoalesced { topic, notice } => {
                if let Some(waiting) = self.coalesced_signals.get_mut(&topic) {
                    *waiting = Some(notice);
                } else {
                    self.coalesced_signals.insert(topic, None);
                    notify(&self.channels, topic, None, notice);
                }
            }
            Command::SubscribeFollowers { who, topic } => {
                for id in self.subscribers_of(who) {
                    self.subscribe(id, topic, Subscriber::live);
                }
            }
            Command::UnsubscribeFollowers { who, topic } => {
                for id in self.subscribers_of(who) {
                    self.unsubscribe(id, topic);
                }
            }
            Command::Connect { id, encoding: form, outbox: peer } => {
                if self.stopping {
                    peer.stop();
                }
                self.connections.insert(
                    id,
                    ConnectionEntry { outbox: peer, encoding: form, channels: Vec::new() },
                );
            }
            Command::Subscribe { id, topic } => self.subscribe(id, topic, Subscriber::live),
            Command::SubscribeCatchingUp { id, topic } => {
                self.subscribe(id, topic, Subscriber::catching_up)
            }
            Command::GoLive { id, topic, after, first, answer } => {
                let listener = self.channels.get_mut(&topic).and_then(|all| all.get_mut(&id));
                let standing =
                    listener.map_or(CatchUp::Gone, |listener| listener.go_live(after, &first));
                // Who has gone meanwhile needs no answer.
                answer.send(standing).ok();
            }
            Command::Unsubscribe { id, topic } => self.unsubscribe(id, topic),
            Command::DisconnectAll => self.stop_all(),
            Command::Disconnect { id } => {
                let member = self.connections.remove(&id);
                for topic in member.into_iter().flat_map(|member| member.channels) {
                    self.remove_subscriber(id, topic);
                }
            }
        }
    }

    fn broadcast(&mut self, publication: Publication<W>) {
        if !publication.coalesce {
            self.enqueue(publication);
        } else if let Some(waiting) = self.coalesced_events.get_mut(&publication.channel) {
            *waiting = Some(publication);
        } else {
            self.coalesced_events.insert(publication.channel, None);
            self.enqueue(publication);
        }
    }

    fn enqueue(&mut self, publication: Publication<W>) {
        let Publication {
            channel: topic,
            position: mark,
            exclude: except,
            sender: from,
            fallback: instead,
            event,
            ..
        } = publication;
        let Some(listeners) = self.channels.get(&topic) else { return };
        if from.is_some_and(|id| !listeners.contains_key(&id)) {
            return;
        }
        let same = |run: &&mut Batch<W>| run.channel == topic && run.exclude == except;
        match self.batches.iter_mut().rev().find(same) {
            Some(run) => run.events.push((mark, event)),
            None => self.batches.push(Batch {
                channel: topic,
                exclude: except,
                fallback: instead,
                events: vec![(mark, event)],
            }),
        }
    }

    async fn write_batches(&mut self) {
        for run in std::mem::take(&mut self.batches) {
            // Taken out for the while, so that who is left out can be looked up beside it.
            let Some(mut listeners) = self.channels.remove(&run.channel) else { continue };
            let left_out = run.exclude.and_then(|topic| self.channels.get(&topic));
            let apart =
                run.fallback.and_then(|(topic, notice)| Some((self.channels.get(&topic)?, notice)));
            let mut written: Vec<(Encoding, EncodedBatch)> = Vec::new();
            let mut delivered = 0;
            for (n, (id, listener)) in listeners.iter_mut().enumerate() {
                if n % YIELD_EVERY == YIELD_EVERY - 1 {
                    yield_now().await;
                }
                if left_out.is_some_and(|them| them.contains_key(id)) {
                    continue;
                }
                if let Some((them, notice)) = apart
                    && them.contains_key(id)
                {
                    listener.outbox.signal(notice);
                    continue;
                }
                let form = listener.encoding;
                if !written.iter().any(|(known, _)| *known == form) {
                    written.push((form, EncodedBatch::new(&run.events, form, &self.encode)));
                }
                let joined = written.iter().find(|(known, _)| *known == form);
                if let Some((_, joined)) = joined {
                    delivered += listener.deliver(joined);
                    self.shed_if_full();
                }
            }
            self.metrics.deliveries.add(delivered);
            self.channels.insert(run.channel, listeners);
        }
    }

    fn subscribers_of(&self, topic: W::Channel) -> Vec<u64> {
        self.channels.get(&topic).into_iter().flat_map(BTreeMap::keys).copied().collect()
    }

    fn subscribe(
        &mut self,
        id: u64,
        topic: W::Channel,
        listener: impl Fn(Arc<Outbox<W::Signal>>, Encoding) -> Subscriber<W::Signal>,
    ) {
        let Some(member) = self.connections.get_mut(&id) else { return };
        if !member.channels.contains(&topic) {
            member.channels.push(topic);
        }
        let listener = listener(member.outbox.clone(), member.encoding);
        self.channels.entry(topic).or_default().insert(id, listener);
    }

    fn unsubscribe(&mut self, id: u64, topic: W::Channel) {
        if let Some(member) = self.connections.get_mut(&id) {
            member.channels.retain(|other| *other != topic);
        }
        self.remove_subscriber(id, topic);
    }

    /// A topic that nobody listens to takes no memory.
    fn remove_subscriber(&mut self, id: u64, topic: W::Channel) {
        if let Some(listeners) = self.channels.get_mut(&topic) {
            listeners.remove(&id);
            if listeners.is_empty() {
                self.channels.remove(&topic);
            }
        }
    }
}

/// Leaves a notice for everybody who listens to `topic` and not to `except`.
fn notify<T: Copy + Eq + Hash, N: Copy + PartialEq>(
    topics: &HashMap<T, BTreeMap<u64, Subscriber<N>>>,
    topic: T,
    except: Option<T>,
    notice: N,
) {
    let left_out = except.and_then(|topic| topics.get(&topic));
    for (id, listener) in topics.get(&topic).into_iter().flatten() {
        if !left_out.is_some_and(|them| them.contains_key(id)) {
            listener.outbox.signal(notice);
        }
    }
}
