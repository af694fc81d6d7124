//! Backups of an `SQLite` installation: one archive, checked before anybody relies on it.
//!
//! Knows files and the database, and no requests. Exports, which other programs can read, are in
//! [`crate::export`].

pub mod archive;
pub mod create;
pub mod integrity;
mod rerender;
pub mod restore;
pub mod scratch_dir;
