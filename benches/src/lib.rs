//! Load for a chat server, and what the server pays for it: the parts of `wsload`.
//!
//! One thread reads all connections through epoll and takes frames apart by hand, so that the
//! generator costs as little as it can beside the server it measures. Linux only.

pub mod crowd;
pub mod dialect;
pub mod fanout;
pub mod frames;
pub mod histogram;
pub mod idle;
pub mod ledger;
pub mod page;
pub mod post;
pub mod process;
pub mod reconnect;
pub mod slow;
pub mod stamp;
