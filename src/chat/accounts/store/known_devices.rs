//! Where users signed in from before: hashes of devices and addresses, different for each user.

use crate::chat::accounts::model::CredentialHash;
use crate::db::{Db, reading, writing};
use crate::kernel::{Timestamp, UserId};
use crate::limits::user::KNOWN_DEVICES;

/// When a user last signed in with each of two hashes; `None` if never, or not since `after`.
pub(in crate::chat::accounts) async fn last_seen(
    db: &Db,
    user: UserId,
    (device, address): (Option<CredentialHash>, CredentialHash),
    after: Timestamp,
) -> Result<(Option<Timestamp>, Option<Timestamp>), sqlx::Error> {
    let device: Option<&[u8]> = device.as_ref().map(|device| device.0.as_slice());
    let (device, address): (Option<i64>, Option<i64>) = reading!(db, |pool| {
        sqlx::query_as(
            "select (select last_used_at from known_devices
                     where user_id = $1 and hash = $2 and last_used_at > $4),
                    (select last_used_at from known_devices
                     where user_id = $1 and hash = $3 and last_used_at > $4)",
        )
        .bind(user.0)
        .bind(device)
        .bind(address.0.as_slice())
        .bind(after.0)
        .fetch_one(pool)
        .await?
    });
    Ok((device.map(Timestamp), address.map(Timestamp)))
}

/// Stores that a user signed in with these hashes, and keeps only their latest [`KNOWN_DEVICES`] of
/// all.
pub(in crate::chat::accounts) async fn remember(
    db: &Db,
    user: UserId,
    hashes: &[CredentialHash],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    for hash in hashes {
        writing!(transaction, |connection| {
            sqlx::query(
                "insert into known_devices (user_id, hash, last_used_at) values ($1, $2, $3)
                 on conflict (user_id, hash) do update set last_used_at = excluded.last_used_at",
            )
            .bind(user.0)
            .bind(hash.0.as_slice())
            .bind(now.0)
            .execute(connection)
            .await?
            .rows_affected()
        });
    }
    writing!(transaction, |connection| {
        sqlx::query(
            "delete from known_devices where user_id = $1 and hash not in
               (select hash from known_devices where user_id = $1
                order by last_used_at desc, hash limit $2)",
        )
        .bind(user.0)
        .bind(KNOWN_DEVICES)
        .execute(connection)
        .await?
        .rows_affected()
    });
    transaction.commit().await
}

/// Deletes hashes that no user signed in with for too long.
pub(in crate::chat::accounts) async fn prune_known_devices(
    db: &Db,
    before: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    writing!(transaction, |connection| {
        sqlx::query("delete from known_devices where last_used_at <= $1")
            .bind(before.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    transaction.commit().await
}
