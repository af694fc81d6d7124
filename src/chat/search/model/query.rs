//! What somebody types to find messages. Every text is a query; what is no operator is a word.

use std::iter::Peekable;
use std::ops::Range;
use std::str::CharIndices;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::index::Phrase;
use super::tokens::{Kind, Token, tokens};
use crate::kernel::Timestamp;
use crate::text::normalize::folded;

/// What is read of a query: more nobody types.
const LONGEST: usize = 1_000;
/// An index is asked for so many words; the rest is held against what it finds.
const MOST_PHRASES: usize = 16;
/// Shorter words are whole words: too much begins with two letters.
const SHORTEST_PREFIX: usize = 3;

/// Words, phrases and operators, all of which a message must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    words: Vec<Words>,
    /// Names of authors, each as it was typed.
    pub from: Vec<String>,
    /// Names of rooms, likewise.
    pub rooms: Vec<String>,
    /// Only in direct conversations.
    pub direct: bool,
    /// Only with a link.
    pub link: bool,
    /// Not before this moment.
    pub after: Option<Timestamp>,
    pub before: Option<Timestamp>,
}

/// Words that stand in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Words {
    tokens: Vec<Token<'static>>,
    /// From inside quotes: accents count, and so do whole words.
    exact: bool,
    /// The last one may go on: it is still being typed.
    prefix: bool,
    /// The message must not have them.
    not: bool,
}

/// The form in which names are compared: without accents, quotes and what stands before names.
pub fn plain_name(name: &str) -> String {
    let name: String = name.chars().filter(|c| !is_quote(*c)).collect();
    folded(name.trim_start_matches(['@', '#']))
}

impl Query {
    /// A query for what was said in a room, to be gone on with.
    pub fn in_room(name: &str) -> String {
        let name: String = name.chars().filter(|c| !is_quote(*c)).collect();
        format!("in:\"{name}\" ")
    }

    pub fn parse(text: &str) -> Self {
        let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(end, _)| end);
        let mut query = Self::default();
        let mut rest = Reader::new(text.get(..end).unwrap_or_default().trim());
        while let Some(piece) = rest.next_piece() {
            let last = rest.at_end();
            if piece.quoted || piece.not || !query.operator(&piece.text) {
                query.add(&piece, last);
            }
        }
        query
    }

    /// Whether it asks for nothing at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn add(&mut self, piece: &Piece, last: bool) {
        let found: Vec<_> = tokens(&piece.text).into_iter().map(Token::into_owned).collect();
        if found.is_empty() {
            return;
        }
        // In quotes that are still open, too, the last word is being typed.
        let prefix = last && !piece.not && !(piece.quoted && piece.closed);
        let prefix = prefix && found.last().is_some_and(may_go_on);
        self.words.push(Words { tokens: found, exact: piece.quoted, prefix, not: piece.not });
    }

    /// Takes it if it is an operator with something behind it.
    fn operator(&mut self, text: &str) -> bool {
        let Some((name, value)) = text.split_once(':') else { return false };
        let value = value.trim_matches('"').trim();
        match (name.to_ascii_lowercase().as_str(), value) {
            (_, "") => return false,
            ("from", _) => self.from.push(value.to_owned()),
            ("in", _) => self.rooms.push(value.to_owned()),
            ("has", "link") => self.link = true,
            ("is", "direct") => self.direct = true,
            ("after", day) => match midnight(day) {
                Some(moment) => self.after = self.after.max(Some(moment)),
                None => return false,
            },
            ("before", day) => match midnight(day) {
                Some(moment) => {
                    self.before = Some(self.before.map_or(moment, |known| known.min(moment)));
                }
                None => return false,
            },
            _ => return false,
        }
        true
    }

    /// From which moment on and before which it was said.
    pub fn days(&self) -> Range<Timestamp> {
        self.after.unwrap_or(Timestamp(i64::MIN))..self.before.unwrap_or(Timestamp(i64::MAX))
    }

    /// What an index has of every message that fits.
    pub fn phrases(&self) -> Vec<Phrase> {
        let wanted = self.words.iter().filter(|words| !words.not);
        let phrases = wanted.flat_map(|words| Phrase::of(&words.tokens, words.prefix));
        phrases.take(MOST_PHRASES).collect()
    }

    /// Where a text has what is looked for, in bytes, in its order; `None` when it does not fit.
    pub fn hits(&self, body: &str) -> Option<Vec<Range<usize>>> {
        let body = tokens(body);
        let mut found = Vec::new();
        for words in &self.words {
            let places = words.places(&body);
            if places.is_empty() != words.not {
                return None;
            }
            found.extend(places);
        }
        Some(merged(found))
    }
}

/// Midnight, in UTC, at which a day begins.
fn midnight(day: &str) -> Option<Timestamp> {
    let start = day.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(Timestamp(start.timestamp().as_millisecond()))
}

fn may_go_on(token: &Token<'_>) -> bool {
    match token.kind {
        Kind::Word => token.folded.chars().count() >= SHORTEST_PREFIX,
        Kind::Sign => true,
        Kind::Emoji => false,
    }
}

impl Words {
    /// Where they stand in a row.
    fn places(&self, body: &[Token<'_>]) -> Vec<Range<usize>> {
        let rows = body.windows(self.tokens.len());
        let fitting = rows.filter(|row| self.fit(row));
        fitting.filter_map(|row| Some(row.first()?.at.start..row.last()?.at.end)).collect()
    }

    fn fit(&self, row: &[Token<'_>]) -> bool {
        let last = self.tokens.len() - 1;
        let alone = last == 0 && !self.exact;
        self.tokens.iter().zip(row).enumerate().all(|(n, (wanted, there))| {
            let open = self.prefix && n == last;
            let same = |wanted: &str, there: &str| {
                if open { there.starts_with(wanted) } else { there == wanted }
            };
            let folded = same(&wanted.folded, &there.folded)
                || alone && there.parts.iter().any(|part| same(&wanted.folded, part));
            wanted.kind == there.kind
                && folded
                && (!self.exact || same(wanted.exact(), there.exact()))
                && (n == last || !wanted.joined || there.joined)
        })
    }
}

/// In order, and what touches as one.
fn merged(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found {
        match merged.last_mut() {
            Some(before) if range.start <= before.end => before.end = before.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// A piece of what was typed: up to the next space, or to the quote that ends it.
struct Piece {
    text: String,
    quoted: bool,
    closed: bool,
    not: bool,
}

struct Reader<'a> {
    rest: Peekable<CharIndices<'a>>,
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„' | '«' | '»')
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text.char_indices().peekable() }
    }

    fn skip(&mut self, skipped: impl Fn(char) -> bool) -> bool {
        self.rest.next_if(|(_, c)| skipped(*c)).is_some()
    }

    fn at_end(&mut self) -> bool {
        while self.skip(char::is_whitespace) {}
        self.rest.peek().is_none()
    }

    fn next_piece(&mut self) -> Option<Piece> {
        if self.at_end() {
            return None;
        }
        let not = self.skip(|c| c == '-');
        if self.skip(is_quote) {
            let (text, closed) = self.quoted();
            return Some(Piece { text, quoted: true, closed, not });
        }
        let mut text = String::new();
        while let Some((_, c)) = self.rest.next_if(|(_, c)| !c.is_whitespace()) {
            // A name with spaces: in:"the room".
            if is_quote(c) && text.ends_with(':') {
                text.push_str(&self.quoted().0);
                break;
            }
            text.push(c);
        }
        Some(Piece { text, quoted: false, closed: true, not })
    }

    fn quoted(&mut self) -> (String, bool) {
        let mut text = String::new();
        for (_, c) in self.rest.by_ref() {
            if is_quote(c) {
                return (text, true);
            }
            text.push(c);
        }
        (text, false)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chat::search::model::index::Entry;
    use crate::kernel::{RoomId, UserId};

    #[track_caller]
    fn finds(query: &str, body: &str, marked: &[&str]) {
        let hits = Query::parse(query).hits(body);
        let hits = hits.map(|hits| hits.into_iter().filter_map(|at| body.get(at)).collect());
        assert_eq!(hits, Some(marked.to_vec()), "{query} in {body}");
    }

    #[track_caller]
    fn misses(query: &str, body: &str) {
        assert_eq!(Query::parse(query).hits(body), None, "{query} in {body}");
    }

    #[test]
    fn hits_are_where_the_words_stand() {
        finds("bogota ano", "El año en Bogotá", &["año", "Bogotá"]);
        finds("10.1.42", "la 10.1.42, sí", &["10.1.42"]);
        finds("\"en Bogotá\"", "vive en Bogotá", &["en Bogotá"]);
        finds("京都", "東京都", &["京都"]);
        finds("hol", "hola Holanda", &["hola", "Holanda"]);
        misses("ho", "hola");
        misses("bogota lima", "Bogotá");
    }

    #[test]
    fn operators_are_read_and_anything_else_is_text() {
        let query =
            Query::parse("from:@Ana in:\"El huerto\" has:link IS:direct after:2026-01-02 hola");
        assert_eq!(
            (query.from, query.rooms),
            (vec!["@Ana".to_owned()], vec!["El huerto".to_owned()])
        );
        assert!(query.link && query.direct);
        assert_eq!(query.after, Some(Timestamp(1_767_312_000_000)));
        assert_eq!(query.words.len(), 1);
        for text in [
            "from:",
            "before:ayer",
            "has:dog",
            "http://a.b",
            "\"from:ana\"",
            ":",
            "after:2026-02-30",
        ] {
            let query = Query::parse(text);
            assert_eq!(Query { words: Vec::new(), ..query }, Query::default(), "{text}");
        }
        for nothing in ["", "  ", "\"", "-", "++ \"\" -\"\"", "\u{0}"] {
            assert!(Query::parse(nothing).is_empty(), "{nothing:?}");
        }
    }

    #[test]
    fn a_minus_leaves_out() {
        finds("hola -mundo", "hola a todos", &["hola"]);
        misses("hola -mundo", "hola, mundo");
        finds("kebab-case", "kebab-case", &["kebab-case"]);
    }

    proptest! {
        /// The index finds all that fits: what it is asked for stands in what it was given.
        #[test]
        fn an_index_never_misses_what_fits(
            body in "(hola|Bogotá|10\\.1\\.42|getUserName|東京都|กุ้ง|👍🏽| |-|\"|ß|İ|[a-cñÑé]){1,12}|.{0,20}",
            start in 0usize..12, length in 1usize..8, quoted in any::<bool>(),
        ) {
            let typed: String = body.chars().skip(start).take(length).collect();
            let typed = if quoted { format!("\"{typed}\"") } else { typed };
            let query = Query::parse(&typed);
            prop_assume!(query.hits(&body).is_some());
            let index = Entry { room: RoomId(1), author: UserId(1), body, link: false }.text();
            for phrase in query.phrases() {
                let asked = phrase.match_text();
                let (row, prefix) = match asked.strip_suffix(" *") {
                    Some(row) => (row, true),
                    None => (asked.as_str(), false),
                };
                let row = format!(" {}", row.trim_matches('"'));
                let index = format!(" {index} ");
                let row = if prefix { row } else { format!("{row} ") };
                prop_assert!(index.contains(&row), "{:?} in {:?}", row, index);
            }
        }

        #[test]
        fn any_text_is_a_query(text in any::<String>(), body in any::<String>()) {
            let query = Query::parse(&text);
            for at in query.hits(&body).unwrap_or_default() {
                prop_assert!(body.get(at).is_some());
            }
        }
    }
}
