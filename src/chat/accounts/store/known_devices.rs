//! Where users signed in from before: hashes of devices and addresses, different for each user.

use crate::chat::accounts::model::CredentialHash;
use crate::db::{Db, execute, fetch_one};
use crate::kernel::{Timestamp, UserId};
use crate::limits::user::KNOWN_DEVICES;

/// The hashes of a sign-in.
pub(in crate::chat::accounts) struct SignInHashes {
    /// `None` if the client sent no device cookie.
    pub device: Option<CredentialHash>,
    pub address: CredentialHash,
}

/// When a user last signed in with each of two hashes; `None` if never.
#[derive(sqlx::FromRow)]
pub(in crate::chat::accounts) struct LastSeen {
    pub device: Option<Timestamp>,
    pub address: Option<Timestamp>,
}

/// When a user last signed in with these hashes, if it was later than `after`.
pub(in crate::chat::accounts) async fn last_seen(
    db: &Db,
    user: UserId,
    hashes: &SignInHashes,
    after: Timestamp,
) -> Result<LastSeen, sqlx::Error> {
    fetch_one!(
        db,
        "select (select last_used_at from known_devices
                 where user_id = $1 and hash = $2 and last_used_at > $4) as device,
                (select last_used_at from known_devices
                 where user_id = $1 and hash = $3 and last_used_at > $4) as address",
        user,
        hashes.device,
        hashes.address,
        after,
    )
}

/// Stores that a user signed in with these hashes, and keeps only their latest [`KNOWN_DEVICES`] of
/// all.
pub(in crate::chat::accounts) async fn remember(
    db: &Db,
    user: UserId,
    hashes: &SignInHashes,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    for hash in hashes.device.into_iter().chain([hashes.address]) {
        execute!(
            transaction,
            "insert into known_devices (user_id, hash, last_used_at) values ($1, $2, $3)
             on conflict (user_id, hash) do update set last_used_at = excluded.last_used_at",
            user,
            hash,
            now,
        )?;
    }
    execute!(
        transaction,
        "delete from known_devices where user_id = $1 and hash not in
           (select hash from known_devices where user_id = $1
            order by last_used_at desc, hash limit $2)",
        user,
        KNOWN_DEVICES,
    )?;
    transaction.commit().await
}

/// Deletes hashes that no user signed in with for too long.
pub(in crate::chat::accounts) async fn prune_known_devices(
    db: &Db,
    before: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    execute!(transaction, "delete from known_devices where last_used_at <= $1", before)?;
    transaction.commit().await
}
