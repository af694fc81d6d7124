//! Finds the rooms in which other processes on the same database stored something. The cost of a poll depends
//! on what was stored and on the rooms that have subscribers in this process, not on the number of rooms.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::broadcaster::{Changed, Command};
use super::known_ids::KnownIds;
use super::store;
use crate::chat::events::{Channel, EventHub};
use crate::db::{Db, EpochGuard};
use crate::kernel::{MessageId, RoomId, ServiceError};

/// How long the writer may take from its commit until the ids are in [`KnownIds`].
const HANDOVER: Duration = Duration::from_millis(50);
/// A transaction may take this long from reserving its ids until its commit is visible.
const OVERLAP: Duration = Duration::from_secs(15);
/// Rooms per query.
const ROOMS_PER_QUERY: usize = 1_000;

/// Polls for messages of other processes.
pub struct RemoteMessages {
    db: Db,
    hub: EventHub,
    known: KnownIds,
    /// Weak, so that the broadcaster ends after the writer.
    broadcaster: mpsc::WeakSender<Command>,
    epoch: EpochGuard,
    /// The value of [`EpochGuard::renewals`] that the ids belong to.
    epoch_renewals: u64,
    /// The highest ids of the polls within [`OVERLAP`], the oldest first.
    highest: VecDeque<(Instant, MessageId)>,
    /// When a poll last found an id that this process did not store.
    foreign_at: Option<Instant>,
    /// Whether the next poll checks all rooms with subscribers: the writer restarted the broadcaster at another
    /// moment than this, and other processes may have stored messages in between.
    restarted: bool,
}

impl RemoteMessages {
    pub(super) fn new(
        db: Db,
        hub: EventHub,
        known: KnownIds,
        broadcaster: mpsc::WeakSender<Command>,
        epoch: EpochGuard,
    ) -> Self {
        let epoch_renewals = epoch.renewals();
        let highest = VecDeque::from([(Instant::now(), known.last())]);
        let (foreign_at, restarted) = (None, false);
        Self { db, hub, known, broadcaster, epoch, epoch_renewals, highest, foreign_at, restarted }
    }

    /// Passes the rooms with changes of other processes to the broadcaster. If nothing was stored, this reads
    /// a single number.
    pub async fn poll(&mut self) -> Result<(), ServiceError> {
        // Before the query: afterwards the writer may have stored more.
        let known = self.known.last();
        let last = store::last_message_id(&self.db).await?;
        let renewals = self.epoch.renewals();
        if last < known || renewals != self.epoch_renewals {
            self.restart(last, known, renewals);
            return Ok(());
        }
        let is_known = self.knows(last).await;
        if !is_known {
            self.foreign_at = Some(Instant::now());
        }
        // Ids are taken before the commit: what was stored under the last ones may become visible later.
        let may_follow = !self.db.commits_in_order_of_ids()
            && self.foreign_at.is_some_and(|at| at.elapsed() < OVERLAP);
        if self.restarted || !is_known || may_follow {
            let rooms = self.changed_rooms().await?;
            if let Some(broadcaster) = self.broadcaster.upgrade() {
                // Fails only after a shutdown began.
                drop(broadcaster.send(Command::Check(rooms)).await);
            }
            self.known.advance(last);
            self.restarted = false;
        }
        self.remember(last);
        Ok(())
    }

    /// Starts over. Message ids only grow, so a lower one means that the database is an older state now; a
    /// renewed epoch means that it was. All clients reconnect and catch up.
    fn restart(&mut self, last: MessageId, known: MessageId, renewals: u64) {
        if last < known {
            self.epoch.suspect();
        }
        self.known.reset(last);
        self.epoch_renewals = renewals;
        self.highest = VecDeque::from([(Instant::now(), last)]);
        self.restarted = true;
    }

    /// Whether this process stored everything up to this id.
    async fn knows(&self, last: MessageId) -> bool {
        if self.known.last() < last {
            sleep(HANDOVER).await;
        }
        self.known.last() >= last
    }

    /// The rooms with new messages, and those that have subscribers here. Other rooms with changed messages are read
    /// when a client opens them.
    async fn changed_rooms(&self) -> Result<Changed, ServiceError> {
        let after = self.highest.front().map_or(self.known.last(), |(_, highest)| *highest);
        // Before the list of subscribers: who subscribes later reads at least this.
        let with_new = store::rooms_with_messages_after(&self.db, after).await?;
        let mut changed = Changed { others: with_new.into_iter().collect(), ..Changed::default() };
        for some in self.rooms_with_subscribers().await.chunks(ROOMS_PER_QUERY) {
            changed.open.extend(store::rooms_among(&self.db, some).await?);
        }
        changed.others.retain(|room, _| !changed.open.contains_key(room));
        Ok(changed)
    }

    async fn rooms_with_subscribers(&self) -> Vec<RoomId> {
        let room = |channel: Channel| match channel {
            Channel::Room(room) | Channel::Members(room) => Some(room),
            _ => None,
        };
        let mut rooms: Vec<RoomId> =
            self.hub.channels().await.into_iter().filter_map(room).collect();
        rooms.sort_unstable();
        rooms.dedup();
        rooms
    }

    fn remember(&mut self, last: MessageId) {
        let now = Instant::now();
        self.highest.push_back((now, last));
        while self.highest.get(1).is_some_and(|(then, _)| now.duration_since(*then) >= OVERLAP) {
            self.highest.pop_front();
        }
    }
}
