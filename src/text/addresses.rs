//! Which characters a web address goes on with, and where it ends.
//!
//! Goes by what Unicode says of each character, since tools leave letters of every script unescaped
//! and people put the marks of every script behind.

use icu_properties::props::{
    GeneralCategory, GeneralCategoryGroup, QuotationMark, TerminalPunctuation,
};
use icu_properties::{CodePointMapData, CodePointSetData};
use unicode_normalization::UnicodeNormalization;

use super::effort::looked_at;
use super::visible::{is_ignorable, is_mark};

/// Goes along an address, one character after the other.
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

    /// Whether the address goes on with `c`, behind which stands `rest`.
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
            // Two addresses, parted by a mark.
            ',' | ';' | '|' => scheme_of(rest).is_none(),
            c if c.is_ascii() => c.is_ascii_graphic() && !"\"<>`".contains(c),
            c => belongs(c, self.before, rest),
        };
        self.before = Some(c);
        kept
    }
}

/// How long `http://` or `https://` at the beginning is.
pub fn scheme_of(text: &str) -> Option<usize> {
    ["http://", "https://"].into_iter().map(str::len).find(|length| {
        text.get(..*length).is_some_and(|start| {
            start.eq_ignore_ascii_case("http://") || start.eq_ignore_ascii_case("https://")
        })
    })
}

/// Whether a character that is not ASCII is part of the address that it stands in.
fn belongs(c: char, before: Option<char>, rest: &str) -> bool {
    if is_ignorable(c) {
        // Joiners in words of Persian or Hindi, variants of emoji.
        return matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
    }
    if goes_before_address(rest) {
        return false;
    }
    if c.is_alphanumeric() {
        return true;
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    if GeneralCategoryGroup::Separator.contains(category)
        || matches!(category, GeneralCategory::Control | GeneralCategory::Format)
        || parts_always(c)
    {
        return false;
    }
    if !GeneralCategoryGroup::Punctuation.contains(category) {
        return true;
    }
    let in_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || is_mark(c));
    in_word(before) && in_word(rest.chars().next())
}

/// Whether what stands before this text parts two addresses, maybe an emoji with its variant and skin.
fn goes_before_address(rest: &str) -> bool {
    let of_emoji = |c: char| is_ignorable(c) || matches!(c, '\u{1f3fb}'..='\u{1f3ff}');
    let dress = rest.chars().take(3).take_while(|c| of_emoji(*c)).map(char::len_utf8).sum();
    rest.get(dress..).and_then(scheme_of).is_some()
}

/// Whether a mark stands beside addresses and not in them, in whatever form it is written: the marks
/// of sentences, quotes, brackets, dots in a row and long dashes. Shorter dashes and the dots of
/// titles (`ジョン・レノン`) join words.
fn parts_always(c: char) -> bool {
    use GeneralCategory as Is;
    let plain = |c: char| match c {
        // The apostrophe of words.
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
        // Of ASCII only the other forms come here: ＜, ｜, ～.
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

/// The end without the marks of the sentence that the address stands in, and without brackets that
/// only open.
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
