//! Asking the index.

use crate::chat::rooms::readable_rooms;
use crate::chat::search::model::{Mark, Phrase};
use crate::db::{Db, reading};
use crate::kernel::{MessageId, Timestamp, UserId};

/// What a message must have to be found.
#[derive(Clone, Debug)]
pub(in crate::chat::search) struct Wanted {
    pub reader: UserId,
    pub phrases: Vec<Phrase>,
    /// Of each list one mark at least.
    pub marks: Vec<Vec<Mark>>,
    pub after: Timestamp,
    pub before: Timestamp,
}

impl Wanted {
    /// The same without the short beginnings of words, if there are any: an index has to gather every
    /// message of every such word before it knows the newest.
    pub fn without_beginnings(&self) -> Option<Self> {
        let mut loose = self.clone();
        loose.phrases.retain(|phrase| !phrase.is_wide());
        if loose.phrases.len() == self.phrases.len() {
            return None;
        }
        if loose.phrases.is_empty() && loose.marks.is_empty() {
            loose.marks.push(vec![Mark::Any]);
        }
        Some(loose)
    }

    /// As FTS5 reads it.
    fn match_text(&self) -> String {
        self.joined(Phrase::match_text, " OR ", " AND ")
    }

    /// As the text of a `tsquery`.
    fn query_text(&self) -> String {
        self.joined(Phrase::query_text, " | ", " & ")
    }

    fn joined(&self, write: impl Fn(&Phrase) -> String, or: &str, and: &str) -> String {
        let one_of = |marks: &Vec<Mark>| {
            let marks: Vec<String> = marks.iter().map(|mark| write(&Phrase::mark(*mark))).collect();
            format!("({})", marks.join(or))
        };
        let parts = self.phrases.iter().map(&write).chain(self.marks.iter().map(one_of));
        parts.collect::<Vec<_>>().join(and)
    }
}

/// Down to which message the newest are walked, from `$2` on.
macro_rules! walked {
    () => {
        "(select least($2, value + 1) - 5000 from counters where name = 'message')"
    };
}

// The index is walked from its newest end and stops when there is enough, so the newest are found in
// the same time however many there are. `cross join` keeps it the outer loop.
const SQLITE: &str = concat!(
    "select m.id, m.body from search s cross join messages m on m.id = s.rowid
     where s.search match $1 and s.rowid < $2 and (m.pos >> 32) in (",
    readable_rooms!("$3"),
    ") and m.created_at >= $4 and m.created_at < $5 and m.deleted_at is null
     order by s.rowid desc limit $6"
);
// PostgreSQL's index knows no order: it gathers all that fits. For a common word that is far too much, and
// the newest messages soon have enough; for a rare one it is little. The planner cannot tell which is
// which, so the newest are walked first and the rest is gathered; `offset 0`, `materialized` and `id + 0`
// keep it so.
const NEAR: &str = concat!(
    "select m.id, m.body
     from (select id, tokens from search
           where id < $2 and id >= ",
    walked!(),
    "      order by id desc offset 0) s
     join messages m on m.id = s.id
     where s.tokens @@ $1::tsquery and (m.pos >> 32) = any(array(",
    readable_rooms!("$3"),
    ")) and m.created_at >= $4 and m.created_at < $5 and m.deleted_at is null
     order by s.id desc limit $6"
);
const FAR: &str = concat!(
    "with s as materialized
       (select id from search where tokens @@ $1::tsquery and id + 0 < $2 and id + 0 < ",
    walked!(),
    ")
     select m.id, m.body
     from (select id from s order by id desc) s
     cross join lateral
       (select id, body from messages
        where id = s.id and (pos >> 32) = any(array(",
    readable_rooms!("$3"),
    ")) and created_at >= $4 and created_at < $5 and deleted_at is null offset 0) m
     order by s.id desc limit $6"
);

/// Messages that may be wanted, with their bodies, the newest first, of rooms that the reader may read.
pub(in crate::chat::search) async fn find(
    db: &Db,
    wanted: &Wanted,
    before: MessageId,
    limit: usize,
) -> Result<Vec<(MessageId, String)>, sqlx::Error> {
    let Db::Postgres(_) = db else {
        return ask(db, SQLITE, wanted.match_text(), wanted, before, limit).await;
    };
    let mut found = ask(db, NEAR, wanted.query_text(), wanted, before, limit).await?;
    if found.len() < limit {
        let far = ask(db, FAR, wanted.query_text(), wanted, before, limit).await?;
        // What is posted between the two moves the border.
        let last = found.last().map_or(before, |(id, _)| *id);
        found.extend(far.into_iter().filter(|(id, _)| *id < last));
        found.truncate(limit);
    }
    Ok(found)
}

async fn ask(
    db: &Db,
    text: &'static str,
    asked: String,
    wanted: &Wanted,
    before: MessageId,
    limit: usize,
) -> Result<Vec<(MessageId, String)>, sqlx::Error> {
    let rows: Vec<(i64, String)> = reading!(db, |pool| {
        sqlx::query_as(text)
            .bind(asked)
            .bind(before.0)
            .bind(wanted.reader.0)
            .bind(wanted.after.0)
            .bind(wanted.before.0)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(pool)
            .await?
    });
    Ok(rows.into_iter().map(|(id, body)| (MessageId(id), body)).collect())
}

/// Everybody who ever had an account: what they wrote is still there.
pub(in crate::chat::search) async fn people(
    db: &Db,
) -> Result<Vec<(UserId, String, String)>, sqlx::Error> {
    let rows: Vec<(i64, String, String)> = reading!(db, |pool| {
        sqlx::query_as("select id, name, display_name from users").fetch_all(pool).await?
    });
    Ok(rows.into_iter().map(|(id, name, shown)| (UserId(id), name, shown)).collect())
}
