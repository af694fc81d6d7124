//! The language of a code block, as it is named behind its fence.

/// A word of at most 20 letters, digits, `+`, `#` and `-`, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Language(String);

impl Language {
    const LONGEST: usize = 20;

    /// `None` if the text is no such word.
    pub fn parse(text: &str) -> Option<Self> {
        let of_names = |byte: u8| byte.is_ascii_alphanumeric() || b"+#-".contains(&byte);
        let is_valid = (1..=Self::LONGEST).contains(&text.len()) && text.bytes().all(of_names);
        is_valid.then(|| Self(text.to_ascii_lowercase()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
