//! The values and errors that a form shows.

use std::borrow::Cow;

use crate::http::Language;
use crate::kernel::FieldError;

#[derive(Default)]
pub(in crate::pages) struct FormState {
    values: Vec<(&'static str, String)>,
    errors: Vec<(&'static str, Cow<'static, str>)>,
}

impl FormState {
    #[must_use]
    pub fn with(mut self, field: &'static str, value: &str) -> Self {
        self.values.push((field, value.to_owned()));
        self
    }

    #[must_use]
    pub fn add_error(mut self, language: Language, problems: &[FieldError]) -> Self {
        let texts =
            problems.iter().map(|problem| (problem.field, language.error_text(*problem).into()));
        self.errors.extend(texts);
        self
    }

    #[must_use]
    pub fn with_error(mut self, field: &'static str, text: String) -> Self {
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
