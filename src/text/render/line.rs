//! Writes lines of text: web addresses and mentioned handles become links, in Markdown the names of emoji
//! become emoji or images. What the lines are part of, this module does not know.

use std::ops::Range;

use icu_properties::CodePointMapData;
use icu_properties::props::Script;
use unicode_normalization::char::is_combining_mark;

use super::Place;
use super::html::Html;
use super::mention_scanner::{MentionScanner, SIGNS, is_of_names};
use crate::text::effort::looked_at;
use crate::text::emoji::{by_shortcode, find_code};
use crate::text::links::{begins_with_domain, links};
use crate::text::names::fold;
use crate::text::scripts::is_written_without_spaces;

/// The longest word after an `@` that is checked for a handle: 32 characters, combining marks, and the
/// punctuation after it.
const MAX_WORD_CHARS: usize = 64;
/// The length of the longest handle, not counting characters that join the one before.
const MAX_HANDLE_CHARS: usize = 32;

enum Emoji {
    Standard(&'static str),
    Custom { name: String, version: String },
}

pub(super) struct LineWriter<F> {
    pub html: Html,
    /// Where the next lines are.
    pub place: Place,
    find: F,
    shortcodes: bool,
}

impl<F: FnMut(&str, Place) -> Option<String>> LineWriter<F> {
    /// With `shortcodes`, `:tada:` becomes an emoji.
    pub fn new(bytes: usize, shortcodes: bool, find: F) -> Self {
        Self { html: Html::for_text(bytes), place: Place::Text, find, shortcodes }
    }

    pub fn lines<'a>(&mut self, lines: impl IntoIterator<Item = &'a str>) {
        for (n, line) in lines.into_iter().enumerate() {
            if n > 0 {
                self.html.line_break();
            }
            self.line(line);
        }
    }

    fn line(&mut self, line: &str) {
        let mut at = 0;
        let mut scanner = MentionScanner::new(line);
        for link in links(line) {
            self.text(line, at..link.at.start, &mut scanner);
            self.html.open_link(&link.href);
            self.html.text(line.get(link.at.clone()).unwrap_or_default());
            self.html.close_link();
            at = link.at.end;
            scanner.pass_link(at);
        }
        self.text(line, at..line.len(), &mut scanner);
    }

    /// Writes a part of the line between links.
    fn text(&mut self, line: &str, part: Range<usize>, scanner: &mut MentionScanner<'_>) {
        let mut at = part.start;
        while self.shortcodes
            && let Some((code, emoji)) = find_code(line, at..part.end, |name| self.emoji(name))
        {
            self.names(line, at..code.start, scanner);
            match emoji {
                Emoji::Standard(emoji) => self.html.text(emoji),
                Emoji::Custom { name, version } => self.html.custom_emoji(&name, &version),
            }
            at = code.end;
        }
        self.names(line, at..part.end, scanner);
    }

    /// What a name between colons stands for.
    fn emoji(&mut self, name: &str) -> Option<Emoji> {
        let standard = by_shortcode(name).map(Emoji::Standard);
        standard.or_else(|| {
            let version = (self.find)(name, Place::Code)?;
            Some(Emoji::Custom { name: name.to_owned(), version })
        })
    }

    /// Writes text that may mention users.
    fn names(&mut self, line: &str, part: Range<usize>, scanner: &mut MentionScanner<'_>) {
        let mut at = part.start;
        while let Some((at_sign, length)) = next_sign(line, at..part.end) {
            self.html.text(line.get(at..at_sign).unwrap_or_default());
            at = at_sign + length;
            let following = line.get(at..part.end).unwrap_or_default();
            let handle_at_start =
                if scanner.may_mention(at_sign) { self.handle_at_start(following) } else { None };
            let typed_sign = line.get(at_sign..at).unwrap_or_default();
            match handle_at_start {
                Some((typed, name)) => {
                    self.html.mention(typed_sign, typed, &name);
                    at += typed.len();
                }
                None => self.html.text(typed_sign),
            }
        }
        self.html.text(line.get(at..part.end).unwrap_or_default());
    }

    /// The longest part of the first word that is a handle, and the handle as its user writes it.
    fn handle_at_start<'a>(&mut self, text: &'a str) -> Option<(&'a str, String)> {
        let word = text.split(|c| !is_of_names(c)).next().unwrap_or_default();
        looked_at(word.len());
        let word = before_other_sign(word, text.get(word.len()..)?);
        candidates(word).find_map(|typed| {
            looked_at(typed.len());
            (self.find)(&fold(typed), self.place).map(|name| (typed, name))
        })
    }
}

/// The byte offset and the length of the next at sign.
fn next_sign(line: &str, part: Range<usize>) -> Option<(usize, usize)> {
    let text = line.get(part.clone())?;
    // Every sign begins with one of these bytes.
    let mut begins = text.bytes().enumerate().filter(|(_, byte)| matches!(byte, b'@' | 0xef));
    let found = begins.find_map(|(at, _)| {
        let c = text.get(at..)?.chars().next()?;
        SIGNS.contains(&c).then_some((at, c))
    });
    looked_at(found.map_or(part.len(), |(at, _)| at));
    let (at, sign) = found?;
    Some((part.start + at, sign.len_utf8()))
}

/// The part of a word that may be a handle although another at sign may follow. Nothing of
/// `ana@example.org`. A word that ends in a script without spaces counts, since the next at sign starts
/// a mention of its own there.
fn before_other_sign<'a>(word: &'a str, following: &str) -> &'a str {
    match following.strip_prefix(SIGNS) {
        None => word,
        Some(host) if begins_with_domain(host) => "",
        Some(_) => word.trim_end_matches(|c| !is_written_without_spaces(c)),
    }
}

/// The candidates for a handle in the word after an `@`, the most likely first: without the punctuation
/// after it, with it (some old handles end in punctuation), and then shorter and shorter prefixes that
/// end where a handle may end without a space.
fn candidates(word: &str) -> impl Iterator<Item = &str> {
    let end = word.char_indices().nth(MAX_WORD_CHARS).map_or(word.len(), |(at, _)| at);
    let word = word.get(..end).unwrap_or_default();
    let mut base_characters = word.char_indices().filter(|(_, c)| !joins_before(*c));
    let longest = base_characters.nth(MAX_HANDLE_CHARS).map_or(word.len(), |(at, _)| at);
    let without_punctuation = trim_punctuation(word);
    let with_punctuation =
        (without_punctuation.len()..=word.len()).filter_map(|end| word.get(..end));
    let letters = without_punctuation.char_indices().rev();
    let pairs = letters.clone().zip(letters.skip(1));
    let ends = pairs.filter(|((_, next), (_, last))| is_boundary(*last, *next));
    let shorter = ends.filter_map(|((end, _), _)| without_punctuation.get(..end));
    let shorter = shorter.map(trim_punctuation);
    with_punctuation.chain(shorter).filter(move |typed| (1..=longest).contains(&typed.len()))
}

/// Whether the character joins the one before: combining marks, parts of Korean syllables, voicing
/// marks of kana.
fn joins_before(c: char) -> bool {
    !c.is_ascii() && is_combining_mark(c)
        || matches!(c, '\u{1160}'..='\u{11ff}' | '\u{ff9e}'..='\u{ffdc}' | '\u{3131}'..='\u{318e}')
}

fn trim_punctuation(word: &str) -> &str {
    word.trim_end_matches(['.', '-', '_'])
}

/// Whether a handle may end between these letters: where the script changes, and anywhere in scripts
/// that are written without spaces.
fn is_boundary(last: char, next: char) -> bool {
    // Latin letters and what is of no script.
    if last.is_ascii() && next.is_ascii() {
        return false;
    }
    let script = |c| match CodePointMapData::<Script>::new().get(c) {
        Script::Common | Script::Inherited => None,
        script => Some(script),
    };
    let changes = matches!((script(last), script(next)), (Some(one), Some(other)) if one != other);
    is_written_without_spaces(last) || is_written_without_spaces(next) || changes
}
