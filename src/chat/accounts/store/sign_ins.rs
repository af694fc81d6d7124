//! Sessions of browsers and tokens of programs.

use super::PersonRow;
use super::endings::note_endings;
use crate::chat::accounts::model::{Credential, Ending, Person, SessionInfo, TokenInfo};
use crate::db::{Change, Db, reading, writing};
use crate::kernel::{Timestamp, UserId};

pub(in crate::chat::accounts) async fn add_session(
    db: &Db,
    credential: Credential,
    user: UserId,
    agent: &str,
    (now, expires): (Timestamp, Timestamp),
) -> Result<(), sqlx::Error> {
    let mut change = db.change().await?;
    writing!(change, |connection| {
        sqlx::query(
            "insert into sessions (hash, user_id, created_at, expires_at, agent)
             values ($1, $2, $3, $4, $5)",
        )
        .bind(credential.0.as_slice())
        .bind(user.0)
        .bind(now.0)
        .bind(expires.0)
        .bind(agent)
        .execute(connection)
        .await?
        .rows_affected()
    });
    change.commit().await
}

/// Whose session this is, and until when.
pub(in crate::chat::accounts) async fn find_by_session(
    db: &Db,
    credential: Credential,
    now: Timestamp,
) -> Result<Option<(Person, Timestamp)>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct Row {
        #[sqlx(flatten)]
        person: PersonRow,
        expires_at: i64,
    }
    let row: Option<Row> = reading!(db, |pool| {
        sqlx::query_as(
            "select u.id, u.name, u.display_name, u.bot, u.role, u.avatar, s.expires_at
             from sessions s join users u on u.id = s.user_id
             where s.hash = $1 and s.expires_at > $2 and u.deactivated_at is null",
        )
        .bind(credential.0.as_slice())
        .bind(now.0)
        .fetch_optional(pool)
        .await?
    });
    Ok(row.map(|row| (row.person.into(), Timestamp(row.expires_at))))
}

pub(in crate::chat::accounts) async fn extend_session(
    db: &Db,
    credential: Credential,
    expires: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut change = db.change().await?;
    writing!(change, |connection| {
        sqlx::query("update sessions set expires_at = $2 where hash = $1")
            .bind(credential.0.as_slice())
            .bind(expires.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    change.commit().await
}

pub(in crate::chat::accounts) async fn remove_session(
    db: &Db,
    credential: Credential,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut change = db.change().await?;
    writing!(change, |connection| {
        sqlx::query("delete from sessions where hash = $1")
            .bind(credential.0.as_slice())
            .execute(connection)
            .await?
            .rows_affected()
    });
    note_endings(&mut change, &[credential], Ending::SignedOut, now).await?;
    change.commit().await
}

/// Removes the sessions that nobody came back to.
pub(in crate::chat::accounts) async fn remove_expired_sessions(
    db: &Db,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut change = db.change().await?;
    writing!(change, |connection| {
        sqlx::query("delete from sessions where expires_at <= $1")
            .bind(now.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    change.commit().await
}

pub(in crate::chat::accounts) async fn add_token(
    db: &Db,
    credential: Credential,
    user: UserId,
    label: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut change = db.change().await?;
    writing!(change, |connection| {
        sqlx::query("insert into tokens (hash, user_id, label, created_at) values ($1, $2, $3, $4)")
            .bind(credential.0.as_slice())
            .bind(user.0)
            .bind(label)
            .bind(now.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    change.commit().await
}

pub(in crate::chat::accounts) async fn find_by_token(
    db: &Db,
    credential: Credential,
) -> Result<Option<Person>, sqlx::Error> {
    let row: Option<PersonRow> = reading!(db, |pool| {
        sqlx::query_as(
            "select u.id, u.name, u.display_name, u.bot, u.role, u.avatar
             from tokens t join users u on u.id = t.user_id
             where t.hash = $1 and u.deactivated_at is null",
        )
        .bind(credential.0.as_slice())
        .fetch_optional(pool)
        .await?
    });
    Ok(row.map(Person::from))
}

pub(in crate::chat::accounts) async fn remove_token(
    db: &Db,
    credential: Credential,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut change = db.change().await?;
    writing!(change, |connection| {
        sqlx::query("delete from tokens where hash = $1")
            .bind(credential.0.as_slice())
            .execute(connection)
            .await?
            .rows_affected()
    });
    note_endings(&mut change, &[credential], Ending::SignedOut, now).await?;
    change.commit().await
}

/// Somebody's sessions, the newest first.
pub(in crate::chat::accounts) async fn sessions(
    db: &Db,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<SessionInfo>, sqlx::Error> {
    let rows: Vec<(Vec<u8>, String, i64)> = reading!(db, |pool| {
        sqlx::query_as(
            "select hash, agent, created_at from sessions
             where user_id = $1 and expires_at > $2 order by created_at desc, hash",
        )
        .bind(user.0)
        .bind(now.0)
        .fetch_all(pool)
        .await?
    });
    let info = |(hash, agent, created_at): (Vec<u8>, String, i64)| {
        let credential = Credential(hash.try_into().ok()?);
        Some(SessionInfo { credential, agent, created_at: Timestamp(created_at) })
    };
    Ok(rows.into_iter().filter_map(info).collect())
}

/// Somebody's tokens, the newest first.
pub(in crate::chat::accounts) async fn tokens(
    db: &Db,
    user: UserId,
) -> Result<Vec<TokenInfo>, sqlx::Error> {
    let rows: Vec<(Vec<u8>, String, i64)> = reading!(db, |pool| {
        sqlx::query_as(
            "select hash, label, created_at from tokens
             where user_id = $1 order by created_at desc, hash",
        )
        .bind(user.0)
        .fetch_all(pool)
        .await?
    });
    let info = |(hash, label, created_at): (Vec<u8>, String, i64)| {
        let credential = Credential(hash.try_into().ok()?);
        Some(TokenInfo { credential, label, created_at: Timestamp(created_at) })
    };
    Ok(rows.into_iter().filter_map(info).collect())
}

/// Ends everything that signs somebody in, but for one session. Answers what ended.
pub(in crate::chat::accounts) async fn remove_other_sign_ins(
    db: &Db,
    user: UserId,
    kept: Credential,
    now: Timestamp,
) -> Result<Vec<Credential>, sqlx::Error> {
    let mut change = db.change().await?;
    let ended = end_sign_ins(&mut change, user, Some(kept), (Ending::SignedOut, now)).await?;
    change.commit().await?;
    Ok(ended)
}

/// Ends everything that signs somebody in, but for what is kept, and notes it for other processes.
pub(super) async fn end_sign_ins(
    change: &mut Change,
    user: UserId,
    kept: Option<Credential>,
    (ending, now): (Ending, Timestamp),
) -> Result<Vec<Credential>, sqlx::Error> {
    // No hash is empty: this keeps nothing.
    let kept: &[u8] = kept.as_ref().map_or(&[], |kept| kept.0.as_slice());
    let mut hashes: Vec<(Vec<u8>,)> = writing!(*change, |connection| {
        sqlx::query_as("delete from sessions where user_id = $1 and hash <> $2 returning hash")
            .bind(user.0)
            .bind(kept)
            .fetch_all(connection)
            .await?
    });
    let tokens: Vec<(Vec<u8>,)> = writing!(*change, |connection| {
        sqlx::query_as("delete from tokens where user_id = $1 and hash <> $2 returning hash")
            .bind(user.0)
            .bind(kept)
            .fetch_all(connection)
            .await?
    });
    hashes.extend(tokens);
    let ended: Vec<Credential> =
        hashes.into_iter().filter_map(|(hash,)| hash.try_into().ok().map(Credential)).collect();
    note_endings(change, &ended, ending, now).await?;
    Ok(ended)
}
