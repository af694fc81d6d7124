//! The SQL of search: `index` keeps it, `find` asks it, `scope` knows for whom and where. What an index holds and is asked is made by
//! the model; the two engines' own texts stand side by side here.

mod criteria;
mod index;
mod lookup;
mod postgres;
mod visibility;

pub(super) use self::criteria::Criteria;
pub(in crate::chat) use self::index::{Indexed, forget, tokens, write};
pub(super) use self::index::{index_earlier, renew};
pub(super) use self::lookup::{at_first, find};
pub(super) use self::visibility::{Scope, people, scope, span};
