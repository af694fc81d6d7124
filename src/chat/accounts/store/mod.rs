//! The SQL of users and their credentials.

mod administration;
mod avatars;
mod credentials;
mod known_devices;
mod lists;
mod profiles;
mod reset_links;
mod revocations;
mod sessions;
mod tokens;
mod users;

pub(super) use self::administration::{
    RoleSet, deactivate, erase, is_sign_up_closed, reactivate, set_role, set_sign_up,
};
pub(super) use self::avatars::{NewAvatar, find_avatar, set_avatar};
pub(in crate::chat) use self::credentials::IS_VALID_CREDENTIAL;
pub(super) use self::credentials::{
    remove_credential, remove_expired_credentials, revoke_other_sessions,
};
pub(super) use self::known_devices::{SignInHashes, last_seen, prune_known_devices, remember};
pub(in crate::chat) use self::lists::{LISTED_USER_COLUMNS, ListedUserRow};
pub(super) use self::lists::{account, account_page, accounts, count, list, page};
pub(super) use self::profiles::{find_known, find_some, set_profile};
pub(super) use self::reset_links::{
    NewResetLink, find_by_reset, remove_expired_resets, set_reset, use_reset,
};
pub(super) use self::sessions::{
    NewAnonymousSession, NewSession, add_anonymous_session, add_session, extend_session,
    find_by_session, sessions, set_session_data,
};
pub(super) use self::tokens::{NewToken, add_token, find_by_token, tokens, touch_token};
pub(super) use self::users::{
    AddOutcome, ChangeOutcome, NewUser, UserWithPassword, add, email_of, find, find_by_login,
    find_conflict, is_empty, password_of, set_display_name, set_email, set_password, set_time_zone,
};

use super::model::{CredentialHash, Role, User};
use crate::db::column_type;

column_type!(CredentialHash as Vec<u8>, |hash| hash.0.to_vec(), |hash| {
    <[u8; 32]>::try_from(hash).map(Self).map_err(|_| "a hash has 32 bytes".into())
});
column_type!(Role as String, |role| role.as_str().to_owned(), |role| {
    Self::parse(&role).ok_or_else(|| "a role is admin or member".into())
});

/// Declares a row that begins with the columns of [`USER_COLUMNS!`]; its own fields follow.
macro_rules! user_row {
    ($(#[$doc:meta])* $sight:vis struct $name:ident { $($field:ident: $type:ty,)* }) => {
        $crate::db::positional_row! {
            $(#[$doc])*
            $sight struct $name {
                id: $crate::kernel::UserId,
                name: String,
                display_name: String,
                bot: i64,
                role: $crate::chat::accounts::model::Role,
                avatar: Option<String>,
                about: String,
                status_emoji: Option<String>,
                status_text: String,
                status_until: Option<$crate::kernel::Timestamp>,
                $($field: $type,)*
            }
        }

        impl $name {
            /// Moves the user out of the row.
            pub(in crate::chat) fn take_user(&mut self) -> $crate::chat::accounts::model::User {
                use std::mem::take;

                use $crate::chat::accounts::model::{About, Profile, Status, User};

                let emoji = self.status_emoji.as_deref();
                let status = Status::stored(emoji, take(&mut self.status_text), self.status_until);
                User {
                    id: self.id,
                    name: take(&mut self.name),
                    display_name: take(&mut self.display_name),
                    bot: self.bot != 0,
                    role: self.role,
                    avatar: self.avatar.take(),
                    profile: Profile { about: About::stored(take(&mut self.about)), status },
                }
            }
        }
    };
}
pub(in crate::chat) use user_row;

/// The columns of the table `u` that make a [`User`].
macro_rules! USER_COLUMNS {
    () => {
        "u.id, u.name, u.display_name, u.bot, u.role, u.avatar,
         u.about, u.status_emoji, u.status_text, u.status_until"
    };
}
pub(in crate::chat) use USER_COLUMNS;

user_row! {
    /// The columns of [`USER_COLUMNS!`]. A query selects them first.
    pub(in crate::chat) struct UserRow {}
}

impl From<UserRow> for User {
    fn from(mut row: UserRow) -> Self {
        row.take_user()
    }
}

impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for User
where
    UserRow: sqlx::FromRow<'r, R>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        UserRow::from_row(row).map(Self::from)
    }
}
