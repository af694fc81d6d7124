//! What is asked of a database to keep it.

mod copy;
mod html;
mod transfer;

pub(super) use self::copy::{Facts, facts, renew, sign_out, violations};
pub(super) use self::html::rerender_messages;
pub(super) use self::transfer::{
    clear, each, finish_import, is_empty, last_message, pictures, put, put_picture, violation,
};
