//! Stored avatars.

use crate::changefeed;
use crate::changefeed::model::{Change, ChangeMeta};
use crate::db::{Db, reading, writing};
use crate::kernel::UserId;

/// Replaces or removes a user's avatar.
pub(in crate::chat::accounts) async fn set_avatar(
    db: &Db,
    user: UserId,
    picture: Option<(&str, &[u8])>,
    meta: ChangeMeta,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    changefeed::record(&mut transaction, meta, Change::User(user)).await?;
    writing!(transaction, |connection| {
        sqlx::query("delete from avatars where name = (select avatar from users where id = $1)")
            .bind(user.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    if let Some((name, image)) = picture {
        writing!(transaction, |connection| {
            sqlx::query("insert into avatars (name, image) values ($1, $2)")
                .bind(name)
                .bind(image)
                .execute(connection)
                .await?
                .rows_affected()
        });
    }
    writing!(transaction, |connection| {
        sqlx::query("update users set avatar = $1 where id = $2")
            .bind(picture.map(|(name, _)| name))
            .bind(user.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    transaction.commit().await
}

pub(in crate::chat::accounts) async fn find_avatar(
    db: &Db,
    name: &str,
) -> Result<Option<Vec<u8>>, sqlx::Error> {
    let row: Option<(Vec<u8>,)> = reading!(db, |pool| {
        sqlx::query_as("select image from avatars where name = $1")
            .bind(name)
            .fetch_optional(pool)
            .await?
    });
    Ok(row.map(|(image,)| image))
}
