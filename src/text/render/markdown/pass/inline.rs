//! Marks and links inside a paragraph.

use std::ops::Range;

use pulldown_cmark::{LinkType, Tag};

use super::{Open, Pass};
use crate::text::render::Place;
use crate::text::render::html::Element;
use crate::text::render::markdown::link::{is_target, misleading_host};

impl<F: FnMut(&str, Place) -> Option<String>> Pass<'_, F> {
    /// Begins an inline element, or returns false.
    pub(super) fn start_inline(&mut self, tag: &Tag<'_>, at: Range<usize>) -> bool {
        match tag {
            Tag::Emphasis | Tag::Strong | Tag::Strikethrough => self.start_mark(tag, at),
            Tag::Link { link_type, dest_url, title, .. } => {
                let is_email = *link_type == LinkType::Email;
                let target = if is_email || !title.is_empty() { "" } else { &**dest_url };
                self.start_link(target, at.start..at.start + 1);
            }
            Tag::Image { dest_url, title, .. } => {
                let is_mail = dest_url.starts_with("mailto:");
                let target = if is_mail || !title.is_empty() { "" } else { &**dest_url };
                self.start_link(target, at.start..at.start + 2);
            }
            _ => return false,
        }
        true
    }

    fn start_mark(&mut self, tag: &Tag<'_>, at: Range<usize>) {
        let typed = self.typed(at.clone());
        let (element, mark) = match tag {
            Tag::Strong => (Element::Strong, if typed.starts_with('_') { "__" } else { "**" }),
            Tag::Emphasis => (Element::Emphasis, if typed.starts_with('_') { "_" } else { "*" }),
            _ => (Element::Struck, if typed.starts_with("~~") { "~~" } else { "~" }),
        };
        self.end = at.start + mark.len();
        let before = self.source.get(..at.start).and_then(|before| before.chars().next_back());
        let behind = self.source.as_bytes().get(at.end);
        let in_address = self
            .addresses
            .iter()
            .any(|address| (address.start + 1..address.end).contains(&at.start));
        // Names in code begin and end so: `__init__`.
        let is_mark = mark != "__"
            && may_open(before)
            && !behind.is_some_and(u8::is_ascii_alphanumeric)
            && !in_address;
        if is_mark {
            self.flush();
            self.writer.html.open(element);
            self.open.push(Open::Mark(element));
        } else {
            self.text.push_str(mark);
            self.open.push(Open::Literal(mark));
        }
    }

    /// A link, or a picture: it is not loaded, so that its server learns nothing about readers.
    fn start_link(&mut self, target: &str, mark: Range<usize>) {
        let in_link = self.open.iter().any(|open| matches!(open, Open::Link(..)));
        if !in_link && is_target(target) {
            self.flush();
            self.writer.html.open_link(target);
            self.open.push(Open::Link(target.to_owned(), String::new()));
        } else {
            self.text.push_str(self.typed(mark.clone()));
            self.open.push(Open::NoLink);
        }
        self.end = mark.end;
    }

    pub(super) fn end_mark(&mut self) {
        if let Some(Open::Literal(mark)) = self.open.last() {
            self.text.push_str(mark);
        } else {
            self.flush();
        }
        if let Some(Open::Mark(element)) = self.open.pop() {
            self.writer.html.close(element);
        }
    }

    pub(super) fn end_link(&mut self, at: &Range<usize>) {
        if matches!(self.open.last(), Some(Open::NoLink)) {
            self.text.push_str(self.typed(self.end..at.end));
            self.open.pop();
            return;
        }
        self.flush();
        let Some(Open::Link(target, shown)) = self.open.pop() else { return };
        let html = &mut self.writer.html;
        if shown.trim().is_empty() {
            self.visible = true;
            html.text(&target);
        }
        html.close_link();
        if let Some(host) = misleading_host(&shown, &target) {
            html.text(&format!(" ({host})"));
        }
    }
}

/// Whether a mark can open behind this character: not in `2*3*4` and `snake_case_name`. Scripts without
/// spaces have marks inside what looks like a word.
fn may_open(before: Option<char>) -> bool {
    before.is_none_or(|c| {
        !c.is_ascii() || c.is_ascii_whitespace() || "([{<\"'-/:,;.!?*_~|>#".contains(c)
    })
}
