//! The format of an export: JSON Lines, one object per line, one file per kind of record.
//!
//! [`KINDS`] defines the fields of each kind and how they map to tables in both directions. Every
//! line has every field; an unknown value is `null`. Times are RFC 3339 in UTC, hashes are
//! hexadecimal. An export without secrets only has the kinds that are not `secret`.

mod kinds;
mod value;

pub use crate::export::jsonl::kinds::{KINDS, Rebuild};
pub use crate::export::jsonl::value::{Row, Value, parse, write};

/// The file with the contents of the export. An import reads it first.
pub const MANIFEST: &str = "export.json";
/// The folder of credentials.
pub const SECRETS: &str = "secrets";
/// The folder of avatars: `NAME.jpg`.
pub const AVATARS: &str = "avatars";
/// The format version.
pub const FORMAT: u32 = 3;

/// A kind of record.
#[derive(Debug)]
pub struct Kind {
    /// The file name without its extension. Secret kinds are in the folder of secrets.
    pub name: &'static str,
    pub secret: bool,
    pub fields: &'static [Field],
    /// Selects all rows, with columns as in `fields`, in a stable order.
    pub select: &'static str,
    /// Inserts a row. The parameters are `fields`, followed by the columns that `rebuild` adds.
    pub insert: &'static str,
    /// Checks a row and computes columns that are not exported.
    pub rebuild: Rebuild,
}

impl Kind {
    /// The path of the file in an export.
    pub fn file(&self) -> String {
        let folder = if self.secret { "secrets/" } else { "" };
        format!("{folder}{}.jsonl", self.name)
    }

    /// The index of a field.
    pub fn place(&self, field: &str) -> Option<usize> {
        self.fields.iter().position(|known| known.name == field)
    }
}

#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    pub form: Form,
    /// Whether the value can be `null`.
    pub optional: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// From 0 to 2^53 − 1, which every JSON parser can represent.
    Number,
    /// `true` or `false`; 1 or 0 in the tables.
    Flag,
    /// RFC 3339; milliseconds since 1970 in the tables.
    Time,
    Text,
    /// Hexadecimal.
    Bytes,
}
