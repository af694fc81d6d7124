//! Uploads, and the files that they become. A user's row is locked while their files are counted, so that two requests
//! cannot both take the last place.

use super::contents::{lock, mark_unused, mark_used};
use super::usage::fits_installation;
use super::{FILE_COLUMNS, FileRow, signed, unsigned};
use crate::chat::files::model::{
    AltText, ContentHash, FileId, FileName, NewUpload, StoredFile, Upload, UploadLimits,
};
use crate::db::{
    Db, Transaction, execute, fetch_all, fetch_one, fetch_optional, fetch_optional_scalar,
    fetch_scalar, fetch_scalars,
};
use crate::kernel::{Timestamp, UserId};
use crate::limits::user::WAITING_FILES;

#[derive(sqlx::FromRow)]
struct UploadRow {
    id: FileId,
    owner_id: UserId,
    name: String,
    alt: String,
    length: i64,
    received: i64,
}

impl From<UploadRow> for Upload {
    fn from(row: UploadRow) -> Self {
        Self {
            id: row.id,
            owner: row.owner_id,
            name: FileName::parse(&row.name),
            alt: AltText::parse(&row.alt),
            length: unsigned(row.length),
            received: unsigned(row.received),
        }
    }
}

/// What became of a new upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat::files) enum Admission {
    Done,
    TooMany,
    OverQuota,
    /// The files of all users take too much.
    OverInstallationQuota,
}

/// What a user's files take.
#[derive(sqlx::FromRow)]
struct Usage {
    /// Those that are in no message, uploads included.
    waiting: i64,
    /// Bytes of all, those that were only announced included.
    bytes: i64,
}

/// Locks the user's row and counts.
async fn usage(transaction: &mut Transaction, owner: UserId) -> Result<Usage, sqlx::Error> {
    execute!(transaction, "update users set id = id where id = $1", owner)?;
    fetch_one!(
        transaction,
        "select (select count(*) from uploads where owner_id = $1)
              + (select count(*) from files where owner_id = $1 and message_id is null) as waiting,
                cast((select coalesce(sum(length), 0) from uploads where owner_id = $1)
              + (select coalesce(sum(size), 0) from files where owner_id = $1) as bigint) as bytes",
        owner,
    )
}

/// Whether `more` bytes fit the user's quota.
fn fits(usage: &Usage, more: u64, limits: UploadLimits) -> bool {
    limits.quota.is_none_or(|quota| unsigned(usage.bytes).saturating_add(more) <= quota)
}

/// Begins an upload.
pub(in crate::chat::files) async fn begin(
    db: &Db,
    (id, owner): (&FileId, UserId),
    new: &NewUpload,
    limits: UploadLimits,
    (now, expires_at): (Timestamp, Timestamp),
) -> Result<Admission, sqlx::Error> {
    let mut transaction = db.begin().await?;
    if let Some(quota) = limits.installation
        && !fits_installation(&mut transaction, quota, new.length).await?
    {
        return Ok(Admission::OverInstallationQuota);
    }
    let usage = usage(&mut transaction, owner).await?;
    if usage.waiting >= WAITING_FILES {
        return Ok(Admission::TooMany);
    }
    if !fits(&usage, new.length, limits) {
        return Ok(Admission::OverQuota);
    }
    execute!(
        transaction,
        "insert into uploads (id, owner_id, name, alt, length, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        id,
        owner,
        new.name.as_str(),
        new.alt.as_str(),
        signed(new.length),
        now,
        expires_at,
    )?;
    transaction.commit().await?;
    Ok(Admission::Done)
}

/// An upload of this user.
pub(in crate::chat::files) async fn find(
    db: &Db,
    owner: UserId,
    id: &FileId,
) -> Result<Option<Upload>, sqlx::Error> {
    let row: Option<UploadRow> = fetch_optional!(
        db,
        "select id, owner_id, name, alt, length, received from uploads where id = $1 and owner_id = $2",
        id,
        owner,
    )?;
    Ok(row.map(Upload::from))
}

/// A file of this user.
pub(in crate::chat::files) async fn owned(
    db: &Db,
    owner: UserId,
    id: &FileId,
) -> Result<Option<StoredFile>, sqlx::Error> {
    let row: Option<FileRow> = fetch_optional!(
        db,
        concat!("select ", FILE_COLUMNS!(), " from files where id = $1 and owner_id = $2"),
        id,
        owner,
    )?;
    Ok(row.map(StoredFile::from))
}

/// Lets an upload wait longer for its next bytes.
pub(in crate::chat::files) async fn extend(
    db: &Db,
    id: &FileId,
    expires_at: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    execute!(
        transaction,
        "update uploads set expires_at = $2 where id = $1 and expires_at < $2",
        id,
        expires_at,
    )?;
    transaction.commit().await
}

/// The bytes that all uploads have announced.
pub(in crate::chat::files) async fn announced(db: &Db) -> Result<u64, sqlx::Error> {
    let bytes: i64 =
        fetch_scalar!(db, "select cast(coalesce(sum(length), 0) as bigint) from uploads")?;
    Ok(unsigned(bytes))
}

/// All uploads, for what looks after those whose process ended.
pub(in crate::chat::files) async fn waiting(db: &Db) -> Result<Vec<Upload>, sqlx::Error> {
    let rows: Vec<UploadRow> = fetch_all!(
        db,
        "select id, owner_id, name, alt, length, received from uploads order by created_at"
    )?;
    Ok(rows.into_iter().map(Upload::from).collect())
}

/// Where a file that has arrived comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat::files) enum Arrival {
    /// It was an upload, which has its place already.
    Upload,
    /// It came in one piece.
    Whole(UploadLimits),
}

/// What became of a file that has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat::files) enum Finished {
    Done,
    /// The upload was cancelled before.
    Gone,
    TooMany,
    OverQuota,
}

/// Makes a file of what has arrived. Its contents were reserved and are in storage.
pub(in crate::chat::files) async fn finish(
    db: &Db,
    file: &StoredFile,
    arrival: Arrival,
) -> Result<Finished, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let usage = usage(&mut transaction, file.owner).await?;
    let mut alt = file.alt.as_str().to_owned();
    match arrival {
        Arrival::Upload => {
            let ended: Option<String> = fetch_optional_scalar!(
                transaction,
                "delete from uploads where id = $1 and owner_id = $2 returning alt",
                &file.id,
                file.owner,
            )?;
            // It may have been described while the last bytes came.
            let Some(described) = ended else { return Ok(Finished::Gone) };
            alt = described;
        }
        Arrival::Whole(_) if usage.waiting >= WAITING_FILES => return Ok(Finished::TooMany),
        Arrival::Whole(limits) if !fits(&usage, file.content.size, limits) => {
            return Ok(Finished::OverQuota);
        }
        Arrival::Whole(_) => {}
    }
    let mut contents: Vec<&ContentHash> =
        std::iter::once(&file.content.hash).chain(&file.preview).collect();
    contents.sort_unstable();
    contents.dedup();
    mark_used(&mut transaction, &contents).await?;
    insert(&mut transaction, file, &alt).await?;
    transaction.commit().await?;
    Ok(Finished::Done)
}

async fn insert(
    transaction: &mut Transaction,
    file: &StoredFile,
    alt: &str,
) -> Result<(), sqlx::Error> {
    execute!(
        transaction,
        "insert into files (id, owner_id, name, alt, kind, media_type, width, height, duration_ms, size,
                            sent_size, hash, preview_hash, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        &file.id,
        file.owner,
        file.name.as_str(),
        alt,
        file.media_type.kind_name(),
        file.media_type.as_str(),
        file.width.map(i64::from),
        file.height.map(i64::from),
        file.duration_ms.map(signed),
        signed(file.content.size),
        signed(file.sent_size),
        &file.content.hash,
        file.preview.as_ref(),
        file.created_at,
    )?;
    Ok(())
}

/// Changes the description of a file or upload that is in no message. Returns false if there is none.
pub(in crate::chat::files) async fn set_alt(
    db: &Db,
    owner: UserId,
    id: &FileId,
    alt: &AltText,
) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let mut changed = 0;
    for sql in [
        "update uploads set alt = $3 where id = $1 and owner_id = $2",
        "update files set alt = $3 where id = $1 and owner_id = $2 and message_id is null",
    ] {
        changed += execute!(transaction, sql, id, owner, alt.as_str())?;
    }
    transaction.commit().await?;
    Ok(changed > 0)
}

/// Names the poster of a film that is in no message. Its content was reserved and is in storage. Returns false if there
/// is no such film.
pub(in crate::chat::files) async fn set_poster(
    db: &Db,
    owner: UserId,
    id: &FileId,
    poster: &ContentHash,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let before: Option<(Option<ContentHash>,)> = fetch_optional!(
        transaction,
        "update files set position = position
         where id = $1 and owner_id = $2 and message_id is null and kind = 'video' returning preview_hash",
        id,
        owner,
    )?;
    let Some((before,)) = before else { return Ok(false) };
    mark_used(&mut transaction, &[poster]).await?;
    execute!(transaction, "update files set preview_hash = $2 where id = $1", id, poster)?;
    let before: Vec<ContentHash> = before.into_iter().filter(|before| before != poster).collect();
    lock(&mut transaction, &before).await?;
    mark_unused(&mut transaction, &before, now).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Deletes an upload, or a file that is in no message. Returns false if there is none.
pub(in crate::chat::files) async fn discard_unposted(
    db: &Db,
    id: &FileId,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let uploads = execute!(transaction, "delete from uploads where id = $1", id)?;
    let hashes: Vec<(ContentHash, Option<ContentHash>)> = fetch_all!(
        transaction,
        "delete from files where id = $1 and message_id is null returning hash, preview_hash",
        id,
    )?;
    let found = uploads > 0 || !hashes.is_empty();
    let hashes = super::attaching::sorted(hashes);
    lock(&mut transaction, &hashes).await?;
    mark_unused(&mut transaction, &hashes, now).await?;
    transaction.commit().await?;
    Ok(found)
}

/// What a user has sent and not posted.
pub(in crate::chat::files) async fn unposted(
    db: &Db,
    owner: UserId,
) -> Result<Vec<FileId>, sqlx::Error> {
    fetch_scalars!(
        db,
        "select id from uploads where owner_id = $1
         union all
         select id from files where owner_id = $1 and message_id is null",
        owner,
    )
}

/// Uploads and files in no message whose time is over.
pub(in crate::chat::files) async fn expired(
    db: &Db,
    now: Timestamp,
    posted_after: Timestamp,
    limit: i64,
) -> Result<Vec<FileId>, sqlx::Error> {
    fetch_scalars!(
        db,
        "select id from uploads where expires_at <= $1
         union all
         select id from files where message_id is null and created_at <= $2
         limit $3",
        now,
        posted_after,
        limit,
    )
}
