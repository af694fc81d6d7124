//! Paragraphs, headings, quotes, lists, tables and blocks of code.

use std::ops::Range;

use pulldown_cmark::{Alignment, CodeBlockKind, HeadingLevel, Tag, TagEnd};

use super::{Block, Pass};
use crate::text::render::Place;
use crate::text::render::html::{Align, Element, Size};
use crate::text::render::language::Language;

impl<'a, F: FnMut(&str, Place) -> Option<String>> Pass<'a, F> {
    pub(super) fn start_block(&mut self, tag: &'a Tag<'_>, at: Range<usize>) {
        let element = match tag {
            Tag::Paragraph | Tag::HtmlBlock => Element::Paragraph,
            Tag::Heading { level, .. } => Element::Heading(size(*level)),
            Tag::BlockQuote(_) => {
                self.quotes += 1;
                self.writer.place = Place::Quote;
                Element::Quote
            }
            Tag::CodeBlock(CodeBlockKind::Fenced(info)) => {
                self.block = fenced(info.trim());
                return;
            }
            Tag::CodeBlock(CodeBlockKind::Indented) => {
                self.block = Block::Indented(at);
                return;
            }
            Tag::List(first) => {
                self.lists += 1;
                first.map_or(Element::Bullets, Element::Numbers)
            }
            Tag::Item => Element::Item,
            Tag::Table(aligns) => {
                self.aligns = aligns;
                Element::Table
            }
            Tag::TableHead => {
                self.in_head = true;
                self.column = 0;
                Element::TableHead
            }
            Tag::TableRow => {
                self.column = 0;
                Element::TableRow
            }
            Tag::TableCell => {
                let align = align(self.aligns.get(self.column));
                self.column += 1;
                self.cells += 1;
                if self.in_head { Element::HeadCell(align) } else { Element::Cell(align) }
            }
            _ => return,
        };
        self.writer.html.open(element);
        if matches!(tag, Tag::Paragraph) {
            let line = self.typed(0..at.start).rfind('\n').map_or(0, |line| line + 1);
            self.indentation(line);
        }
    }

    pub(super) fn end_block(&mut self, tag: TagEnd, at: Range<usize>) {
        let element = match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => Element::Paragraph,
            TagEnd::Heading(level) => Element::Heading(size(level)),
            TagEnd::BlockQuote(_) => {
                self.quotes -= 1;
                if self.quotes == 0 {
                    self.writer.place = Place::Text;
                }
                Element::Quote
            }
            TagEnd::CodeBlock => return self.end_code(at),
            TagEnd::List(numbered) => {
                self.lists -= 1;
                if numbered { Element::Numbers(1) } else { Element::Bullets }
            }
            TagEnd::Item => Element::Item,
            TagEnd::Table => Element::Table,
            TagEnd::TableHead => {
                self.in_head = false;
                Element::TableHead
            }
            TagEnd::TableRow => Element::TableRow,
            TagEnd::TableCell if self.in_head => Element::HeadCell(Align::Start),
            TagEnd::TableCell => Element::Cell(Align::Start),
            _ => return,
        };
        self.writer.html.close(element);
    }

    fn end_code(&mut self, at: Range<usize>) {
        match std::mem::replace(&mut self.block, Block::Text) {
            Block::Code { code, .. } if code.is_empty() => self.as_typed(at),
            Block::Code { language, code } => {
                self.visible = true;
                let code = code.strip_suffix('\n').unwrap_or(&code);
                self.writer.html.code_block(language.as_ref(), code);
            }
            Block::Indented(at) => {
                // Its text came before this end, in lists and quotes without their marks.
                let line = self.typed(0..at.start).rfind('\n').map_or(0, |line| line + 1);
                if self.quotes + self.lists == 0 {
                    self.text.push_str(self.typed(line..at.end));
                }
                self.text.truncate(self.text.trim_end_matches('\n').len());
                self.writer.html.open(Element::Paragraph);
                self.flush();
                self.writer.html.close(Element::Paragraph);
            }
            Block::Text => {}
        }
    }
}

/// What behind a fence is no language is the first line of the code.
fn fenced(info: &str) -> Block {
    let language = Language::parse(info);
    let is_text = language.is_none() && !info.is_empty();
    let code = if is_text { format!("{info}\n") } else { String::new() };
    Block::Code { language, code }
}

fn size(level: HeadingLevel) -> Size {
    match level {
        HeadingLevel::H1 => Size::Large,
        HeadingLevel::H2 => Size::Medium,
        _ => Size::Small,
    }
}

fn align(alignment: Option<&Alignment>) -> Align {
    match alignment {
        Some(Alignment::Center) => Align::Center,
        Some(Alignment::Right) => Align::Right,
        _ => Align::Start,
    }
}
