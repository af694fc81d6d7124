//! API tokens.

use super::USER_COLUMNS;
use super::credentials::lock_verified_user;
use super::revocations::record_revocations;
use crate::chat::accounts::model::{
    CredentialHash, RevocationReason, TokenInfo, TokenLabel, User, VerifiedPassword,
};
use crate::db::{Db, execute, fetch_all, fetch_optional, fetch_scalars};
use crate::kernel::{Timestamp, UserId};
use crate::limits::user::TOKENS;

/// A token to add.
pub(in crate::chat::accounts) struct NewToken<'a> {
    pub credential: CredentialHash,
    pub label: &'a TokenLabel,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

/// Adds a token. If the user has the maximum number, the least recently used ones are revoked; these
/// are returned. `None` if the password was changed since it was verified.
pub(in crate::chat::accounts) async fn add_token(
    db: &Db,
    verified: &VerifiedPassword,
    token: &NewToken<'_>,
) -> Result<Option<Vec<CredentialHash>>, sqlx::Error> {
    let user = verified.user.id;
    let now = token.created_at;
    let mut transaction = db.begin().await?;
    // The lock serializes two requests for tokens, so that the second one counts the first.
    if !lock_verified_user(&mut transaction, verified).await? {
        return Ok(None);
    }
    let revoked: Vec<CredentialHash> = fetch_scalars!(
        transaction,
        "delete from tokens where user_id = $1 and hash not in
           (select hash from tokens
            where user_id = $1 and (expires_at is null or expires_at > $2)
            order by coalesce(last_used_at, created_at) desc, created_at desc, hash
            limit $3)
         returning hash",
        user,
        now,
        TOKENS - 1,
    )?;
    record_revocations(&mut transaction, &revoked, RevocationReason::SignedOut, now).await?;
    execute!(
        transaction,
        "insert into tokens (hash, user_id, label, created_at, expires_at)
         values ($1, $2, $3, $4, $5)",
        token.credential,
        user,
        token.label.as_str(),
        token.created_at,
        token.expires_at,
    )?;
    transaction.commit().await?;
    Ok(Some(revoked))
}

/// A token with its user.
#[derive(sqlx::FromRow)]
pub(in crate::chat::accounts) struct TokenUserRow {
    #[sqlx(flatten)]
    pub user: User,
    pub time_zone: Option<String>,
    pub last_used_at: Option<Timestamp>,
}

/// A token that has not expired, if its user's account is open.
pub(in crate::chat::accounts) async fn find_by_token(
    db: &Db,
    credential: CredentialHash,
    now: Timestamp,
) -> Result<Option<TokenUserRow>, sqlx::Error> {
    fetch_optional!(
        db,
        concat!(
            "select ",
            USER_COLUMNS!(),
            ", u.time_zone, t.last_used_at
             from tokens t join users u on u.id = t.user_id
             where t.hash = $1 and (t.expires_at is null or t.expires_at > $2)
               and u.deactivated_at is null"
        ),
        credential,
        now,
    )
}

/// Stores when a token was last used.
pub(in crate::chat::accounts) async fn touch_token(
    db: &Db,
    credential: CredentialHash,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    execute!(transaction, "update tokens set last_used_at = $2 where hash = $1", credential, now)?;
    transaction.commit().await
}

/// The user's tokens, the newest first.
pub(in crate::chat::accounts) async fn tokens(
    db: &Db,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<TokenInfo>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct TokenRow {
        hash: CredentialHash,
        label: String,
        created_at: Timestamp,
        last_used_at: Option<Timestamp>,
        expires_at: Option<Timestamp>,
    }
    let rows: Vec<TokenRow> = fetch_all!(
        db,
        "select hash, label, created_at, last_used_at, expires_at from tokens
         where user_id = $1 and (expires_at is null or expires_at > $2)
         order by created_at desc, hash",
        user,
        now,
    )?;
    let info = |row: TokenRow| TokenInfo {
        credential: row.hash,
        label: row.label,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        expires_at: row.expires_at,
    };
    Ok(rows.into_iter().map(info).collect())
}
