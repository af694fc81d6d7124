//! The kinds of jobs, and the states of a job.

use std::time::Duration;

use crate::kernel::{MessageId, RoomId, Timestamp, UserId};
use crate::limits::link_preview::AT_ONCE;

/// A job. Each variant is one kind of work, run by `JobServices` in `server`. Every kind must be idempotent: a
/// process may be killed after the work, but before the job is marked as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Gives the rooms of a closed account other owners.
    ReassignRooms(UserId),
    /// Deletes all messages of a user, in batches: if any are left, the job is added again.
    EraseMessages(UserId),
    /// Deletes the messages of a deleted room, in batches: if any are left, the job is added again.
    PurgeRoom(RoomId),
    /// Updates the replies to an edited or deleted message: those that quote it and were not updated with it.
    RefreshQuotes(MessageId),
    /// Fetches what a message links to, and shows it.
    PreviewLinks(MessageId),
    /// Compares the storage of files with the database, in several runs: each adds the job again.
    CheckStorage,
    /// Deletes expired rows. Periodic.
    Prune,
}

impl Job {
    /// Returns the columns from which [`Self::from_columns`] restores it.
    pub(super) fn columns(self) -> JobColumns {
        let (kind, subject) = match self {
            Self::ReassignRooms(user) => ("pass-on-rooms", user.to_string()),
            Self::EraseMessages(user) => ("erase-messages", user.to_string()),
            Self::PurgeRoom(room) => ("purge-room", room.to_string()),
            Self::RefreshQuotes(quoted) => ("refresh-quotes", quoted.to_string()),
            Self::PreviewLinks(message) => (PREVIEW_LINKS, message.to_string()),
            Self::CheckStorage => (CHECK_STORAGE, String::new()),
            Self::Prune => ("tidy", String::new()),
        };
        JobColumns { kind, subject }
    }

    /// Returns `None` for a kind that only another version of Patio knows.
    pub(super) fn from_columns(kind: &str, subject: &str) -> Option<Self> {
        match kind {
            "pass-on-rooms" => subject.parse().ok().map(UserId).map(Self::ReassignRooms),
            "erase-messages" => subject.parse().ok().map(UserId).map(Self::EraseMessages),
            "purge-room" => subject.parse().ok().map(RoomId).map(Self::PurgeRoom),
            "refresh-quotes" => subject.parse().ok().map(MessageId).map(Self::RefreshQuotes),
            PREVIEW_LINKS => subject.parse().ok().map(MessageId).map(Self::PreviewLinks),
            CHECK_STORAGE => Some(Self::CheckStorage),
            "tidy" => Some(Self::Prune),
            _ => None,
        }
    }

    /// Returns the period of a periodic job; `None` for a job that runs once.
    pub(super) fn again_after(self) -> Option<Duration> {
        match self {
            Self::ReassignRooms(_)
            | Self::EraseMessages(_)
            | Self::PurgeRoom(_)
            | Self::RefreshQuotes(_)
            | Self::PreviewLinks(_)
            | Self::CheckStorage => None,
            Self::Prune => Some(Duration::from_hours(1)),
        }
    }
}

/// The kind of the jobs that wait for other servers.
pub(super) const PREVIEW_LINKS: &str = "preview-links";
const CHECK_STORAGE: &str = "check-storage";

/// What a job waits for. Jobs that wait for other servers have places of their own, so that a slow server does not
/// hold up the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    Database,
    Network,
}

impl Lane {
    pub const ALL: [Self; 2] = [Self::Database, Self::Network];

    /// How many of its jobs a process runs at the same time.
    pub fn places(self) -> usize {
        match self {
            Self::Database => 1,
            Self::Network => AT_ONCE,
        }
    }
}

/// The column values of a job.
pub(super) struct JobColumns {
    pub kind: &'static str,
    /// The id of the user, room or message.
    pub subject: String,
}

/// The row id of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobId(pub i64);

/// The random number by which a process proves that a job is still its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lease(pub i64);

/// A job that this process runs. No other process starts it until the lease ends.
#[derive(Debug)]
pub(super) struct ClaimedJob {
    pub id: JobId,
    pub lease: Lease,
    /// `None` for a kind that this version does not know.
    pub job: Option<Job>,
    /// The number of this attempt, from 1.
    pub attempt: u32,
}

impl ClaimedJob {
    /// Returns the kind for the log.
    pub fn kind(&self) -> &'static str {
        self.job.map_or("unknown", |job| job.columns().kind)
    }

    pub fn lane(&self) -> Lane {
        match self.job {
            Some(Job::PreviewLinks(_)) => Lane::Network,
            _ => Lane::Database,
        }
    }
}

/// A job that failed for the last time.
#[derive(Debug)]
pub struct DeadJob {
    pub id: JobId,
    pub kind: String,
    pub subject: String,
    pub failure: String,
    pub attempts: u32,
    pub since: Timestamp,
}

/// The jobs in the database by state, over all processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    pub waiting: i64,
    pub running: i64,
    pub dead: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_restored_from_its_columns() {
        for job in [
            Job::ReassignRooms(UserId(7)),
            Job::EraseMessages(UserId(7)),
            Job::PurgeRoom(RoomId(8)),
            Job::RefreshQuotes(MessageId(9)),
            Job::PreviewLinks(MessageId(9)),
            Job::CheckStorage,
            Job::Prune,
        ] {
            let JobColumns { kind, subject } = job.columns();
            assert_eq!(Job::from_columns(kind, &subject), Some(job));
        }
        assert_eq!(Job::from_columns("of-tomorrow", ""), None);
        assert_eq!(Job::from_columns("pass-on-rooms", "ana"), None);
    }
}
