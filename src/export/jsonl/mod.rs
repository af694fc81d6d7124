//! The format of an export: JSON Lines, one object per line, one file per kind of record.
//!
//! Each line has all fields of its [`Record`]; an unknown value is `null`. Which records there are, this
//! module does not know.

mod line;
mod value;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use crate::db::Transaction;
use crate::http::Language;
use crate::kernel::FieldError;

pub(super) use line::{parse, write};
pub(super) use value::{Base64, Flag, Number, Sha256, Text};

/// The file with the contents of the export. An import reads it first.
pub(super) const MANIFEST: &str = "export.json";
/// The folder of credentials.
pub(super) const SECRETS: &str = "secrets";
/// The folder of avatars: `NAME.jpg`.
pub(super) const AVATARS: &str = "avatars";
/// The folder of the contents of files, each named by its hash.
pub(super) const CONTENTS: &str = "files";
/// The format version.
pub(super) const FORMAT: u32 = 4;

/// A line of an export and the row that it stands for.
///
/// The fields of the struct are the fields of the line, in this order. They do not follow the names of the
/// columns, which can change: `SELECT` and `INSERT` map one to the other.
pub(super) trait Record:
    Serialize
    + DeserializeOwned
    + Send
    + Unpin
    + for<'r> FromRow<'r, SqliteRow>
    + for<'r> FromRow<'r, PgRow>
{
    /// The path of the file in an export.
    const FILE: &'static str;
    /// Selects all records in a stable order. Its columns are named like the fields.
    const SELECT: &'static str;
    /// Inserts a record.
    const INSERT: &'static str;

    /// Checks the record, computes the columns that are not exported, and inserts it. Returns the number of
    /// inserted rows: 0 if the record refers to a row that does not exist.
    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError>;
}

/// Why a record could not be inserted.
#[derive(Debug, thiserror::Error)]
pub(super) enum InsertError {
    #[error("{0}")]
    Invalid(String),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<FieldError> for InsertError {
    fn from(error: FieldError) -> Self {
        Self::Invalid(format!("{}: {}", error.field, Language::English.error_text(error)))
    }
}
