//! A form as it is shown: what was typed, and what is wrong with it.

use std::borrow::Cow;

use crate::http::Language;
use crate::kernel::Invalid;

#[derive(Default)]
pub(super) struct Form {
    values: Vec<(&'static str, String)>,
    errors: Vec<(&'static str, Cow<'static, str>)>,
}

impl Form {
    #[must_use]
    pub fn with(mut self, field: &'static str, value: &str) -> Self {
        self.values.push((field, value.to_owned()));
        self
    }

    #[must_use]
    pub fn complain(mut self, language: Language, problems: &[Invalid]) -> Self {
        let texts =
            problems.iter().map(|problem| (problem.field, language.complain(*problem).into()));
        self.errors.extend(texts);
        self
    }

    #[must_use]
    pub fn wrong(mut self, field: &'static str, text: String) -> Self {
        self.errors.push((field, text.into()));
        self
    }

    pub fn value(&self, field: &str) -> &str {
        find(&self.values, field).unwrap_or_default()
    }

    pub fn error(&self, field: &str) -> Option<&str> {
        find(&self.errors, field)
    }
}

fn find<'a>(texts: &'a [(&str, impl AsRef<str>)], field: &str) -> Option<&'a str> {
    texts.iter().find(|(name, _)| *name == field).map(|(_, text)| text.as_ref())
}
