//! Users as pages show them: avatar, name, online status.

use std::borrow::Cow;

use askama::Template;
use unicode_segmentation::UnicodeSegmentation;

use crate::chat::accounts::model::{ListedUser, Role, User};
use crate::http::Language;
use crate::kernel::UserId;
use crate::text::collation::sort_key;

pub(in crate::pages) struct UserView {
    pub id: i64,
    pub name: String,
    pub display_name: String,
    pub hue: i64,
    pub initials: String,
    pub photo: Option<String>,
    pub online: bool,
    pub admin: bool,
    stored_sort_key: Option<String>,
}

impl UserView {
    /// The sort key that browsers compare.
    pub fn sort_key(&self) -> Cow<'_, str> {
        match &self.stored_sort_key {
            Some(key) => Cow::Borrowed(key),
            None => Cow::Owned(sort_key(&self.display_name)),
        }
    }

    pub fn of_listed(listed: ListedUser, online: bool) -> Self {
        Self { stored_sort_key: Some(listed.sort_key), ..Self::new(listed.user, online) }
    }

    pub fn new(user: User, online: bool) -> Self {
        Self {
            stored_sort_key: None,
            id: user.id.0,
            hue: hue_of(user.id),
            initials: initials(&user.display_name),
            online,
            admin: user.role == Role::Admin,
            name: user.name,
            display_name: user.display_name,
            photo: user.avatar,
        }
    }
}

/// The avatar color, one of eight.
pub(in crate::pages) fn hue_of(user: UserId) -> i64 {
    user.0 % 8 + 1
}

/// The first letters of the first and last word, or the first two letters of a single word.
pub fn initials(name: &str) -> String {
    let mut words = name.split([' ', '.', '-', '_']).filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default();
    let letters = match words.next_back() {
        None => first_letters(first, 2).to_owned(),
        Some(last) => [first_letters(first, 1), first_letters(last, 1)].concat(),
    };
    letters.to_uppercase()
}

fn first_letters(word: &str, count: usize) -> &str {
    // A page has a hundred names. Most are ASCII, where a letter is a byte.
    let end = if word.is_ascii() {
        count.min(word.len())
    } else {
        word.grapheme_indices(true).nth(count).map_or(word.len(), |(at, _)| at)
    };
    word.get(..end).unwrap_or(word)
}

#[derive(Template)]
#[template(path = "rooms/_member.html")]
struct MemberRow {
    p: UserView,
    t: Language,
    says_online: bool,
}

/// A row of the member list, for a user who just joined or came online.
///
/// # Errors
/// If the template cannot be rendered.
pub fn member_row(user: &User, online: bool, t: Language) -> askama::Result<String> {
    MemberRow { p: UserView::new(user.clone(), online), t, says_online: false }.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_at_most_two_letters() {
        for (name, letters) in [
            ("Lucía Fernández", "LF"),
            ("ana", "AN"),
            ("luis.m", "LM"),
            ("María del Mar Soler", "MS"),
            ("田中", "田中"),
            ("ñu", "ÑU"),
            ("x", "X"),
            ("", ""),
        ] {
            assert_eq!(initials(name), letters, "{name}");
        }
    }
}
