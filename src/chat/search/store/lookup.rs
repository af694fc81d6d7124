//! Queries the index.

use super::criteria::{CandidateRow, Criteria, FILES_COLUMN};
use super::postgres;
use crate::chat::rooms::{GATE, READABLE_ROOMS};
use crate::chat::search::model::{Candidate, IndexTerm, Phrase};
use crate::db::{Db, fetch_scalar, json_aggregate, parse_json_rows};
use crate::kernel::MessageId;

impl Criteria {
    /// The same without short prefixes, if there are any.
    fn without_short_prefixes(&self) -> Option<Self> {
        let mut relaxed = self.clone();
        relaxed.phrases.retain(|phrase| !phrase.is_wide());
        if relaxed.phrases.len() == self.phrases.len() {
            return None;
        }
        if relaxed.phrases.is_empty() && relaxed.terms.is_empty() {
            relaxed.terms.push(vec![IndexTerm::Any]);
        }
        Some(relaxed)
    }

    /// The text of an FTS5 query.
    fn match_text(&self) -> String {
        let any_of = |terms: &Vec<IndexTerm>| {
            let terms: Vec<String> =
                terms.iter().map(|term| Phrase::term(*term).match_text()).collect();
            format!("({})", terms.join(" OR "))
        };
        let phrases = self.phrases.iter().map(Phrase::match_text);
        phrases.chain(self.terms.iter().map(any_of)).collect::<Vec<_>>().join(" AND ")
    }
}

// The index is scanned from its newest end and stops when there are enough rows, so the newest are
// found in the same time however many there are. `cross join` keeps the index the outer loop.
const SQLITE: &str = json_aggregate!(
    concat!(
        "m.id, m.body, m.author_id, ",
        GATE!("(m.room_seq_key >> 32)"),
        ", m.created_at,
         case when $8 and m.html like '%<a href=\"http%' then true else false end,
         case when $9 and m.files > 0 then ",
        FILES_COLUMN!(),
        " end"
    ),
    concat!(
        "from search s cross join messages m on m.id = s.rowid
         where s.search match $1 and s.rowid < $2 and s.rowid >= $7 and ",
        GATE!("(m.room_seq_key >> 32)"),
        " in (",
        READABLE_ROOMS!("$3"),
        ") and m.created_at >= $4 and m.created_at < $5 and m.deleted_at is null
         order by s.rowid desc limit $6"
    )
);

/// The criteria to scan the newest messages with first, before the index is queried for all of them.
/// `SQLite`'s index has to collect every message of every word with a short prefix before it knows
/// the newest.
pub(in crate::chat::search) fn relaxed_criteria(db: &Db, criteria: &Criteria) -> Option<Criteria> {
    matches!(db, Db::Sqlite { .. }).then(|| criteria.without_short_prefixes()).flatten()
}

/// Candidates with their bodies, newest first, from rooms the reader may read. `before` must not be
/// higher than the next message id.
pub(in crate::chat::search) async fn find(
    db: &Db,
    criteria: &Criteria,
    before: MessageId,
    limit: usize,
) -> Result<Vec<Candidate>, sqlx::Error> {
    let found: Vec<CandidateRow> = match db {
        Db::Sqlite { .. } => {
            let rows: String = fetch_scalar!(
                db,
                SQLITE,
                criteria.match_text(),
                before,
                criteria.reader,
                criteria.days.start,
                criteria.days.end,
                i64::try_from(limit).unwrap_or(i64::MAX),
                criteria.lowest,
                criteria.links,
                criteria.files,
            )?;
            parse_json_rows(&rows)?
        }
        Db::Postgres(_) => postgres::find(db, criteria, before, limit).await?,
    };
    Ok(found.into_iter().map(Candidate::from).collect())
}
