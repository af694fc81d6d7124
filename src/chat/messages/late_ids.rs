//! Up to which id a poll need not look again. `PostgreSQL` assigns ids before the commit, so what was stored under an id
//! may become visible after a poll that read a higher one. Here stands when that is over; queries nothing itself.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::kernel::MessageId;

/// A transaction takes no longer than this from its ids until its commit is visible, whatever else runs.
const LONGEST_TRANSACTION: Duration = Duration::from_secs(15);

/// The writing transactions of the database server at one moment, as numbers that only grow.
#[derive(Clone, Copy)]
pub(super) struct RunningTransactions {
    /// All that have a lower number have ended.
    pub oldest: i64,
    /// What the next one gets, so all that run have a lower number.
    pub next: i64,
}

/// The polls whose ids may belong to transactions that have not ended.
pub(super) struct LateIds {
    /// What was stored up to this id was visible to the last poll.
    settled: MessageId,
    polls: VecDeque<Poll>,
}

struct Poll {
    at: Instant,
    last: MessageId,
    /// All transactions that took an id up to `last` have a lower number.
    before: i64,
}

impl LateIds {
    /// Starts after this id.
    pub fn starting_after(last: MessageId) -> Self {
        Self { settled: last, polls: VecDeque::new() }
    }

    /// The id after which the next poll has to look.
    pub fn resume_from(&self) -> MessageId {
        self.settled
    }

    /// Whether something may become visible under an id that a poll has read.
    pub fn may_follow(&self) -> bool {
        !self.polls.is_empty()
    }

    /// Records a poll that read `last`, then `running`, and then what was stored. A transaction takes its number before
    /// its first id, so those that run later have no id up to `last`.
    pub fn record(&mut self, now: Instant, last: MessageId, running: RunningTransactions) {
        self.polls.push_back(Poll { at: now, last, before: running.next });
        let is_over = |poll: &Poll| {
            poll.before <= running.oldest || now.duration_since(poll.at) >= LONGEST_TRANSACTION
        };
        while let Some(poll) = self.polls.pop_front_if(|poll| is_over(poll)) {
            self.settled = poll.last;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Polls a second apart: what each reads, and from where the next one looks.
    fn check(polls: &[(i64, (i64, i64), i64)]) {
        let mut late = LateIds::starting_after(MessageId(0));
        let mut now = Instant::now();
        for &(last, (oldest, next), expected) in polls {
            late.record(now, MessageId(last), RunningTransactions { oldest, next });
            assert_eq!(late.resume_from(), MessageId(expected), "after the poll of {last}");
            assert_eq!(late.may_follow(), expected < last, "after the poll of {last}");
            now += Duration::from_secs(1);
        }
    }

    #[test]
    fn a_poll_while_nothing_is_written_settles_its_ids() {
        check(&[(10, (100, 100), 10), (20, (105, 105), 20)]);
    }

    #[test]
    fn ids_are_settled_when_all_transactions_of_their_poll_have_ended() {
        check(&[
            (10, (100, 103), 0),
            // 102 has not ended.
            (20, (102, 110), 0),
            (30, (103, 120), 10),
            (40, (119, 130), 20),
            (50, (130, 130), 50),
        ]);
    }

    #[test]
    fn a_transaction_of_another_database_delays_for_a_bounded_time() {
        let poll = |second: i64| (second, (1, 100 + second), (second - 15).max(0));
        check(&(1..40).map(poll).collect::<Vec<_>>());
    }
}
