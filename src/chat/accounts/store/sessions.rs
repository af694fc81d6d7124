//! Browser sessions.

use super::credentials::lock_verified_user;
use crate::chat::accounts::model::{CredentialHash, SessionInfo, User, VerifiedPassword};
use crate::db::{Db, execute, fetch_all, fetch_optional};
use crate::kernel::{Timestamp, UserId};
use crate::limits;

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

/// An anonymous session to add.
pub(in crate::chat::accounts) struct NewAnonymousSession<'a> {
    pub credential: CredentialHash,
    pub data: Option<&'a str>,
    /// The hash of the network that it comes from.
    pub network: CredentialHash,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// The most rows that are deleted at once for a new one. More than one only if a limit was lowered.
const OVERFLOW: i64 = 1_000;

/// Adds an anonymous session. If its network or the installation then has too many, the oldest end.
pub(in crate::chat::accounts) async fn add_anonymous_session(
    db: &Db,
    session: &NewAnonymousSession<'_>,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    // Otherwise two transactions would both find room for one more.
    execute!(transaction, "update locks set name = name where name = 'anonymous sessions'")?;
    execute!(
        transaction,
        "delete from sessions where hash in
           (select hash from sessions where user_id is null and network = $1
            order by created_at desc, hash limit $2 offset $3)",
        session.network,
        OVERFLOW,
        limits::address::ANONYMOUS_SESSIONS - 1,
    )?;
    execute!(
        transaction,
        "delete from sessions where hash in
           (select hash from sessions where user_id is null
            order by created_at desc, hash limit $1 offset $2)",
        OVERFLOW,
        limits::installation::ANONYMOUS_SESSIONS - 1,
    )?;
    execute!(
        transaction,
        "insert into sessions (hash, data, network, created_at, expires_at)
         values ($1, $2, $3, $4, $5)",
        session.credential,
        session.data,
        session.network,
        session.created_at,
        session.expires_at,
    )?;
    transaction.commit().await
}

/// A session with its user, if it has one.
#[derive(sqlx::FromRow)]
pub(in crate::chat::accounts) struct SessionUserRow {
    /// Meaningless without a `user_id`.
    #[sqlx(flatten)]
    pub user: User,
    pub user_id: Option<UserId>,
    pub time_zone: Option<String>,
    pub data: Option<String>,
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
        "select coalesce(u.id, 0), coalesce(u.name, ''), coalesce(u.display_name, ''),
                coalesce(u.bot, 0), coalesce(u.role, 'member'), u.avatar,
                coalesce(u.about, ''), u.status_emoji, coalesce(u.status_text, ''), u.status_until,
                s.user_id, u.time_zone, s.data, s.expires_at
         from sessions s left join users u on u.id = s.user_id
         where s.hash = $1 and s.expires_at > $2 and u.deactivated_at is null",
        credential,
        now,
    )
}

/// Replaces the data of a session. One without a user gets a new expiry.
pub(in crate::chat::accounts) async fn set_session_data(
    db: &Db,
    credential: CredentialHash,
    data: Option<&str>,
    expires_at: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    execute!(
        transaction,
        "update sessions
         set data = $2, expires_at = case when user_id is null then $3 else expires_at end
         where hash = $1",
        credential,
        data,
        expires_at,
    )?;
    transaction.commit().await
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
