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

/// A row that is read by the place of its columns, which have to be asked for in the order of the
/// fields: for what is read by the hundred, where looking up each name would cost more than the value.
macro_rules! in_order {
    ($(#[$doc:meta])* $sight:vis struct $name:ident { $($field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        $sight struct $name {
            $($field: $type,)*
        }

        impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for $name
        where
            usize: sqlx::ColumnIndex<R>,
            $($type: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,)*
        {
            fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
                let mut places = 0..;
                let mut next = || places.next().unwrap_or_default();
                Ok(Self { $($field: row.try_get(next())?,)* })
            }
        }
    };
}

pub(crate) use in_order;
