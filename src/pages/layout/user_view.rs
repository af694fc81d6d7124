//! Users as pages show them: avatar, name, online status.

use std::borrow::Cow;

use askama::Template;
use unicode_segmentation::UnicodeSegmentation;

use crate::chat::accounts::model::{ListedUser, Role, Status, User, UserRef};
use crate::chat::nodes::{Nodes, PresenceGap};
use crate::http::Language;
use crate::kernel::{Timestamp, UserId};
use crate::text::collation::sort_key;

/// What a list of users says if it may not know who is online.
pub(in crate::pages) fn presence_gap(nodes: &Nodes, t: Language) -> Option<&'static str> {
    Some(match nodes.presence_gap()? {
        PresenceGap::BusAway => t.text("presence-outdated"),
        PresenceGap::NoBus => t.text("presence-partial"),
    })
}

/// A status that is not over.
pub(in crate::pages) struct StatusView {
    pub emoji: &'static str,
    pub text: String,
    /// When it ends, in milliseconds; empty if the user ends it. Scripts hide it then.
    pub until: String,
}

impl StatusView {
    pub fn new(status: &Status) -> Self {
        Self {
            emoji: status.emoji.as_str(),
            text: status.text.as_str().to_owned(),
            until: status.until.map_or_else(String::new, |until| until.0.to_string()),
        }
    }
}

pub(in crate::pages) struct UserView {
    pub id: i64,
    pub name: String,
    pub display_name: String,
    pub hue: i64,
    pub initials: String,
    pub photo: Option<String>,
    pub online: bool,
    pub admin: bool,
    pub status: Option<StatusView>,
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

    pub fn of_listed(listed: ListedUser, online: bool, now: Timestamp) -> Self {
        Self { stored_sort_key: Some(listed.sort_key), ..Self::new(listed.user, online, now) }
    }

    /// `now` decides whether the status is over.
    pub fn new(user: User, online: bool, now: Timestamp) -> Self {
        let status = user.profile.status(now).map(StatusView::new);
        Self { status, ..Self::plain(user, online) }
    }

    /// Without the status.
    pub fn plain(user: User, online: bool) -> Self {
        let User { id, name, display_name, bot, role, avatar, .. } = user;
        let plain = UserRef { id, name, display_name, bot, avatar };
        Self { admin: role == Role::Admin, ..Self::of_ref(plain, online) }
    }

    pub fn of_ref(user: UserRef, online: bool) -> Self {
        Self {
            stored_sort_key: None,
            id: user.id.0,
            hue: hue_of(user.id),
            initials: initials(&user.display_name),
            online,
            admin: false,
            status: None,
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
pub fn member_row(
    user: &User,
    online: bool,
    now: Timestamp,
    t: Language,
) -> askama::Result<String> {
    MemberRow { p: UserView::new(user.clone(), online, now), t, says_online: false }.render()
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
