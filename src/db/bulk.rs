//! Many rows in one statement: it costs the same to send however many rows it is for.
//!
//! What is looked up or changed goes in one bound value. Both engines read it with `jsonb_each($1)`, as
//! `key` and `value`. It takes an object and not a list, and so the rows are numbered.
//!
//! What is read by the hundred comes from `SQLite` as one text ([`reading_many!`]): its driver copies every
//! value of a row by itself and hands every row over to another thread by itself, which costs more than to
//! write them all down as JSON and to read that. `PostgreSQL`'s rows lie in what came over the wire.
//!
//! What is inserted goes as `values` with a placeholder for each column, which a database reads quicker
//! than JSON. There are then as many texts as lengths, and so [`runs`] have few.

use serde::{Deserialize, Serialize, Serializer};
use sqlx::types::Json;

/// Rows that a statement reads with `jsonb_each`.
pub(crate) fn json_rows<T: Serialize>(rows: &[T]) -> Json<JsonRows<'_, T>> {
    Json(JsonRows(rows))
}

pub(crate) struct JsonRows<'a, T>(&'a [T]);

impl<T: Serialize> Serialize for JsonRows<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().enumerate())
    }
}

/// `SQLite`'s query for many rows as one text, for [`parse_rows`]. `$from` as in [`reading_many!`].
macro_rules! json_aggregate {
    ($columns:expr, $from:expr) => {
        concat!(
            "select '[' || coalesce(string_agg(line, ','), '') || ']' from (select json_array(",
            $columns,
            ") as line ",
            $from,
            ")"
        )
    };
}

/// Expands to many rows, each an [`in_order!`], for each engine. `$from` begins with `from` and ends in
/// an order, which `SQLite` keeps for what is strung together. `$query` is bound to the query, to which
/// `$bound` adds the values.
macro_rules! fetch_all_json {
    ($db:expr, $columns:expr, $from:expr, |$query:ident| $bound:expr) => {
        match $db {
            $crate::db::Db::Sqlite { read, .. } => {
                let $query =
                    sqlx::query_as::<_, (String,)>($crate::db::json_aggregate!($columns, $from));
                let (lines,) = $bound.fetch_one(&mut *read.acquire().await?).await?;
                $crate::db::parse_json_rows(&lines)?
            }
            $crate::db::Db::Postgres(pool) => {
                let $query = sqlx::query_as(concat!("select ", $columns, " ", $from));
                $bound.fetch_all(pool).await?
            }
        }
    };
}

/// Rows that came as one text.
pub(crate) fn parse_json_rows<'a, T: Deserialize<'a>>(
    lines: &'a str,
) -> Result<Vec<T>, sqlx::Error> {
    serde_json::from_str(lines).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// A row that is read by the place of its columns, which have to be asked for in the order of the
/// fields: for what is read by the hundred, where looking up each name would cost more than the value.
macro_rules! positional_row {
    ($(#[$doc:meta])* $sight:vis struct $name:ident { $($field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(serde::Deserialize)]
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

pub(crate) use {fetch_all_json, json_aggregate, positional_row};

/// Parts of a list whose lengths are powers of two, the longest first. What is written with one
/// statement for each part has few different texts, and all of them stay prepared.
pub(crate) fn power_of_two_chunks<T>(mut rest: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let length = 1 << rest.len().checked_ilog2()?;
        let run;
        (run, rest) = rest.split_at_checked(length)?;
        Some(run)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_all_there_is_in_its_order() {
        let list: Vec<u32> = (0..100).collect();
        let lengths: Vec<usize> = power_of_two_chunks(&list).map(<[u32]>::len).collect();
        assert_eq!(lengths, [64, 32, 4]);
        assert_eq!(power_of_two_chunks(&list).collect::<Vec<_>>().concat(), list);
        assert_eq!(power_of_two_chunks::<u32>(&[]).count(), 0);
    }
}
