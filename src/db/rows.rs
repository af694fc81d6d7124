//! Many rows in one bound value: a statement costs the same to send however many rows it is for.
//!
//! Both engines read them with `jsonb_each($1)`, as `key` and `value`. It takes an object and not a
//! list, and so the rows are numbered.

use serde::{Serialize, Serializer};
use sqlx::types::Json;

/// Rows that a statement reads with `jsonb_each`.
pub(crate) fn rows<T: Serialize>(rows: &[T]) -> Json<Rows<'_, T>> {
    Json(Rows(rows))
}

pub(crate) struct Rows<'a, T>(&'a [T]);

impl<T: Serialize> Serialize for Rows<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().enumerate())
    }
}
