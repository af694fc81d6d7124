//! What an index holds for a message, and what it is asked.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::chat::messages::model::Message;
use crate::chat::rooms::model::Member;
use crate::kernel::{RoomId, UserId};
use crate::text::tokenizer::{Kind, Token, tokens};

/// What search knows of a message.
#[derive(Clone, Debug)]
pub struct SearchDocument {
    pub room: RoomId,
    pub author: UserId,
    pub body: String,
    /// Whether there is a link to click in it.
    pub link: bool,
}

/// Something else than a word that a message is found by. They begin with characters for private use,
/// which are no letters and so never begin a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexTerm {
    /// Every message has it: there is always something to look for.
    Any,
    Room(RoomId),
    Author(UserId),
    Link,
    /// Has a word so often that `PostgreSQL` does not keep all its places.
    Dense,
    /// Its id without the last `bits`. Only `PostgreSQL`'s index has it, and makes it.
    Era {
        bits: u32,
        number: i64,
    },
}

impl IndexTerm {
    pub fn form(self) -> String {
        match self {
            Self::Any => "\u{e000}".to_owned(),
            Self::Room(room) => format!("\u{e001}{room}"),
            Self::Author(author) => format!("\u{e002}{author}"),
            Self::Link => "\u{e003}".to_owned(),
            Self::Dense => "\u{e004}".to_owned(),
            Self::Era { bits, number } => format!("\u{e005}{bits}.{number}"),
        }
    }
}

/// `PostgreSQL` keeps so many places of a word.
const MOST_PLACES: usize = 255;
/// Longer words are found by their beginning.
const LONGEST_FORM: usize = 64;

/// The forms of words, side by side as in the text.
fn words<'a>(found: &'a [Token<'_>]) -> impl Iterator<Item = Cow<'a, str>> {
    let next = found.iter().skip(1).map(Some).chain([None]);
    found.iter().zip(next).map(|(token, next)| match next {
        Some(next) if token.joined => pair(token, next).into(),
        _ => cut(&token.folded).into(),
    })
}

/// The forms of parts of words, which stand nowhere.
fn parts<'a>(found: &'a [Token<'_>]) -> impl Iterator<Item = &'a str> {
    found.iter().flat_map(|token| &token.parts).map(|part| cut(part))
}

impl SearchDocument {
    /// Of a message that is still to be stored.
    pub fn new(member: &Member, body: &str, html: &str) -> Self {
        Self {
            room: member.room(),
            author: member.user().id,
            body: body.to_owned(),
            link: has_link(html),
        }
    }

    /// Nothing for a deleted message.
    pub fn of(message: &Message) -> Option<Self> {
        (!message.is_deleted()).then(|| Self {
            room: message.room,
            author: message.author.id,
            body: message.body.clone(),
            link: has_link(&message.html),
        })
    }

    /// What is known of it apart from its words.
    fn terms(&self) -> impl Iterator<Item = String> {
        let marks = [IndexTerm::Any, IndexTerm::Room(self.room), IndexTerm::Author(self.author)];
        marks.into_iter().chain(self.link.then_some(IndexTerm::Link)).map(IndexTerm::form)
    }

    /// With spaces between.
    pub fn text(&self) -> String {
        let found = tokens(&self.body);
        let mut text = String::with_capacity(self.body.len() + 32);
        let marks = self.terms().map(Cow::Owned);
        for form in marks.chain(words(&found)).chain(parts(&found).map(Cow::Borrowed)) {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&form);
        }
        text
    }

    /// As the text of a `tsvector`.
    pub fn vector(&self) -> String {
        let found = tokens(&self.body);
        let mut places: BTreeMap<Cow<'_, str>, Vec<usize>> = BTreeMap::new();
        for form in self.terms().map(Cow::Owned).chain(parts(&found).map(Cow::Borrowed)) {
            places.entry(form).or_default();
        }
        for (n, form) in words(&found).enumerate() {
            places.entry(form).or_default().push(n + 1);
        }
        if places.values().any(|places| places.len() > MOST_PLACES) {
            places.entry(IndexTerm::Dense.form().into()).or_default();
        }
        let written = places.iter().map(|(form, places)| {
            let places: Vec<String> =
                places.iter().take(MOST_PLACES).map(ToString::to_string).collect();
            let colon = if places.is_empty() { "" } else { ":" };
            format!("'{form}'{colon}{}", places.join(","))
        });
        written.collect::<Vec<_>>().join(" ")
    }
}

/// Whether HTML of ours has a link: what people write has no tags.
pub(in crate::chat::search) fn has_link(html: &str) -> bool {
    // A mention begins with its class, an e-mail address with `mailto:`.
    html.contains("<a href=\"http")
}

/// From so many letters on, few words begin alike.
const NARROW: usize = 5;

/// Forms that stand side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    forms: Vec<String>,
    /// The last form is the beginning of one.
    prefix: bool,
}

impl Phrase {
    /// What an index must have where these words stand in a row; `prefix` when the last one may go on.
    pub(super) fn of(words: &[Token<'_>], prefix: bool) -> Vec<Self> {
        let mut found = Vec::new();
        let mut forms = Vec::new();
        for (n, token) in words.iter().enumerate() {
            let next = words.get(n + 1);
            let open = prefix && next.is_none();
            match (token.kind, next) {
                (Kind::Sign, Some(next)) if token.joined => forms.push(pair(token, next)),
                // In a text the last sign of a row may go on, and then its form has another sign.
                (Kind::Sign, _) => {
                    let covered = n > 0 && words.get(n - 1).is_some_and(|before| before.joined);
                    if !covered {
                        forms.push(cut(&token.folded).to_owned());
                    }
                    found
                        .push(Self { forms: std::mem::take(&mut forms), prefix: open || !covered });
                }
                _ => {
                    forms.push(cut(&token.folded).to_owned());
                    if next.is_none() {
                        found.push(Self { forms: std::mem::take(&mut forms), prefix: open });
                    }
                }
            }
        }
        found
    }

    /// Whether it ends with so short a beginning of a word that a good part of all messages may
    /// have it.
    pub fn is_wide(&self) -> bool {
        let last = self.forms.last();
        self.prefix && last.is_some_and(|form| form.chars().count() < NARROW)
    }

    /// Whether its last word may go on.
    pub fn is_open(&self) -> bool {
        self.prefix
    }

    /// Whether several words have to stand in a row.
    pub fn is_row(&self) -> bool {
        self.forms.len() > 1
    }

    pub fn mark(mark: IndexTerm) -> Self {
        Self { forms: vec![mark.form()], prefix: false }
    }

    /// As FTS5 reads it. Forms have no quotes in them.
    pub fn match_text(&self) -> String {
        let star = if self.prefix { " *" } else { "" };
        format!("\"{}\"{star}", self.forms.join(" "))
    }

    /// As the text of a `tsquery`.
    pub fn query_text(&self) -> String {
        let row = self.joined(" <-> ");
        if self.is_row() {
            format!("({row} | '{}' & {})", IndexTerm::Dense.form(), self.anywhere())
        } else {
            row
        }
    }

    /// The same with its words anywhere in the text.
    pub fn anywhere(&self) -> String {
        self.joined(" & ")
    }

    fn joined(&self, sign: &str) -> String {
        let last = self.forms.len().saturating_sub(1);
        let form = |(n, form): (usize, &String)| {
            let star = if self.prefix && n == last { ":*" } else { "" };
            format!("'{form}'{star}")
        };
        self.forms.iter().enumerate().map(form).collect::<Vec<_>>().join(sign)
    }
}

fn pair(sign: &Token<'_>, next: &Token<'_>) -> String {
    cut(&format!("{}{}", sign.folded, next.folded)).to_owned()
}

fn cut(form: &str) -> &str {
    let end = form.char_indices().nth(LONGEST_FORM);
    end.and_then(|(end, _)| form.get(..end)).unwrap_or(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(body: &str) -> SearchDocument {
        SearchDocument { room: RoomId(2), author: UserId(3), body: body.to_owned(), link: false }
    }

    #[test]
    fn a_message_is_indexed_by_its_words_their_parts_and_marks() {
        let marks = "\u{e000} \u{e001}2 \u{e002}3";
        assert_eq!(
            entry("El añoNuevo, 東京!").text(),
            format!("{marks} el anonuevo 東京 京 ano nuevo")
        );
        assert_eq!(entry("a b, a").vector(), "'a':1,3 'b':2 '\u{e000}' '\u{e001}2' '\u{e002}3'");
    }

    #[test]
    fn a_word_that_comes_very_often_keeps_its_first_places() {
        let vector = entry(&"la ".repeat(300)).vector();
        assert!(vector.contains(",255 '") && !vector.contains(",256"), "{vector}");
        assert!(vector.contains('\u{e004}'));
    }

    #[test]
    fn signs_are_asked_for_in_pairs() {
        let ask = |text: &str, prefix| {
            let phrases = Phrase::of(&tokens(text), prefix);
            phrases.iter().map(Phrase::match_text).collect::<Vec<_>>()
        };
        assert_eq!(ask("10.1.423", true), ["\"10 1 423\" *"]);
        assert_eq!(ask("東", false), ["\"東\" *"]);
        assert_eq!(ask("東京都", false), ["\"東京 京都\""]);
        assert_eq!(ask("iphone買", false), ["\"iphone 買\" *"]);
        assert_eq!(ask("東京 a", false), ["\"東京\"", "\"a\""]);
    }
}
