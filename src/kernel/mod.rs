//! What every ring may use: ids, time, chance, paging, token buckets and the two ways in which things
//! go wrong.
//!
//! Knows no I/O, no database and no framework.

pub mod fault;
pub mod heard;
pub mod ids;
pub mod invalid;
pub mod meters;
pub mod paging;
pub mod random;
pub mod time;
pub mod token_bucket;

pub use fault::Fault;
pub use heard::Heard;
pub use ids::{MessageId, Rev, RoomId, Seq, UserId};
pub use invalid::Invalid;
pub use random::Random;
pub use time::{Clock, Timestamp};
pub use token_bucket::{TokenBucket, TokenBuckets};
