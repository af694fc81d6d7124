//! Finds the rooms in which other processes on the same database stored something. The cost of a poll depends
//! on what was stored and on the rooms that have subscribers in this process, not on the number of rooms.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::broadcaster::{Changed, Command};
use super::known_ids::KnownIds;
use super::late_ids::LateIds;
use super::store;
use crate::chat::events::{Channel, EventHub};
use crate::db::{Db, EpochGuard};
use crate::kernel::{MessageId, RoomId, ServiceError};

/// How long the writer may take from its commit until the ids are in [`KnownIds`].
const HANDOVER: Duration = Duration::from_millis(50);
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
    late: LateIds,
    /// Whether the next poll looks even if it finds no new id. At the start, and when the writer has restarted the
    /// broadcaster, others may have taken ids that are not visible yet.
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
        let late = LateIds::starting_after(known.last());
        Self { db, hub, known, broadcaster, epoch, epoch_renewals, late, restarted: true }
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
        if self.restarted || self.late.may_follow() || !self.knows(last).await {
            // After the last id, and before what was stored.
            let running = store::running_transactions(&self.db).await?;
            let rooms = self.changed_rooms().await?;
            if let Some(broadcaster) = self.broadcaster.upgrade() {
                // Fails only after a shutdown began.
                drop(broadcaster.send(Command::Check(rooms)).await);
            }
            self.known.advance(last);
            self.late.record(Instant::now(), last, running);
            self.restarted = false;
        } else {
            self.late = LateIds::starting_after(last);
        }
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
        self.late = LateIds::starting_after(last);
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
        let after = self.late.resume_from();
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
}
