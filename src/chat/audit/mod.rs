//! The audit log: what users did to other users and their content, for administrators. A row is written
//! in the transaction of the action, so that neither exists without the other, and it never changes:
//! triggers refuse updates and deletions. It contains names and ids, never message texts.

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

    /// Entries before the given one (or the newest), newest first.
    pub async fn page(
        &self,
        _: &Admin,
        before: Option<AuditId>,
        limit: Limit,
    ) -> Result<Page<AuditEntry>, ServiceError> {
        Ok(store::page(&self.db, before, limit).await?)
    }
}
