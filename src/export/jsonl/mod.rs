//! The form of an export: JSON Lines, one object a line, one file for each kind of thing.
//!
//! [`KINDS`] says which fields each has, and how they come from the tables and get back. Every field
//! stands on every line; what is not known is `null`. Times are RFC 3339 in UTC, hashes are
//! hexadecimal. An export without secrets has the kinds that are not `secret`.

mod kinds;
mod value;

pub use crate::export::jsonl::kinds::{KINDS, Rebuild};
pub use crate::export::jsonl::value::{Row, Value, parse, write};

/// Beside the lines: what the export holds, to be read first.
pub const MANIFEST: &str = "export.json";
/// The folder of what opens doors.
pub const SECRETS: &str = "secrets";
/// The folder of people's pictures: `NAME.jpg`.
pub const AVATARS: &str = "avatars";
/// The number of this form.
pub const FORMAT: u32 = 3;

/// A kind of line.
#[derive(Debug)]
pub struct Kind {
    /// The file without its ending; in the folder of secrets, if it is one.
    pub name: &'static str,
    pub secret: bool,
    pub fields: &'static [Field],
    /// Finds all of them; columns as in `fields`, in an order that never changes.
    pub select: &'static str,
    /// Puts one into its table; parameters as in `fields`, followed by what `rebuild` adds.
    pub insert: &'static str,
    /// Checks a line and works out what is not exported.
    pub rebuild: Rebuild,
}

impl Kind {
    /// The file within an export.
    pub fn file(&self) -> String {
        let folder = if self.secret { "secrets/" } else { "" };
        format!("{folder}{}.jsonl", self.name)
    }

    /// Where a field stands.
    pub fn place(&self, field: &str) -> Option<usize> {
        self.fields.iter().position(|known| known.name == field)
    }
}

#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    pub form: Form,
    /// Whether it may be `null`.
    pub optional: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// From 0 to 2^53 − 1, as every reader of JSON can hold it.
    Number,
    /// `true` or `false`; 1 or 0 in the tables.
    Flag,
    /// RFC 3339; milliseconds since 1970 in the tables.
    Time,
    Text,
    /// Hexadecimal.
    Bytes,
}
