//! Data derived from the names of users and rooms: sort keys and filter texts for lists, and keys to
//! find names that readers could confuse.
//!
//! This module knows no accounts, rooms or permissions. A feature that stores a name calls
//! `store::lock`, then `store::is_like_a_user` (or the same for a room), and then `store::record`, in
//! one transaction.

pub mod model;
pub(in crate::chat) mod store;

use crate::db::Db;
use crate::kernel::ServiceError;

/// Records the keys of names that have none: names older than this table, imported names, and names
/// whose keys were made by another version of the collation.
pub async fn fill(db: &Db) -> Result<(), ServiceError> {
    store::forget_old_order(db).await?;
    while store::fill_some(db).await? {}
    Ok(())
}
