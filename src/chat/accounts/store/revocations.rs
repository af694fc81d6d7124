//! Recorded revocations, which the other processes on this database read.

use crate::chat::accounts::model::{CredentialHash, RevocationReason};
use crate::db::{Db, Transaction, fetch_scalar, reading, writing};
use crate::kernel::Timestamp;

pub(super) async fn record_revocations(
    transaction: &mut Transaction,
    revoked: &[CredentialHash],
    reason: RevocationReason,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    for credential in revoked {
        writing!(*transaction, |connection| {
            sqlx::query("insert into endings (hash, account_closed, ended_at) values ($1, $2, $3)")
                .bind(credential.0.as_slice())
                .bind(reason.number())
                .bind(now.0)
                .execute(connection)
                .await?
                .rows_affected()
        });
    }
    Ok(())
}

/// The id of the last revocation.
pub(in crate::chat::accounts) async fn last_revocation(db: &Db) -> Result<i64, sqlx::Error> {
    fetch_scalar!(db, "select coalesce(max(id), 0) from endings")
}

/// The revocations after this id, with their ids.
pub(in crate::chat::accounts) async fn revocations_after(
    db: &Db,
    last: i64,
) -> Result<Vec<(i64, CredentialHash, RevocationReason)>, sqlx::Error> {
    let rows: Vec<(i64, Vec<u8>, i64)> = reading!(db, |pool| {
        sqlx::query_as("select id, hash, account_closed from endings where id > $1 order by id")
            .bind(last)
            .fetch_all(pool)
            .await?
    });
    let revocation = |(id, hash, closed): (i64, Vec<u8>, i64)| {
        Some((id, CredentialHash(hash.try_into().ok()?), RevocationReason::from_number(closed)))
    };
    Ok(rows.into_iter().filter_map(revocation).collect())
}

/// Deletes revocations that every process has read long ago.
pub(in crate::chat::accounts) async fn prune_revocations(
    db: &Db,
    before: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    writing!(transaction, |connection| {
        sqlx::query("delete from endings where ended_at < $1")
            .bind(before.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    transaction.commit().await
}
