//! Where in a line a word behind an `@` may mention somebody: not inside a word, and not in something
//! like `192.168.1.7/` or `localhost:3000/?q=`, which has the shape of a host and a path behind it.
//!
//! Goes along the line once, however many signs are in it.

use unicode_normalization::char::is_combining_mark;

use crate::text::addresses::UrlScanner;
use crate::text::effort::looked_at;
use crate::text::scripts::is_written_without_spaces;

/// The sign as keyboards write it, also those of Chinese and Japanese.
pub(super) const SIGNS: [char; 3] = ['@', '\u{ff20}', '\u{fe6b}'];

/// Full stops that a browser reads as the dots of a host (UTS 46).
const OTHER_DOTS: [char; 3] = ['\u{3002}', '\u{ff0e}', '\u{ff61}'];

/// Goes along a line, from its beginning to each sign and past each link.
pub(super) struct MentionScanner<'a> {
    line: &'a str,
    /// What was walked, in bytes.
    at: usize,
    state: State,
    /// Of the word, which ends where an address does.
    walk: UrlScanner,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between words, or among the marks before one.
    Apart,
    /// Directly behind a link: what goes on like an address belongs to it.
    Link,
    /// In a word that may be a host, which begins here.
    Host(usize),
    /// The same behind somebody's name and a sign: `git@` of `git@host:path`.
    HostOf(usize),
    /// In a word that is no address.
    Word,
    Address,
}

impl<'a> MentionScanner<'a> {
    pub fn new(line: &'a str) -> Self {
        Self { line, at: 0, state: State::Apart, walk: UrlScanner::default() }
    }

    /// Goes on behind a link, which ends here.
    pub fn pass_link(&mut self, end: usize) {
        (self.at, self.state) = (end, State::Link);
    }

    /// Whether the sign that stands here may mention. Signs are asked for in their order.
    pub fn may_mention(&mut self, sign: usize) -> bool {
        let walked = self.at;
        for (offset, c) in self.line.get(walked..sign).unwrap_or_default().char_indices() {
            self.step(walked + offset, c);
        }
        self.at = sign;
        self.stands_apart(sign) && self.state != State::Address
    }

    fn step(&mut self, at: usize, c: char) {
        looked_at(1);
        if self.state == State::Link {
            self.state = match c {
                '.' => return,
                '/' | '\\' | '?' | '#' | ':' => State::Address,
                _ => State::Apart,
            };
            self.walk = UrlScanner::default();
        }
        let is_sign = SIGNS.contains(&c);
        if self.state == State::Apart {
            if !is_sign && !c.is_alphanumeric() && c != '[' {
                return;
            }
            self.state = State::Host(at);
            self.walk = UrlScanner::default();
        }
        let behind = self.line.get(at + c.len_utf8()..).unwrap_or_default();
        let kept = self.walk.keeps(c, behind);
        if is_sign {
            self.state = self.behind_sign(at, c);
        } else if !kept && !self.is_dot(at, c) {
            self.state = State::Apart;
        } else if let Some(is_address) = self.ends_host(at, c) {
            self.state = if is_address { State::Address } else { State::Word };
        }
    }

    /// Inside a word a sign stands between a name and its host, else it begins a mention.
    fn behind_sign(&self, at: usize, sign: char) -> State {
        match self.state {
            State::Host(start) if at > start && !self.stands_apart(at) => {
                State::HostOf(at + sign.len_utf8())
            }
            State::Address => State::Address,
            _ => State::Word,
        }
    }

    /// Whether it was one, where a path begins with `c`.
    fn ends_host(&self, at: usize, c: char) -> Option<bool> {
        let (start, marks) = match self.state {
            State::Host(start) => (start, "/\\?#"),
            State::HostOf(start) => (start, "/\\?#:"),
            _ => return None,
        };
        let host = self.line.get(start..at).unwrap_or_default();
        marks.contains(c).then(|| c == ':' || is_host(host))
    }

    /// Whether `c` is a full stop of Chinese or Japanese keyboards inside a host: browsers take it for one.
    fn is_dot(&self, at: usize, c: char) -> bool {
        let before = self.line.get(..at).and_then(|before| before.chars().next_back());
        let behind = self.line.get(at + c.len_utf8()..).and_then(|rest| rest.chars().next());
        let in_name = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let may_be_host = matches!(self.state, State::Host(_) | State::HostOf(_));
        may_be_host && OTHER_DOTS.contains(&c) && in_name(before) && in_name(behind)
    }

    /// Whether what stands here is no part of a word before it.
    fn stands_apart(&self, at: usize) -> bool {
        let before = self.line.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|c| {
            (!is_of_names(c) || is_written_without_spaces(c)) && !SIGNS.contains(&c)
        })
    }
}

/// What a name may have in it.
pub(super) fn is_of_names(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c) || "._-".contains(c)
}

/// Whether a word in front of a path has the shape of a host.
fn is_host(word: &str) -> bool {
    looked_at(word.len());
    word.trim_matches('.').contains('.')
        || word.contains(OTHER_DOTS)
        || word.contains(':')
        || word.eq_ignore_ascii_case("localhost")
}
