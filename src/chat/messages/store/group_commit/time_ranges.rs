//! The time spans of the id ranges, in whole hours. What this process has stored of them is remembered, so that most
//! batches write nothing here: on `PostgreSQL` even an update without effect would make all batches wait for each other.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::chat::messages::model::Message;
use crate::db::{Column, StatementBatch, push_insert};
use crate::kernel::ids::id_range_of;

const HOUR: i64 = 3_600_000;
/// How many of the newest are remembered.
const REMEMBERED: usize = 16;

/// An id range, and the beginning of an hour that its span contains.
pub(super) type RangeHour = (i64, i64);

/// What is stored.
#[derive(Default)]
pub(in crate::chat::messages) struct StoredRanges(Mutex<BTreeSet<RangeHour>>);

impl StoredRanges {
    /// Remembers what was committed.
    pub(super) fn add(&self, stored: Vec<RangeHour>) {
        let mut all = self.lock();
        all.extend(stored);
        while all.len() > REMEMBERED {
            all.pop_first();
        }
    }

    /// The database may be another one.
    pub fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<RangeHour>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Widens the time spans of the messages' id ranges, as far as they do not contain the messages. Returns what is stored
/// by that.
pub(super) fn push_time_ranges(
    statements: &mut StatementBatch,
    messages: &[&Message],
    stored: &StoredRanges,
) -> Vec<RangeHour> {
    let hour = |message: &&Message| message.created_at.0.div_euclid(HOUR) * HOUR;
    let all: BTreeSet<RangeHour> =
        messages.iter().map(|message| (id_range_of(message.id), hour(message))).collect();
    let new: Vec<RangeHour> = all.difference(&stored.lock()).copied().collect();
    if !new.is_empty() {
        let columns = [
            ("id_range", Column::Numbers(new.iter().map(|(range, _)| *range).collect())),
            ("oldest", Column::Numbers(new.iter().map(|(_, hour)| *hour).collect())),
            ("newest", Column::Numbers(new.iter().map(|(_, hour)| *hour + HOUR).collect())),
        ];
        push_insert(
            statements,
            "message_time_ranges",
            &columns,
            " on conflict (id_range) do update set
                oldest = case when excluded.oldest < message_time_ranges.oldest
                              then excluded.oldest else message_time_ranges.oldest end,
                newest = case when excluded.newest > message_time_ranges.newest
                              then excluded.newest else message_time_ranges.newest end
              where excluded.oldest < message_time_ranges.oldest or excluded.newest > message_time_ranges.newest",
        );
    }
    new
}
