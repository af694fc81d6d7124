//! Stored avatars.

use crate::changefeed;
use crate::changefeed::model::{Change, ChangeMeta};
use crate::db::{Db, execute, fetch_optional_scalar};
use crate::kernel::UserId;

/// An avatar to store.
pub(in crate::chat::accounts) struct NewAvatar<'a> {
    pub name: &'a str,
    /// A JPEG.
    pub image: &'a [u8],
}

/// Replaces or removes a user's avatar.
pub(in crate::chat::accounts) async fn set_avatar(
    db: &Db,
    user: UserId,
    avatar: Option<NewAvatar<'_>>,
    meta: ChangeMeta,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    changefeed::record(&mut transaction, meta, Change::User(user)).await?;
    execute!(
        transaction,
        "delete from avatars where name = (select avatar from users where id = $1)",
        user
    )?;
    if let Some(avatar) = &avatar {
        execute!(
            transaction,
            "insert into avatars (name, image) values ($1, $2)",
            avatar.name,
            avatar.image
        )?;
    }
    let name = avatar.map(|avatar| avatar.name);
    execute!(transaction, "update users set avatar = $1 where id = $2", name, user)?;
    transaction.commit().await
}

pub(in crate::chat::accounts) async fn find_avatar(
    db: &Db,
    name: &str,
) -> Result<Option<Vec<u8>>, sqlx::Error> {
    fetch_optional_scalar!(db, "select image from avatars where name = $1", name)
}
