//! What is known of the installation as a whole.

use super::{Db, writing};
use crate::kernel::Timestamp;

impl Db {
    /// The name of this installation's history: `fresh` for a new one, else the one it got then.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn epoch(&self, fresh: &str) -> Result<String, sqlx::Error> {
        let mut change = self.begin().await?;
        writing!(change, |connection| {
            sqlx::query(
                "insert into meta (name, value) values ('epoch', $1) on conflict do nothing",
            )
            .bind(fresh)
            .execute(connection)
            .await?
            .rows_affected()
        });
        let (epoch,): (String,) = writing!(change, |connection| {
            sqlx::query_as("select value from meta where name = 'epoch'")
                .fetch_one(connection)
                .await?
        });
        change.commit().await?;
        Ok(epoch)
    }

    /// Stores the time, to see that something can be stored.
    ///
    /// # Errors
    /// When nothing can be.
    pub async fn test_write(&self, now: Timestamp) -> Result<(), sqlx::Error> {
        let mut change = self.begin().await?;
        writing!(change, |connection| {
            sqlx::query(
                "insert into meta (name, value) values ('ready_at', $1)
                 on conflict (name) do update set value = excluded.value",
            )
            .bind(now.rfc3339())
            .execute(connection)
            .await?
            .rows_affected()
        });
        change.commit().await
    }
}
