//! Text in all scripts: visibility, addresses, confusable names, normalization of names and words, messages as HTML,
//! and the sort order of names.
//!
//! Knows no feature, no database and no user's language.

pub mod addresses;
pub mod collation;
pub mod effort;
pub mod emoji;
pub mod links;
pub mod names;
pub mod normalize;
pub mod render;
pub mod scripts;
pub mod snippet;
pub mod tokenizer;
pub mod visible;
pub mod web_page;
