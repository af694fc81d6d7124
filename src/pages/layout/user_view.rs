//! People as pages show them: avatar, name, whether they are there.

use askama::Template;
use unicode_segmentation::UnicodeSegmentation;

use crate::chat::accounts::model::{Role, User};
use crate::http::Language;
use crate::kernel::UserId;
use crate::text::collation::sort_key;

pub(in crate::pages) struct PersonView {
    pub id: i64,
    pub name: String,
    pub display_name: String,
    pub hue: i64,
    pub initials: String,
    pub photo: Option<String>,
    pub online: bool,
    pub admin: bool,
}

impl PersonView {
    /// Where somebody stands among others, as browsers compare it.
    pub fn sort_key(&self) -> String {
        sort_key(&self.display_name)
    }

    pub fn new(person: User, online: bool) -> Self {
        Self {
            id: person.id.0,
            hue: hue_of(person.id),
            initials: initials(&person.display_name),
            online,
            admin: person.role == Role::Admin,
            name: person.name,
            display_name: person.display_name,
            photo: person.avatar,
        }
    }
}

/// One of the eight tiles of the avatars.
pub(in crate::pages) fn hue_of(user: UserId) -> i64 {
    user.0 % 8 + 1
}

/// The first letters of the first and the last word, or the first two of a single one.
pub fn initials(name: &str) -> String {
    let mut words = name.split([' ', '.', '-', '_']).filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default().graphemes(true);
    let letters: String = match words.next_back() {
        None => first.take(2).collect(),
        Some(last) => first.take(1).chain(last.graphemes(true).take(1)).collect(),
    };
    letters.to_uppercase()
}

#[derive(Template)]
#[template(path = "rooms/_member.html")]
struct MemberRow {
    p: PersonView,
    t: Language,
}

/// A row of the people panel, for somebody who just came.
///
/// # Errors
/// When the template cannot be rendered.
pub fn member_row(person: &User, online: bool, t: Language) -> askama::Result<String> {
    MemberRow { p: PersonView::new(person.clone(), online), t }.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_two_letters_as_people_write_them() {
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
