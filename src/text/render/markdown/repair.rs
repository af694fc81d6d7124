//! Finds texts that a parser of Markdown takes for something that people who chat do not mean, and that
//! change how the text around them is parsed. They are escaped, or separated from the line before.

use std::ops::Range;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::options;
use crate::text::effort::looked_at;

/// The events of a source, with the byte ranges where they stand in it.
pub(super) type Events<'a> = Vec<(Event<'a>, Range<usize>)>;

/// A text to insert at a byte offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fix {
    at: usize,
    text: &'static str,
}

const ESCAPE: &str = "\\";
const END_LINE: &str = "\n";

/// Parses a source.
///
/// # Errors
/// With what is to be inserted before it is parsed again.
pub(super) fn parse(source: &str) -> Result<Events<'_>, Vec<Fix>> {
    let parser = Parser::new_ext(source, options());
    let mut fixes = definitions(source, &parser);
    if !fixes.is_empty() {
        let code = parser.into_offset_iter().filter_map(|(event, at)| match event {
            Event::Start(Tag::CodeBlock(_)) | Event::Code(_) => Some(at),
            _ => None,
        });
        similar_lines(source, &code.collect::<Vec<_>>(), &mut fixes);
        return Err(fixes);
    }
    let mut events = Events::new();
    let mut quotes = 0_usize;
    for (event, at) in parser.into_offset_iter() {
        match &event {
            Event::Start(Tag::BlockQuote(_)) => {
                if quotes == 0 {
                    check_quote(source, at.clone(), &mut fixes);
                }
                quotes += 1;
            }
            Event::End(TagEnd::BlockQuote(_)) => quotes = quotes.saturating_sub(1),
            Event::Start(Tag::Heading { .. }) => fixes.extend(underline(source, at.clone())),
            // Votes and changed lines begin with a plus: `+ 1`.
            Event::Start(Tag::Item) if source.as_bytes().get(at.start) == Some(&b'+') => {
                fixes.push(Fix { at: at.start, text: ESCAPE });
            }
            _ => {}
        }
        if fixes.is_empty() {
            events.push((event, at));
        }
    }
    if fixes.is_empty() { Ok(events) } else { Err(fixes) }
}

/// The source with the fixes in it.
pub(super) fn apply(source: &str, mut fixes: Vec<Fix>) -> String {
    fixes.sort_unstable();
    fixes.dedup();
    let mut repaired = String::with_capacity(source.len() + fixes.len());
    let mut at = 0;
    for fix in fixes {
        repaired.push_str(source.get(at..fix.at).unwrap_or_default());
        repaired.push_str(fix.text);
        at = fix.at;
    }
    repaired.push_str(source.get(at..).unwrap_or_default());
    repaired
}

/// The definition of a link vanishes, and with it pasted lines such as `[10:32]: hola`.
fn definitions(source: &str, parser: &Parser<'_>) -> Vec<Fix> {
    let spans = parser.reference_definitions().iter().map(|(_, definition)| &definition.span);
    let begin = |span: &Range<usize>| {
        let bracket = source.get(span.clone())?.find('[')?;
        Some(Fix { at: span.start + bracket, text: ESCAPE })
    };
    spans.filter_map(begin).collect()
}

/// The parser tells one definition of each name, and many lines of a log have the same. Outside of code, the
/// other ones mean nothing but themselves either.
fn similar_lines(source: &str, code: &[Range<usize>], fixes: &mut Vec<Fix>) {
    looked_at(source.len());
    let mut at = 0;
    let mut code = code.iter().peekable();
    for line in source.split_inclusive('\n') {
        while code.next_if(|code| code.end <= at).is_some() {}
        let is_code = code.peek().is_some_and(|code| code.start < at + line.len());
        let text = line.trim_start_matches(|c: char| c.is_ascii_digit() || " \t>-*+.)".contains(c));
        let is_definition = text.starts_with('[')
            && text.split_once(']').is_some_and(|(_, behind)| behind.starts_with(':'));
        if is_definition && !is_code {
            fixes.push(Fix { at: at + line.len() - text.len(), text: ESCAPE });
        }
        at += line.len();
    }
}

/// A line of `-` or `=` makes no heading of the line before.
fn underline(source: &str, heading: Range<usize>) -> Option<Fix> {
    let text = source.get(heading.clone())?;
    if text.trim_start().starts_with('#') {
        return None;
    }
    let line = text.trim_end_matches('\n').rfind('\n')?;
    Some(Fix { at: heading.start + line + 1, text: END_LINE })
}

/// A quote ends with the line that has no mark, though `CommonMark` lets a paragraph go on. A mark needs a
/// space, another mark or the end of the line behind it, because `>:(` is a face.
fn check_quote(source: &str, quote: Range<usize>, fixes: &mut Vec<Fix>) {
    looked_at(quote.len());
    let mut at = quote.start;
    let mut quoted_before = false;
    for line in source.get(quote).unwrap_or_default().split_inclusive('\n') {
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        let text = line.get(indentation..).unwrap_or_default();
        let face = face(text).map(|face| at + indentation + face);
        let is_quoted = text.starts_with('>');
        if let Some(face) = face {
            fixes.push(Fix { at: face, text: ESCAPE });
        } else if quoted_before && !is_quoted && !text.trim().is_empty() {
            fixes.push(Fix { at, text: END_LINE });
        }
        quoted_before = is_quoted;
        at += line.len();
    }
}

/// The offset of a row of marks without anything that a mark needs behind it.
fn face(line: &str) -> Option<usize> {
    let bytes = line.as_bytes();
    let mut at = 0;
    while bytes.get(at) == Some(&b'>') {
        let row = at;
        while bytes.get(at) == Some(&b'>') {
            at += 1;
        }
        if !matches!(bytes.get(at), None | Some(b' ' | b'\t' | b'\n')) {
            return Some(row);
        }
        while matches!(bytes.get(at), Some(b' ' | b'\t')) {
            at += 1;
        }
    }
    None
}
