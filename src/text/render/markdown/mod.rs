//! The Markdown of chats: `CommonMark` with tables and struck text, and with rules of our own where people
//! who chat mean something else (`2*3*4`, `C:\.ssh`, `>:(`, `[10:32]: hola`).
//!
//! The parser tells for each event where it stands in the source. So a text that is no Markdown in a chat is
//! recognized afterwards, exactly and never in code. If [`repair`] finds one that changes how the rest is
//! parsed, it is escaped and the source is parsed again; [`pass`] decides about the others and writes HTML.

#[cfg(any(test, fuzzing))]
pub mod allowed;
mod link;
mod pass;
mod repair;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use pulldown_cmark::Options;

use super::html::{CLOSE, Element, OPEN};
use super::line::LineWriter;
use super::{Place, plain};
use crate::limits::markdown::{QUOTE_MARKS, TABLE};
use crate::text::effort::looked_at;
use crate::text::emoji::{by_shortcode, is_large};

/// How often a source is repaired.
const ROUNDS: usize = 4;

fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS
}

pub(super) fn render(body: &str, mut find: impl FnMut(&str, Place) -> Option<String>) -> String {
    let is_emoji = |name: &str| by_shortcode(name).is_some() || find(name, Place::Code).is_some();
    if is_large(body, is_emoji) {
        let mut writer = LineWriter::new(body.len(), true, find);
        writer.html.open(Element::LargeEmoji);
        writer.lines(body.split('\n'));
        writer.html.close(Element::LargeEmoji);
        return writer.html.into_string();
    }
    if is_bare(body) {
        // Nothing in it needs an escape.
        return [OPEN, body, CLOSE].concat();
    }
    if has_marks(body)
        && !is_monstrous(body)
        && let Some(html) = parsed(body, &mut find)
    {
        return html;
    }
    plain(body, LineWriter::new(body.len(), true, find))
}

/// `None` if the body cannot be shown as Markdown: too large or too deep, or nothing of it would be visible.
fn parsed(body: &str, find: &mut impl FnMut(&str, Place) -> Option<String>) -> Option<String> {
    let mut source = Cow::Borrowed(body);
    for _ in 0..ROUNDS {
        looked_at(source.len());
        match repair::parse(&source) {
            Ok(events) => return pass::write(&source, &events, find),
            Err(fixes) => source = Cow::Owned(repair::apply(&source, fixes)),
        }
    }
    None
}

/// Bytes that can mean something wherever they stand. Others do at the beginning of a line only.
const MARKS: [bool; 256] = {
    let mut table = [false; 256];
    let marks = b"*_~`[|\\<";
    let mut n = 0;
    while n < marks.len() {
        table[marks[n] as usize] = true;
        n += 1;
    }
    table
};

/// Bytes that the text of a paragraph can have only together with links, mentions, emoji or escapes, and those
/// that begin a character which may be an at sign.
const NOT_BARE: [bool; 256] = {
    let mut table = MARKS;
    let marks = b"@:\n>&\t\xef";
    let mut n = 0;
    while n < marks.len() {
        table[marks[n] as usize] = true;
        n += 1;
    }
    table
};

/// A fast check for most messages: one line of words.
fn is_bare(body: &str) -> bool {
    let bytes = body.as_bytes();
    let begins_word =
        |at: usize| bytes.get(at + 1).is_some_and(|c| c.is_ascii_alphanumeric() || !c.is_ascii());
    let may_mean = |(at, byte): (usize, &u8)| {
        NOT_BARE[usize::from(*byte)] || (*byte == b'.' && begins_word(at))
    };
    !bytes.iter().enumerate().any(may_mean) && !begins_block(body)
}

/// Whether anything in the text may be Markdown.
fn has_marks(body: &str) -> bool {
    body.bytes().any(|byte| MARKS[usize::from(byte)]) || body.split('\n').any(begins_block)
}

/// Whether a line begins like a heading, a list, a quote or a rule.
fn begins_block(line: &str) -> bool {
    let line = line.trim_start_matches(' ');
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let behind = line.as_bytes().get(digits);
    match behind {
        Some(b'.' | b')') => digits > 0,
        Some(b'-' | b'+' | b'=' | b'#' | b'>') => digits == 0,
        _ => false,
    }
}

/// Whether parsing it could take long or fill much memory: a tower of quotes, or a table that grows when it is
/// filled up.
fn is_monstrous(body: &str) -> bool {
    looked_at(body.len());
    let (mut cells, mut lines) = (0, 0);
    for line in body.as_bytes().split(|byte| *byte == b'\n') {
        lines += 1;
        let marks = line.iter().take_while(|byte| b"> ".contains(byte));
        if marks.filter(|byte| **byte == b'>').count() > QUOTE_MARKS {
            return true;
        }
        if line.contains(&b'-') {
            cells = line.split(|byte| *byte == b'|').count().max(cells);
        }
    }
    cells * lines > TABLE
}
