//! Browser sessions.

use super::UserRow;
use super::credentials::lock_proven;
use super::revocations::record_revocations;
use crate::chat::accounts::model::{
    CredentialHash, RevocationReason, SessionInfo, User, VerifiedPassword,
};
use crate::db::{Db, execute, fetch_all, fetch_optional};
use crate::kernel::{Timestamp, UserId};

/// A session to add.
pub(in crate::chat::accounts) struct NewSession<'a> {
    pub credential: CredentialHash,
    pub agent: &'a str,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Adds a session. Returns false if the password was changed since it was verified.
pub(in crate::chat::accounts) async fn add_session(
    db: &Db,
    proven: &VerifiedPassword,
    session: &NewSession<'_>,
) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    if !lock_proven(&mut transaction, proven).await? {
        return Ok(false);
    }
    execute!(
        transaction,
        "insert into sessions (hash, user_id, created_at, expires_at, agent)
         values ($1, $2, $3, $4, $5)",
        session.credential,
        proven.user.id,
        session.created_at,
        session.expires_at,
        session.agent,
    )?;
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
    struct SessionUserRow {
        #[sqlx(flatten)]
        user: UserRow,
        time_zone: Option<String>,
        expires_at: Timestamp,
    }
    let row: Option<SessionUserRow> = fetch_optional!(
        db,
        "select u.id, u.name, u.display_name, u.bot, u.role, u.avatar, u.time_zone, s.expires_at
         from sessions s join users u on u.id = s.user_id
         where s.hash = $1 and s.expires_at > $2 and u.deactivated_at is null",
        credential,
        now,
    )?;
    Ok(row.map(|row| (row.user.into(), row.time_zone, row.expires_at)))
}

pub(in crate::chat::accounts) async fn extend_session(
    db: &Db,
    credential: CredentialHash,
    expires: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    execute!(
        transaction,
        "update sessions set expires_at = $2 where hash = $1",
        credential,
        expires
    )?;
    transaction.commit().await
}

pub(in crate::chat::accounts) async fn remove_session(
    db: &Db,
    credential: CredentialHash,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    execute!(transaction, "delete from sessions where hash = $1", credential)?;
    record_revocations(&mut transaction, &[credential], RevocationReason::SignedOut, now).await?;
    transaction.commit().await
}

/// The user's sessions, the newest first.
pub(in crate::chat::accounts) async fn sessions(
    db: &Db,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<SessionInfo>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct SessionRow {
        hash: CredentialHash,
        agent: String,
        created_at: Timestamp,
    }
    let rows: Vec<SessionRow> = fetch_all!(
        db,
        "select hash, agent, created_at from sessions
         where user_id = $1 and expires_at > $2 order by created_at desc, hash",
        user,
        now,
    )?;
    let info = |SessionRow { hash: credential, agent, created_at }| SessionInfo {
        credential,
        agent,
        created_at,
    };
    Ok(rows.into_iter().map(info).collect())
}
