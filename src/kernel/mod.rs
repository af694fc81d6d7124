//! The types that every module may use: ids, time, randomness, paging, token buckets, emoji and the
//! two kinds of errors.
//!
//! Must not use I/O, the database or a framework.

pub mod emoji;
pub mod error;
pub mod field_error;
pub mod ids;
pub mod paging;
pub mod random;
pub mod time;
pub mod token_bucket;

pub use emoji::Emoji;
pub use error::ServiceError;
pub use field_error::FieldError;
pub use ids::{MessageId, Rev, RoomId, Seq, UserId};
pub use random::Random;
pub use time::{Clock, Timestamp};
pub use token_bucket::{TokenBucket, TokenBuckets};
