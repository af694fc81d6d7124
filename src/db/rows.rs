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
pub(crate) fn rows<T: Serialize>(rows: &[T]) -> Json<Rows<'_, T>> {
    Json(Rows(rows))
}

pub(crate) struct Rows<'a, T>(&'a [T]);

impl<T: Serialize> Serialize for Rows<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().enumerate())
    }
}

/// `SQLite`'s query for many rows as one text, for [`parse_rows`]. `$from` as in [`reading_many!`].
macro_rules! as_one_text {
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
macro_rules! reading_many {
    ($db:expr, $columns:expr, $from:expr, |$query:ident| $bound:expr) => {
        match $db {
            $crate::db::Db::Sqlite { read, .. } => {
                let $query =
                    sqlx::query_as::<_, (String,)>($crate::db::as_one_text!($columns, $from));
                let (lines,) = $bound.fetch_one(&mut *read.one().await?).await?;
                $crate::db::parse_rows(&lines)?
            }
            $crate::db::Db::Postgres(pool) => {
                let $query = sqlx::query_as(concat!("select ", $columns, " ", $from));
                $bound.fetch_all(pool).await?
            }
        }
    };
}

/// Rows that came as one text.
pub(crate) fn parse_rows<'a, T: Deserialize<'a>>(lines: &'a str) -> Result<Vec<T>, sqlx::Error> {
    serde_json::from_str(lines).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// A row that is read by the place of its columns, which have to be asked for in the order of the
/// fields: for what is read by the hundred, where looking up each name would cost more than the value.
macro_rules! in_order {
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

pub(crate) use {as_one_text, in_order, reading_many};

/// Parts of a list whose lengths are powers of two, the longest first. What is written with one
/// statement for each part has few different texts, and all of them stay prepared.
pub(crate) fn runs<T>(mut rest: &[T]) -> impl Iterator<Item = &[T]> {
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
        let lengths: Vec<usize> = runs(&list).map(<[u32]>::len).collect();
        assert_eq!(lengths, [64, 32, 4]);
        assert_eq!(runs(&list).collect::<Vec<_>>().concat(), list);
        assert_eq!(runs::<u32>(&[]).count(), 0);
    }
}
