//! Queries `PostgreSQL`'s index. A GIN index has no order: it collects all matches before the newest
//! are known, which is far too much for a common word. So message ids are divided into ranges, the
//! index contains the ranges of each message (`search_entry` in the migrations), and the newest ranges
//! are queried first: for a few messages, then for eight times as many, and so on until there are
//! enough. A common word is found in the first window; a rare one is little to collect in the last.

use super::criteria::{CandidateRow, Criteria, FILES_COLUMN};
use crate::chat::rooms::{GATE, READABLE_ROOMS};
use crate::chat::search::model::{IndexTerm, Phrase};
use crate::db::{Db, fetch_all};
use crate::kernel::MessageId;

/// The id ranges have the length of two to the power of these. The migration of the index uses the same
/// numbers.
const ID_RANGES: [u32; 4] = [12, 15, 18, 21];
/// The lengths used if a word is a prefix. All words with the prefix have to be collected in each
/// window, so short ranges compare each message instead, and there are fewer long ones.
const ID_RANGES_OF_PREFIXES: [u32; 3] = [12, 15, 18];
const SHORT_RANGE: u32 = 15;

/// The part of a search from message id `lowest` up to `before` (exclusive).
struct Window {
    /// The length of its id ranges, in bits; `None` for everything.
    range_bits: Option<u32>,
    lowest: i64,
    before: i64,
}

impl Window {
    /// Adjacent windows from the newest message to the oldest one.
    fn all(mut before: i64, end_of_search: i64, range_sizes: &[u32]) -> impl Iterator<Item = Self> {
        range_sizes.iter().copied().map(Some).chain([None]).map_while(move |range_bits| {
            let lowest = range_bits
                .map_or(0, |bits| (((before - 1) >> bits) - 1) << bits)
                .max(end_of_search);
            let window = (before > end_of_search).then_some(Self { range_bits, lowest, before });
            before = lowest;
            window
        })
    }

    /// The one or two id ranges that the window overlaps.
    fn id_ranges(&self) -> Option<Vec<IndexTerm>> {
        let bits = self.range_bits?;
        let numbers = (self.lowest >> bits)..=((self.before - 1) >> bits);
        Some(numbers.map(|number| IndexTerm::IdRange { bits, number }).collect())
    }

    /// Whether the texts are compared instead of querying the index for this phrase.
    fn is_scanned(&self, phrase: &Phrase) -> bool {
        phrase.is_open() && self.range_bits.is_some_and(|bits| bits <= SHORT_RANGE)
    }

    /// The `tsquery` for the index.
    fn coarse_query(&self, criteria: &Criteria) -> String {
        let phrases = criteria.phrases.iter().filter(|phrase| !self.is_scanned(phrase));
        let parts =
            phrases.map(Phrase::anywhere).chain(criteria.terms.iter().map(|terms| any_of(terms)));
        parts.chain(self.id_ranges().as_deref().map(any_of)).collect::<Vec<_>>().join(" & ")
    }

    /// The `tsquery` for the words themselves, for phrases the index cannot decide.
    fn exact_query(&self, criteria: &Criteria) -> Option<String> {
        let phrases = criteria.phrases.iter();
        let to_check = phrases.filter(|phrase| phrase.is_row() || self.is_scanned(phrase));
        let to_check: Vec<String> = to_check.map(Phrase::query_text).collect();
        (!to_check.is_empty()).then(|| to_check.join(" & "))
    }
}

fn any_of(terms: &[IndexTerm]) -> String {
    let terms: Vec<String> = terms.iter().map(|term| Phrase::term(*term).query_text()).collect();
    format!("({})", terms.join(" | "))
}

// `materialized`, `id + 0` and `offset 0` keep the planner from scanning the ids instead.
const QUERY: &str = concat!(
    "with s as materialized
       (select id from search
        where search_entry(id, tokens) @@ $1::tsquery and ($2::text is null or tokens @@ $2::tsquery)
          and id + 0 < $3 and id + 0 >= $4)
     select m.id, m.body, m.author_id, m.room, m.created_at,
       case when $9 and m.html like '%<a href=\"http%' then true else false end,
       case when $10 and m.files > 0 then ",
    FILES_COLUMN!(),
    " end
     from (select id from s order by id desc) s
     cross join lateral
       (select id, body, author_id, ",
    GATE!("(room_seq_key >> 32)"),
    " as room, created_at, html, files from messages
        where id = s.id and ",
    GATE!("(room_seq_key >> 32)"),
    " = any(array(",
    READABLE_ROOMS!("$5"),
    ")) and created_at >= $6 and created_at < $7 and deleted_at is null offset 0) m
     order by s.id desc limit $8"
);

/// See [`super::find()`]. `before` must not be higher than the next message id.
pub(super) async fn find(
    db: &Db,
    criteria: &Criteria,
    before: MessageId,
    limit: usize,
) -> Result<Vec<CandidateRow>, sqlx::Error> {
    let mut found: Vec<CandidateRow> = Vec::new();
    let open = criteria.phrases.iter().any(Phrase::is_open);
    let range_sizes: &[u32] = if open { &ID_RANGES_OF_PREFIXES } else { &ID_RANGES };
    for window in Window::all(before.0, criteria.lowest.0, range_sizes) {
        let more: Vec<CandidateRow> = fetch_all!(
            db,
            QUERY,
            window.coarse_query(criteria),
            window.exact_query(criteria),
            window.before,
            window.lowest,
            criteria.reader,
            criteria.days.start,
            criteria.days.end,
            i64::try_from(limit - found.len()).unwrap_or(i64::MAX),
            criteria.links,
            criteria.files,
        )?;
        found.extend(more);
        if found.len() >= limit {
            break;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_adjacent_and_cover_all_messages() {
        let befores = [0, 1, 2, 4_095, 4_096, 4_097, 8_192, 40_000, 300_000, 10_000_001, i64::MAX];
        let range_sizes = [&ID_RANGES[..], &ID_RANGES_OF_PREFIXES];
        for (before, range_sizes) in befores
            .into_iter()
            .flat_map(|before| range_sizes.map(|range_sizes| (before, range_sizes)))
        {
            for last in [0, 1, 4_096, 35_000, before] {
                let mut border = before;
                for window in Window::all(before, last, range_sizes) {
                    assert_eq!(window.before, border);
                    assert!(window.lowest < window.before, "{before}");
                    if let Some((bits, terms)) = window.range_bits.zip(window.id_ranges()) {
                        assert!(matches!(terms.len(), 1 | 2), "{before}: {terms:?}");
                        let whole = window.before - window.lowest > 1 << bits;
                        assert!(whole || window.lowest == last, "a window has a whole id range");
                    }
                    border = window.lowest;
                }
                assert_eq!(border, last.min(before), "{before}");
            }
        }
    }
}
