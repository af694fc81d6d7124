//! A transaction on a `PostgreSQL` server.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgConnection;
use tokio::sync::Notify;

use super::{ANSWER_TIMEOUT, PostgresPool, answer};
use crate::db::postgres::PostgresConnection;

/// Rolled back if it is dropped without a commit.
pub struct PostgresTransaction {
    connection: PostgresConnection,
    /// How long to wait for the answer to a statement.
    pub(in crate::db) limit: Option<Duration>,
    /// Whether it recorded a change for the other processes.
    pub(in crate::db) records_change: bool,
    change_committed: Arc<Notify>,
}

impl PostgresTransaction {
    pub(in crate::db) async fn begin(
        pool: &PostgresPool,
        begin: &'static str,
    ) -> Result<Self, sqlx::Error> {
        let connection = pool.acquire().await?;
        let mut transaction = Self {
            connection,
            limit: Some(ANSWER_TIMEOUT),
            records_change: false,
            change_committed: pool.change_committed().clone(),
        };
        transaction.run(begin).await?;
        Ok(transaction)
    }

    pub(in crate::db) async fn commit(mut self) -> Result<(), sqlx::Error> {
        let committed = self.run("commit").await;
        self.connection.settle(&committed);
        if committed.is_ok() && self.records_change {
            self.change_committed.notify_one();
        }
        committed
    }

    /// Lifts the limits on time, for a transaction that reads or writes everything.
    pub(in crate::db) async fn lift_limits(&mut self) -> Result<(), sqlx::Error> {
        self.run(
            "set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0",
        )
        .await?;
        self.limit = None;
        Ok(())
    }

    async fn run(&mut self, statement: &'static str) -> Result<(), sqlx::Error> {
        let running = sqlx::raw_sql(statement).execute(&mut *self.connection);
        answer(self.limit, running).await.map(drop)
    }
}

impl Deref for PostgresTransaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for PostgresTransaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
