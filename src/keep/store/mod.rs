//! What is asked of a database to keep it.

mod copy;
mod html;
mod transfer;

pub(super) use self::copy::{Facts, complaints, facts, renew, sign_out};
pub(super) use self::html::render_again;
pub(super) use self::transfer::{
    clear, complaint, each, is_empty, last_message, pictures, put, put_picture, settle,
};
