//! What the kinds of jobs do.

use crate::chat::accounts::Accounts;
use crate::chat::link_previews::LinkPreviews;
use crate::chat::messages::Messages;
use crate::chat::rooms::Rooms;
use crate::jobs::model::Job;
use crate::kernel::ServiceError;

/// What jobs work with.
#[derive(Clone)]
pub(super) struct JobServices {
    pub accounts: Accounts,
    pub rooms: Rooms,
    pub messages: Messages,
    pub link_previews: LinkPreviews,
}

impl JobServices {
    /// Runs a job: one function for each kind.
    pub(super) async fn run(self, job: Job) -> Result<(), ServiceError> {
        let Self { accounts, rooms, messages, link_previews } = self;
        match job {
            Job::ReassignRooms(user) => rooms.reassign_owned_rooms(user).await,
            Job::EraseMessages(user) => messages.erase(user).await,
            Job::PurgeRoom(room) => {
                // A large room needs several runs: `purge_room` returns false and adds the job again.
                if rooms.begin_purge(room).await? && messages.purge_room(room).await? {
                    rooms.finish_purge(room).await?;
                }
                Ok(())
            }
            Job::RefreshQuotes(quoted) => messages.refresh_quotes(quoted).await,
            Job::PreviewLinks(message) => link_previews.fetch(message).await,
            Job::Prune => {
                accounts.prune().await?;
                link_previews.prune().await?;
                messages.prune().await
            }
        }
    }
}
