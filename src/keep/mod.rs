//! Keeping what people wrote: backups that are proved before they are trusted, and exports that
//! other programs, other databases and people's browsers can read.
//!
//! Knows files and the database, and nothing of requests. What is asked of the database stands in
//! [`store`].

pub mod archive;
pub mod backup;
pub mod export;
pub mod import;
pub mod lines;
mod pages;
pub mod progress;
pub mod restore;
mod store;
