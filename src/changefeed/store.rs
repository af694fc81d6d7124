//! The SQL of the change feed.

use super::Read;
use crate::changefeed::model::{Change, ChangeMeta, ProcessId, RevocationReason};
use crate::db::{
    Db, StatementBatch, Transaction, execute, fetch_all, fetch_scalar, push_statement,
};
use crate::kernel::{MessageId, RoomId, Timestamp, UserId};

/// A change as it is stored.
#[derive(sqlx::FromRow)]
pub(super) struct ChangeRow {
    pub id: i64,
    pub process: i64,
    pub kind: String,
    pub room_id: Option<RoomId>,
    pub user_id: Option<UserId>,
    pub message_id: Option<MessageId>,
    pub credential: Option<Vec<u8>>,
}

impl ChangeRow {
    /// Returns the change; `None` if this version of Patio does not know its kind, because another version
    /// recorded it.
    pub fn change(&self) -> Option<Change> {
        let revoked = |reason| {
            let hash = self.credential.as_deref()?.try_into().ok()?;
            Some(Change::Revoked(hash, reason))
        };
        match self.kind.as_str() {
            "joined" => Some(Change::Joined(self.room_id?, self.user_id?)),
            "left" => Some(Change::Left(self.room_id?, self.user_id?)),
            "marked-unread" => Some(Change::MarkedUnread(self.room_id?, self.user_id?)),
            "room" => Some(Change::Room(self.room_id?)),
            "placed" => Some(Change::Placed(self.room_id?, self.user_id?)),
            "draft" => Some(Change::Draft(self.room_id?, self.user_id?)),
            "saved" => Some(Change::Saved(self.message_id?, self.user_id?)),
            "user" => Some(Change::User(self.user_id?)),
            "emoji" => Some(Change::Emoji),
            "signed-out" => revoked(RevocationReason::SignedOut),
            "account-closed" => revoked(RevocationReason::AccountClosed),
            "role-changed" => revoked(RevocationReason::RoleChanged),
            _ => None,
        }
    }
}

/// Records a change for the other processes, in the transaction that makes it.
pub async fn record(
    transaction: &mut Transaction,
    meta: ChangeMeta,
    change: Change,
) -> Result<(), sqlx::Error> {
    execute!(
        transaction,
        "insert into changes (process, kind, room_id, user_id, message_id, credential, recorded_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        meta.process.0,
        change.kind(),
        change.room(),
        change.user(),
        change.message(),
        change.credential(),
        meta.now,
    )?;
    transaction.records_change();
    Ok(())
}

/// Adds the statement that does the same to a batch of the transaction.
pub(crate) fn push_record(
    transaction: &mut Transaction,
    statements: &mut StatementBatch,
    meta: ChangeMeta,
    change: Change,
) {
    transaction.records_change();
    push_statement!(statements, |query| {
        query
            .push(
                "insert into changes
                   (process, kind, room_id, user_id, message_id, credential, recorded_at) ",
            )
            .push_values([change], |mut row, change| {
                row.push_bind(meta.process.0)
                    .push_bind(change.kind())
                    .push_bind(change.room())
                    .push_bind(change.user())
                    .push_bind(change.message())
                    .push_bind(change.credential())
                    .push_bind(meta.now);
            })
    });
}

/// Returns the id of the latest change.
pub(super) async fn last(db: &Db) -> Result<i64, sqlx::Error> {
    fetch_scalar!(db, "select coalesce(max(id), 0) from changes")
}

/// Returns the changes after an id.
pub(super) async fn after(db: &Db, last: i64) -> Result<Vec<ChangeRow>, sqlx::Error> {
    fetch_all!(
        db,
        "select id, process, kind, room_id, user_id, message_id, credential
         from changes where id > $1 order by id",
        last,
    )
}

/// Returns the read markers that other processes have moved since `then`.
pub(super) async fn reads_since(
    db: &Db,
    then: Timestamp,
    me: ProcessId,
) -> Result<Vec<Read>, sqlx::Error> {
    fetch_all!(
        db,
        "select user_id, room_id, last_read_seq from memberships
         where read_at >= $1 and read_by <> $2",
        then,
        me.0,
    )
}

/// Deletes the changes recorded before a time.
pub(super) async fn prune(db: &Db, before: Timestamp) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    execute!(transaction, "delete from changes where recorded_at < $1", before)?;
    transaction.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_change_is_read_as_it_was() {
        let (room, user, hash) = (RoomId(3), UserId(4), [7; 32]);
        for change in [
            Change::Joined(room, user),
            Change::Left(room, user),
            Change::Room(room),
            Change::Placed(room, user),
            Change::Draft(room, user),
            Change::Saved(MessageId(5), user),
            Change::User(user),
            Change::Emoji,
            Change::Revoked(hash, RevocationReason::SignedOut),
            Change::Revoked(hash, RevocationReason::AccountClosed),
            Change::Revoked(hash, RevocationReason::RoleChanged),
        ] {
            let mut row = ChangeRow {
                id: 1,
                process: 2,
                kind: change.kind().to_owned(),
                room_id: change.room(),
                user_id: change.user(),
                message_id: change.message(),
                credential: change.credential(),
            };
            assert_eq!(row.change(), Some(change));
            "a later kind".clone_into(&mut row.kind);
            assert_eq!(row.change(), None);
        }
    }
}
