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

use super::delivery::{Encode, Form, Joined, Listener, Standing};
use super::hub::{Command, Publication, Words};
use super::meters::{CROWDED, Meters};
use super::peer::Peer;
use crate::limits::installation::SEND_QUEUES;

/// Commands that are taken before what they published is written.
const TURN: usize = 1024;
/// Sockets that are written to before other tasks get their turn.
const SWEEP: usize = 256;
/// Where more than this waits over all connections, at the next tick the slowest are cut until [`SHED_TO`]
/// is left. Above [`CROWDED`] it is not left until then.
const SHED_ABOVE: usize = SEND_QUEUES / 4 * 3;
const SHED_TO: usize = SEND_QUEUES / 2;
/// Who took nothing for so long is slow. Of others it is not known yet: they have only just been written
/// to, and so are not cut as long as there is room.
const SLOW_AFTER: Duration = Duration::from_secs(1);

/// In the order in which they came: those who came together lie side by side in memory, here and in the
/// system, and are written to faster than in any other order.
type Listeners<W> = BTreeMap<u64, Listener<<W as Words>::Notice>>;

pub(super) struct Board<W: Words> {
    encode: Encode<W::Event>,
    members: HashMap<u64, Member<W>>,
    topics: HashMap<W::Topic, Listeners<W>>,
    /// What was published and is not written yet, in order.
    runs: Vec<Run<W>>,
    /// What may be told again at the next tick only, with the newest that waits for it.
    reminders: HashMap<W::Topic, Option<Publication<W>>>,
    /// The same of notices.
    soon: HashMap<W::Topic, Option<W::Notice>>,
    stopping: bool,
    meters: Meters,
}

struct Member<W: Words> {
    peer: Arc<Peer<W::Notice>>,
    form: Form,
    topics: Vec<W::Topic>,
}

/// Events that go to the same listeners.
struct Run<W: Words> {
    topic: W::Topic,
    except: Option<W::Topic>,
    instead: Option<(W::Topic, W::Notice)>,
    events: Vec<(Option<i64>, W::Event)>,
}

impl<W: Words> Board<W> {
    pub fn new(encode: Encode<W::Event>, meters: Meters) -> Self {
        Self {
            encode,
            members: HashMap::new(),
            topics: HashMap::new(),
            runs: Vec::new(),
            reminders: HashMap::new(),
            soon: HashMap::new(),
            stopping: false,
            meters,
        }
    }

    /// Takes all commands, and leaves the list empty.
    pub async fn work_off(&mut self, commands: &mut Vec<Command<W>>) {
        let mut commands = commands.drain(..);
        while !commands.as_slice().is_empty() {
            for command in commands.by_ref().take(TURN) {
                // Who begins to listen gets nothing from before.
                if let Command::Listen { topic, .. } = &command
                    && self.runs.iter().any(|run| run.topic == *topic)
                {
                    self.write_runs().await;
                }
                self.take(command);
                self.relieve();
            }
            self.write_runs().await;
        }
    }

    /// Tells the newest of what was held back since the last tick.
    pub async fn tick(&mut self) {
        let mut due = Vec::new();
        self.reminders.retain(|_, waiting| match waiting.take() {
            Some(publication) => {
                due.push(publication);
                true
            }
            None => false,
        });
        for publication in due {
            self.gather(publication);
        }
        let topics = &self.topics;
        self.soon.retain(|topic, waiting| match waiting.take() {
            Some(notice) => {
                tell(topics, *topic, None, notice);
                true
            }
            None => false,
        });
        self.write_runs().await;
        if self.waiting() > SHED_ABOVE {
            self.shed();
        }
    }

    /// Told when [`Self::relieve`] has something to do, whoever wrote what waits.
    pub fn crowded(&self) -> Arc<Notify> {
        self.meters.crowded.clone()
    }

    /// Makes room before the limit is reached: there a line is cut where it would wait, which could
    /// be that of somebody who reads. So it is asked for after every single write.
    pub fn relieve(&self) {
        if self.waiting() > CROWDED {
            self.shed();
        }
    }

    /// Bytes that wait in all queues together.
    fn waiting(&self) -> usize {
        usize::try_from(self.meters.queued.get()).unwrap_or(usize::MAX)
    }

    /// Keeps the sum of all queues below its limit at the cost of those who took nothing for longest.
    fn shed(&self) {
        let lines = self.members.values().map(|member| &member.peer.line);
        let mut behind: Vec<_> =
            lines.filter_map(|line| Some((line.behind_since()?, line))).collect();
        behind.sort_unstable_by_key(|(since, _)| *since);
        // With all of these it stays where it is, if it can.
        let with_new = if self.waiting() > CROWDED { SHED_ABOVE } else { usize::MAX };
        let now = Instant::now();
        let mut cut = 0_usize;
        for (since, line) in behind {
            let most = if now.duration_since(since) < SLOW_AFTER { with_new } else { SHED_TO };
            if self.waiting() <= most {
                break;
            }
            line.cut_as_slow();
            cut += 1;
        }
        if cut > 0 {
            tracing::warn!(
                cut,
                left = self.waiting(),
                "too much waits to be sent: the slowest come again"
            );
        }
    }

    /// One heartbeat of all connections.
    pub async fn beat(&mut self) {
        for (n, member) in self.members.values().enumerate() {
            if n % SWEEP == SWEEP - 1 {
                yield_now().await;
            }
            member.peer.beat();
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
        for member in self.members.values() {
            member.peer.stop();
        }
    }

    fn take(&mut self, command: Command<W>) {
        match command {
            Command::Publish(publication) => self.publish(publication),
            Command::Tell { topic, except, notice } => {
                tell(&self.topics, topic, except, notice);
            }
            Command::TellSoon { topic, notice } => {
                if let Some(waiting) = self.soon.get_mut(&topic) {
                    *waiting = Some(notice);
                } else {
                    self.soon.insert(topic, None);
                    tell(&self.topics, topic, None, notice);
                }
            }
            Command::Join { who, topic } => {
                for id in self.listeners(who) {
                    self.listen(id, topic, Listener::live);
                }
            }
            Command::Part { who, topic } => {
                for id in self.listeners(who) {
                    self.ignore(id, topic);
                }
            }
            Command::Connect { id, form, peer } => {
                if self.stopping {
                    peer.stop();
                }
                self.members.insert(id, Member { peer, form, topics: Vec::new() });
            }
            Command::Listen { id, topic } => self.listen(id, topic, Listener::live),
            Command::Follow { id, topic } => self.listen(id, topic, Listener::catching_up),
            Command::GoLive { id, topic, after, first, answer } => {
                let listener = self.topics.get_mut(&topic).and_then(|all| all.get_mut(&id));
                let standing =
                    listener.map_or(Standing::Gone, |listener| listener.go_live(after, &first));
                // Who has gone meanwhile needs no answer.
                answer.send(standing).ok();
            }
            Command::Ignore { id, topic } => self.ignore(id, topic),
            Command::Recall => self.stop_all(),
            Command::Leave { id } => {
                let member = self.members.remove(&id);
                for topic in member.into_iter().flat_map(|member| member.topics) {
                    self.forget(id, topic);
                }
            }
        }
    }

    fn publish(&mut self, publication: Publication<W>) {
        if !publication.merged {
            self.gather(publication);
        } else if let Some(waiting) = self.reminders.get_mut(&publication.topic) {
            *waiting = Some(publication);
        } else {
            self.reminders.insert(publication.topic, None);
            self.gather(publication);
        }
    }

    fn gather(&mut self, publication: Publication<W>) {
        let Publication { topic, mark, except, from, instead, event, .. } = publication;
        let Some(listeners) = self.topics.get(&topic) else { return };
        if from.is_some_and(|id| !listeners.contains_key(&id)) {
            return;
        }
        let same = |run: &&mut Run<W>| run.topic == topic && run.except == except;
        match self.runs.iter_mut().rev().find(same) {
            Some(run) => run.events.push((mark, event)),
            None => self.runs.push(Run { topic, except, instead, events: vec![(mark, event)] }),
        }
    }

    async fn write_runs(&mut self) {
        for run in std::mem::take(&mut self.runs) {
            // Taken out for the while, so that who is left out can be looked up beside it.
            let Some(mut listeners) = self.topics.remove(&run.topic) else { continue };
            let left_out = run.except.and_then(|topic| self.topics.get(&topic));
            let apart =
                run.instead.and_then(|(topic, notice)| Some((self.topics.get(&topic)?, notice)));
            let mut written: Vec<(Form, Joined)> = Vec::new();
            let mut delivered = 0;
            for (n, (id, listener)) in listeners.iter_mut().enumerate() {
                if n % SWEEP == SWEEP - 1 {
                    yield_now().await;
                }
                if left_out.is_some_and(|them| them.contains_key(id)) {
                    continue;
                }
                if let Some((them, notice)) = apart
                    && them.contains_key(id)
                {
                    listener.peer.tell(notice);
                    continue;
                }
                let form = listener.form;
                if !written.iter().any(|(known, _)| *known == form) {
                    written.push((form, Joined::new(&run.events, form, &self.encode)));
                }
                let joined = written.iter().find(|(known, _)| *known == form);
                if let Some((_, joined)) = joined {
                    delivered += listener.receive(joined);
                    self.relieve();
                }
            }
            self.meters.deliveries.add(delivered);
            self.topics.insert(run.topic, listeners);
        }
    }

    fn listeners(&self, topic: W::Topic) -> Vec<u64> {
        self.topics.get(&topic).into_iter().flat_map(BTreeMap::keys).copied().collect()
    }

    fn listen(
        &mut self,
        id: u64,
        topic: W::Topic,
        listener: impl Fn(Arc<Peer<W::Notice>>, Form) -> Listener<W::Notice>,
    ) {
        let Some(member) = self.members.get_mut(&id) else { return };
        if !member.topics.contains(&topic) {
            member.topics.push(topic);
        }
        let listener = listener(member.peer.clone(), member.form);
        self.topics.entry(topic).or_default().insert(id, listener);
    }

    fn ignore(&mut self, id: u64, topic: W::Topic) {
        if let Some(member) = self.members.get_mut(&id) {
            member.topics.retain(|other| *other != topic);
        }
        self.forget(id, topic);
    }

    /// A topic that nobody listens to takes no memory.
    fn forget(&mut self, id: u64, topic: W::Topic) {
        if let Some(listeners) = self.topics.get_mut(&topic) {
            listeners.remove(&id);
            if listeners.is_empty() {
                self.topics.remove(&topic);
            }
        }
    }
}

/// Leaves a notice for everybody who listens to `topic` and not to `except`.
fn tell<T: Copy + Eq + Hash, N: Copy + PartialEq>(
    topics: &HashMap<T, BTreeMap<u64, Listener<N>>>,
    topic: T,
    except: Option<T>,
    notice: N,
) {
    let left_out = except.and_then(|topic| topics.get(&topic));
    for (id, listener) in topics.get(&topic).into_iter().flatten() {
        if !left_out.is_some_and(|them| them.contains_key(id)) {
            listener.peer.tell(notice);
        }
    }
}
