//! The SQL of custom emoji.

use super::model::{EmojiEntry, EmojiImage, EmojiName};
use crate::changefeed;
use crate::changefeed::model::{Change, ChangeMeta};
use crate::chat::audit;
use crate::chat::audit::model::Action;
use crate::db::{Db, execute, fetch_all, fetch_optional_scalar, fetch_scalar};
use crate::kernel::UserId;
use crate::limits::emoji::PER_INSTALLATION;

#[derive(sqlx::FromRow)]
struct EntryRow {
    name: String,
    version: String,
}

/// All custom emoji, by name.
pub(super) async fn entries(db: &Db) -> Result<Vec<EmojiEntry>, sqlx::Error> {
    let rows: Vec<EntryRow> = fetch_all!(db, "select name, version from emoji order by name")?;
    let entry = |row: EntryRow| EmojiEntry { name: row.name, version: row.version };
    Ok(rows.into_iter().map(entry).collect())
}

/// What became of a new emoji.
pub(super) enum Added {
    Done,
    Taken,
    TooMany,
}

pub(super) async fn add(
    db: &Db,
    name: &EmojiName,
    image: &EmojiImage,
    actor: Option<UserId>,
    meta: ChangeMeta,
) -> Result<Added, sqlx::Error> {
    let mut transaction = db.begin().await?;
    // The lock makes additions wait for each other, so that each one counts those before it.
    execute!(transaction, "update locks set name = name where name = 'emoji'")?;
    let count: i64 = fetch_scalar!(transaction, "select count(*) from emoji")?;
    if count >= PER_INSTALLATION {
        return Ok(Added::TooMany);
    }
    let added = execute!(
        transaction,
        "insert into emoji (name, version, image, created_at) values ($1, $2, $3, $4)
         on conflict (name) do nothing",
        name.as_str(),
        image.version(),
        image.as_bytes(),
        meta.now,
    )?;
    if added == 0 {
        return Ok(Added::Taken);
    }
    let action = Action::AddEmoji { name: name.as_str() };
    audit::record(&mut transaction, actor, action, meta.now).await?;
    changefeed::record(&mut transaction, meta, Change::Emoji).await?;
    transaction.commit().await?;
    Ok(Added::Done)
}

/// Returns false if there is none of this name.
pub(super) async fn remove(
    db: &Db,
    name: &str,
    actor: Option<UserId>,
    meta: ChangeMeta,
) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    if execute!(transaction, "delete from emoji where name = $1", name)? == 0 {
        return Ok(false);
    }
    audit::record(&mut transaction, actor, Action::DeleteEmoji { name }, meta.now).await?;
    changefeed::record(&mut transaction, meta, Change::Emoji).await?;
    transaction.commit().await?;
    Ok(true)
}

/// The image of this name.
pub(super) async fn image(db: &Db, name: &str) -> Result<Option<Vec<u8>>, sqlx::Error> {
    fetch_optional_scalar!(db, "select image from emoji where name = $1", name)
}
