//! API tokens.

use super::UserRow;
use super::credentials::{credentials, lock_proven};
use super::revocations::record_revocations;
use crate::chat::accounts::model::{
    CredentialHash, RevocationReason, TokenInfo, TokenLabel, User, VerifiedPassword,
};
use crate::db::{Db, reading, writing};
use crate::kernel::{Timestamp, UserId};
use crate::limits;

pub(in crate::chat::accounts) struct NewToken<'a> {
    pub credential: CredentialHash,
    pub label: &'a TokenLabel,
    pub now: Timestamp,
    pub expires_at: Option<Timestamp>,
}

/// Adds a token. If the user has the maximum number, the least recently used ones are revoked; these
/// are returned. `None` if the password was changed since it was verified.
pub(in crate::chat::accounts) async fn add_token(
    db: &Db,
    proven: &VerifiedPassword,
    new: &NewToken<'_>,
) -> Result<Option<Vec<CredentialHash>>, sqlx::Error> {
    let mut transaction = db.begin().await?;
    // The lock serializes two requests for tokens, so that the second one counts the first.
    if !lock_proven(&mut transaction, proven).await? {
        return Ok(None);
    }
    let kept = i64::try_from(limits::user::TOKENS.saturating_sub(1)).unwrap_or(i64::MAX);
    let revoked: Vec<(Vec<u8>,)> = writing!(transaction, |connection| {
        sqlx::query_as(
            "delete from tokens where user_id = $1 and hash not in
               (select hash from tokens
                where user_id = $1 and (expires_at is null or expires_at > $2)
                order by coalesce(last_used_at, created_at) desc, created_at desc, hash
                limit $3)
             returning hash",
        )
        .bind(proven.user.id.0)
        .bind(new.now.0)
        .bind(kept)
        .fetch_all(connection)
        .await?
    });
    let revoked = credentials(revoked);
    record_revocations(&mut transaction, &revoked, RevocationReason::SignedOut, new.now).await?;
    writing!(transaction, |connection| {
        sqlx::query(
            "insert into tokens (hash, user_id, label, created_at, expires_at)
             values ($1, $2, $3, $4, $5)",
        )
        .bind(new.credential.0.as_slice())
        .bind(proven.user.id.0)
        .bind(new.label.as_str())
        .bind(new.now.0)
        .bind(new.expires_at.map(|at| at.0))
        .execute(connection)
        .await?
        .rows_affected()
    });
    transaction.commit().await?;
    Ok(Some(revoked))
}

/// Whose token this is, and when it was last used.
pub(in crate::chat::accounts) async fn find_by_token(
    db: &Db,
    credential: CredentialHash,
    now: Timestamp,
) -> Result<Option<(User, Option<String>, Option<Timestamp>)>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct Row {
        #[sqlx(flatten)]
        person: UserRow,
        time_zone: Option<String>,
        last_used_at: Option<i64>,
    }
    let row: Option<Row> = reading!(db, |pool| {
        sqlx::query_as(
            "select u.id, u.name, u.display_name, u.bot, u.role, u.avatar, u.time_zone,
                    t.last_used_at
             from tokens t join users u on u.id = t.user_id
             where t.hash = $1 and (t.expires_at is null or t.expires_at > $2)
               and u.deactivated_at is null",
        )
        .bind(credential.0.as_slice())
        .bind(now.0)
        .fetch_optional(pool)
        .await?
    });
    Ok(row.map(|row| (row.person.into(), row.time_zone, row.last_used_at.map(Timestamp))))
}

/// Stores when a token was last used.
pub(in crate::chat::accounts) async fn touch_token(
    db: &Db,
    credential: CredentialHash,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    writing!(transaction, |connection| {
        sqlx::query("update tokens set last_used_at = $2 where hash = $1")
            .bind(credential.0.as_slice())
            .bind(now.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    transaction.commit().await
}

pub(in crate::chat::accounts) async fn remove_token(
    db: &Db,
    credential: CredentialHash,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    writing!(transaction, |connection| {
        sqlx::query("delete from tokens where hash = $1")
            .bind(credential.0.as_slice())
            .execute(connection)
            .await?
            .rows_affected()
    });
    record_revocations(&mut transaction, &[credential], RevocationReason::SignedOut, now).await?;
    transaction.commit().await
}

/// The user's tokens, the newest first.
pub(in crate::chat::accounts) async fn tokens(
    db: &Db,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<TokenInfo>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct Row {
        hash: Vec<u8>,
        label: String,
        created_at: i64,
        last_used_at: Option<i64>,
        expires_at: Option<i64>,
    }
    let rows: Vec<Row> = reading!(db, |pool| {
        sqlx::query_as(
            "select hash, label, created_at, last_used_at, expires_at from tokens
             where user_id = $1 and (expires_at is null or expires_at > $2)
             order by created_at desc, hash",
        )
        .bind(user.0)
        .bind(now.0)
        .fetch_all(pool)
        .await?
    });
    let info = |row: Row| {
        Some(TokenInfo {
            credential: CredentialHash(row.hash.try_into().ok()?),
            label: row.label,
            created_at: Timestamp(row.created_at),
            last_used_at: row.last_used_at.map(Timestamp),
            expires_at: row.expires_at.map(Timestamp),
        })
    };
    Ok(rows.into_iter().filter_map(info).collect())
}
