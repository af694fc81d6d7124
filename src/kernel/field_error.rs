//! What is wrong with something that came from outside.

/// One complaint about one field. `reason` is a key of the message catalogue (`locales/`), which
/// says it in the reader's language; a test holds every reason used in the code against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldError {
    pub field: &'static str,
    pub code: &'static str,
}

impl FieldError {
    pub const fn new(field: &'static str, reason: &'static str) -> Self {
        Self { field, code: reason }
    }
}
