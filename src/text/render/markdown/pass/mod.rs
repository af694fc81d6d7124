//! Writes the events of a source that needs no more repair.
//!
//! What is no mark in a chat is written as it was typed: emphasis inside words, escapes that are none, links
//! to where none may lead. Such text is joined with the text around it before addresses and names are found
//! in it.

mod blocks;
mod inline;

use std::ops::Range;

use pulldown_cmark::{Alignment, Event, Tag, TagEnd};

use super::repair::Events;
use crate::limits::markdown::{CELLS, DEPTH, GROWTH};
use crate::text::effort::looked_at;
use crate::text::links::links;
use crate::text::render::Place;
use crate::text::render::html::Element;
use crate::text::render::language::Language;
use crate::text::render::line::LineWriter;

/// The HTML of a short text may be this long.
const SHORT: usize = 4_096;

/// Characters that a backslash can escape. Before others it stays: `C:\.ssh`.
const ESCAPED: &[u8] = b"*_~`[]#>|<-+!";

/// Writes the events. `None` if that gets too large or too deep, or if nothing of it would be visible.
pub(super) fn write<F: FnMut(&str, Place) -> Option<String>>(
    source: &str,
    events: &Events<'_>,
    find: &mut F,
) -> Option<String> {
    let mut pass = Pass {
        source,
        writer: LineWriter::new(source.len(), true, find),
        addresses: addresses(source),
        text: String::new(),
        end: 0,
        block: Block::Text,
        open: Vec::new(),
        quotes: 0,
        lists: 0,
        aligns: &[],
        cells: 0,
        column: 0,
        in_head: false,
        visible: false,
    };
    let mut events = events.iter().peekable();
    while let Some((event, at)) = events.next() {
        let next = events.peek();
        match event {
            Event::Start(tag @ (Tag::Heading { .. } | Tag::BlockQuote(_))) if matches!(next, Some((Event::End(end), _)) if *end == tag.to_end()) =>
            {
                events.next();
                pass.as_typed(at.clone());
            }
            Event::Start(tag) => pass.start(tag, at.clone()),
            Event::End(tag) => pass.end(*tag, at.clone()),
            Event::SoftBreak | Event::HardBreak => pass.line_break(at.clone()),
            event => pass.leaf(event, at.clone()),
        }
        let html = &pass.writer.html;
        if html.len() > SHORT + GROWTH * source.len()
            || pass.cells > CELLS
            || pass.quotes + pass.lists + pass.open.len() > DEPTH
        {
            return None;
        }
    }
    pass.flush();
    pass.visible.then(|| pass.writer.html.into_string())
}

/// Addresses with a scheme; marks in them are none. Bare ones cannot have any.
fn addresses(source: &str) -> Vec<Range<usize>> {
    if source.contains("://") {
        links(source).into_iter().map(|link| link.at).collect()
    } else {
        Vec::new()
    }
}

struct Pass<'a, F> {
    source: &'a str,
    writer: LineWriter<F>,
    addresses: Vec<Range<usize>>,
    /// Text that is not written yet.
    text: String,
    /// Where the last event ended, or the mark of the one that began last.
    end: usize,
    block: Block,
    /// Marks and links around the text.
    open: Vec<Open>,
    quotes: usize,
    lists: usize,
    aligns: &'a [Alignment],
    cells: usize,
    column: usize,
    in_head: bool,
    /// Whether anything but empty blocks was written.
    visible: bool,
}

/// What the text belongs to.
enum Block {
    Text,
    Code { language: Option<Language>, code: String },
    Indented(Range<usize>),
}

/// An inline element that is not complete.
enum Open {
    Mark(Element),
    /// Is none, so its end is written as this text.
    Literal(&'static str),
    /// With its target and what of its text was written.
    Link(String, String),
    /// Leads nowhere, so its end is written as it was typed.
    NoLink,
}

impl<'a, F: FnMut(&str, Place) -> Option<String>> Pass<'a, F> {
    fn typed(&self, at: Range<usize>) -> &'a str {
        self.source.get(at).unwrap_or_default()
    }

    fn flush(&mut self) {
        if self.text.is_empty() {
            return;
        }
        let text = std::mem::take(&mut self.text);
        self.visible |= !text.trim().is_empty();
        let link = self.open.iter_mut().find_map(|open| match open {
            Open::Link(_, shown) => Some(shown),
            _ => None,
        });
        match link {
            Some(shown) => {
                shown.push_str(&text);
                self.writer.html.text(&text);
            }
            None => self.writer.lines(text.split('\n')),
        }
    }

    /// An element without content, as a paragraph of what was typed.
    fn as_typed(&mut self, at: Range<usize>) {
        self.flush();
        self.text.push_str(self.typed(at.clone()).trim());
        self.writer.html.open(Element::Paragraph);
        self.flush();
        self.writer.html.close(Element::Paragraph);
        self.end = at.end;
    }

    fn leaf(&mut self, event: &Event<'_>, at: Range<usize>) {
        match event {
            Event::Text(text) => self.push_text(text, at.clone()),
            Event::Html(text) | Event::InlineHtml(text) => self.text.push_str(text),
            Event::Code(code) => {
                self.flush();
                self.visible = true;
                self.writer.html.code(code);
                if let Some(Open::Link(_, shown)) = self.open.last_mut() {
                    shown.push_str(code);
                }
            }
            Event::Rule => {
                self.visible = true;
                self.writer.html.rule();
            }
            Event::TaskListMarker(done) => self.writer.html.task_box(*done),
            // What the parser is not asked for.
            _ => self.text.push_str(self.typed(at.clone())),
        }
        self.end = at.end;
    }

    fn push_text(&mut self, text: &str, at: Range<usize>) {
        match &mut self.block {
            Block::Code { code, .. } => {
                code.push_str(text);
                return;
            }
            Block::Indented(_) if self.quotes + self.lists == 0 => return,
            Block::Indented(_) => {
                self.text.push_str(text);
                return;
            }
            Block::Text => {}
        }
        let before = self.typed(self.end..at.start);
        let escaped = self.source.as_bytes().get(at.start);
        if before.ends_with('\\') {
            let of_shrug = self.typed(0..at.start).ends_with("¯\\");
            if of_shrug || escaped.is_none_or(|byte| !ESCAPED.contains(byte)) {
                self.text.push('\\');
            }
        }
        // `&amp;` stays as it was typed.
        let is_entity = escaped == Some(&b'&');
        self.text.push_str(if is_entity { self.typed(at) } else { text });
    }

    fn line_break(&mut self, at: Range<usize>) {
        self.flush();
        self.writer.html.line_break();
        if let Some(Open::Link(_, shown)) = self.open.last_mut() {
            shown.push(' ');
        }
        self.end = at.end;
        let line = self.typed(0..at.end).rfind('\n').map_or(0, |line| line + 1);
        self.indentation(line);
    }

    /// The spaces at the beginning of a line stay. Those in lists belong to the list.
    fn indentation(&mut self, line: usize) {
        if self.lists > 0 || !self.open.is_empty() {
            return;
        }
        let mut text = self.typed(line..self.source.len());
        for _ in 0..self.quotes {
            let quoted = text.trim_start_matches(' ');
            text = quoted.strip_prefix('>').unwrap_or(quoted);
            text = text.strip_prefix(' ').unwrap_or(text);
        }
        let spaces =
            text.len() - text.trim_start_matches(|c: char| c.is_whitespace() && c != '\n').len();
        looked_at(spaces + 1);
        self.text.push_str(text.get(..spaces).unwrap_or_default());
    }

    fn start(&mut self, tag: &'a Tag<'_>, at: Range<usize>) {
        if !self.start_inline(tag, at.clone()) {
            self.flush();
            self.start_block(tag, at);
        }
    }

    fn end(&mut self, tag: TagEnd, at: Range<usize>) {
        match tag {
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => self.end_mark(),
            TagEnd::Link | TagEnd::Image => self.end_link(&at),
            _ => {
                if tag == TagEnd::HtmlBlock {
                    self.text.truncate(self.text.trim_end_matches('\n').len());
                }
                self.flush();
                self.end_block(tag, at.clone());
            }
        }
        self.end = at.end;
    }
}
