//! What the database knows of the contents in storage, and what a check of the storage found.

use super::{rows, signed, unsigned};
use crate::chat::files::model::{Content, ContentHash, FOLDERS, FolderReport};
use crate::db::{Db, execute, fetch_all, fetch_optional, fetch_scalar, fetch_scalars, json_rows};
use crate::jobs;
use crate::jobs::model::Job;
use crate::kernel::{MessageId, Timestamp};
use crate::limits::file::CHECKED_EVERY;

/// The last check of the storage, or the one that runs.
#[derive(Debug, sqlx::FromRow)]
pub struct StorageCheck {
    started_at: Timestamp,
    /// `None` while it runs.
    pub finished_at: Option<Timestamp>,
    next_folder: i64,
    pub contents: i64,
    pub bytes: i64,
    pub missing: i64,
    pub orphans: i64,
    pub orphan_bytes: i64,
}

impl StorageCheck {
    /// The folder that it checks next; `None` at the end.
    pub fn next_folder(&self) -> Option<u8> {
        u8::try_from(self.next_folder).ok().filter(|_| self.finished_at.is_none())
    }

    /// How much of it is done.
    pub fn percent(&self) -> i64 {
        self.next_folder * 100 / signed(FOLDERS)
    }
}

/// The hashes of a folder: from the first, to before the second.
fn hashes_in(folder: u8) -> (String, String) {
    // `g` is behind all digits.
    let next = folder.checked_add(1).map_or("g".to_owned(), |next| format!("{next:02x}"));
    (format!("{folder:02x}"), next)
}

/// The contents of a folder, and whether a file names each.
pub(in crate::chat::files) async fn in_folder(
    db: &Db,
    folder: u8,
) -> Result<Vec<(Content, bool)>, sqlx::Error> {
    let (from, to) = hashes_in(folder);
    let found: Vec<(ContentHash, i64, i64)> = fetch_all!(
        db,
        "select hash, size,
                cast(case when exists (select 1 from files where files.hash = contents.hash)
                            or exists (select 1 from files where files.preview_hash = contents.hash)
                          then 1 else 0 end as bigint)
         from contents where hash >= $1 and hash < $2",
        &from,
        &to,
    )?;
    let content = |(hash, size, named)| (Content { hash, size: unsigned(size) }, named == 1);
    Ok(found.into_iter().map(content).collect())
}

/// The messages with files that name one of these contents.
pub(in crate::chat::files) async fn messages_with(
    db: &Db,
    contents: &[ContentHash],
    limit: i64,
) -> Result<Vec<MessageId>, sqlx::Error> {
    fetch_scalars!(
        db,
        "select distinct message_id from files
         where message_id is not null
           and (hash in (select value ->> 0 from jsonb_each($1))
                or preview_hash in (select value ->> 0 from jsonb_each($1)))
         order by message_id limit $2",
        json_rows(&rows(contents)),
        limit,
    )
}

/// The messages with contents that a check did not find as they should be.
pub(in crate::chat::files) async fn unreadable(
    db: &Db,
    limit: i64,
) -> Result<Vec<(MessageId, Content)>, sqlx::Error> {
    let found: Vec<(MessageId, ContentHash, i64)> = fetch_all!(
        db,
        "select f.message_id, c.hash, c.size from contents c join files f on f.hash = c.hash
         where c.missing_since is not null and f.message_id is not null
         union
         select f.message_id, c.hash, c.size from contents c join files f on f.preview_hash = c.hash
         where c.missing_since is not null and f.message_id is not null
         order by 1 limit $1",
        limit,
    )?;
    let content = |(message, hash, size)| (message, Content { hash, size: unsigned(size) });
    Ok(found.into_iter().map(content).collect())
}

pub(in crate::chat::files) async fn has_contents(db: &Db) -> Result<bool, sqlx::Error> {
    let count: i64 = fetch_scalar!(db, "select count(*) from (select 1 from contents limit 1) c")?;
    Ok(count > 0)
}

pub(in crate::chat::files) async fn last_check(
    db: &Db,
) -> Result<Option<StorageCheck>, sqlx::Error> {
    fetch_optional!(db, "select * from storage_checks order by started_at desc limit 1")
}

/// Starts a check, unless one runs or began after `before`.
pub(in crate::chat::files) async fn start_check(
    db: &Db,
    now: Timestamp,
    before: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    execute!(
        transaction,
        "delete from storage_checks
         where (finished_at is not null and started_at <= $1) or started_at <= $2",
        before,
        // One that hangs is not waited for.
        now.minus(CHECKED_EVERY),
    )?;
    let started = execute!(
        transaction,
        "insert into storage_checks (started_at)
         select cast($1 as bigint) where not exists (select 1 from storage_checks)
         on conflict do nothing",
        now,
    )?;
    if started > 0 {
        jobs::enqueue(&mut transaction, Job::CheckStorage, now).await?;
    }
    transaction.commit().await
}

/// Goes on with the check in another run of the job.
pub(in crate::chat::files) async fn check_later(
    db: &Db,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    jobs::enqueue(&mut transaction, Job::CheckStorage, now).await?;
    transaction.commit().await
}

/// Records what was found in a folder. Contents that the database did not know get a row and so are deleted a day later.
pub(in crate::chat::files) async fn note_folder(
    db: &Db,
    check: &StorageCheck,
    folder: u8,
    report: &FolderReport,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    let sum = |contents: &[Content]| signed(contents.iter().map(|content| content.size).sum());
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let unreadable = report.unreadable();
    let noted = execute!(
        transaction,
        "update storage_checks
         set next_folder = next_folder + 1, contents = contents + $3, bytes = bytes + $4,
             missing = missing + $5, orphans = orphans + $6, orphan_bytes = orphan_bytes + $7,
             finished_at = case when next_folder = $8 then $9 else null end
         where started_at = $1 and next_folder = $2",
        check.started_at,
        i64::from(folder),
        count(report.sound.len()),
        sum(&report.sound),
        count(unreadable.len()),
        count(report.orphans.len()),
        sum(&report.orphans),
        signed(FOLDERS) - 1,
        now,
    )?;
    if noted == 0 {
        // Another run was faster.
        return Ok(());
    }
    let (from, to) = hashes_in(folder);
    execute!(
        transaction,
        "update contents set missing_since = null
         where hash >= $1 and hash < $2 and missing_since is not null",
        &from,
        &to,
    )?;
    execute!(
        transaction,
        "update contents set missing_since = $2 where hash in (select value ->> 0 from jsonb_each($1))",
        json_rows(&rows(&unreadable)),
        now,
    )?;
    for orphan in &report.orphans {
        execute!(
            transaction,
            "insert into contents (hash, size, unused_since) values ($1, $2, $3)
             on conflict (hash) do nothing",
            &orphan.hash,
            signed(orphan.size),
            now,
        )?;
    }
    transaction.commit().await
}
