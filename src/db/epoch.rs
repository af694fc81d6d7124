//! The epoch: the name of the installation's message history. It is stored in the database, and
//! `patio restore` renews it. If the operator replaces the database with an older dump, file copy or
//! snapshot, the old epoch comes back with an older state. Patio detects that with the newest change it knows,
//! from memory or from its data directory: if the database does not contain it, the epoch is renewed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::{Db, Transaction, execute, fetch_one, fetch_optional};
use crate::data_dir::EPOCH_NOTE;
use crate::kernel::ids::RoomKey;
use crate::kernel::{MessageId, Random, Rev, RoomId};

/// The newest known change of a message. Later changes can only increase the message's `rev`.
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

/// The known epoch and the newest change. Clones share them.
#[derive(Clone, Default)]
pub struct EpochGuard(Arc<Shared>);

#[derive(Default)]
struct Shared {
    known: Mutex<Known>,
    /// How often the history was replaced.
    renewals: AtomicU64,
    suspected: Notify,
}

#[derive(Default)]
struct Known {
    epoch: String,
    newest: Option<NewestMessage>,
    is_saved: bool,
    file: PathBuf,
}

impl EpochGuard {
    pub fn epoch(&self) -> String {
        self.known().epoch.clone()
    }

    /// Returns how often the history was replaced. When it grows, cached rows and numbers are invalid.
    pub fn renewals(&self) -> u64 {
        self.0.renewals.load(Ordering::Relaxed)
    }

    /// Records the newest stored change.
    pub fn remember(&self, newest: NewestMessage) {
        let mut known = self.known();
        known.newest = Some(newest);
        known.is_saved = false;
    }

    /// Reports that the database may have been replaced.
    pub fn suspect(&self) {
        self.0.suspected.notify_one();
    }

    /// Waits for [`Self::suspect`].
    pub async fn suspected(&self) {
        self.0.suspected.notified().await;
    }

    /// Writes the newest change to the data directory, unless it is there already. If the write fails, a
    /// replaced database can only be detected by clients, which send the last `rev` and id they know.
    pub fn persist(&self) {
        let (note, file) = {
            let mut known = self.known();
            let Some(newest) = known.newest.filter(|_| !known.is_saved) else { return };
            known.is_saved = true;
            (EpochNote { epoch: known.epoch.clone(), newest }, known.file.clone())
        };
        if let Err(error) = note.write(&file) {
            tracing::debug!(%error, "could not write newest.json");
        }
    }

    fn begin(&self, epoch: String, file: PathBuf, newest: Option<NewestMessage>) {
        *self.known() = Known { epoch, newest, is_saved: true, file };
    }

    fn renew(&self, epoch: String, newest: Option<NewestMessage>) {
        let mut known = self.known();
        known.epoch = epoch;
        known.newest = newest;
        known.is_saved = false;
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

    /// Replaces the file atomically.
    fn write(&self, file: &Path) -> io::Result<()> {
        let temporary = file.with_extension("new");
        fs::write(&temporary, serde_json::to_vec(self)?)?;
        fs::rename(&temporary, file)
    }
}

impl Db {
    /// Loads the epoch at the start, and renews it if the database does not contain the recorded change.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn load_epoch(
        &self,
        history: &EpochGuard,
        data_dir: &Path,
        random: &Random,
    ) -> Result<(), sqlx::Error> {
        let epoch = self.epoch(&random.token()).await?;
        let file = data_dir.join(EPOCH_NOTE);
        // A record of another epoch is about another history.
        let saved = EpochNote::read(&file).filter(|note| note.epoch == epoch);
        history.begin(epoch, file, saved.map(|note| note.newest));
        self.check_epoch(history, random).await?;
        self.skip_message_ids(random).await
    }

    /// Checks whether the database was replaced. If so, renews the epoch.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn check_epoch(
        &self,
        history: &EpochGuard,
        random: &Random,
    ) -> Result<(), sqlx::Error> {
        let (known_epoch, newest) = {
            let known = history.known();
            (known.epoch.clone(), known.newest)
        };
        let mut epoch = self.epoch(&random.token()).await?;
        if epoch == known_epoch {
            match newest {
                Some(newest) if !self.contains_message(newest).await? => {
                    tracing::warn!(
                        "the database was replaced by an older state: it gets a new epoch, and \
                         open pages reload"
                    );
                    epoch = self.renew_epoch(&known_epoch, &random.token()).await?;
                }
                _ => return Ok(()),
            }
        }
        history.renew(epoch, self.newest().await?);
        Ok(())
    }

    /// Renews the epoch, unless another process did it first, and returns the current one.
    async fn renew_epoch(&self, old: &str, new: &str) -> Result<String, sqlx::Error> {
        let mut transaction = self.begin().await?;
        execute!(
            transaction,
            "update settings set value = $2 where name = 'epoch' and value = $1",
            old,
            new
        )?;
        transaction.commit().await?;
        self.epoch(new).await
    }

    /// Whether the database contains a change. If its room was purged, the last message id decides.
    async fn contains_message(
        &self,
        NewestMessage { message, room, rev }: NewestMessage,
    ) -> Result<bool, sqlx::Error> {
        #[derive(sqlx::FromRow)]
        struct FoundRow {
            messages: i64,
            rooms: i64,
            last_message: MessageId,
        }
        let found: FoundRow = fetch_one!(
            self,
            "select (select count(*) from messages
                     where id = $1 and room_rev_key >= $2 and room_rev_key >> 32 = $3) as messages,
                    (select count(*) from rooms where id = $3 and id not in
                       (select room_id from deleted_rooms where purged_at is not null)) as rooms,
                    (select last_value from message_ids) as last_message",
            message,
            RoomKey::of_rev(room, rev),
            room,
        )?;
        Ok(found.messages > 0 || (found.rooms == 0 && found.last_message >= message))
    }

    async fn newest(&self) -> Result<Option<NewestMessage>, sqlx::Error> {
        #[derive(sqlx::FromRow)]
        struct MessageRow {
            id: MessageId,
            room_rev_key: RoomKey,
        }
        let row: Option<MessageRow> = fetch_optional!(
            self,
            "select id, room_rev_key from messages order by id desc limit 1"
        )?;
        Ok(row.map(|MessageRow { id, room_rev_key }| NewestMessage {
            message: id,
            room: room_rev_key.room(),
            rev: Rev(room_rev_key.number()),
        }))
    }

    /// Skips a random number of message ids at each start. If the database and the data directory were both
    /// replaced by an older state, the same `rev` then gets another message id, and clients detect that.
    async fn skip_message_ids(&self, random: &Random) -> Result<(), sqlx::Error> {
        let gap = 1 + i64::from(u16::from_ne_bytes(random.bytes())) % 1_000;
        let mut transaction = self.begin().await?;
        let skip = match transaction {
            Transaction::Sqlite(_) => {
                "update counters set value = value + $1 where name = 'message' and value > 0"
            }
            // Not with `setval`: another process may take ids at the same time.
            Transaction::Postgres(_) => {
                "select count(nextval('message_ids')) from generate_series(1, $1)
                 where (select last_value from message_ids) > 0"
            }
        };
        execute!(transaction, skip, gap)?;
        transaction.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_change_is_read_again_and_a_broken_file_is_ignored() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(EPOCH_NOTE);
        assert_eq!(EpochNote::read(&file), None);
        let history = EpochGuard::default();
        history.begin("e".to_owned(), file.clone(), None);
        history.persist();
        assert_eq!(EpochNote::read(&file), None, "nothing is known");
        let newest = NewestMessage { message: MessageId(3), room: RoomId(1), rev: Rev(7) };
        history.remember(newest);
        history.persist();
        assert_eq!(EpochNote::read(&file), Some(EpochNote { epoch: "e".to_owned(), newest }));
        fs::write(&file, "{").expect("written");
        assert_eq!(EpochNote::read(&file), None);
    }
}
