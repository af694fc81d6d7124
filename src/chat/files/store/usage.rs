//! Sums of the sizes of files.

use crate::db::{Db, Transaction, execute, fetch_all, fetch_one, fetch_scalar};
use crate::kernel::RoomId;

/// All contents and uploads.
#[derive(Debug, sqlx::FromRow)]
pub struct TotalUsage {
    pub contents: i64,
    pub bytes: i64,
    /// Those that no file names.
    pub unused: i64,
    pub unused_bytes: i64,
    pub uploads: i64,
    pub announced: i64,
}

/// The contents that files of one kind name. One that several name counts once.
#[derive(Debug, sqlx::FromRow)]
pub struct KindUsage {
    /// `image`, `video`, `audio` or `file`.
    pub kind: String,
    pub contents: i64,
    pub bytes: i64,
}

/// The files of a room and its threads.
#[derive(Debug, sqlx::FromRow)]
pub struct RoomUsage {
    /// 0: all direct messages and groups together.
    pub room: RoomId,
    pub name: String,
    pub files: i64,
    pub bytes: i64,
}

/// The files of a user, those in no message included.
#[derive(Debug, sqlx::FromRow)]
pub struct UserUsage {
    pub name: String,
    pub display_name: String,
    pub files: i64,
    pub bytes: i64,
}

/// Whether `more` bytes fit the quota of the installation. It stays so until the commit: who adds bytes waits here first,
/// before other locks.
pub(super) async fn fits_installation(
    transaction: &mut Transaction,
    quota: u64,
    more: u64,
) -> Result<bool, sqlx::Error> {
    execute!(transaction, "update locks set name = name where name = 'files'")?;
    let bytes: i64 = fetch_scalar!(
        transaction,
        "select cast((select coalesce(sum(size), 0) from contents)
                   + (select coalesce(sum(length), 0) from uploads) as bigint)",
    )?;
    Ok(super::unsigned(bytes).saturating_add(more) <= quota)
}

/// The bytes of all contents.
pub(in crate::chat::files) async fn stored(db: &Db) -> Result<u64, sqlx::Error> {
    let bytes: i64 =
        fetch_scalar!(db, "select cast(coalesce(sum(size), 0) as bigint) from contents")?;
    Ok(super::unsigned(bytes))
}

pub(in crate::chat::files) async fn total_usage(db: &Db) -> Result<TotalUsage, sqlx::Error> {
    fetch_one!(
        db,
        "select (select count(*) from contents) as contents,
                cast((select coalesce(sum(size), 0) from contents) as bigint) as bytes,
                (select count(*) from contents where unused_since is not null) as unused,
                cast((select coalesce(sum(size), 0) from contents
                      where unused_since is not null) as bigint) as unused_bytes,
                (select count(*) from uploads) as uploads,
                cast((select coalesce(sum(length), 0) from uploads) as bigint) as announced",
    )
}

pub(in crate::chat::files) async fn usage_of_kinds(db: &Db) -> Result<Vec<KindUsage>, sqlx::Error> {
    fetch_all!(
        db,
        "select kind, count(*) as contents, cast(sum(size) as bigint) as bytes
         from (select min(kind) as kind, max(size) as size from files group by hash) of_contents
         group by kind",
    )
}

/// Rooms by the size of their files. Who talks to whom is not an administrator's business: direct messages and groups are
/// one sum.
pub(in crate::chat::files) async fn usage_of_rooms(
    db: &Db,
    limit: i64,
) -> Result<Vec<RoomUsage>, sqlx::Error> {
    fetch_all!(
        db,
        "select room, max(name) as name, cast(sum(files) as bigint) as files,
                cast(sum(bytes) as bigint) as bytes
         from (select case when r.visibility in ('direct', 'group') then 0 else r.id end as room,
                      case when r.visibility in ('direct', 'group') then '' else r.name end as name,
                      s.files, s.bytes
               from (select room_id, count(*) as files, sum(size) as bytes
                     from files where room_id is not null group by room_id) s
               join rooms r on r.id = s.room_id) found
         group by room order by bytes desc, room limit $1",
        limit,
    )
}

pub(in crate::chat::files) async fn usage_of_users(
    db: &Db,
    limit: i64,
) -> Result<Vec<UserUsage>, sqlx::Error> {
    fetch_all!(
        db,
        "select u.name, u.display_name, s.files, s.bytes
         from (select owner_id, count(*) as files, cast(sum(size) as bigint) as bytes
               from files group by owner_id) s
         join users u on u.id = s.owner_id
         order by s.bytes desc, u.id limit $1",
        limit,
    )
}
