//! Why a file is not accepted.

use std::time::Duration;

use crate::kernel::ServiceError;

#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The user has no such upload.
    #[error("no such upload")]
    NotFound,
    /// The file is larger than allowed; the limit in bytes.
    #[error("the file is too large")]
    TooLarge(u64),
    /// The user's files would take more space than allowed; the limit in bytes.
    #[error("the user's files take too much space")]
    Quota(u64),
    /// The files of all users would take more space than allowed; the limit in bytes.
    #[error("the files of all users take too much space")]
    InstallationQuota(u64),
    /// Too many files of the user are in no message.
    #[error("too many files wait")]
    TooManyWaiting,
    /// Too many files arrive at the same time.
    #[error("too many files arrive")]
    Busy,
    /// The files that were announced would fill the disk.
    #[error("the disk has no space for the file")]
    NoSpace,
    /// Another request writes to this upload.
    #[error("the upload is in use")]
    InUse,
    /// The bytes do not follow those that have arrived.
    #[error("the offset is another one")]
    WrongOffset,
    /// More bytes than announced.
    #[error("more bytes than announced")]
    TooLong,
    /// The sender went away. What has arrived is kept.
    #[error("the sender went away")]
    Interrupted,
    /// The sender is slower than allowed. What has arrived is kept.
    #[error("the sender is too slow")]
    TooSlow,
    /// The file may hold a place or the name of a device, and that cannot be removed.
    #[error("the metadata of the file cannot be removed")]
    Damaged,
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl UploadError {
    /// When a refused file may be sent again.
    pub const AGAIN_AFTER: Duration = Duration::from_secs(5);
}
