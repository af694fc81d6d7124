//! Values of the installation as a whole, in the table `settings`.

use super::{Db, Transaction, execute, fetch_scalar};
use crate::kernel::Timestamp;

/// Stores a value of the installation, in place of an earlier one.
pub(crate) async fn set_setting(
    transaction: &mut Transaction,
    name: &'static str,
    value: &str,
) -> Result<(), sqlx::Error> {
    execute!(
        transaction,
        "insert into settings (name, value) values ($1, $2)
         on conflict (name) do update set value = excluded.value",
        name,
        value,
    )?;
    Ok(())
}

impl Db {
    /// Returns the epoch of this installation. A new installation gets `fresh`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn epoch(&self, fresh: &str) -> Result<String, sqlx::Error> {
        self.setting("epoch", fresh).await
    }

    /// Returns the key with which the processes of this installation sign what they tell each other. A new
    /// installation gets `fresh`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn bus_key(&self, fresh: &str) -> Result<String, sqlx::Error> {
        self.setting("bus_key", fresh).await
    }

    /// Returns a value of the installation: `fresh` if it has none yet. Of several processes, the first one wins.
    async fn setting(&self, name: &'static str, fresh: &str) -> Result<String, sqlx::Error> {
        let mut transaction = self.begin().await?;
        execute!(
            transaction,
            "insert into settings (name, value) values ($1, $2) on conflict do nothing",
            name,
            fresh
        )?;
        let value: String =
            fetch_scalar!(transaction, "select value from settings where name = $1", name)?;
        transaction.commit().await?;
        Ok(value)
    }

    /// Checks that the database can be written: stores the current time.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn test_write(&self, now: Timestamp) -> Result<(), sqlx::Error> {
        let mut transaction = self.begin().await?;
        set_setting(&mut transaction, "ready_at", &now.rfc3339()).await?;
        transaction.commit().await
    }
}
