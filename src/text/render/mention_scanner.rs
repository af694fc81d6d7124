//! Decides where in a line an `@` can start a mention: not inside a word, and not inside text such as
//! `192.168.1.7/` or `localhost:3000/?q=`, which looks like a host with a path.
//!
//! Scans each line once, however many `@` are in it.

use unicode_normalization::char::is_combining_mark;

use crate::text::addresses::UrlScanner;
use crate::text::effort::looked_at;
use crate::text::scripts::is_written_without_spaces;

/// The at sign, including the full-width forms of Chinese and Japanese keyboards.
pub(super) const SIGNS: [char; 3] = ['@', '\u{ff20}', '\u{fe6b}'];

/// Full stops that browsers accept as the dots of a host name (UTS 46).
const OTHER_DOTS: [char; 3] = ['\u{3002}', '\u{ff0e}', '\u{ff61}'];

/// Scans a line from its beginning, up to each at sign and past each link.
pub(super) struct MentionScanner<'a> {
    line: &'a str,
    /// The byte offset up to which the line was scanned.
    at: usize,
    state: State,
    /// Scans the current word; it ends where a URL would end.
    walk: UrlScanner,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between words, or in the punctuation before one.
    Apart,
    /// Directly after a link. Characters that could continue its URL belong to the link.
    Link,
    /// In a word that may be a host. It starts at this byte offset.
    Host(usize),
    /// The same after a user name and an at sign: `git@` in `git@host:path`.
    HostOf(usize),
    /// In a word that is not an address.
    Word,
    Address,
}

impl<'a> MentionScanner<'a> {
    pub fn new(line: &'a str) -> Self {
        Self { line, at: 0, state: State::Apart, walk: UrlScanner::default() }
    }

    /// Continues after a link, which ends at the byte offset `end`.
    pub fn pass_link(&mut self, end: usize) {
        (self.at, self.state) = (end, State::Link);
    }

    /// Whether the at sign at this byte offset can start a mention. Call it for the at signs in order.
    pub fn may_mention(&mut self, sign: usize) -> bool {
        self.skip_words(sign);
        let walked = self.at;
        for (offset, c) in self.line.get(walked..sign).unwrap_or_default().char_indices() {
            self.step(walked + offset, c);
        }
        self.at = sign;
        self.starts_word(sign) && self.state != State::Address
    }

    /// A space ends every word and every address. So only what stands behind the last one is scanned.
    fn skip_words(&mut self, sign: usize) {
        let before = self.line.as_bytes().get(self.at..sign).unwrap_or_default();
        looked_at(before.len());
        if let Some(space) = before.iter().rposition(|byte| *byte == b' ') {
            (self.at, self.state) = (self.at + space + 1, State::Apart);
        }
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
        let following = self.line.get(at + c.len_utf8()..).unwrap_or_default();
        let kept = self.walk.keeps(c, following);
        if is_sign {
            self.state = self.after_sign(at, c);
        } else if !kept && !self.is_dot(at, c) {
            self.state = State::Apart;
        } else if let Some(is_address) = self.ends_host(at, c) {
            self.state = if is_address { State::Address } else { State::Word };
        }
    }

    /// In a word, an at sign can separate a user name from its host. Otherwise it may start a mention.
    fn after_sign(&self, at: usize, sign: char) -> State {
        match self.state {
            State::Host(start) if at > start && !self.starts_word(at) => {
                State::HostOf(at + sign.len_utf8())
            }
            State::Address => State::Address,
            _ => State::Word,
        }
    }

    /// If `c` starts a path here: whether the word before it is a host. `None` if no path starts here.
    fn ends_host(&self, at: usize, c: char) -> Option<bool> {
        let (start, separators) = match self.state {
            State::Host(start) => (start, "/\\?#"),
            State::HostOf(start) => (start, "/\\?#:"),
            _ => return None,
        };
        let host = self.line.get(start..at).unwrap_or_default();
        separators.contains(c).then(|| c == ':' || is_host(host))
    }

    /// Whether `c` is a Chinese or Japanese full stop inside a host name: browsers treat it as a dot.
    fn is_dot(&self, at: usize, c: char) -> bool {
        let before = self.line.get(..at).and_then(|before| before.chars().next_back());
        let following = self.line.get(at + c.len_utf8()..).and_then(|rest| rest.chars().next());
        let in_name = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let may_be_host = matches!(self.state, State::Host(_) | State::HostOf(_));
        may_be_host && OTHER_DOTS.contains(&c) && in_name(before) && in_name(following)
    }

    /// Whether the character before this offset does not belong to the same word.
    fn starts_word(&self, at: usize) -> bool {
        let before = self.line.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|c| {
            (!is_of_names(c) || is_written_without_spaces(c)) && !SIGNS.contains(&c)
        })
    }
}

/// Whether a handle may contain this character.
pub(super) fn is_of_names(c: char) -> bool {
    match c {
        '.' | '_' | '-' => true,
        c if c.is_ascii() => c.is_ascii_alphanumeric(),
        c => c.is_alphanumeric() || is_combining_mark(c),
    }
}

/// Whether the word before a path looks like a host name.
fn is_host(word: &str) -> bool {
    looked_at(word.len());
    word.trim_matches('.').contains('.')
        || word.contains(OTHER_DOTS)
        || word.contains(':')
        || word.eq_ignore_ascii_case("localhost")
}
