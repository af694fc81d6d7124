//! Room codes: how they are made, and how they are read however they arrive.

use std::fmt;

use crate::kernel::Random;

/// What lets people into a room: twelve characters of Crockford's base 32, which has no letters
/// that are taken for digits. Some 60 bits: not to be guessed, easy to read out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code(String);

const CODE_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl Code {
    pub fn new(random: &Random) -> Self {
        let letter = |byte: u8| char::from(CODE_ALPHABET[usize::from(byte % 32)]);
        Self(random.bytes::<12>().into_iter().map(letter).collect())
    }

    /// A code as somebody typed it: case and hyphens do not matter, nor whether it was an O or a 0.
    pub fn parse(text: &str) -> Option<Self> {
        let code: String = text
            .chars()
            .filter(|c| !matches!(c, '-' | ' '))
            .map(|c| match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            })
            .collect();
        let known = |c: char| u8::try_from(c).is_ok_and(|c| CODE_ALPHABET.contains(&c));
        (code.len() == 12 && code.chars().all(known)).then_some(Self(code))
    }

    /// A code as the database keeps it.
    pub(in crate::chat::rooms) fn from_column(text: &str) -> Option<Self> {
        let whole = text.len() == 12 && text.bytes().all(|byte| CODE_ALPHABET.contains(&byte));
        whole.then(|| Self(text.to_owned()))
    }

    /// Without hyphens, as the database keeps it.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = Code::new(&Random::system());
        let shown = code.to_string();
        assert_eq!(shown.len(), 14, "{shown}");
        assert_eq!(Code::parse(&shown), Some(code.clone()));
        assert_eq!(Code::parse(&shown.to_lowercase().replace('-', " ")), Some(code));
        assert_eq!(Code::parse("oiL0-0000-0000"), Code::parse("0110-0000-0000"));
        for bad in ["", "0000-0000-000", "0000-0000-00000", "U000-0000-0000", "ñ000-0000-0000"] {
            assert_eq!(Code::parse(bad), None, "{bad}");
        }
    }
}
