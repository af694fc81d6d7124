//! Keeping what people wrote: backups that are proved before they are trusted, and exports that
//! other programs, other databases and people's browsers can read.
//!
//! Knows files and the database, and nothing of requests. What is asked of the database stands in
//! `store`.

pub mod archive;
pub mod backup;
pub mod export;
mod html;
pub mod import;
pub mod jsonl;
pub mod progress;
pub mod restore;
pub mod scratch_dir;
mod store;

/// Bytes in hexadecimal, two digits each.
fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
