//! Which contents are in use. Who names a content and who deletes it locks its row first, so that a content is never
//! deleted that a file names.

use super::usage::fits_installation;
use super::{rows, signed};
use crate::chat::files::model::{Content, ContentHash};
use crate::db::{Db, Transaction, execute, fetch_scalars, json_rows};
use crate::kernel::Timestamp;
use crate::limits::file::DELETED_WITHIN;

/// What became of contents that are about to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat::files) enum Reservation {
    Done,
    /// One of them is being deleted right now: it must be stored after that.
    Deleting,
    /// With them all contents would take more than the quota.
    OverQuota,
}

/// Makes sure that contents are not deleted for a day: they are about to be stored and named.
pub(in crate::chat::files) async fn reserve(
    db: &Db,
    contents: &[&Content],
    quota: Option<u64>,
    now: Timestamp,
) -> Result<Reservation, sqlx::Error> {
    let mut transaction = db.begin().await?;
    if let Some(quota) = quota {
        // The lock. How much they take is known afterwards: some may be there already.
        fits_installation(&mut transaction, quota, 0).await?;
    }
    for content in contents {
        let reserved = execute!(
            transaction,
            "insert into contents (hash, size, unused_since) values ($1, $2, $3)
             on conflict (hash) do update
             set unused_since = case when contents.unused_since is null then null
                                     else excluded.unused_since end,
                 deleting_since = null
             where contents.deleting_since is null or contents.deleting_since <= $4",
            &content.hash,
            signed(content.size),
            now,
            now.minus(DELETED_WITHIN),
        )?;
        if reserved == 0 {
            return Ok(Reservation::Deleting);
        }
    }
    if let Some(quota) = quota
        && !fits_installation(&mut transaction, quota, 0).await?
    {
        return Ok(Reservation::OverQuota);
    }
    transaction.commit().await?;
    Ok(Reservation::Done)
}

/// Notes that a file is about to name these contents.
pub(super) async fn mark_used(
    transaction: &mut Transaction,
    hashes: &[&ContentHash],
) -> Result<(), sqlx::Error> {
    for hash in hashes {
        let found =
            execute!(transaction, "update contents set unused_since = null where hash = $1", hash)?;
        if found == 0 {
            return Err(sqlx::Error::RowNotFound);
        }
    }
    Ok(())
}

/// Locks the rows of contents. What is read afterwards stays true until the commit.
pub(super) async fn lock(
    transaction: &mut Transaction,
    hashes: &[ContentHash],
) -> Result<(), sqlx::Error> {
    if !hashes.is_empty() {
        execute!(
            transaction,
            "update contents set size = size where hash in (select value ->> 0 from jsonb_each($1))",
            json_rows(&rows(hashes)),
        )?;
    }
    Ok(())
}

/// Notes which of these contents no file names any more. Their rows are locked.
pub(super) async fn mark_unused(
    transaction: &mut Transaction,
    hashes: &[ContentHash],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    if !hashes.is_empty() {
        execute!(
            transaction,
            "update contents set unused_since = $2
             where hash in (select value ->> 0 from jsonb_each($1)) and unused_since is null
               and not exists (select 1 from files where files.hash = contents.hash)
               and not exists (select 1 from files where files.preview_hash = contents.hash)",
            json_rows(&rows(hashes)),
            now,
        )?;
    }
    Ok(())
}

/// Contents that no file has named since `before`.
pub(in crate::chat::files) async fn next_unused(
    db: &Db,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<ContentHash>, sqlx::Error> {
    fetch_scalars!(
        db,
        "select hash from contents where unused_since <= $1 order by unused_since limit $2",
        before,
        limit,
    )
}

/// Begins to delete a content that no file has named since `before`. Returns false if one names it. The bytes are
/// deleted outside of a transaction: a slow storage must not hold up who else writes.
pub(in crate::chat::files) async fn begin_deletion(
    db: &Db,
    hash: &ContentHash,
    before: Timestamp,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    lock(&mut transaction, std::slice::from_ref(hash)).await?;
    execute!(
        transaction,
        "update contents set unused_since = null
         where hash = $1 and (exists (select 1 from files where files.hash = contents.hash)
                           or exists (select 1 from files where files.preview_hash = contents.hash))",
        hash,
    )?;
    let marked = execute!(
        transaction,
        "update contents set deleting_since = $3 where hash = $1 and unused_since <= $2",
        hash,
        before,
        now,
    )?;
    transaction.commit().await?;
    Ok(marked > 0)
}

/// Ends the deletion that began at this time: the bytes are gone. A process that ends before leaves the row, and the next
/// run does both again.
pub(in crate::chat::files) async fn end_deletion(
    db: &Db,
    hash: &ContentHash,
    since: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    let sql = "delete from contents where hash = $1 and deleting_since = $2";
    execute!(transaction, sql, hash, since)?;
    transaction.commit().await
}
