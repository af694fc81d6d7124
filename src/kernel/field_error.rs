//! Errors in input from outside.

/// An error in one field of a form or request. `code` is a key of the message catalogue (`locales/`), which
/// has the text in the user's language. A test checks that the catalogue has every code used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldError {
    pub field: &'static str,
    pub code: &'static str,
}

impl FieldError {
    pub const fn new(field: &'static str, code: &'static str) -> Self {
        Self { field, code }
    }
}
