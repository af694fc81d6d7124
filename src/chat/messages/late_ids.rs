//! Up to which id a poll need not look again. `PostgreSQL` assigns ids before the commit, so what was stored under an id
//! may become visible after a poll that read a higher one. This module knows until when. It queries nothing.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::model::RunningTransactions;
use crate::kernel::MessageId;

/// Polls look for messages of transactions that have taken no longer than this. A commit that waits for a standby may take
/// longer: its messages are found by the `rev` of rooms with subscribers.
const LONGEST_TRANSACTION: Duration = Duration::from_secs(15);

/// The polls whose ids may belong to transactions that have not ended.
pub(super) struct LateIds {
    /// The next poll looks at the messages after this id.
    resume_from: MessageId,
    polls: VecDeque<Poll>,
    /// Transactions with a lower number may have taken ids up to `resume_from`. Those from `ended` on may not have ended.
    late: i64,
    ended: i64,
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
        Self { resume_from: last, polls: VecDeque::new(), late: 0, ended: 0 }
    }

    /// The id after which the next poll has to look.
    pub fn resume_from(&self) -> MessageId {
        self.resume_from
    }

    /// Whether something may become visible under an id that a poll has read.
    pub fn may_follow(&self) -> bool {
        !self.polls.is_empty() || self.ended < self.late
    }

    /// Records a poll that read `last`, then `running`, and then what was stored. A transaction takes its number before
    /// its first id, so those that begin later have no id up to `last`.
    pub fn record(&mut self, now: Instant, last: MessageId, running: RunningTransactions) {
        self.polls.push_back(Poll { at: now, last, before: running.next });
        self.ended = running.oldest;
        let is_over = |poll: &Poll| {
            poll.before <= running.oldest || now.duration_since(poll.at) >= LONGEST_TRANSACTION
        };
        while let Some(poll) = self.polls.pop_front_if(|poll| is_over(poll)) {
            self.resume_from = poll.last;
            self.late = poll.before;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Polls a second apart: what each reads, from where the next one looks, and whether it looks if nothing is new.
    fn check(polls: &[(i64, (i64, i64), i64, bool)]) {
        let mut late = LateIds::starting_after(MessageId(0));
        let mut now = Instant::now();
        for &(last, (oldest, next), resume_from, may_follow) in polls {
            late.record(now, MessageId(last), RunningTransactions { oldest, next });
            assert_eq!(late.resume_from(), MessageId(resume_from), "after the poll of {last}");
            assert_eq!(late.may_follow(), may_follow, "after the poll of {last}");
            now += Duration::from_secs(1);
        }
    }

    #[test]
    fn a_poll_while_nothing_is_written_settles_its_ids() {
        check(&[(10, (100, 100), 10, false), (20, (105, 105), 20, false)]);
    }

    #[test]
    fn ids_are_settled_when_all_transactions_of_their_poll_have_ended() {
        check(&[
            (10, (100, 103), 0, true),
            // 102 has not ended.
            (20, (102, 110), 0, true),
            (30, (103, 120), 10, true),
            (40, (119, 130), 20, true),
            (50, (130, 130), 50, false),
        ]);
    }

    #[test]
    fn the_last_id_is_settled_when_its_transaction_has_ended() {
        check(&[(10, (100, 101), 0, true), (10, (100, 102), 0, true), (10, (103, 103), 10, false)]);
    }

    #[test]
    fn a_transaction_that_does_not_end_costs_messages_of_a_bounded_time() {
        let poll = |second: i64| (second, (1, 100 + second), (second - 15).max(0), true);
        let ended = [(40, (200, 200), 40, false)];
        check(&(1..40).map(poll).chain(ended).collect::<Vec<_>>());
    }
}
