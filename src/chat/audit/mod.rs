//! The audit log: who did what to others, for administrators. A row is written in the transaction of
//! the action, so that neither exists without the other, and is never changed: triggers refuse it.
//! It holds names and numbers, never what somebody wrote.

pub mod model;
mod store;

use self::model::{AuditEntry, AuditId};
pub(in crate::chat) use self::store::record;
use super::accounts::model::Admin;
use crate::db::Db;
use crate::kernel::ServiceError;
use crate::kernel::paging::{Limit, Page};

#[derive(Clone)]
pub struct Audit {
    db: Db,
}

impl Audit {
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// Entries before that one, or the newest, the newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn page(
        &self,
        _: &Admin,
        before: Option<AuditId>,
        limit: Limit,
    ) -> Result<Page<AuditEntry>, ServiceError> {
        Ok(store::page(&self.db, before, limit).await?)
    }
}
