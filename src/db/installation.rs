//! Values of the installation as a whole, in the table `meta`.

use super::{Db, writing};
use crate::kernel::Timestamp;

impl Db {
    /// Returns the epoch of this installation. A new installation gets `fresh`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn epoch(&self, fresh: &str) -> Result<String, sqlx::Error> {
        let mut transaction = self.begin().await?;
        writing!(transaction, |connection| {
            sqlx::query(
                "insert into meta (name, value) values ('epoch', $1) on conflict do nothing",
            )
            .bind(fresh)
            .execute(connection)
            .await?
            .rows_affected()
        });
        let (epoch,): (String,) = writing!(transaction, |connection| {
            sqlx::query_as("select value from meta where name = 'epoch'")
                .fetch_one(connection)
                .await?
        });
        transaction.commit().await?;
        Ok(epoch)
    }

    /// Checks that the database can be written: stores the current time.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn test_write(&self, now: Timestamp) -> Result<(), sqlx::Error> {
        let mut transaction = self.begin().await?;
        writing!(transaction, |connection| {
            sqlx::query(
                "insert into meta (name, value) values ('ready_at', $1)
                 on conflict (name) do update set value = excluded.value",
            )
            .bind(now.rfc3339())
            .execute(connection)
            .await?
            .rows_affected()
        });
        transaction.commit().await
    }
}
