//! What there is to be done after a commit, and how it stands.

use std::time::Duration;

use crate::kernel::{RoomId, Timestamp, UserId};

/// One kind of work a variant; what it takes is done by one function (`app`). To do it twice must be
/// the same as once: a process may end between the work and the note that it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// The rooms of somebody whose account was closed get other owners.
    ReassignRooms(UserId),
    /// All that somebody wrote is deleted, in pieces: what is left is work for later.
    EraseMessages(UserId),
    /// What was said in a deleted room is deleted, in pieces: what is left is work for later.
    PurgeRoom(RoomId),
    /// What has run out is forgotten. Comes back by itself.
    Prune,
}

impl Job {
    /// As two columns: the kind, and whom or what it is done to.
    pub(super) fn columns(self) -> (&'static str, String) {
        match self {
            Self::ReassignRooms(user) => ("pass-on-rooms", user.to_string()),
            Self::EraseMessages(user) => ("erase-messages", user.to_string()),
            Self::PurgeRoom(room) => ("purge-room", room.to_string()),
            Self::Prune => ("tidy", String::new()),
        }
    }

    /// `None` for work that another version of Patio knows.
    pub(super) fn from_columns(kind: &str, about: &str) -> Option<Self> {
        match kind {
            "pass-on-rooms" => about.parse().ok().map(UserId).map(Self::ReassignRooms),
            "erase-messages" => about.parse().ok().map(UserId).map(Self::EraseMessages),
            "purge-room" => about.parse().ok().map(RoomId).map(Self::PurgeRoom),
            "tidy" => Some(Self::Prune),
            _ => None,
        }
    }

    /// How long after it was done it is to be done again; `None` for what is done once.
    pub(super) fn again_after(self) -> Option<Duration> {
        match self {
            Self::ReassignRooms(_) | Self::EraseMessages(_) | Self::PurgeRoom(_) => None,
            Self::Prune => Some(Duration::from_hours(1)),
        }
    }
}

/// A job, by the number of its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobId(pub i64);

/// A job that somebody has begun and nobody else begins, until the lease ends.
#[derive(Debug)]
pub(super) struct ClaimedJob {
    pub id: JobId,
    /// `None` for what this version does not know.
    pub job: Option<Job>,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

/// A job that was given up.
#[derive(Debug)]
pub struct DeadJob {
    pub id: JobId,
    pub kind: String,
    pub subject: String,
    pub failure: String,
    pub attempts: u32,
    pub since: Timestamp,
}

/// How many jobs there are, in all processes on the database.
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
    fn work_comes_back_from_its_columns_as_it_was() {
        for work in [
            Job::ReassignRooms(UserId(7)),
            Job::EraseMessages(UserId(7)),
            Job::PurgeRoom(RoomId(8)),
            Job::Prune,
        ] {
            let (kind, about) = work.columns();
            assert_eq!(Job::from_columns(kind, &about), Some(work));
        }
        assert_eq!(Job::from_columns("of-tomorrow", ""), None);
        assert_eq!(Job::from_columns("pass-on-rooms", "ana"), None);
    }
}
