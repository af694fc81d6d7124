//! Statements for many rows: sending one statement costs the same for any number of rows.
//!
//! Lookups and updates pass their rows as one bound value. Both engines read it with `jsonb_each($1)`, as
//! `key` and `value`. That function takes an object and not an array, so the rows are numbered. The statements of
//! messages pass columns ([`PushGiven`]): `PostgreSQL` reads arrays faster, and expects few rows in them, so that it
//! looks these up in an index.
//!
//! Results of hundreds of rows come from `SQLite` as one JSON text ([`fetch_all_json!`]): its driver copies
//! every value separately and sends every row to another thread separately, which costs more than encoding
//! and decoding JSON. `PostgreSQL`'s rows are read directly from the network buffer.
//!
//! Inserts ([`push_insert`]) use `values` on `SQLite`, with a placeholder for each column, which it parses faster than
//! JSON. The text of such a statement depends on the number of rows, so [`power_of_two_chunks`] allows only a few.

use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Serialize, Serializer};
use sqlx::types::Json;
use sqlx::{Postgres, QueryBuilder, Sqlite};

use super::StatementBatch;

/// Wraps rows for a statement that reads them with `jsonb_each`.
pub(crate) fn json_rows<T: Serialize>(rows: &[T]) -> Json<JsonRows<'_, T>> {
    Json(JsonRows(rows))
}

pub(crate) struct JsonRows<'a, T>(&'a [T]);

impl<T: Serialize> Serialize for JsonRows<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().enumerate())
    }
}

/// `SQLite`'s query for many rows as one JSON text, for [`parse_json_rows`]. `$from` is as in
/// [`fetch_all_json!`].
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

/// Returns all rows, each a [`positional_row!`], on either engine. `$from` starts with `from` and ends with
/// `order by`; `SQLite` aggregates in this order. Then come the values of `$1`, `$2`, … in order.
macro_rules! fetch_all_json {
    ($db:expr, $columns:expr, $from:expr $(, $value:expr)* $(,)?) => {
        async {
            match $db {
                $crate::db::Db::Sqlite { read, .. } => {
                    let rows: String =
                        sqlx::query_scalar($crate::db::json_aggregate!($columns, $from))
                            $(.bind($value))*.fetch_one(&mut *read.acquire().await?).await?;
                    $crate::db::parse_json_rows(&rows)
                }
                db @ $crate::db::Db::Postgres(_) => {
                    $crate::db::fetch_all!(db, concat!("select ", $columns, " ", $from) $(, $value)*)
                }
            }
        }
        .await
    };
}

/// Returns the only row of a query: `$first`, and for each `($columns, $from)` its rows as one JSON text for
/// [`parse_json_rows`]. So several queries take one way to the database and back. A condition in `$columns` must be
/// written as a number.
macro_rules! fetch_json_columns {
    ($db:expr, $first:expr, [$(($columns:expr, $from:expr)),* $(,)?] $(, $value:expr)* $(,)?) => {
        async {
            match $db {
                $crate::db::Db::Sqlite { read, .. } => {
                    sqlx::query_as(concat!(
                        "select ", $first,
                        $(", (", $crate::db::json_aggregate!($columns, $from), ")",)*
                    ))
                    $(.bind($value))*.fetch_one(&mut *read.acquire().await?).await
                }
                db @ $crate::db::Db::Postgres(_) => $crate::db::fetch_one!(
                    db,
                    concat!(
                        "select ", $first,
                        $(", (select '[' || coalesce(string_agg(line, ','), '') || ']'
                             from (select json_build_array(", $columns, ")::text as line ", $from,
                            ") lines)",)*
                    )
                    $(, $value)*
                ),
            }
        }
        .await
    };
}

/// Decodes rows from one JSON text.
pub(crate) fn parse_json_rows<'a, T: Deserialize<'a>>(
    lines: &'a str,
) -> Result<Vec<T>, sqlx::Error> {
    serde_json::from_str(lines).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Defines a row that is read by the positions of its columns, so a query must select them in the order of
/// the fields. For results of hundreds of rows, where looking up a column by name costs more than reading it.
macro_rules! positional_row {
    ($(#[$doc:meta])* $sight:vis struct $name:ident { $($field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(serde::Deserialize)]
        $sight struct $name {
            $(
                #[serde(deserialize_with = "crate::db::from_json_column")]
                $field: $type,
            )*
        }

        impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for $name
        where
            usize: sqlx::ColumnIndex<R>,
            $($type: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,)*
        {
            fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
                let mut positions = 0..;
                let mut next = || positions.next().unwrap_or_default();
                Ok(Self { $($field: row.try_get(next())?,)* })
            }
        }
    };
}

pub(crate) use {fetch_all_json, fetch_json_columns, json_aggregate, positional_row};

/// The values of one column of many rows.
pub(crate) enum Column<'a> {
    Numbers(Vec<i64>),
    Optional(Vec<Option<i64>>),
    Texts(Vec<&'a str>),
}

/// The columns of many rows, with their names.
pub(crate) type Columns<'a> = [(&'static str, Column<'a>)];

impl Column<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Optional(values) => values.len(),
            Self::Texts(values) => values.len(),
        }
    }

    fn push_to(&self, query: &mut QueryBuilder<Postgres>) {
        match self {
            Self::Numbers(values) => query.push_bind(values),
            Self::Optional(values) => query.push_bind(values),
            Self::Texts(values) => query.push_bind(values),
        };
    }
}

/// Rows that a statement reads as the table `given`, where `from` may stand.
pub(crate) trait PushGiven {
    fn push_given(&mut self, columns: &Columns<'_>) -> &mut Self;
}

impl PushGiven for QueryBuilder<Sqlite> {
    fn push_given(&mut self, columns: &Columns<'_>) -> &mut Self {
        self.push("(select ");
        for (place, (name, column)) in columns.iter().enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            self.push(match column {
                Column::Texts(_) => format!("{separator}value ->> {place} as {name}"),
                _ => format!("{separator}cast(value ->> {place} as bigint) as {name}"),
            });
        }
        self.push(" from jsonb_each(").push_bind(Json(GivenRows(columns))).push(")) given")
    }
}

impl PushGiven for QueryBuilder<Postgres> {
    fn push_given(&mut self, columns: &Columns<'_>) -> &mut Self {
        push_arrays(self, columns);
        self.push(" given (").push(names(columns)).push(")")
    }
}

fn push_arrays(query: &mut QueryBuilder<Postgres>, columns: &Columns<'_>) {
    for (place, (_, column)) in columns.iter().enumerate() {
        query.push(if place == 0 { "unnest(" } else { ", " });
        column.push_to(query);
    }
    query.push(")");
}

fn names(columns: &Columns<'_>) -> String {
    columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

fn rows_of(columns: &Columns<'_>) -> usize {
    columns.first().map_or(0, |(_, column)| column.len())
}

/// Adds the statements that insert rows into a table. `rest` is what follows the rows: nothing, or `on conflict …`.
pub(crate) fn push_insert(
    statements: &mut StatementBatch,
    table: &'static str,
    columns: &Columns<'_>,
    rest: &'static str,
) {
    let into = format!("insert into {table} ({}) ", names(columns));
    match statements {
        StatementBatch::Sqlite(all) => {
            let rows: Vec<usize> = (0..rows_of(columns)).collect();
            for chunk in power_of_two_chunks(&rows) {
                let query = all.next().push(&into);
                query.push_values(chunk, |mut values, row| {
                    for (_, column) in columns {
                        match column {
                            Column::Numbers(all) => values.push_bind(all[*row]),
                            Column::Optional(all) => values.push_bind(all[*row]),
                            Column::Texts(all) => values.push_bind(all[*row]),
                        };
                    }
                });
                query.push(rest);
            }
        }
        StatementBatch::Postgres(all) => {
            let query = all.next().push(&into).push("select * from ");
            push_arrays(query, columns);
            query.push(rest);
        }
    }
}

/// Rows by number, as [`json_rows`] has them.
struct GivenRows<'a>(&'a Columns<'a>);

impl Serialize for GivenRows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map((0..rows_of(self.0)).map(|row| (row, GivenRow(self.0, row))))
    }
}

struct GivenRow<'a>(&'a Columns<'a>, usize);

impl Serialize for GivenRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut values = serializer.serialize_seq(Some(self.0.len()))?;
        for (_, column) in self.0 {
            match column {
                Column::Numbers(all) => values.serialize_element(&all[self.1])?,
                Column::Optional(all) => values.serialize_element(&all[self.1])?,
                Column::Texts(all) => values.serialize_element(all[self.1])?,
            }
        }
        values.end()
    }
}

/// Splits a list into chunks whose lengths are powers of two, the longest first. A statement with one
/// placeholder per item then has only a few different texts, and all of them stay prepared.
pub(crate) fn power_of_two_chunks<T>(mut rest: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let length = 1 << rest.len().checked_ilog2()?;
        let chunk;
        (chunk, rest) = rest.split_at_checked(length)?;
        Some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_contain_the_whole_list_in_order() {
        let list: Vec<u32> = (0..100).collect();
        let lengths: Vec<usize> = power_of_two_chunks(&list).map(<[u32]>::len).collect();
        assert_eq!(lengths, [64, 32, 4]);
        assert_eq!(power_of_two_chunks(&list).collect::<Vec<_>>().concat(), list);
        assert_eq!(power_of_two_chunks::<u32>(&[]).count(), 0);
    }
}
