//! Link previews: fetches what messages link to, keeps it for a while, and shows it with the messages.
//!
//! Everything here runs in a job after the message was stored, so posting never waits for another server. Knows no
//! pages.

mod fetch;
pub mod model;
mod store;

use std::time::Duration;

use futures_util::future::join_all;
use url::Url;

pub use self::fetch::Fetcher;
use self::model::{FoundPage, page_address};
use self::store::Claim;
use super::messages::Messages;
use crate::config::{BaseUrl, Switch};
use crate::db::Db;
use crate::kernel::{Clock, MessageId, ServiceError, UserId};

/// When to look again at an address that another job or process fetches.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub struct LinkPreviews {
    db: Db,
    clock: Clock,
    messages: Messages,
    fetcher: Fetcher,
    /// Whether it is limited how many addresses are fetched.
    rate_limit: Switch,
    /// The address of this installation, which is never fetched.
    base_url: Option<BaseUrl>,
}

/// What is known of an address.
enum Lookup {
    Found(FoundPage),
    Nothing,
    /// Another job or process fetches it.
    Busy,
}

impl LinkPreviews {
    pub fn new(
        db: Db,
        clock: Clock,
        messages: Messages,
        fetcher: Fetcher,
        rate_limit: Switch,
        base_url: Option<BaseUrl>,
    ) -> Self {
        Self { db, clock, messages, fetcher, rate_limit, base_url }
    }

    /// Fetches what a message links to, and shows it. Doing it again shows the same.
    ///
    /// # Errors
    /// If the database fails. An address that cannot be fetched is no error: it has no preview.
    pub async fn fetch(&self, message: MessageId) -> Result<(), ServiceError> {
        let Some(target) = self.messages.preview_target(message).await? else { return Ok(()) };
        let lookups = target.links.iter().map(|link| self.look_up(link, target.author));
        let (mut found, mut busy) = (Vec::new(), false);
        for (link, lookup) in target.links.iter().zip(join_all(lookups).await) {
            match lookup? {
                Lookup::Found(page) => found.push((link.clone(), page)),
                Lookup::Nothing => {}
                Lookup::Busy => busy = true,
            }
        }
        if !found.is_empty() {
            self.messages.show_previews(target.room, message, found).await?;
        }
        if busy {
            store::look_again(&self.db, message, self.clock.now().plus(AGAIN_AFTER)).await?;
        }
        Ok(())
    }

    /// Finds an address in the cache, or fetches it: one fetch at a time for an address, over all processes.
    async fn look_up(&self, link: &str, author: UserId) -> Result<Lookup, ServiceError> {
        let Some(url) = page_address(link).filter(|url| !self.is_own(url)) else {
            return Ok(Lookup::Nothing);
        };
        let address = url.as_str();
        let limited = self.rate_limit == Switch::On;
        let page = match store::claim(&self.db, address, author, limited, self.clock.now()).await? {
            Claim::Known(page) => page,
            Claim::Busy => return Ok(Lookup::Busy),
            Claim::Limited => {
                tracing::info!("a link has no preview: too many were fetched");
                None
            }
            Claim::Ours => {
                let fetched = self.fetcher.fetch(&url).await?;
                store::record(&self.db, address, fetched, self.clock.now()).await?
            }
        };
        Ok(page.map_or(Lookup::Nothing, Lookup::Found))
    }

    fn is_own(&self, url: &Url) -> bool {
        let own = self.base_url.as_ref().and_then(|base| Url::parse(base.origin()).ok());
        own.is_some_and(|own| own.origin() == url.origin())
    }

    /// Deletes what expired, and pictures that no message shows.
    pub async fn prune(&self) -> Result<(), ServiceError> {
        Ok(store::prune(&self.db, self.clock.now()).await?)
    }
}
