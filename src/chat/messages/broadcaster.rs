//! Publishes stored messages, the changes of each room in the order of their `rev`, whichever process stored
//! them. A task of its own: a slow read must not hold up those who post.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::model::{Message, Published, WriteOutcome};
use super::store;
use crate::chat::doorbell::model::{ChangedMessage, RoomUpdate};
use crate::chat::doorbell::{BusState, Doorbell};
use crate::chat::events::{Channel, Event, EventHub, Signal};
use crate::chat::rooms::followers;
use crate::db::epoch::NewestMessage;
use crate::db::{Db, EpochGuard};
use crate::kernel::ids::RoomKey;
use crate::kernel::paging::Limit;
use crate::kernel::{Rev, RoomId, Seq, ServiceError, UserId};
use crate::lifecycle::Lifecycle;

/// Batches that may wait. When so many do, the writer waits, too.
const QUEUE_CAPACITY: usize = 64;
/// Mentioned users that are subscribed one by one; more of them with all members of the room.
const MANY: usize = 100;
/// How often a failed read is retried, and the newest message noted in the data directory.
const TICK: Duration = Duration::from_secs(1);

/// Work for the broadcaster.
pub(super) enum Command {
    /// This process has committed these changes, sorted by room and `rev`.
    Committed(Vec<WriteOutcome>),
    /// Other processes may have changed these rooms, at least this far.
    Check(Changed),
    /// The epoch changed, for the time that [`EpochGuard::renewals`] counts: this is stored now and counts as
    /// published.
    Restart(HashMap<RoomId, Published>, u64),
}

/// Rooms with changes of other processes.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// With subscribers in this process.
    pub open: BTreeMap<RoomId, Published>,
    /// Without. A client that subscribes later reads what is stored then.
    pub others: BTreeMap<RoomId, Published>,
}

struct Broadcaster {
    db: Db,
    hub: EventHub,
    doorbell: Doorbell,
    /// How far each room was published. A room that is missing is new.
    published: HashMap<RoomId, Published>,
    /// Rooms that could not be read. They are read again before anything else of them is published.
    behind: BTreeSet<RoomId>,
    /// Threads whose heads were published, but not yet to those who follow them.
    active_threads: BTreeSet<RoomId>,
    epoch: EpochGuard,
    /// The value of [`EpochGuard::renewals`] that `published` belongs to.
    epoch_renewals: u64,
}

/// How the broadcaster reaches users, here and at the other processes.
pub(super) struct Reach {
    pub hub: EventHub,
    pub doorbell: Doorbell,
    /// The notices of other processes.
    pub notices: mpsc::Receiver<RoomUpdate>,
}

/// Starts the task. It ends after the last sender is dropped.
pub(super) fn start(
    db: Db,
    Reach { hub, doorbell, mut notices }: Reach,
    published: HashMap<RoomId, Published>,
    epoch: EpochGuard,
    lifecycle: &Lifecycle,
) -> mpsc::Sender<Command> {
    let (sender, mut commands) = mpsc::channel(QUEUE_CAPACITY);
    let epoch_renewals = epoch.renewals();
    let (behind, active_threads) = (BTreeSet::new(), BTreeSet::new());
    let mut broadcaster =
        Broadcaster { db, hub, doorbell, published, behind, active_threads, epoch, epoch_renewals };
    lifecycle.spawn_worker("broadcaster", async move {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut updates = Vec::new();
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => {
                        if matches!(command, Command::Restart(..)) {
                            // They may be of the earlier history. What is missed is found by polling.
                            while notices.try_recv().is_ok() {}
                        }
                        broadcaster.execute(command).await;
                        broadcaster.notify_followers().await;
                    }
                    None => break,
                },
                1.. = notices.recv_many(&mut updates, QUEUE_CAPACITY) => {
                    broadcaster.publish_updates(updates.split_off(0)).await;
                    broadcaster.notify_followers().await;
                }
                _ = tick.tick() => {
                    broadcaster.retry().await;
                    broadcaster.notify_followers().await;
                    broadcaster.epoch.persist();
                }
            }
        }
        broadcaster.epoch.persist();
    });
    sender
}

impl Broadcaster {
    async fn execute(&mut self, command: Command) {
        match command {
            Command::Committed(changes) => {
                self.publish(&changes).await;
                // A poll may have seen the commit before this came.
                for WriteOutcome { message, .. } in &changes {
                    self.doorbell.repairs().arrived(message.room, message.rev);
                }
                // What was stored in an earlier history must not be signed as of this one.
                if self.is_current() {
                    self.doorbell.notify_messages(|| self.updates(&changes));
                }
            }
            Command::Check(Changed { open, others }) => {
                for (room, stored) in others {
                    self.skip(room, stored);
                }
                for (room, stored) in open {
                    if stored.rev > self.rev(room) {
                        if self.doorbell.state() == BusState::Connected {
                            self.doorbell.repairs().found(room, stored.rev);
                        }
                        self.catch_up(room).await;
                    }
                }
            }
            Command::Restart(stored, epoch_renewals) => {
                self.published = stored;
                self.epoch_renewals = epoch_renewals;
                self.behind.clear();
                self.active_threads.clear();
                // Not before: a client that came back earlier would miss what other processes stored until now.
                self.hub.disconnect_all();
            }
        }
    }

    /// Publishes what this process stored. If other processes stored something in between, that is published
    /// first: a client that has the room open ignores a `rev` lower than the last one it received.
    async fn publish(&mut self, changes: &[WriteOutcome]) {
        for WriteOutcome { message, mentioned, quotes_changed, .. } in changes {
            let published = self.published.entry(message.room).or_default();
            if message.rev.0 > published.rev.0 + 1 {
                self.catch_up(message.room).await;
            }
            // Reading the room publishes this message, too.
            if !self.behind.contains(&message.room) {
                self.broadcast(message, mentioned);
            }
            // The replies to it are no outcomes of their own.
            let published = self.published.entry(message.room).or_default().rev;
            if quotes_changed.is_some_and(|rev| rev > published) {
                self.catch_up(message.room).await;
            }
        }
    }

    /// Committed changes, room by room, for other processes.
    fn updates(&self, changes: &[WriteOutcome]) -> Vec<RoomUpdate> {
        let of_a_room = changes.chunk_by(|one, next| one.message.room == next.message.room);
        let updates = of_a_room.filter_map(|changes| {
            let room = changes.first()?.message.room;
            // The replies to a message are read from the database.
            let revs = changes.iter().flat_map(|one| [Some(one.message.rev), one.quotes_changed]);
            let last_seq = self.published.get(&room).map_or(Seq(0), |published| published.last_seq);
            let messages = changes.iter().map(|WriteOutcome { message, mentioned, .. }| {
                ChangedMessage { message: &**message, mentioned: mentioned.clone() }
            });
            let messages: Vec<_> = messages.collect();
            Some(RoomUpdate::new(room, (revs.flatten().max()?, last_seq), &messages))
        });
        updates.collect()
    }

    /// Publishes changes of other processes. What does not follow on what was published is read from the database.
    async fn publish_updates(&mut self, mut updates: Vec<RoomUpdate>) {
        // Until this task starts over, its numbers are of an earlier history.
        if !self.is_current() {
            return;
        }
        for update in &updates {
            self.doorbell.repairs().arrived(update.room, update.rev);
        }
        updates.retain(|update| update.rev > self.rev(update.room));
        let subscribed = self.subscribed(&updates).await;
        for update in updates {
            let (room, rev, last_seq) = (update.room, update.rev, update.last_seq);
            if !subscribed.contains(&room) {
                self.skip(room, Published { rev, last_seq });
                continue;
            }
            for ChangedMessage { message, mentioned } in update.messages() {
                if message.room == room
                    && message.rev == self.rev(room).next()
                    && !self.behind.contains(&room)
                {
                    self.broadcast(&Arc::new(message), &mentioned);
                }
            }
            // A room that could not be read is read again with the next tick.
            if rev > self.rev(room) && !self.behind.contains(&room) {
                self.catch_up(room).await;
            }
        }
    }

    /// Whether the history is the one that the numbers here belong to.
    fn is_current(&self) -> bool {
        self.epoch_renewals == self.epoch.renewals()
    }

    fn rev(&self, room: RoomId) -> Rev {
        self.published.get(&room).map_or(Rev(0), |published| published.rev)
    }

    /// The rooms that have subscribers here, or whose threads have.
    async fn subscribed(&self, updates: &[RoomUpdate]) -> BTreeSet<RoomId> {
        let channels = |update: &RoomUpdate| {
            let threads = update.threads.clone().into_iter().map(Channel::Room);
            threads.chain([Channel::Room(update.room), Channel::Members(update.room)])
        };
        let subscribed = self.hub.subscribed(updates.iter().flat_map(channels).collect()).await;
        let is_subscribed =
            |update: &&RoomUpdate| channels(update).any(|channel| subscribed.contains(&channel));
        updates.iter().filter(is_subscribed).map(|update| update.room).collect()
    }

    /// Counts a room as published that has no subscribers here.
    fn skip(&mut self, room: RoomId, stored: Published) {
        let published = self.published.entry(room).or_default();
        published.rev = published.rev.max(stored.rev);
        published.last_seq = published.last_seq.max(stored.last_seq);
        self.behind.remove(&room);
    }

    async fn retry(&mut self) {
        for room in std::mem::take(&mut self.behind) {
            self.catch_up(room).await;
        }
    }

    /// Publishes what is stored in this room and was not published.
    async fn catch_up(&mut self, room: RoomId) {
        match self.broadcast_missed(room).await {
            Ok(()) => {
                self.behind.remove(&room);
            }
            Err(error) => {
                tracing::warn!(%error, "could not read new messages; retrying");
                self.behind.insert(room);
            }
        }
    }

    async fn broadcast_missed(&mut self, room: RoomId) -> Result<(), ServiceError> {
        loop {
            let after = self.published.entry(room).or_default().rev;
            let page = store::since(&self.db, room, after, Limit::DEFAULT).await?;
            let key = |message: &Message| RoomKey::of_seq(room, message.seq);
            let keys: Vec<RoomKey> = page.items.iter().map(key).collect();
            let mentioned = store::mentioned(&self.db, &keys).await?;
            for message in page.items {
                let users = mentioned.get(&key(&message)).map_or(&[][..], Vec::as_slice);
                self.broadcast(&Arc::new(message), users);
            }
            if !page.more {
                return Ok(());
            }
        }
    }

    /// Notifies those who follow an active thread and are not subscribed to it: it was not listed when they connected
    /// (see [`LISTED`](crate::limits::threads::LISTED)). Its head changes after replies, at most once a second, so
    /// that is as often as their rows are read.
    async fn notify_followers(&mut self) {
        while let Some(thread) = self.active_threads.first().copied() {
            let followers = match followers(&self.db, thread).await {
                Ok(followers) => followers,
                Err(error) => {
                    tracing::warn!(%error, "could not read the followers of a thread; retrying");
                    return;
                }
            };
            self.active_threads.remove(&thread);
            for user in followers {
                let (user, subscribed) = (Channel::User(user), Channel::Members(thread));
                self.hub.notify_except(user, subscribed, Signal::Followed(thread));
            }
        }
    }

    /// Publishes one message, unless it was published before. Each mentioned user is subscribed to the
    /// room's `Mentioned` channel until they have read the room: their unread counts are computed by
    /// the database, one user at a time.
    fn broadcast(&mut self, message: &Arc<Message>, mentioned: &[UserId]) {
        let room = message.room;
        let last_seq = message.seq;
        let author = message.author.id;
        let published = self.published.entry(room).or_default();
        if message.rev <= published.rev {
            return;
        }
        published.rev = message.rev;
        // A message of an earlier history must not become the newest one of this history.
        if self.epoch_renewals == self.epoch.renewals() {
            self.epoch.remember(NewestMessage { message: message.id, room, rev: message.rev });
        }
        self.active_threads.extend(message.thread.as_ref().map(|thread| thread.room));
        let posted = last_seq > published.last_seq;
        let mentioned_channel = Channel::Mentioned(room);
        if posted {
            published.last_seq = last_seq;
            // A post moves the author's read marker to the end, on all their connections.
            let read = Event::Read { room, seq: last_seq, unread: 0, mentions: 0, back: false };
            self.hub.unsubscribe_all(Channel::User(author), mentioned_channel);
            self.hub.broadcast(Channel::User(author), 0, &read);
        }
        if mentioned.len() > MANY {
            // One command instead of thousands. Those who were not mentioned are only counted one by one.
            self.hub.subscribe_all(Channel::Members(room), mentioned_channel);
        } else {
            for user in mentioned.iter().filter(|user| **user != author) {
                self.hub.subscribe_all(Channel::User(*user), mentioned_channel);
            }
        }
        self.hub.broadcast(Channel::Room(room), message.rev.0, &Event::Message(message.clone()));
        if let Some(thread) = message.thread.as_ref().map(|thread| thread.room) {
            let head = Event::Head { thread, message: message.clone() };
            self.hub.broadcast_unnumbered(Channel::Room(thread), &head);
        }
        let open = Channel::Room(room);
        let counted = Signal::Unread(room);
        if posted {
            let unread = Event::Unread { room, last_seq };
            self.hub.broadcast_coalesced(
                Channel::Members(room),
                open,
                &unread,
                (mentioned_channel, counted),
            );
        }
        if message.is_deleted() {
            // A deleted message no longer counts as unread. All members recount, even those who have
            // the room open.
            self.hub.notify_coalesced(Channel::Members(room), counted);
        } else if !posted {
            self.hub.notify_except(mentioned_channel, open, counted);
        }
    }
}
