//! Telling the connections of this process what others on the same database have changed: during an
//! update two servers run side by side, and the command line works beside them.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::changefeed::Poller;
use crate::changefeed::model::Change;
use crate::chat::accounts::Accounts;
use crate::chat::rooms::Rooms;
use crate::db::EpochGuard;
use crate::kernel::ServiceError;
use crate::lifecycle::Lifecycle;

/// How often the database is asked.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Tells as if it had happened here.
struct RemoteChanges {
    accounts: Accounts,
    rooms: Rooms,
    ear: Poller,
    history: EpochGuard,
    /// As many renewals of the history as the ear knows of.
    seen: u64,
}

/// Starts the task that listens.
///
/// # Errors
/// When the database cannot be asked.
pub async fn start(
    accounts: Accounts,
    rooms: Rooms,
    history: EpochGuard,
    lifecycle: &Lifecycle,
) -> Result<(), ServiceError> {
    let (seen, ear) = (history.renewals(), rooms.poller().await?);
    rooms.load_deleted().await?;
    let mut hearing = RemoteChanges { accounts, rooms, ear, history, seen };
    let closing = lifecycle.closing();
    lifecycle.spawn_worker(async move {
        let mut beat = tokio::time::interval(POLL_INTERVAL);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while closing.run_until_cancelled(beat.tick()).await.is_some() {
            if let Err(fault) = hearing.poll().await {
                tracing::warn!(%fault, "what other processes changed could not be read");
            }
        }
    });
    Ok(())
}

impl RemoteChanges {
    async fn poll(&mut self) -> Result<(), ServiceError> {
        let renewals = self.history.renewals();
        if renewals != self.seen {
            // The numbers of another history say nothing here, and all connections come again.
            self.ear = self.rooms.poller().await?;
            self.seen = renewals;
        }
        for (id, news) in self.ear.changes().await? {
            self.apply(news).await?;
            self.ear.acknowledge(id);
        }
        for ((user, room), _) in self.ear.read_markers().await? {
            self.rooms.notify_read(user, room).await?;
        }
        Ok(())
    }

    /// Says how it is now: it may have changed once more since it was noted.
    async fn apply(&self, news: Change) -> Result<(), ServiceError> {
        match news {
            Change::Joined(room, user) | Change::Left(room, user) => {
                let room = self.rooms.find_for(user, room).await?;
                let person = self.accounts.by_id(user).await?;
                let (Some(room), Some(person)) = (room, person) else { return Ok(()) };
                match news {
                    Change::Joined(..) if room.is_member() => {
                        self.rooms.notify_joined(&room, &person)
                    }
                    Change::Left(..) if !room.is_member() => {
                        if self.rooms.was_removed(user, room.id).await? {
                            self.rooms.notify_removed(&room, &person);
                        } else {
                            self.rooms.notify_left(&room, &person);
                        }
                    }
                    _ => {}
                }
            }
            Change::Room(room) => self.rooms.notify_room(room).await?,
            Change::Person(user) => {
                if let Some(person) = self.accounts.by_id(user).await? {
                    self.accounts.notify_renamed(person);
                }
            }
        }
        Ok(())
    }
}
