//! The subjects whose names lists sort and readers compare, and what finds them in a list.

use serde::Deserialize;

use crate::kernel::{RoomId, UserId};
use crate::text::normalize::folded;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat) enum Subject {
    User(UserId),
    Room(RoomId),
}

/// No name is longer.
const LONGEST: usize = 64;

/// What a list is searched for: a part of a name, without regard to case and accents. Empty: everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct NameFilter {
    typed: String,
}

impl NameFilter {
    /// The filter as it was typed.
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    pub fn is_empty(&self) -> bool {
        self.typed.is_empty()
    }

    /// The pattern for `like … escape '\\'` on the column `filter_text`.
    pub(in crate::chat) fn pattern(&self) -> String {
        let mut pattern = "%".to_owned();
        // `@ana` and `#garden` are how messages write names.
        for c in folded(self.typed.trim_start_matches(['@', '#'])).chars() {
            if matches!(c, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        if pattern.len() > 1 {
            pattern.push('%');
        }
        pattern
    }
}

impl From<String> for NameFilter {
    fn from(text: String) -> Self {
        // PostgreSQL refuses NUL, and no name has a control character.
        let line: String = text.chars().filter(|c| !c.is_control()).collect();
        Self { typed: line.trim().chars().take(LONGEST).collect() }
    }
}

/// The names of a subject as `filter_text`. No filter matches across two of them.
pub(super) fn filter_text(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| folded(name)).collect();
    names.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_ignores_case_accents_and_signs_before_names() {
        for (typed, pattern) in [
            ("", "%"),
            ("  ", "%"),
            ("@", "%"),
            (" Lucía ", "%lucia%"),
            ("@TÓM", "%tom%"),
            ("#Garden", "%garden%"),
            ("50%_\\", "%50\\%\\_\\\\%"),
            ("a\0\nb", "%ab%"),
        ] {
            assert_eq!(NameFilter::from(typed.to_owned()).pattern(), pattern, "{typed:?}");
        }
        assert_eq!(NameFilter::from("ñ".repeat(500)).as_str().chars().count(), LONGEST);
        assert_eq!(filter_text(&["ana", "Lucía Ñ"]), "ana\nlucia n");
    }
}
