//! What a request says: who sends it, from where, from which site, and what it carries.

pub mod auth;
pub mod client_info;
pub mod csrf;
pub mod draft_origin;
pub mod extract;
pub mod forwarded;
pub mod target;
pub mod uploads;
