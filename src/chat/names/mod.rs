//! Names of users and rooms as the database keeps them beside the names themselves: where they stand
//! in lists, and which of them a reader cannot tell apart.
//!
//! Knows no account, no room and no right. A feature that stores a name calls `store::lock`, asks
//! whether it `store::is_like_a_user` or a room, and calls `store::record`, in one transaction.

pub(in crate::chat) mod model;
pub(in crate::chat) mod store;

use crate::db::Db;
use crate::kernel::ServiceError;

/// Records what is missing: of names that are older than this table, that an import brought, or that
/// another version of the collation sorted.
///
/// # Errors
/// When it cannot be written.
pub async fn fill(db: &Db) -> Result<(), ServiceError> {
    store::forget_old_order(db).await?;
    while store::fill_some(db).await? {}
    Ok(())
}
