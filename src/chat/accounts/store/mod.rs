//! The SQL of people and of what signs them in.

mod people;
mod sign_ins;

pub(super) use self::people::{
    Added, NewPerson, add, email_of, find_by_login, is_empty, list, password_of, set_display_name,
    set_email, set_password, taken,
};
pub(super) use self::sign_ins::{
    add_session, add_token, extend_session, find_by_session, find_by_token,
    remove_expired_sessions, remove_other_sign_ins, remove_session, remove_token, sessions,
};

use super::model::{Person, Role};
use crate::kernel::UserId;

#[derive(sqlx::FromRow)]
struct PersonRow {
    id: i64,
    name: String,
    display_name: String,
    bot: i64,
    role: String,
}

impl From<PersonRow> for Person {
    fn from(row: PersonRow) -> Self {
        Self {
            id: UserId(row.id),
            name: row.name,
            display_name: row.display_name,
            bot: row.bot != 0,
            role: Role::from_column(&row.role),
        }
    }
}
