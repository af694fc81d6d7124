//! Telling the connections of this process what others on the same database have changed: during an
//! update two servers run side by side, and the command line works beside them.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::accounts::Accounts;
use super::news::Ear;
use super::news::model::News;
use super::rooms::Rooms;
use crate::db::History;
use crate::kernel::Fault;
use crate::lifecycle::Lifecycle;

/// How often the database is asked.
const EVERY: Duration = Duration::from_secs(1);

/// Tells as if it had happened here.
struct Hearing {
    accounts: Accounts,
    rooms: Rooms,
    ear: Ear,
    history: History,
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
    history: History,
    lifecycle: &Lifecycle,
) -> Result<(), Fault> {
    let (seen, ear) = (history.renewals(), rooms.ear().await?);
    rooms.note_deleted().await?;
    let mut hearing = Hearing { accounts, rooms, ear, history, seen };
    let closing = lifecycle.closing();
    lifecycle.spawn_worker(async move {
        let mut beat = tokio::time::interval(EVERY);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while closing.run_until_cancelled(beat.tick()).await.is_some() {
            if let Err(fault) = hearing.listen().await {
                tracing::warn!(%fault, "what other processes changed could not be read");
            }
        }
    });
    Ok(())
}

impl Hearing {
    async fn listen(&mut self) -> Result<(), Fault> {
        let renewals = self.history.renewals();
        if renewals != self.seen {
            // The numbers of another history say nothing here, and all connections come again.
            self.ear = self.rooms.ear().await?;
            self.seen = renewals;
        }
        for (id, news) in self.ear.news().await? {
            self.pass_on(news).await?;
            self.ear.told(id);
        }
        for ((user, room), _) in self.ear.reads().await? {
            self.rooms.tell_read(user, room).await?;
        }
        Ok(())
    }

    /// Says how it is now: it may have changed once more since it was noted.
    async fn pass_on(&self, news: News) -> Result<(), Fault> {
        match news {
            News::Joined(room, user) | News::Left(room, user) => {
                let room = self.rooms.as_seen_by(user, room).await?;
                let person = self.accounts.by_id(user).await?;
                let (Some(room), Some(person)) = (room, person) else { return Ok(()) };
                match news {
                    News::Joined(..) if room.is_member() => self.rooms.tell_joined(&room, &person),
                    News::Left(..) if !room.is_member() => {
                        if self.rooms.was_removed(user, room.id).await? {
                            self.rooms.tell_removed(&room, &person);
                        } else {
                            self.rooms.tell_left(&room, &person);
                        }
                    }
                    _ => {}
                }
            }
            News::Room(room) => self.rooms.tell_of_room(room).await?,
            News::Person(user) => {
                if let Some(person) = self.accounts.by_id(user).await? {
                    self.accounts.tell_renamed(person);
                }
            }
        }
        Ok(())
    }
}
