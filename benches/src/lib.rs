//! Load for a chat server, and the resources that the server uses: the modules of `wsload`.
//!
//! One thread reads all connections with epoll and parses frames itself, so that the generator uses as
//! little processor time as possible next to the server it measures. Linux only.

pub mod clients;
pub mod delivery_log;
pub mod fanout;
pub mod frames;
pub mod histogram;
pub mod idle;
pub mod latency_stamp;
pub mod page;
pub mod post;
pub mod process;
pub mod protocol;
pub mod reconnect;
pub mod slow;
