//! The SQL of people and of what signs them in.

mod administration;
mod avatars;
mod endings;
mod known_devices;
mod people;
mod revocation;
mod sign_ins;
mod tokens;

pub(super) use self::administration::{
    RoleSet, accounts, deactivate, erase, find_by_reset, is_sign_up_closed, reactivate,
    remove_expired_resets, set_reset, set_role, set_sign_up, use_reset,
};
pub(super) use self::avatars::{find_avatar, set_avatar};
pub(super) use self::endings::{endings_after, last_ending, remove_endings};
pub(super) use self::known_devices::{forget_places, last_seen, remember};
pub(super) use self::people::{
    Added, Changed, NewPerson, add, email_of, find, find_by_login, is_empty, list, password_of,
    set_display_name, set_email, set_password, set_time_zone, taken,
};
pub(super) use self::revocation::{is_good, remove_expired_sign_ins, remove_other_sign_ins};
pub(super) use self::sign_ins::{
    add_session, extend_session, find_by_session, remove_session, sessions,
};
pub(super) use self::tokens::{
    NewToken, add_token, find_by_token, remove_token, tokens, touch_token,
};

use super::model::{Person, Role};
use crate::db::in_order;
use crate::kernel::UserId;

in_order! {
    /// Somebody, out of these columns of `users`.
    pub(in crate::chat) struct PersonRow {
        id: i64,
        name: String,
        display_name: String,
        bot: i64,
        role: String,
        avatar: Option<String>,
    }
}

impl From<PersonRow> for Person {
    fn from(row: PersonRow) -> Self {
        Self {
            id: UserId(row.id),
            name: row.name,
            display_name: row.display_name,
            bot: row.bot != 0,
            role: Role::from_column(&row.role),
            avatar: row.avatar,
        }
    }
}
