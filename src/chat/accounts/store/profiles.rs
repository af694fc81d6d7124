//! Stored profiles: what users say about themselves.

use super::USER_COLUMNS;
use crate::changefeed;
use crate::changefeed::model::{Change, ChangeMeta};
use crate::chat::accounts::model::{KnownUser, ProfileChange, User, ZoneName};
use crate::db::{Db, execute, fetch_all, fetch_one, fetch_optional, json_rows};
use crate::kernel::UserId;

/// The user with this handle, even if their account is closed.
pub(in crate::chat::accounts) async fn find_known(
    db: &Db,
    folded_name: &str,
) -> Result<Option<KnownUser>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct KnownUserRow {
        #[sqlx(flatten)]
        user: User,
        time_zone: Option<String>,
        active: bool,
    }
    // PostgreSQL stores no NUL, so no name contains one; the query would fail.
    if folded_name.contains('\0') {
        return Ok(None);
    }
    let row: Option<KnownUserRow> = fetch_optional!(
        db,
        concat!(
            "select ",
            USER_COLUMNS!(),
            ", u.time_zone, u.deactivated_at is null as active
             from users u where u.folded_name = $1"
        ),
        folded_name,
    )?;
    let known = |KnownUserRow { user, time_zone, active }| {
        let zone = ZoneName::known_zone(time_zone.as_deref());
        KnownUser { user, zone, active }
    };
    Ok(row.map(known))
}

/// Those of these users whose account is open, in the order of their ids.
pub(in crate::chat::accounts) async fn find_some(
    db: &Db,
    users: &[UserId],
) -> Result<Vec<User>, sqlx::Error> {
    fetch_all!(
        db,
        concat!(
            "select ",
            USER_COLUMNS!(),
            " from users u
             where u.deactivated_at is null
               and u.id in (select cast(value as bigint) from jsonb_each($1))
             order by u.id"
        ),
        json_rows(users),
    )
}

/// Changes a profile. Returns the user after the change; `None` if nothing changed.
pub(in crate::chat::accounts) async fn set_profile(
    db: &Db,
    user: UserId,
    change: &ProfileChange,
    meta: ChangeMeta,
) -> Result<Option<User>, sqlx::Error> {
    let ProfileChange { about, status } = change;
    let mut transaction = db.begin().await?;
    // Locks the row: another change of the profile waits for this one.
    execute!(transaction, "update users set id = id where id = $1", user)?;
    let before: User = fetch_one!(
        transaction,
        concat!("select ", USER_COLUMNS!(), " from users u where u.id = $1"),
        user,
    )?;
    let mut profile = before.profile.clone();
    if let Some(about) = about {
        profile.about = about.clone();
    }
    if let Some(status) = status {
        profile.status.clone_from(status);
    }
    if profile == before.profile {
        return Ok(None);
    }
    let status = profile.status.as_ref();
    changefeed::record(&mut transaction, meta, Change::User(user)).await?;
    execute!(
        transaction,
        "update users set about = $2, status_emoji = $3, status_text = $4, status_until = $5
         where id = $1",
        user,
        profile.about.as_str(),
        status.map(|status| status.emoji.as_str()),
        status.map_or("", |status| status.text.as_str()),
        status.and_then(|status| status.until),
    )?;
    transaction.commit().await?;
    Ok(Some(User { profile, ..before }))
}
