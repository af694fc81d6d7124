//! Finds the end of a web address in running text.
//!
//! Decisions are based on Unicode properties of characters: tools leave letters of every script
//! unescaped in URLs, and users put punctuation of every script after them.

use icu_properties::props::{
    GeneralCategory, GeneralCategoryGroup, QuotationMark, TerminalPunctuation,
};
use icu_properties::{CodePointMapData, CodePointSetData};
use unicode_normalization::UnicodeNormalization;

use super::effort::looked_at;
use super::visible::{is_ignorable, is_mark};

/// Scans an address, one character at a time.
#[derive(Debug, Default)]
pub struct UrlScanner {
    /// Brackets that are not closed yet.
    open: Vec<char>,
    before: Option<char>,
}

impl UrlScanner {
    pub fn behind(before: Option<char>) -> Self {
        Self { open: Vec::new(), before }
    }

    /// Whether the address continues with `c`, which is followed by `rest`.
    pub fn keeps(&mut self, c: char, rest: &str) -> bool {
        looked_at(1);
        let kept = match c {
            '(' | '[' | '{' => {
                self.open.push(c);
                true
            }
            ')' => self.open.pop() == Some('('),
            ']' => self.open.pop() == Some('['),
            '}' => self.open.pop() == Some('{'),
            // Two addresses, separated by punctuation.
            ',' | ';' | '|' => scheme_of(rest).is_none(),
            '"' | '<' | '>' | '`' => false,
            c if c.is_ascii() => c.is_ascii_graphic(),
            c => is_part_of_url(c, self.before, rest),
        };
        self.before = Some(c);
        kept
    }
}

/// The length of `http://` or `https://` at the beginning.
pub fn scheme_of(text: &str) -> Option<usize> {
    let is_at_start = |scheme: &&str| {
        text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    ["http://", "https://"].into_iter().find(is_at_start).map(str::len)
}

/// Whether a non-ASCII character belongs to the address it is in.
fn is_part_of_url(c: char, before: Option<char>, rest: &str) -> bool {
    if is_ignorable(c) {
        // Joiners in Persian or Hindi words, variation selectors of emoji.
        return matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
    }
    if precedes_address(rest) {
        return false;
    }
    if c.is_alphanumeric() {
        return true;
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    if GeneralCategoryGroup::Separator.contains(category)
        || matches!(category, GeneralCategory::Control | GeneralCategory::Format)
        || is_separator(c)
    {
        return false;
    }
    if !GeneralCategoryGroup::Punctuation.contains(category) {
        return true;
    }
    let in_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || is_mark(c));
    in_word(before) && in_word(rest.chars().next())
}

/// Whether an address follows, after an optional variation selector and skin tone. Then the
/// character before them separates two addresses.
fn precedes_address(rest: &str) -> bool {
    let is_modifier = |c: char| is_ignorable(c) || matches!(c, '\u{1f3fb}'..='\u{1f3ff}');
    let modifiers = rest.chars().take(3).take_while(|c| is_modifier(*c)).map(char::len_utf8).sum();
    rest.get(modifiers..).and_then(scheme_of).is_some()
}

/// Whether a character always separates addresses, in any compatibility form: sentence punctuation,
/// quotes, brackets, ellipses and long dashes. Shorter dashes and the dots in titles (`ジョン・レノン`)
/// join words.
fn is_separator(c: char) -> bool {
    use GeneralCategory as Is;
    let plain = |c: char| match c {
        // The apostrophe within words.
        '’' => false,
        '…'
        | '‥'
        | '⋮'..='⋱'
        | '—'
        | '―'
        | '\u{2e3a}'
        | '\u{2e3b}'
        | '─'..='╿'
        | '¿'
        | '¡'
        | '❛'..='❠'
        | '\u{1f676}'..='\u{1f678}' => true,
        // Only the full-width forms of these ASCII characters get here: ＜, ｜, ～.
        c if c.is_ascii() && "<>`|~ ".contains(c) => true,
        c => {
            CodePointSetData::new::<TerminalPunctuation>().contains(c)
                || CodePointSetData::new::<QuotationMark>().contains(c)
                || matches!(
                    CodePointMapData::<GeneralCategory>::new().get(c),
                    Is::OpenPunctuation
                        | Is::ClosePunctuation
                        | Is::InitialPunctuation
                        | Is::FinalPunctuation
                )
        }
    };
    plain(c) || std::iter::once(c).nfkc().any(plain)
}

/// The end of the address without trailing sentence punctuation and opening brackets.
pub fn without_marks_behind(address: &str, from: usize) -> usize {
    let mut end = address.len();
    while end > from {
        let Some(last) = address.get(..end).and_then(|kept| kept.chars().next_back()) else {
            break;
        };
        if !".,:;!?'*|([{\u{200c}\u{200d}".contains(last) {
            break;
        }
        end -= last.len_utf8();
    }
    end
}
