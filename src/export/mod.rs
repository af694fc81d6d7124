//! Exports: all data as JSON Lines for programs and as HTML for people, and the import of an
//! export.
//!
//! Works on both database engines and knows no requests. Its SQL is in `records` and in `store`.

mod html;
mod jsonl;
pub mod read;
pub mod records;
mod store;
pub mod write;
