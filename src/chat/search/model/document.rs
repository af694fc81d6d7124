//! The index entries of a message, and the phrases an index is queried for.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::contents::{Contents, Has, SearchedFile};
use crate::chat::messages::model::Message;
use crate::chat::rooms::model::Member;
use crate::kernel::{RoomId, UserId};
use crate::text::tokenizer::{Kind, Token, tokens};

/// The searchable data of a message.
#[derive(Clone, Debug)]
pub struct SearchDocument {
    /// For a reply in a thread, the room of the thread's head: a search in a room finds its threads.
    pub room: RoomId,
    pub author: UserId,
    pub body: String,
    pub contents: Contents,
}

/// A term of a message that is not a word. Its form begins with a private-use character, which is not a
/// letter and so never begins a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexTerm {
    /// Every message has it, so a query without words has a term to look up.
    Any,
    Room(RoomId),
    Author(UserId),
    Has(Has),
    /// The message contains a word more often than `PostgreSQL` stores positions for.
    Dense,
    /// The message id without its last `bits` bits. Only `PostgreSQL`'s index has it and computes it.
    IdRange {
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
            Self::Has(Has::Link) => "\u{e003}".to_owned(),
            Self::Has(file) => format!("\u{e006}{}", file.name()),
            Self::Dense => "\u{e004}".to_owned(),
            Self::IdRange { bits, number } => format!("\u{e005}{bits}.{number}"),
        }
    }
}

/// `PostgreSQL` stores at most this many positions of a word.
const MAX_POSITIONS: usize = 255;
/// Longer words are found by their beginning.
const MAX_FORM_CHARS: usize = 64;

/// The forms of the words, in the order of the text.
fn words<'a>(found: &'a [Token<'_>]) -> impl Iterator<Item = Cow<'a, str>> {
    let next = found.iter().skip(1).map(Some).chain([None]);
    found.iter().zip(next).map(|(token, next)| match next {
        Some(next) if token.joined => pair(token, next).into(),
        _ => truncated(&token.folded).into(),
    })
}

/// The forms of parts of words, which have no position.
fn parts<'a>(found: &'a [Token<'_>]) -> impl Iterator<Item = &'a str> {
    found.iter().flat_map(|token| &token.parts).map(|part| truncated(part))
}

/// A form of a word in the name of a file. The first character keeps it apart from the words of texts.
fn named(form: &str) -> String {
    format!("\u{e007}{form}")
}

/// The forms of the files of a message, each once, in an order that does not depend on that of the files.
fn file_forms(contents: &Contents) -> BTreeSet<String> {
    let kinds = Has::ALL.into_iter().filter(|has| *has != Has::Link && contents.has(*has));
    let kinds = kinds.map(|has| IndexTerm::Has(has).form());
    kinds.chain(contents.files.iter().flat_map(|file| name_forms(&file.name))).collect()
}

fn name_forms(name: &str) -> Vec<String> {
    let found = tokens(name);
    let words = words(&found).map(|form| named(&form));
    words.chain(parts(&found).map(named)).collect()
}

impl SearchDocument {
    /// For a message that is not stored yet, without its files.
    pub fn new(member: &Member, body: &str, html: &str) -> Self {
        Self {
            room: member.gate(),
            author: member.user().id,
            body: body.to_owned(),
            contents: Contents { link: has_link(html), files: Vec::new() },
        }
    }

    /// `None` for a message that is not found: a deleted one, and the copy of a reply in a thread. `room`
    /// is the room of the message, or for a reply in a thread the room of the thread's head.
    pub fn of(message: &Message, room: RoomId) -> Option<Self> {
        (!message.is_deleted() && message.twin_of.is_none()).then(|| Self {
            room,
            author: message.author.id,
            body: message.body.clone(),
            contents: Contents {
                link: has_link(&message.html),
                files: message.attachments.iter().map(SearchedFile::from).collect(),
            },
        })
    }

    /// The terms other than words.
    fn terms(&self) -> impl Iterator<Item = String> {
        let terms = [IndexTerm::Any, IndexTerm::Room(self.room), IndexTerm::Author(self.author)];
        let link = self.contents.link.then_some(IndexTerm::Has(Has::Link));
        terms.into_iter().chain(link).map(IndexTerm::form)
    }

    /// All forms, separated by spaces (for FTS5).
    pub fn text(&self) -> String {
        let found = tokens(&self.body);
        let mut text = String::with_capacity(self.body.len() + 32);
        let terms = self.terms().map(Cow::Owned);
        for form in terms.chain(words(&found)).chain(parts(&found).map(Cow::Borrowed)) {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&form);
        }
        text_with_files(text, &self.contents)
    }

    /// The text of a `tsvector` (for `PostgreSQL`).
    pub fn vector(&self) -> String {
        let found = tokens(&self.body);
        let mut positions: BTreeMap<Cow<'_, str>, Vec<usize>> = BTreeMap::new();
        for form in self.terms().map(Cow::Owned).chain(parts(&found).map(Cow::Borrowed)) {
            positions.entry(form).or_default();
        }
        for (n, form) in words(&found).enumerate() {
            positions.entry(form).or_default().push(n + 1);
        }
        if positions.values().any(|positions| positions.len() > MAX_POSITIONS) {
            positions.entry(IndexTerm::Dense.form().into()).or_default();
        }
        let written = positions.iter().map(|(form, positions)| {
            let positions: Vec<String> =
                positions.iter().take(MAX_POSITIONS).map(ToString::to_string).collect();
            let colon = if positions.is_empty() { "" } else { ":" };
            format!("'{form}'{colon}{}", positions.join(","))
        });
        vector_with_files(written.collect::<Vec<_>>().join(" "), &self.contents)
    }
}

/// Adds files to the text of a document without them.
pub(in crate::chat::search) fn text_with_files(mut text: String, contents: &Contents) -> String {
    for form in file_forms(contents) {
        text.push(' ');
        text.push_str(&form);
    }
    text
}

/// Adds files to the vector of a document without them. The order of the words of names is not indexed.
pub(in crate::chat::search) fn vector_with_files(
    mut vector: String,
    contents: &Contents,
) -> String {
    for form in file_forms(contents) {
        vector.extend([" '", &form, "'"]);
    }
    vector
}

/// Whether rendered HTML contains a link. User text cannot contain tags.
pub(in crate::chat::search) fn has_link(html: &str) -> bool {
    // A mention has its class first, and an e-mail link starts with `mailto:`.
    html.contains("<a href=\"http")
}

/// With this many letters, few words share a prefix.
const SELECTIVE_PREFIX_CHARS: usize = 5;

/// Forms that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    forms: Vec<String>,
    /// The last form is a prefix.
    prefix: bool,
}

impl Phrase {
    /// The phrases that an index entry must have to contain these words in a row. With `prefix` the
    /// last word may continue.
    pub(super) fn of(words: &[Token<'_>], prefix: bool) -> Vec<Self> {
        let mut found = Vec::new();
        let mut forms = Vec::new();
        for (n, token) in words.iter().enumerate() {
            let next = words.get(n + 1);
            let may_continue = prefix && next.is_none();
            match (token.kind, next) {
                (Kind::Sign, Some(next)) if token.joined => forms.push(pair(token, next)),
                // In a text, the last character of a run may be followed by another one, and its form
                // then contains both.
                (Kind::Sign, _) => {
                    let covered = n > 0 && words.get(n - 1).is_some_and(|before| before.joined);
                    if !covered {
                        forms.push(truncated(&token.folded).to_owned());
                    }
                    found.push(Self {
                        forms: std::mem::take(&mut forms),
                        prefix: may_continue || !covered,
                    });
                }
                _ => {
                    forms.push(truncated(&token.folded).to_owned());
                    if next.is_none() {
                        found
                            .push(Self { forms: std::mem::take(&mut forms), prefix: may_continue });
                    }
                }
            }
        }
        found
    }

    /// The phrases that an index entry must have to contain these words in the name of a file: each form alone.
    pub(super) fn of_name(words: &[Token<'_>], prefix: bool) -> Vec<Self> {
        let alone = |phrase: Self| {
            let last = phrase.forms.len().saturating_sub(1);
            phrase.forms.into_iter().enumerate().map(move |(n, form)| Self {
                forms: vec![named(&form)],
                prefix: phrase.prefix && n == last,
            })
        };
        Self::of(words, prefix).into_iter().flat_map(alone).collect()
    }

    /// Whether it ends with a prefix so short that a large part of all messages may match.
    pub fn is_wide(&self) -> bool {
        let last = self.forms.last();
        self.prefix && last.is_some_and(|form| form.chars().count() < SELECTIVE_PREFIX_CHARS)
    }

    /// Whether its last word may continue.
    pub fn is_open(&self) -> bool {
        self.prefix
    }

    /// Whether it has several words, which must follow each other.
    pub fn is_row(&self) -> bool {
        self.forms.len() > 1
    }

    pub fn term(term: IndexTerm) -> Self {
        Self { forms: vec![term.form()], prefix: false }
    }

    /// The text of an FTS5 query. Forms contain no quotes.
    pub fn match_text(&self) -> String {
        let star = if self.prefix { " *" } else { "" };
        format!("\"{}\"{star}", self.forms.join(" "))
    }

    /// The text of a `tsquery`.
    pub fn query_text(&self) -> String {
        let words_in_order = self.joined(" <-> ");
        if self.is_row() {
            format!("({words_in_order} | '{}' & {})", IndexTerm::Dense.form(), self.anywhere())
        } else {
            words_in_order
        }
    }

    /// The same, with the words anywhere in the text.
    pub fn anywhere(&self) -> String {
        self.joined(" & ")
    }

    fn joined(&self, operator: &str) -> String {
        let last = self.forms.len().saturating_sub(1);
        let form = |(n, form): (usize, &String)| {
            let star = if self.prefix && n == last { ":*" } else { "" };
            format!("'{form}'{star}")
        };
        self.forms.iter().enumerate().map(form).collect::<Vec<_>>().join(operator)
    }
}

fn pair(sign: &Token<'_>, next: &Token<'_>) -> String {
    truncated(&format!("{}{}", sign.folded, next.folded)).to_owned()
}

fn truncated(form: &str) -> &str {
    let end = form.char_indices().nth(MAX_FORM_CHARS);
    end.and_then(|(end, _)| form.get(..end)).unwrap_or(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(body: &str) -> SearchDocument {
        let contents = Contents::default();
        SearchDocument { room: RoomId(2), author: UserId(3), body: body.to_owned(), contents }
    }

    #[test]
    fn a_message_is_indexed_by_words_parts_and_terms() {
        let terms = "\u{e000} \u{e001}2 \u{e002}3";
        assert_eq!(
            document("El añoNuevo, 東京!").text(),
            format!("{terms} el anonuevo 東京 京 ano nuevo")
        );
        assert_eq!(document("a b, a").vector(), "'a':1,3 'b':2 '\u{e000}' '\u{e001}2' '\u{e002}3'");
    }

    #[test]
    fn files_are_indexed_by_kind_and_the_words_of_their_names() {
        let contents = Contents::stored(false, Some("image Año_1.PNG\u{1f}file fooBar"));
        let document = SearchDocument { contents: contents.clone(), ..document("a") };
        let forms = "\u{e006}file \u{e006}image \u{e007}1 \u{e007}ano \u{e007}bar \u{e007}foo \u{e007}foobar \u{e007}png";
        let terms = "\u{e000} \u{e001}2 \u{e002}3 a";
        assert_eq!(document.text(), format!("{terms} {forms}"));
        assert!(document.vector().ends_with(" '\u{e007}foobar' '\u{e007}png'"));
        // A new message gets its files later.
        let without = SearchDocument { contents: Contents::default(), ..document.clone() };
        assert_eq!(text_with_files(without.text(), &contents), document.text());
        assert_eq!(vector_with_files(without.vector(), &contents), document.vector());
    }

    #[test]
    fn a_very_frequent_word_keeps_its_first_positions() {
        let vector = document(&"la ".repeat(300)).vector();
        assert!(vector.contains(",255 '") && !vector.contains(",256"), "{vector}");
        assert!(vector.contains('\u{e004}'));
    }

    #[test]
    fn characters_are_queried_in_pairs() {
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
