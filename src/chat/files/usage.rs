//! How much space files take: in total, per room and per user.

use super::Files;
use super::store;
pub use super::store::{KindUsage, RoomUsage, TotalUsage, UserUsage};
use crate::chat::accounts::model::Admin;
use crate::data_dir;
use crate::kernel::ServiceError;
use crate::limits::installation::DISK_RESERVE;

/// Rooms and users that are listed.
const LISTED: i64 = 50;

/// What files take, for administrators.
pub struct Usage {
    pub total: TotalUsage,
    pub kinds: Vec<KindUsage>,
    /// The largest first. Direct messages and groups are one entry.
    pub rooms: Vec<RoomUsage>,
    /// The largest first.
    pub users: Vec<UserUsage>,
    /// Bytes that files may still take of the disk with the contents; `None` on a server.
    pub free: Option<u64>,
}

impl Files {
    /// Adds up what files take.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn usage(&self, _: &Admin) -> Result<Usage, ServiceError> {
        Ok(Usage {
            total: store::total_usage(&self.db).await?,
            kinds: store::usage_of_kinds(&self.db).await?,
            rooms: store::usage_of_rooms(&self.db, LISTED).await?,
            users: store::usage_of_users(&self.db, LISTED).await?,
            free: self
                .storage
                .directory()
                .map(|directory| data_dir::free_space(directory).saturating_sub(DISK_RESERVE)),
        })
    }
}
