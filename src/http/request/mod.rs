//! Requests: authentication, client address, origin checks, and parsing of bodies, queries and uploads.

pub mod account;
pub mod auth;
pub mod client_info;
pub mod csrf;
pub mod draft_origin;
pub mod extract;
pub mod forwarded;
pub mod partial;
pub mod target;
pub mod uploads;
