//! Browser sessions.

use super::credentials::lock_verified_user;
use crate::chat::accounts::model::{CredentialHash, SessionInfo, User, VerifiedPassword};
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
    verified: &VerifiedPassword,
    session: &NewSession<'_>,
) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    if !lock_verified_user(&mut transaction, verified).await? {
        return Ok(false);
    }
    execute!(
        transaction,
        "insert into sessions (hash, user_id, created_at, expires_at, agent)
         values ($1, $2, $3, $4, $5)",
        session.credential,
        verified.user.id,
        session.created_at,
        session.expires_at,
        session.agent,
    )?;
    transaction.commit().await?;
    Ok(true)
}

/// A session with its user.
#[derive(sqlx::FromRow)]
pub(in crate::chat::accounts) struct SessionUserRow {
    #[sqlx(flatten)]
    pub user: User,
    pub time_zone: Option<String>,
    pub expires_at: Timestamp,
}

/// A session that has not expired, if its user's account is open.
pub(in crate::chat::accounts) async fn find_by_session(
    db: &Db,
    credential: CredentialHash,
    now: Timestamp,
) -> Result<Option<SessionUserRow>, sqlx::Error> {
    fetch_optional!(
        db,
        "select u.id, u.name, u.display_name, u.bot, u.role, u.avatar, u.time_zone, s.expires_at
         from sessions s join users u on u.id = s.user_id
         where s.hash = $1 and s.expires_at > $2 and u.deactivated_at is null",
        credential,
        now,
    )
}

pub(in crate::chat::accounts) async fn extend_session(
    db: &Db,
    credential: CredentialHash,
    expires_at: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    execute!(
        transaction,
        "update sessions set expires_at = $2 where hash = $1",
        credential,
        expires_at
    )?;
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
    let info = |row: SessionRow| SessionInfo {
        credential: row.hash,
        agent: row.agent,
        created_at: row.created_at,
    };
    Ok(rows.into_iter().map(info).collect())
}
