//! Asking the index.

use super::criteria::{CandidateRow, Criteria};
use super::postgres;
use crate::chat::rooms::readable_rooms;
use crate::chat::search::model::{Candidate, IndexTerm, Phrase};
use crate::db::{Db, json_aggregate, parse_json_rows};
use crate::kernel::MessageId;

impl Criteria {
    /// The same without the short beginnings of words, if there are any.
    fn without_beginnings(&self) -> Option<Self> {
        let mut loose = self.clone();
        loose.phrases.retain(|phrase| !phrase.is_wide());
        if loose.phrases.len() == self.phrases.len() {
            return None;
        }
        if loose.phrases.is_empty() && loose.marks.is_empty() {
            loose.marks.push(vec![IndexTerm::Any]);
        }
        Some(loose)
    }

    /// As FTS5 reads it.
    fn match_text(&self) -> String {
        let one_of = |marks: &Vec<IndexTerm>| {
            let marks: Vec<String> =
                marks.iter().map(|mark| Phrase::mark(*mark).match_text()).collect();
            format!("({})", marks.join(" OR "))
        };
        let phrases = self.phrases.iter().map(Phrase::match_text);
        phrases.chain(self.marks.iter().map(one_of)).collect::<Vec<_>>().join(" AND ")
    }
}

// The index is walked from its newest end and stops when there is enough, so the newest are found in
// the same time however many there are. `cross join` keeps it the outer loop.
const SQLITE: &str = json_aggregate!(
    "m.id, m.body, m.author_id, m.pos, m.created_at,
     case when $8 = 1 and m.html like '%<a href=\"http%' then 1 else 0 end",
    concat!(
        "from search s cross join messages m on m.id = s.rowid
         where s.search match $1 and s.rowid < $2 and s.rowid >= $7 and (m.pos >> 32) in (",
        readable_rooms!("$3"),
        ") and m.created_at >= $4 and m.created_at < $5 and m.deleted_at is null
         order by s.rowid desc limit $6"
    )
);

/// What should be asked for among the newest messages before it is asked for among all: `SQLite`'s index
/// has to gather every message of every word that begins with a few letters before it knows the newest.
pub(in crate::chat::search) fn at_first(db: &Db, wanted: &Criteria) -> Option<Criteria> {
    matches!(db, Db::Sqlite { .. }).then(|| wanted.without_beginnings()).flatten()
}

/// Messages that may be wanted, with their bodies, the newest first, of rooms that the reader may read.
/// `before` is no higher than the next id.
pub(in crate::chat::search) async fn find(
    db: &Db,
    wanted: &Criteria,
    before: MessageId,
    limit: usize,
) -> Result<Vec<Candidate>, sqlx::Error> {
    let found: Vec<CandidateRow> = match db {
        Db::Sqlite { read, .. } => {
            let lines: (String,) = sqlx::query_as(SQLITE)
                .bind(wanted.match_text())
                .bind(before.0)
                .bind(wanted.reader.0)
                .bind(wanted.days.start.0)
                .bind(wanted.days.end.0)
                .bind(i64::try_from(limit).unwrap_or(i64::MAX))
                .bind(wanted.lowest.0)
                .bind(i64::from(wanted.links))
                .fetch_one(&mut *read.acquire().await?)
                .await?;
            parse_json_rows(&lines.0)?
        }
        Db::Postgres(pool) => postgres::find(pool, wanted, before, limit).await?,
    };
    Ok(found.into_iter().map(Candidate::from).collect())
}
