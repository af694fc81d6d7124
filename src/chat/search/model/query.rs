//! Search queries. Every text is a valid query: anything that is not an operator is a word.

use std::ops::Range;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::contents::{Has, SearchedFile};
use super::document::Phrase;
use super::lexer::{Lexer, OPERATORS, RawToken, is_quote};
use crate::kernel::Timestamp;
use crate::limits::search as limits;
use crate::text::normalize::folded;
use crate::text::tokenizer::{Kind, Token, tokens};

/// The most phrases the index is queried for. The remaining words are compared with the candidates.
const MAX_PHRASES: usize = 16;
/// Shorter words must match as a whole: too many words begin with two given letters.
const MIN_PREFIX_CHARS: usize = 3;

/// Words, phrases and operators. A message must match all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    words: Vec<WordList>,
    /// The words of the names of files.
    file_names: Vec<WordList>,
    /// Names of authors, as typed.
    pub from: Vec<String>,
    /// Names of rooms, as typed.
    pub rooms: Vec<String>,
    /// Only in direct messages.
    pub direct: bool,
    /// Only with all of these.
    pub has: Vec<Has>,
    /// Not before this time.
    pub after: Option<Timestamp>,
    pub before: Option<Timestamp>,
    /// What a message must not match: the operators after a minus.
    pub not: Exclusions,
}

/// The operators after a minus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exclusions {
    pub from: Vec<String>,
    pub rooms: Vec<String>,
    pub direct: bool,
    pub has: Vec<Has>,
    pub days: Vec<Range<Timestamp>>,
}

/// An operator as it stands in the text of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryFilter {
    /// The byte range.
    pub at: Range<usize>,
    /// One of `OPERATORS`.
    pub name: &'static str,
    /// Without quotes.
    pub value: String,
    /// It excludes.
    pub not: bool,
}

/// Words that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
struct WordList {
    tokens: Vec<Token<'static>>,
    /// From inside quotes: accents count, and words must match as a whole.
    exact: bool,
    /// The last word may continue: it is still being typed.
    prefix: bool,
    /// The message must not contain them.
    not: bool,
}

/// Normalizes a name for comparison: without accents, quotes and a leading `@` or `#`.
pub fn plain_name(name: &str) -> String {
    let name: String = name.chars().filter(|c| !is_quote(*c)).collect();
    folded(name.trim_start_matches(['@', '#']))
}

impl Query {
    /// The beginning of a query for messages in a room.
    pub fn in_room(name: &str) -> String {
        let name: String = name.chars().filter(|c| !is_quote(*c)).collect();
        format!("in:\"{name}\" ")
    }

    /// Parses a query. Days are days of the time zone.
    pub fn parse(text: &str, zone: &TimeZone) -> Self {
        let mut query = Self::default();
        let mut lexer = Lexer::new(text);
        while let Some(raw) = lexer.next_raw_token() {
            let last = lexer.at_end();
            if raw.quoted || !query.operator(&raw, last, zone) {
                query.add(&raw, last);
            }
        }
        query
    }

    /// The operators of a query, in order.
    pub fn filters(text: &str, zone: &TimeZone) -> Vec<QueryFilter> {
        let mut query = Self::default();
        let mut lexer = Lexer::new(text);
        let mut filters = Vec::new();
        while let Some(raw) = lexer.next_raw_token() {
            let last = lexer.at_end();
            if !raw.quoted && query.operator(&raw, last, zone) {
                filters.extend(QueryFilter::of(raw));
            }
        }
        filters
    }

    /// Whether the query is empty.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn add(&mut self, raw: &RawToken, last: bool) {
        // Even inside quotes, as long as they are not closed, the last word is still being typed.
        let may_continue = last && !(raw.quoted && raw.closed);
        let words = WordList { exact: raw.quoted, ..self.word_list(raw, &raw.text, may_continue) };
        add_words(&mut self.words, words);
    }

    /// The words of a text, as many as the query may still have.
    fn word_list(&self, raw: &RawToken, text: &str, last: bool) -> WordList {
        let mut found: Vec<_> = tokens(text).into_iter().map(Token::into_owned).collect();
        let last = last && found.len() <= self.remaining_words();
        found.truncate(self.remaining_words());
        let prefix = last && !raw.not && found.last().is_some_and(may_continue);
        WordList { tokens: found, exact: false, prefix, not: raw.not }
    }

    /// Adds the name of a file. Returns false if it has no words.
    fn add_file_name(&mut self, raw: &RawToken, name: &str, last: bool) -> bool {
        let words = self.word_list(raw, name, last && !raw.closed);
        let has_words = !words.tokens.is_empty() || self.remaining_words() == 0;
        add_words(&mut self.file_names, words);
        has_words
    }

    /// How many more words the query may have.
    fn remaining_words(&self) -> usize {
        let lists = self.words.iter().chain(&self.file_names);
        limits::WORDS.saturating_sub(lists.map(|words| words.tokens.len()).sum())
    }

    /// The number of words a text is compared with, at least one.
    pub fn weight(&self) -> usize {
        (limits::WORDS - self.remaining_words()).max(1)
    }

    /// Applies the token if it is an operator with a value. Returns false otherwise.
    fn operator(&mut self, raw: &RawToken, last: bool, zone: &TimeZone) -> bool {
        let Some((name, value)) = raw.text.split_once(':') else { return false };
        let value = value.trim_matches('"').trim();
        let name = name.to_ascii_lowercase();
        let not = raw.not;
        match (name.as_str(), &*folded(value)) {
            _ if value.is_empty() => return false,
            ("from", _) if not => add_name(&mut self.not.from, value),
            ("from", _) => add_name(&mut self.from, value),
            ("in", _) if not => add_name(&mut self.not.rooms, value),
            ("in", _) => add_name(&mut self.rooms, value),
            ("has", value) => {
                let Some(has) = Has::parse(value) else { return false };
                let all = if not { &mut self.not.has } else { &mut self.has };
                if !all.contains(&has) {
                    all.push(has);
                }
            }
            ("filename", _) => return self.add_file_name(raw, value, last),
            ("is", "direct") if not => self.not.direct = true,
            ("is", "direct") => self.direct = true,
            ("after" | "before" | "on", _) => return self.apply_days(&name, value, not, zone),
            _ => return false,
        }
        true
    }

    fn apply_days(&mut self, name: &str, value: &str, not: bool, zone: &TimeZone) -> bool {
        let Some(day) = day(value, zone) else { return false };
        match (name, not) {
            ("after", false) | ("before", true) => self.not_before(day.start),
            ("before", false) | ("after", true) => self.not_after(day.start),
            (_, false) => {
                self.not_before(day.start);
                self.not_after(day.end);
            }
            (_, true) => self.not.days.push(day),
        }
        true
    }

    fn not_before(&mut self, moment: Timestamp) {
        self.after = self.after.max(Some(moment));
    }

    fn not_after(&mut self, moment: Timestamp) {
        self.before = Some(self.before.map_or(moment, |known| known.min(moment)));
    }

    /// The time range of the messages to find.
    pub fn days(&self) -> Range<Timestamp> {
        self.after.unwrap_or(Timestamp(i64::MIN))..self.before.unwrap_or(Timestamp(i64::MAX))
    }

    /// The phrases that the index entry of every matching message has.
    pub fn phrases(&self) -> Vec<Phrase> {
        let wanted = self.words.iter().filter(|words| !words.not);
        let phrases = wanted.flat_map(|words| Phrase::of(&words.tokens, words.prefix));
        let named = self.file_names.iter().filter(|words| !words.not);
        let named = named.flat_map(|words| Phrase::of_name(&words.tokens, words.prefix));
        named.chain(phrases).take(MAX_PHRASES).collect()
    }

    /// Whether it is about the names of files, which a message that matches has.
    pub fn names_files(&self) -> bool {
        self.file_names.iter().any(|words| !words.not)
    }

    /// Whether the files of a message decide if it matches, beyond the index.
    pub fn compares_files(&self) -> bool {
        !self.file_names.is_empty() || self.not.has.iter().any(|has| *has != Has::Link)
    }

    /// Whether a message with these files matches, as far as their names go.
    pub fn fits_names(&self, files: &[SearchedFile]) -> bool {
        let is_named = |words: &WordList| {
            files.iter().any(|file| !words.positions(&tokens(&file.name)).is_empty())
        };
        self.file_names.iter().all(|words| is_named(words) != words.not)
    }

    /// The byte ranges of all hits in a text, in order; `None` if it does not match.
    pub fn hits(&self, body: &str) -> Option<Vec<Range<usize>>> {
        let body = tokens(body);
        let mut found = Vec::new();
        for words in &self.words {
            let positions = words.positions(&body);
            if positions.is_empty() != words.not {
                return None;
            }
            found.extend(positions);
        }
        Some(merged(found))
    }
}

impl QueryFilter {
    fn of(raw: RawToken) -> Option<Self> {
        let (name, value) = raw.text.split_once(':')?;
        let name = OPERATORS.into_iter().find(|known| name.eq_ignore_ascii_case(known))?;
        let value = value.trim_matches('"').trim().to_owned();
        Some(Self { at: raw.at, name, value, not: raw.not })
    }
}

/// From the first moment of a day in the time zone to the first of the next day: 23 to 25 hours.
fn day(text: &str, zone: &TimeZone) -> Option<Range<Timestamp>> {
    let date = text.parse::<Date>().ok()?;
    let first = |date: Date| {
        let start = date.to_zoned(zone.clone()).ok()?;
        Some(Timestamp(start.timestamp().as_millisecond()))
    };
    Some(first(date)?..first(date.tomorrow().ok()?)?)
}

fn may_continue(token: &Token<'_>) -> bool {
    match token.kind {
        Kind::Word => token.folded.chars().count() >= MIN_PREFIX_CHARS,
        Kind::Sign => true,
        Kind::Emoji => false,
    }
}

fn add_words(lists: &mut Vec<WordList>, words: WordList) {
    let is_known = lists.iter().any(|known| known.is_equivalent(&words));
    if !words.tokens.is_empty() && !is_known {
        lists.push(words);
    }
}

/// Adds a name, unless there are too many: each is compared with all users and rooms.
fn add_name(names: &mut Vec<String>, name: &str) {
    if names.len() < limits::WORDS && !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
}

impl WordList {
    /// Whether every text matches both or neither.
    fn is_equivalent(&self, other: &Self) -> bool {
        let same = |(mine, other): (&Token<'_>, &Token<'_>)| {
            mine.kind == other.kind
                && mine.folded == other.folded
                && mine.joined == other.joined
                && (!self.exact || mine.exact() == other.exact())
        };
        (self.exact, self.prefix, self.not) == (other.exact, other.prefix, other.not)
            && self.tokens.len() == other.tokens.len()
            && self.tokens.iter().zip(&other.tokens).all(same)
    }

    /// The byte ranges where the words follow each other.
    fn positions(&self, body: &[Token<'_>]) -> Vec<Range<usize>> {
        let rows = body.windows(self.tokens.len());
        let matching = rows.filter(|row| self.matches_row(row));
        matching.filter_map(|row| Some(row.first()?.at.start..row.last()?.at.end)).collect()
    }

    fn matches_row(&self, row: &[Token<'_>]) -> bool {
        let last = self.tokens.len() - 1;
        let single_word = last == 0 && !self.exact;
        self.tokens.iter().zip(row).enumerate().all(|(n, (wanted, there))| {
            let open = self.prefix && n == last;
            let same = |wanted: &str, there: &str| {
                if open { there.starts_with(wanted) } else { there == wanted }
            };
            let folded = same(&wanted.folded, &there.folded)
                || single_word && there.parts.iter().any(|part| same(&wanted.folded, part));
            wanted.kind == there.kind
                && folded
                && (!self.exact || same(wanted.exact(), there.exact()))
                && (n == last || !wanted.joined || there.joined)
        })
    }
}

/// Sorts ranges, and merges those that touch.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chat::search::model::contents::Contents;
    use crate::chat::search::model::document::SearchDocument;
    use crate::kernel::{RoomId, UserId};

    fn parsed(text: &str) -> Query {
        Query::parse(text, &TimeZone::UTC)
    }

    #[track_caller]
    fn finds(query: &str, body: &str, marked: &[&str]) {
        let hits = parsed(query).hits(body);
        let hits = hits.map(|hits| hits.into_iter().filter_map(|at| body.get(at)).collect());
        assert_eq!(hits, Some(marked.to_vec()), "{query} in {body}");
    }

    #[track_caller]
    fn misses(query: &str, body: &str) {
        assert_eq!(parsed(query).hits(body), None, "{query} in {body}");
    }

    #[test]
    fn hits_are_at_the_positions_of_the_words() {
        finds("bogota ano", "El año en Bogotá", &["año", "Bogotá"]);
        finds("10.1.42", "la 10.1.42, sí", &["10.1.42"]);
        finds("\"en Bogotá\"", "vive en Bogotá", &["en Bogotá"]);
        finds("京都", "東京都", &["京都"]);
        finds("hol", "hola Holanda", &["hola", "Holanda"]);
        misses("ho", "hola");
        misses("bogota lima", "Bogotá");
    }

    #[test]
    fn operators_are_parsed_and_anything_else_is_text() {
        let query = parsed("from:@Ana in:\"El huerto\" has:link IS:direct after:2026-01-02 hola");
        assert_eq!(
            (query.from, query.rooms),
            (vec!["@Ana".to_owned()], vec!["El huerto".to_owned()])
        );
        assert!(query.has == [Has::Link] && query.direct);
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
            let query = parsed(text);
            assert_eq!(Query { words: Vec::new(), ..query }, Query::default(), "{text}");
        }
        for nothing in ["", "  ", "\"", "-", "++ \"\" -\"\"", "\u{0}"] {
            assert!(parsed(nothing).is_empty(), "{nothing:?}");
        }
    }

    #[test]
    fn filters_are_where_they_were_typed() {
        for (text, found) in [
            ("", vec![]),
            ("hola \"from:ana\" http://a.b has:dog", vec![]),
            ("hola FROM:@ana", vec!["FROM:@ana"]),
            (" in:\"El huerto\" ñ -has:link", vec!["in:\"El huerto\"", "-has:link"]),
            ("on:2026-01-02 on:ayer is:direct", vec!["on:2026-01-02", "is:direct"]),
            ("ñ –from:ana", vec!["–from:ana"]),
        ] {
            let filters = Query::filters(text, &TimeZone::UTC);
            let typed: Vec<_> = filters.iter().filter_map(|it| text.get(it.at.clone())).collect();
            assert_eq!(typed, found, "{text}");
        }
        let filters = Query::filters("-IN:\"El huerto\"", &TimeZone::UTC);
        assert_eq!(
            filters,
            [QueryFilter { at: 0..15, name: "in", value: "El huerto".to_owned(), not: true }]
        );
    }

    #[test]
    fn a_minus_negates_every_operator() {
        let not = |text| parsed(text).not;
        for name in ["ana", "\"ana\"", "me", "@ana"] {
            let query = parsed(&format!("word -from:{name}"));
            assert_eq!((query.not.from.len(), query.from.len()), (1, 0), "{name}");
        }
        assert_eq!(not("-in:\"El huerto\"").rooms, ["El huerto"]);
        assert!(not("-has:link").has == [Has::Link] && not("-IS:direct").direct);
        assert_eq!(parsed("-after:2026-01-02"), parsed("before:2026-01-02"));
        assert_eq!(parsed("-before:2026-01-02"), parsed("after:2026-01-02"));
        assert_eq!(not("-on:2026-01-02").days.len(), 1);
        let both = parsed("-from:ana -from:luis -has:link word");
        assert_eq!((both.not.from.len(), both.not.has.len(), both.words.len()), (2, 1, 1));
        // A word that looks like an operator but is none stays an excluded word.
        assert!(parsed("word -has:dog").words.iter().any(|words| words.not));
    }

    #[test]
    fn days_are_those_of_the_time_zone() {
        let zone = TimeZone::get("America/Los_Angeles").expect("a zone");
        let days = Query::parse("on:2026-03-08", &zone).days();
        // 07:30 UTC on the 9th is still the evening of the 8th there; that day has 23 hours.
        assert_eq!(days.start.until(days.end).as_secs(), 23 * 3_600);
        let at = |text: &str| {
            let moment: jiff::Timestamp = text.parse().expect("a moment");
            Timestamp(moment.as_millisecond())
        };
        assert!(
            days.contains(&at("2026-03-09T06:30:00Z"))
                && !days.contains(&at("2026-03-08T07:30:00Z"))
        );
        assert_eq!(Query::parse("after:2026-03-08 before:2026-03-09", &zone).days(), days);
    }

    #[test]
    fn other_characters_before_a_word_are_part_of_the_text() {
        for flag in
            ["--flag", "---flag", "\u{2013}flag", "\u{2014}flag", "\u{2212}flag", "-\u{2014}flag"]
        {
            finds(flag, "run patio --flag now", &["flag"]);
            finds(&format!("patio {flag}"), "run patio --flag now", &["patio", "flag"]);
            finds(&format!("{flag} patio"), "run patio --flag now", &["patio", "flag"]);
        }
        misses("patio -flag", "run patio --flag now");
    }

    #[test]
    fn a_minus_has_many_forms_and_precedes_a_word() {
        for minus in ["-", "\u{2212}", "\u{2013}", "\u{2010}", "\u{ff0d}", "\u{fe63}"] {
            for operator in ["from:ana", "FROM:\"ana\"", "in:lobby", "has:link", "on:2026-01-02"] {
                let query = parsed(&format!("{minus}{operator} word"));
                assert_ne!(query.not, Exclusions::default(), "{minus}{operator}");
                assert_eq!(query.words.len(), 1, "{minus}{operator}");
            }
        }
        for minus in ["-", "\u{ff0d}"] {
            misses(&format!("patio {minus}flag"), "run patio flag");
            misses(&format!("patio {minus}\"--flag\""), "run patio --flag");
        }
        for text in ["--from:ana", "\u{2014}from:ana", "-\u{2013}from:ana", "->from:ana"] {
            assert_eq!(parsed(text).not, Exclusions::default(), "{text}");
            finds(text, "from ana", &["from ana"]);
        }
        for text in ["->flag", "-.flag", "-/flag", "-->flag", "-(flag"] {
            finds(text, "run patio flag", &["flag"]);
        }
    }

    #[test]
    fn values_of_operators_are_read_in_any_case() {
        assert_eq!(parsed("has:LINK -has:Image").has, [Has::Link]);
        assert_eq!(parsed("has:LINK -has:Image").not.has, [Has::Image]);
        assert!(parsed("is:DIRECT").direct && parsed("-IS:Direct").not.direct);
        assert_eq!(parsed("has:ＬＩＮＫ").has, [Has::Link]);
        assert_eq!(parsed("has:LINKS").has, []);
    }

    #[test]
    fn names_of_files_are_found_by_their_words() {
        let names = |query: &str, names: &[&str]| {
            let files: Vec<String> = names.iter().map(|name| format!("file {name}")).collect();
            let contents = Contents::stored(false, Some(&files.join("\u{1f}")));
            parsed(query).fits_names(&contents.files)
        };
        let report = &["Informe_Año 2026.PDF"][..];
        for query in [
            "filename:informe",
            "FILENAME:\"informe ano\"",
            "filename:pdf",
            "filename:.pdf",
            "filename:infor",
            "filename:\"ano 202",
            "filename:2026 filename:informe",
            "-filename:foto",
            "filename:",
        ] {
            assert!(names(query, report), "{query}");
        }
        for query in [
            "filename:foto",
            "filename:\"infor\"",
            "filename:infor hola",
            "filename:\"ano informe\"",
            "filename:in",
            "-filename:pdf",
            "filename:informe filename:foto",
        ] {
            assert!(!names(query, report), "{query}");
        }
        assert!(names("filename:foto filename:pdf", &["a.pdf", "foto.png"]));
        assert!(!names("filename:a", &[]) && names("-filename:a", &[]));
        // Without a word it is text.
        assert!(parsed("filename:--- x").file_names.is_empty());
        let query = parsed("filename:a-b c");
        assert_eq!((query.weight(), query.phrases().len()), (3, 3));
    }

    #[test]
    fn equal_words_count_once_and_too_many_are_ignored() {
        assert_eq!(parsed(&format!("{}beta", "alpha ".repeat(150))).weight(), 2);
        assert_eq!(parsed("Bogotá bogota BOGOTÁ -x").weight(), 2);
        assert_eq!(parsed("\"Bogotá\" \"Bogota\" -bogota bogota -x").weight(), 5);
        assert_eq!(parsed("").weight(), 1);
        let many: Vec<String> = (0..100).map(|n| format!("w{n}")).collect();
        let (typed, kept) = (many.join(" "), many[..limits::WORDS].join(" "));
        for query in [&typed, &format!("\"{typed}\"")] {
            assert_eq!(parsed(query).weight(), limits::WORDS);
            assert!(parsed(query).hits(&kept).is_some() && parsed(query).hits("w0").is_none());
        }
        let names = parsed(&"from:ana from:bert ".repeat(20)).from;
        assert_eq!(names, ["ana", "bert"]);
        let names: Vec<String> = (0..90).map(|n| format!("in:r{n}")).collect();
        assert_eq!(parsed(&names.join(" ")).rooms.len(), limits::WORDS);
        // Operators after them still apply.
        assert_eq!(parsed(&format!("{typed} has:link")).has, [Has::Link]);
    }

    #[test]
    fn a_minus_excludes_words() {
        finds("hola -mundo", "hola a todos", &["hola"]);
        misses("hola -mundo", "hola, mundo");
        finds("kebab-case", "kebab-case", &["kebab-case"]);
    }

    proptest! {
        /// The index finds everything that matches: each queried phrase occurs in the index entry.
        #[test]
        fn an_index_never_misses_what_fits(
            body in "(hola|Bogotá|10\\.1\\.42|getUserName|東京都|東\\*\\*京|กุ้ง|👍🏽| |-|\"|ß|İ|[a-cñÑé]){1,12}|.{0,20}",
            start in 0usize..12, length in 1usize..8, quoted in any::<bool>(),
        ) {
            let typed: String = body.chars().skip(start).take(length).collect();
            let typed = if quoted { format!("\"{typed}\"") } else { typed };
            let query = parsed(&typed);
            prop_assume!(query.hits(&body).is_some());
            let contents = Contents::default();
            let index = SearchDocument { room: RoomId(1), author: UserId(1), body, contents }.text();
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
            let query = parsed(&text);
            for at in query.hits(&body).unwrap_or_default() {
                prop_assert!(body.get(at).is_some());
            }
        }
    }
}
