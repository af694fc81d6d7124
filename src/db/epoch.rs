//! Which history of messages the database holds. Its name, the epoch, is in the database itself, and
//! `patio restore` renews it. A dump, a copy of the file or a snapshot that somebody puts in place brings
//! an older state back under the old name. That is noticed by the newest change that Patio knows, from
//! memory or from its data directory: it is not there then, and the history gets a new name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::{Db, reading, writing};
use crate::data_dir::EPOCH_NOTE;
use crate::kernel::ids::RoomKey;
use crate::kernel::{MessageId, Random, Rev, RoomId};

/// A change of a message. What follows it can only raise the message's `rev`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewestMessage {
    pub message: MessageId,
    pub room: RoomId,
    pub rev: Rev,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct EpochNote {
    epoch: String,
    #[serde(flatten)]
    newest: NewestMessage,
}

/// Clones are the same.
#[derive(Clone, Default)]
pub struct EpochGuard(Arc<Shared>);

#[derive(Default)]
struct Shared {
    known: Mutex<Known>,
    /// How often the history turned out to be another one.
    renewals: AtomicU64,
    suspicion: Notify,
}

#[derive(Default)]
struct Known {
    epoch: String,
    newest: Option<NewestMessage>,
    is_noted: bool,
    file: PathBuf,
}

impl EpochGuard {
    pub fn epoch(&self) -> String {
        self.known().epoch.clone()
    }

    /// Grows when the history turned out to be another one: what was remembered of rows and numbers is
    /// void then.
    pub fn renewals(&self) -> u64 {
        self.0.renewals.load(Ordering::Relaxed)
    }

    /// Takes the newest change that was stored.
    pub fn remember(&self, newest: NewestMessage) {
        let mut known = self.known();
        known.newest = Some(newest);
        known.is_noted = false;
    }

    /// Says that the database may be another one.
    pub fn suspect(&self) {
        self.0.suspicion.notify_one();
    }

    /// Waits for [`Self::suspect`].
    pub async fn suspected(&self) {
        self.0.suspicion.notified().await;
    }

    /// Writes down the newest change, if it is not yet. What is lost of it by a failure is found out by
    /// clients alone, which say what they know.
    pub fn note(&self) {
        let (note, file) = {
            let mut known = self.known();
            let Some(newest) = known.newest.filter(|_| !known.is_noted) else { return };
            known.is_noted = true;
            (EpochNote { epoch: known.epoch.clone(), newest }, known.file.clone())
        };
        if let Err(error) = note.write(&file) {
            tracing::debug!(%error, "the newest change could not be noted");
        }
    }

    fn begin(&self, epoch: String, file: PathBuf, newest: Option<NewestMessage>) {
        *self.known() = Known { epoch, newest, is_noted: true, file };
    }

    fn renew(&self, epoch: String, newest: Option<NewestMessage>) {
        let mut known = self.known();
        (known.epoch, known.newest, known.is_noted) = (epoch, newest, false);
        drop(known);
        self.0.renewals.fetch_add(1, Ordering::Relaxed);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EpochNote {
    fn read(file: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(file).ok()?).ok()
    }

    /// Whole or not at all.
    fn write(&self, file: &Path) -> io::Result<()> {
        let beside = file.with_extension("new");
        fs::write(&beside, serde_json::to_vec(self)?)?;
        fs::rename(&beside, file)
    }
}

impl Db {
    /// At a start: names the history, and gives it a new name if it is not the one that was noted.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn load_epoch(
        &self,
        history: &EpochGuard,
        data_dir: &Path,
        random: &Random,
    ) -> Result<(), sqlx::Error> {
        let (epoch, file) = (self.epoch(&random.token()).await?, data_dir.join(EPOCH_NOTE));
        // With another name it is known to be another history.
        let noted = EpochNote::read(&file).filter(|note| note.epoch == epoch);
        history.begin(epoch, file, noted.map(|note| note.newest));
        self.check_epoch(history, random).await?;
        self.skip_message_ids(random).await
    }

    /// Whether the history turned out to be another one. It has a new name then.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn check_epoch(
        &self,
        history: &EpochGuard,
        random: &Random,
    ) -> Result<bool, sqlx::Error> {
        let (mine, newest) = {
            let known = history.known();
            (known.epoch.clone(), known.newest)
        };
        let mut epoch = self.epoch(&random.token()).await?;
        if epoch == mine {
            match newest {
                Some(newest) if !self.contains_message(newest).await? => {
                    tracing::warn!(
                        "the database holds an older state than Patio has seen: its history gets a \
                         new name, and open pages load all of it again"
                    );
                    epoch = self.renew_epoch(&mine, &random.token()).await?;
                }
                _ => return Ok(false),
            }
        }
        history.renew(epoch, self.newest().await?);
        Ok(true)
    }

    /// Another process may have been faster.
    async fn renew_epoch(&self, old: &str, new: &str) -> Result<String, sqlx::Error> {
        let mut change = self.begin().await?;
        writing!(change, |connection| {
            sqlx::query("update meta set value = $2 where name = 'epoch' and value = $1")
                .bind(old)
                .bind(new)
                .execute(connection)
                .await?
                .rows_affected()
        });
        change.commit().await?;
        self.epoch(new).await
    }

    /// Whether a change is part of the database's history. Of a room that is gone the counter knows.
    async fn contains_message(
        &self,
        NewestMessage { message, room, rev }: NewestMessage,
    ) -> Result<bool, sqlx::Error> {
        let (found, rooms, counter): (i64, i64, i64) = reading!(self, |pool| {
            sqlx::query_as(
                "select (select count(*) from messages
                         where id = $1 and change >= $2 and change >> 32 = $3),
                        (select count(*) from rooms where id = $3),
                        (select value from counters where name = 'message')",
            )
            .bind(message.0)
            .bind(RoomKey::of_rev(room, rev).get())
            .bind(room.0)
            .fetch_one(pool)
            .await?
        });
        Ok(found > 0 || (rooms == 0 && counter >= message.0))
    }

    async fn newest(&self) -> Result<Option<NewestMessage>, sqlx::Error> {
        let row: Option<(i64, i64)> = reading!(self, |pool| {
            sqlx::query_as("select id, change from messages order by id desc limit 1")
                .fetch_optional(pool)
                .await?
        });
        Ok(row.map(|(id, change)| {
            let change = RoomKey::stored(change);
            NewestMessage { message: MessageId(id), room: change.room(), rev: Rev(change.number()) }
        }))
    }

    /// Leaves out a few ids by chance. Where an older state was put in place with all that Patio
    /// knew, the same `rev` has another id then, and clients notice by it.
    async fn skip_message_ids(&self, random: &Random) -> Result<(), sqlx::Error> {
        let gap = 1 + i64::from(u16::from_ne_bytes(random.bytes())) % 1_000;
        let mut change = self.begin().await?;
        writing!(change, |connection| {
            sqlx::query(
                "update counters set value = value + $1 where name = 'message' and value > 0",
            )
            .bind(gap)
            .execute(connection)
            .await?
            .rows_affected()
        });
        change.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_read_again_and_anything_else_is_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(EPOCH_NOTE);
        assert_eq!(EpochNote::read(&file), None);
        let history = EpochGuard::default();
        history.begin("e".to_owned(), file.clone(), None);
        history.note();
        assert_eq!(EpochNote::read(&file), None, "nothing is known");
        let newest = NewestMessage { message: MessageId(3), room: RoomId(1), rev: Rev(7) };
        history.remember(newest);
        history.note();
        assert_eq!(EpochNote::read(&file), Some(EpochNote { epoch: "e".to_owned(), newest }));
        fs::write(&file, "{").expect("written");
        assert_eq!(EpochNote::read(&file), None);
    }
}
