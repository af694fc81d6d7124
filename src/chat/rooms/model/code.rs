//! Room codes: creating them, and parsing them from text in many formats.

use std::fmt;

use percent_encoding::percent_decode_str;
use unicode_normalization::UnicodeNormalization;

use crate::kernel::Random;
use crate::text::visible::is_ignorable;

/// A code that lets users join a room: twelve characters of Crockford's base 32, which leaves out
/// letters that look like digits. 60 bits: too many to guess, short enough to read aloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code(String);

const CODE_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl Code {
    pub fn new(random: &Random) -> Self {
        let letter = |byte: u8| char::from(CODE_ALPHABET[usize::from(byte % 32)]);
        Self(random.bytes::<12>().into_iter().map(letter).collect())
    }

    /// Finds a code in a text, whether it was typed or copied as a link or from a sentence. Case,
    /// spaces and punctuation are ignored, O is read as 0, and so are letters of other scripts that
    /// look the same.
    pub fn parse(text: &str) -> Option<Self> {
        let text = plain(text);
        let in_word = || text.split_whitespace().find_map(Self::compact);
        Self::in_link(&text)
            .or_else(|| Self::compact(&text))
            .or_else(in_word)
            .or_else(|| Self::in_groups(&text))
    }

    /// The code in the path of a link (`join/…`), whole or in part.
    fn in_link(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        text.split("join/").skip(1).find_map(|rest| {
            let end = rest.find(|c: char| c.is_whitespace() || "/?#".contains(c));
            Self::compact(rest.get(..end.unwrap_or(rest.len()))?).or_else(|| Self::compact(rest))
        })
    }

    /// A text that consists of a code and separators only.
    fn compact(text: &str) -> Option<Self> {
        let code: String = text
            .chars()
            .filter(|c| c.is_alphanumeric())
            .take(13)
            .map(|c| match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            })
            .collect();
        Self::from_column(&code)
    }

    /// Three successive words of four characters, preferring those in capitals: "Code: H57H 4VGC Y811".
    fn in_groups(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let found =
            || words.windows(3).rev().filter(|triple| triple.iter().all(|word| word.len() == 4));
        let capitals = |triple: &&[&str]| !triple.concat().contains(char::is_lowercase);
        found().filter(capitals).chain(found()).find_map(|triple| Self::compact(&triple.concat()))
    }

    /// A code as stored in the database.
    pub(in crate::chat::rooms) fn from_column(text: &str) -> Option<Self> {
        let whole = text.len() == 12 && text.bytes().all(|byte| CODE_ALPHABET.contains(&byte));
        whole.then(|| Self(text.to_owned()))
    }

    /// The code without hyphens, as stored in the database.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, letter) in self.0.chars().enumerate() {
            if n > 0 && n % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{letter}")?;
        }
        Ok(())
    }
}

/// The digit zero of other scripts whose digits some keyboards type.
const ZEROS: [char; 4] = ['\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}'];

/// Replaces letters and digits that look like ASCII ones, and removes invisible characters.
fn plain(text: &str) -> String {
    let text = percent_decode_str(text).decode_utf8_lossy();
    text.nfkc().filter(|c| !is_ignorable(*c)).map(to_ascii_lookalike).collect()
}

fn to_ascii_lookalike(c: char) -> char {
    if c.is_ascii() {
        return c;
    }
    let offset = |zero: &char| u32::from(c).checked_sub(u32::from(*zero));
    let digit = ZEROS.iter().filter_map(offset).find_map(|offset| char::from_digit(offset, 10));
    let mut buffer = [0; 4];
    let mut skeleton = unicode_security::skeleton(c.encode_utf8(&mut buffer));
    let letter = match (skeleton.next(), skeleton.next()) {
        (Some(letter), None) if letter.is_ascii_alphanumeric() => Some(letter),
        _ => None,
    };
    digit.or(letter).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_codes_are_normalized() {
        let code = Code::new(&Random::system());
        let shown = code.to_string();
        assert_eq!(shown.len(), 14, "{shown}");
        assert_eq!(Code::parse(&shown), Some(code.clone()));
        assert_eq!(Code::parse(&shown.to_lowercase().replace('-', " ")), Some(code));
        assert_eq!(Code::parse("oiL0-0000-0000"), Code::parse("0110-0000-0000"));
    }

    /// Each of these is H57H-4VGC-Y811.
    const DRESSED: [&str; 45] = [
        "H57H-4VGC-Y811",
        "H57H4VGCY811",
        "h57h-4vgc-y811",
        "H57H 4VGC Y811",
        "H57H - 4VGC - Y811",
        "  H57H-4VGC-Y811\n",
        "H57H-4VGC-Y8lI",
        "H57H\u{2013}4VGC\u{2013}Y811",
        "H57H\u{2014}4VGC\u{2014}Y811",
        "H57H\u{2010}4VGC\u{2011}Y811",
        "H57H\u{2212}4VGC\u{ff0d}Y811",
        "H57H\u{ad}-4VGC\u{ad}-Y811",
        "H57H\u{a0}4VGC\u{2009}Y811",
        "H57H_4VGC.Y811",
        "\u{feff}H57H-4VGC-Y811\u{200b}",
        "H57H-\u{200b}4VGC-\u{2060}Y811",
        "\u{202a}H57H-4VGC-Y811\u{202c}",
        "H57H-4VGC-Y811.",
        "H57H-4VGC-Y811, please",
        "(H57H-4VGC-Y811)",
        "\u{201c}H57H-4VGC-Y811\u{201d}!",
        "«H57H-4VGC-Y811»…",
        "**H57H-4VGC-Y811**",
        "`H57H-4VGC-Y811`",
        "Ｈ５７Ｈ－４ＶＧＣ－Ｙ８１１",
        "Н57Н-4VGC-Y811",
        "H57H-4VGС-Υ811",
        "H٥٧H-٤VGC-Y٨١١",
        "H۵۷H-۴VGC-Y۸۱۱",
        "Code: H57H-4VGC-Y811",
        "The code is H57H 4VGC Y811.",
        "Join us with the code H57H 4VGC Y811",
        "my code is h57h 4vgc y811",
        "https://chat.example.org/join/H57H-4VGC-Y811",
        "http://127.0.0.1:3000/join/h57h4vgcy811",
        "chat.example.org/join/H57H-4VGC-Y811",
        "/join/H57H-4VGC-Y811",
        "join/H57H-4VGC-Y811",
        "https://chat.example.org/join/H57H-4VGC-Y811/",
        "https://chat.example.org/join/H57H-4VGC-Y811?utm_source=mail#top",
        "https://chat.example.org/join/H57H%2D4VGC%2DY811",
        "<https://chat.example.org/join/H57H-4VGC-Y811>",
        "[Huerto](https://chat.example.org/join/H57H-4VGC-Y811)",
        "See https://chat.example.org/join/H57H-4VGC-Y811, and bring a spade.",
        "https://chat.example.org/join/H57H-4VGC-\nY811",
    ];

    #[test]
    fn codes_are_found_in_links_and_sentences() {
        let code = Code::from_column("H57H4VGCY811").expect("a code");
        for text in DRESSED {
            assert_eq!(Code::parse(text), Some(code.clone()), "{text:?}");
        }
    }

    #[test]
    fn text_without_a_code_is_refused() {
        for text in [
            "",
            "0000-0000-000",
            "0000-0000-00000",
            "U000-0000-0000",
            "ñ000-0000-0000",
            "Huerto",
            "https://chat.example.org/join/",
            "https://chat.example.org/rooms/12",
            "H57H-4VGC",
            "%",
            "%ff%fe",
            "----",
        ] {
            assert_eq!(Code::parse(text), None, "{text:?}");
        }
    }
}
