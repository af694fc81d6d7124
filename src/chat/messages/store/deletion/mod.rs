//! Deletes messages in bulk: all of a user, or all of a deleted room.

mod erasure;
mod purge;

pub(in crate::chat::messages) use self::erasure::{erase_later, next_to_erase, record_erased};
pub(in crate::chat::messages) use self::purge::{
    forget_thread, next_thread_to_purge, purge_batch, purge_later,
};
