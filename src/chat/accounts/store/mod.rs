//! The SQL of users and their credentials.

mod administration;
mod avatars;
mod credentials;
mod known_devices;
mod reset_links;
mod revocations;
mod sessions;
mod tokens;
mod users;

pub(super) use self::administration::{
    RoleSet, accounts, deactivate, erase, is_sign_up_closed, reactivate, set_role, set_sign_up,
};
pub(super) use self::avatars::{find_avatar, set_avatar};
pub(super) use self::credentials::{is_good, remove_expired_credentials, revoke_other_sessions};
pub(super) use self::known_devices::{last_seen, prune_known_devices, remember};
pub(super) use self::reset_links::{find_by_reset, remove_expired_resets, set_reset, use_reset};
pub(super) use self::sessions::{
    NewSession, add_session, extend_session, find_by_session, remove_session, sessions,
};
pub(super) use self::tokens::{
    NewToken, add_token, find_by_token, remove_token, tokens, touch_token,
};
pub(super) use self::users::{
    AddOutcome, ChangeOutcome, NewUser, add, email_of, find, find_by_login, find_conflict,
    is_empty, list, password_of, set_display_name, set_email, set_password, set_time_zone,
};

use super::model::{CredentialHash, Role, User};
use crate::db::{column_type, positional_row};
use crate::kernel::UserId;

column_type!(CredentialHash as Vec<u8>, |hash| hash.0.to_vec(), |hash| {
    <[u8; 32]>::try_from(hash).map(Self).map_err(|_| "a hash has 32 bytes".into())
});

positional_row! {
    /// A user, from these columns of `users`.
    pub(in crate::chat) struct UserRow {
        id: UserId,
        name: String,
        display_name: String,
        bot: i64,
        role: String,
        avatar: Option<String>,
    }
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            display_name: row.display_name,
            bot: row.bot != 0,
            role: Role::from_column(&row.role),
            avatar: row.avatar,
        }
    }
}
