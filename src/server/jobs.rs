//! What the kinds of jobs do.

use crate::chat::accounts::Accounts;
use crate::chat::files::Files;
use crate::chat::link_previews::LinkPreviews;
use crate::chat::messages::Messages;
use crate::chat::rooms::Rooms;
use crate::http::state::Services;
use crate::jobs::model::Job;
use crate::kernel::ServiceError;

/// What jobs work with.
#[derive(Clone)]
pub(super) struct JobServices {
    accounts: Accounts,
    files: Files,
    rooms: Rooms,
    messages: Messages,
    link_previews: LinkPreviews,
}

impl JobServices {
    pub(super) fn of(services: &Services) -> Self {
        let Services { accounts, files, rooms, messages, link_previews, .. } = services;
        Self {
            accounts: accounts.clone(),
            files: files.clone(),
            rooms: rooms.clone(),
            messages: messages.clone(),
            link_previews: link_previews.clone(),
        }
    }

    /// Runs a job: one function for each kind.
    pub(super) async fn run(self, job: Job) -> Result<(), ServiceError> {
        let Self { accounts, files, rooms, messages, link_previews } = self;
        match job {
            Job::ReassignRooms(user) => rooms.reassign_owned_rooms(user).await,
            Job::EraseMessages(user) => {
                files.discard_unposted(user).await?;
                messages.erase(user).await
            }
            Job::PurgeRoom(room) => {
                // A large room needs several runs: `purge_room` returns false and adds the job again.
                if rooms.begin_purge(room).await? && messages.purge_room(room).await? {
                    rooms.finish_purge(room).await?;
                }
                Ok(())
            }
            Job::RefreshQuotes(quoted) => messages.refresh_quotes(quoted).await,
            Job::PreviewLinks(message) => link_previews.fetch(message).await,
            Job::CheckStorage => files.check_storage().await,
            Job::Prune => {
                accounts.prune().await?;
                link_previews.prune().await?;
                messages.prune().await?;
                files.prune().await
            }
        }
    }
}
