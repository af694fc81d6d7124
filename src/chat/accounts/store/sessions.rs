//! Browser sessions.

use super::UserRow;
use super::credentials::lock_proven;
use super::revocations::record_revocations;
use crate::chat::accounts::model::{
    CredentialHash, RevocationReason, SessionInfo, User, VerifiedPassword,
};
use crate::db::{Db, reading, writing};
use crate::kernel::{Timestamp, UserId};

/// Adds a session. Returns false if the password was changed since it was verified.
pub(in crate::chat::accounts) async fn add_session(
    db: &Db,
    credential: CredentialHash,
    proven: &VerifiedPassword,
    agent: &str,
    (now, expires): (Timestamp, Timestamp),
) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    if !lock_proven(&mut transaction, proven).await? {
        return Ok(false);
    }
    writing!(transaction, |connection| {
        sqlx::query(
            "insert into sessions (hash, user_id, created_at, expires_at, agent)
             values ($1, $2, $3, $4, $5)",
        )
        .bind(credential.0.as_slice())
        .bind(proven.person.id.0)
        .bind(now.0)
        .bind(expires.0)
        .bind(agent)
        .execute(connection)
        .await?
        .rows_affected()
    });
    transaction.commit().await?;
    Ok(true)
}

/// The user of a session, their time zone, and when it expires.
pub(in crate::chat::accounts) async fn find_by_session(
    db: &Db,
    credential: CredentialHash,
    now: Timestamp,
) -> Result<Option<(User, Option<String>, Timestamp)>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct Row {
        #[sqlx(flatten)]
        person: UserRow,
        time_zone: Option<String>,
        expires_at: i64,
    }
    let row: Option<Row> = reading!(db, |pool| {
        sqlx::query_as(
            "select u.id, u.name, u.display_name, u.bot, u.role, u.avatar, u.time_zone, s.expires_at
             from sessions s join users u on u.id = s.user_id
             where s.hash = $1 and s.expires_at > $2 and u.deactivated_at is null",
        )
        .bind(credential.0.as_slice())
        .bind(now.0)
        .fetch_optional(pool)
        .await?
    });
    Ok(row.map(|row| (row.person.into(), row.time_zone, Timestamp(row.expires_at))))
}

pub(in crate::chat::accounts) async fn extend_session(
    db: &Db,
    credential: CredentialHash,
    expires: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    writing!(transaction, |connection| {
        sqlx::query("update sessions set expires_at = $2 where hash = $1")
            .bind(credential.0.as_slice())
            .bind(expires.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    transaction.commit().await
}

pub(in crate::chat::accounts) async fn remove_session(
    db: &Db,
    credential: CredentialHash,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    writing!(transaction, |connection| {
        sqlx::query("delete from sessions where hash = $1")
            .bind(credential.0.as_slice())
            .execute(connection)
            .await?
            .rows_affected()
    });
    record_revocations(&mut transaction, &[credential], RevocationReason::SignedOut, now).await?;
    transaction.commit().await
}

/// The user's sessions, the newest first.
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
        let credential = CredentialHash(hash.try_into().ok()?);
        Some(SessionInfo { credential, agent, created_at: Timestamp(created_at) })
    };
    Ok(rows.into_iter().filter_map(info).collect())
}
