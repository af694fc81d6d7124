//! Asking `PostgreSQL`'s index, which knows no order: it gathers everything that fits before it knows the
//! newest. For a common word that would be far too much, so the ids are cut into eras, the index knows
//! each message's (`search_entry` in the migrations), and it is asked for the latest eras first: for few
//! messages, then for eight times as many, and so on until there are enough. What is common is found in
//! the first; what is rare is little to gather in the last.

use super::criteria::{CandidateRow, Criteria};
use crate::chat::rooms::readable_rooms;
use crate::chat::search::model::{IndexTerm, Phrase};
use crate::kernel::MessageId;

/// Eras are as long as two to the power of these. The migration of the index says the same.
const ID_RANGES: [u32; 4] = [12, 15, 18, 21];
/// Where a word is open, everything that begins so has to be gathered each time. In the short eras it is
/// quicker to look at each message, and of the long ones there are fewer.
const ID_RANGES_OF_PREFIXES: [u32; 3] = [12, 15, 18];
const SHORT: u32 = 15;

/// A search among the messages from `lowest` on and below `before`.
struct Window {
    /// How long its eras are; `None` for everything.
    era: Option<u32>,
    lowest: i64,
    before: i64,
}

impl Window {
    /// From the latest to what is oldest, side by side, down to a message.
    fn all(mut before: i64, last: i64, eras: &[u32]) -> impl Iterator<Item = Self> {
        eras.iter().copied().map(Some).chain([None]).map_while(move |era| {
            let lowest = era.map_or(0, |bits| (((before - 1) >> bits) - 1) << bits).max(last);
            let window = (before > last).then_some(Self { era, lowest, before });
            before = lowest;
            window
        })
    }

    /// The two eras that it reaches into, or the only one.
    fn id_ranges(&self) -> Option<Vec<IndexTerm>> {
        let bits = self.era?;
        let numbers = (self.lowest >> bits)..=((self.before - 1) >> bits);
        Some(numbers.map(|number| IndexTerm::Era { bits, number }).collect())
    }

    /// Whether the index is not asked for this.
    fn is_looked_at(&self, phrase: &Phrase) -> bool {
        phrase.is_open() && self.era.is_some_and(|bits| bits <= SHORT)
    }

    /// What the index is asked, as the text of a `tsquery`.
    fn coarse_query(&self, wanted: &Criteria) -> String {
        let phrases = wanted.phrases.iter().filter(|phrase| !self.is_looked_at(phrase));
        let parts =
            phrases.map(Phrase::anywhere).chain(wanted.marks.iter().map(|marks| one_of(marks)));
        parts.chain(self.id_ranges().as_deref().map(one_of)).collect::<Vec<_>>().join(" & ")
    }

    /// What of it must be held against the words themselves.
    fn exact_query(&self, wanted: &Criteria) -> Option<String> {
        let phrases = wanted.phrases.iter();
        let held = phrases.filter(|phrase| phrase.is_row() || self.is_looked_at(phrase));
        let held: Vec<String> = held.map(Phrase::query_text).collect();
        (!held.is_empty()).then(|| held.join(" & "))
    }
}

fn one_of(marks: &[IndexTerm]) -> String {
    let marks: Vec<String> = marks.iter().map(|mark| Phrase::mark(*mark).query_text()).collect();
    format!("({})", marks.join(" | "))
}

// `materialized`, `id + 0` and `offset 0` keep the planner from walking ids instead.
const ASK: &str = concat!(
    "with s as materialized
       (select id from search
        where search_entry(id, tokens) @@ $1::tsquery and ($2::text is null or tokens @@ $2::tsquery)
          and id + 0 < $3 and id + 0 >= $4)
     select m.id, m.body, m.author_id, m.pos, m.created_at,
       cast(case when $9 = 1 and m.html like '%<a href=\"http%' then 1 else 0 end as bigint)
     from (select id from s order by id desc) s
     cross join lateral
       (select id, body, author_id, pos, created_at, html from messages
        where id = s.id and (pos >> 32) = any(array(",
    readable_rooms!("$5"),
    ")) and created_at >= $6 and created_at < $7 and deleted_at is null offset 0) m
     order by s.id desc limit $8"
);

/// As [`super::find()`]; `before` is no higher than the next id.
pub(super) async fn find(
    pool: &sqlx::PgPool,
    wanted: &Criteria,
    before: MessageId,
    limit: usize,
) -> Result<Vec<CandidateRow>, sqlx::Error> {
    let mut found: Vec<CandidateRow> = Vec::new();
    let open = wanted.phrases.iter().any(Phrase::is_open);
    let eras: &[u32] = if open { &ID_RANGES_OF_PREFIXES } else { &ID_RANGES };
    for window in Window::all(before.0, wanted.lowest.0, eras) {
        let more: Vec<CandidateRow> = sqlx::query_as(ASK)
            .bind(window.coarse_query(wanted))
            .bind(window.exact_query(wanted))
            .bind(window.before)
            .bind(window.lowest)
            .bind(wanted.reader.0)
            .bind(wanted.days.start.0)
            .bind(wanted.days.end.0)
            .bind(i64::try_from(limit - found.len()).unwrap_or(i64::MAX))
            .bind(i64::from(wanted.links))
            .fetch_all(pool)
            .await?;
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
    fn windows_stand_side_by_side_from_the_latest_to_the_first_message() {
        let befores = [0, 1, 2, 4_095, 4_096, 4_097, 8_192, 40_000, 300_000, 10_000_001, i64::MAX];
        let eras = [&ID_RANGES[..], &ID_RANGES_OF_PREFIXES];
        for (before, eras) in befores.into_iter().flat_map(|before| eras.map(|eras| (before, eras)))
        {
            for last in [0, 1, 4_096, 35_000, before] {
                let mut border = before;
                for window in Window::all(before, last, eras) {
                    assert_eq!(window.before, border);
                    assert!(window.lowest < window.before, "{before}");
                    if let Some((bits, marks)) = window.era.zip(window.id_ranges()) {
                        assert!(matches!(marks.len(), 1 | 2), "{before}: {marks:?}");
                        let whole = window.before - window.lowest > 1 << bits;
                        assert!(whole || window.lowest == last, "a window has a whole era");
                    }
                    border = window.lowest;
                }
                assert_eq!(border, last.min(before), "{before}");
            }
        }
    }
}
