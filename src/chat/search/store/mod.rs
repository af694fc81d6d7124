//! The SQL of search: `index` maintains the index, `lookup` queries it, `visibility` computes what the
//! reader may see. The model makes the terms; the texts of the two engines are side by side here.

mod criteria;
mod index;
mod lookup;
mod postgres;
mod visibility;

pub(super) use self::criteria::Criteria;
pub(in crate::chat) use self::index::{IndexEntry, forget, tokens, with_files, write};
pub(super) use self::index::{index_old, renew};
pub(super) use self::lookup::{find, relaxed_criteria};
pub(super) use self::visibility::{Scope, UserNames, scope, span, user_names};
