//! Text in all scripts: what of it can be seen, where addresses are in it, which names look alike, in
//! which form names and words are compared, and in which order names stand.
//!
//! Knows no feature, no database and no language of the reader.

pub mod addresses;
pub mod collation;
pub mod effort;
pub mod links;
pub mod names;
pub mod normalize;
pub mod scripts;
pub mod snippet;
pub mod tokenizer;
pub mod visible;
