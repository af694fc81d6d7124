//! Divides the text of a query into words, quotes and what may be operators.

use std::iter::Peekable;
use std::ops::Range;
use std::str::CharIndices;

/// The part of a query that is parsed, in characters.
const MAX_QUERY_CHARS: usize = 1_000;
/// The names before a colon that are no words.
pub(super) const OPERATORS: [&str; 8] =
    ["from", "in", "has", "filename", "is", "after", "before", "on"];
/// The length of the longest one with its colon.
const LONGEST_OPERATOR: usize = 9;

/// A token of the query text: up to the next space, or to the closing quote.
pub(super) struct RawToken {
    /// The byte range.
    pub at: Range<usize>,
    pub text: String,
    pub quoted: bool,
    /// There are quotes, around it or around the value of an operator, and they are closed.
    pub closed: bool,
    pub not: bool,
}

pub(super) struct Lexer<'a> {
    rest: Peekable<CharIndices<'a>>,
    /// The length of the text in bytes.
    end: usize,
}

pub(super) fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„' | '«' | '»')
}

fn begins_with_operator(text: impl Iterator<Item = char>) -> bool {
    let mut colon = false;
    let name: String = text
        .take(LONGEST_OPERATOR)
        .take_while(|c| {
            colon = *c == ':';
            !colon
        })
        .collect();
    colon && OPERATORS.contains(&&*name.to_ascii_lowercase())
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Self {
        let end = text.char_indices().nth(MAX_QUERY_CHARS).map_or(text.len(), |(end, _)| end);
        Self { rest: text.get(..end).unwrap_or_default().char_indices().peekable(), end }
    }

    fn position(&mut self) -> usize {
        self.rest.peek().map_or(self.end, |(at, _)| *at)
    }

    fn skip(&mut self, skipped: impl Fn(char) -> bool) -> bool {
        self.rest.next_if(|(_, c)| skipped(*c)).is_some()
    }

    pub fn at_end(&mut self) -> bool {
        while self.skip(char::is_whitespace) {}
        self.rest.peek().is_none()
    }

    pub fn next_raw_token(&mut self) -> Option<RawToken> {
        if self.at_end() {
            return None;
        }
        let start = self.position();
        let not = self.minus();
        if self.skip(is_quote) {
            let (text, closed) = self.quoted();
            let at = start..self.position();
            return Some(RawToken { at, text, quoted: true, closed, not });
        }
        let (mut text, mut closed) = (String::new(), false);
        while let Some((_, c)) = self.rest.next_if(|(_, c)| !c.is_whitespace()) {
            // A name with spaces: in:"the room".
            if is_quote(c) && text.ends_with(':') {
                let value;
                (value, closed) = self.quoted();
                text.push_str(&value);
                break;
            }
            text.push(c);
        }
        let at = start..self.position();
        Some(RawToken { at, text, quoted: false, closed, not })
    }

    /// Whether a minus excludes the next token. One minus before a word or a quote does. Before
    /// anything else it is part of the text: `--flag`, `->`. Typographic dashes only count before an
    /// operator, because phones turn `--flag` into one.
    fn minus(&mut self) -> bool {
        let mut ahead = self.rest.clone().map(|(_, c)| c);
        let not = match ahead.next() {
            Some('-' | '\u{fe63}' | '\u{ff0d}') => {
                ahead.next().is_some_and(|c| c.is_alphanumeric() || is_quote(c))
            }
            Some('\u{2010}'..='\u{2013}' | '\u{2212}') => begins_with_operator(ahead),
            _ => false,
        };
        if not {
            self.rest.next();
        }
        not
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
