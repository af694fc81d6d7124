//! Exports: all data as JSON Lines for programs and as HTML for people, and the import of an
//! export.
//!
//! Works on both database engines and knows no requests. Its SQL is in `store`.

mod html;
pub mod jsonl;
pub mod read;
mod store;
pub mod write;
