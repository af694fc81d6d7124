//! Backups of an `SQLite` installation: one archive, verified before it is restored.
//!
//! Knows files and the database, but no requests. Exports, which other programs can read, are in
//! [`crate::export`].

pub mod archive;
pub mod create;
pub mod integrity;
mod rerender;
pub mod restore;
pub mod scratch_dir;
