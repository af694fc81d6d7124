//! Exports: everything as JSON Lines for programs and as HTML for people, and the way back in.
//!
//! Works on either database and knows no requests. What it asks of the database is in `store`.

mod html;
pub mod jsonl;
pub mod read;
mod store;
pub mod write;
