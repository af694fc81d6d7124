//! The sections into which users divide their own sidebars.

use crate::kernel::FieldError;
use crate::text::names::visible_line;

/// The name of a section of a user's sidebar: at most 32 characters on one line. An empty one is no section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SectionName(String);

impl SectionName {
    /// # Errors
    /// If it is too long, or has more than one line.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        visible_line(text)
            .filter(|name| name.chars().count() <= 32)
            .map(Self)
            .ok_or(FieldError::new("name", "section-shape"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
