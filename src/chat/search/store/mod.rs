//! The SQL of search: `index` keeps it, `find` asks it. What an index holds and is asked is made by
//! the model; the two engines' own texts stand side by side here.

mod find;
mod index;

pub(super) use self::find::{Wanted, find, people};
pub(super) use self::index::index_earlier;
pub(in crate::chat) use self::index::{Indexed, forget, tokens, write};
