//! The SQL of the cache of link previews, and of their pictures.

use std::time::Duration;

use super::fetch::Fetched;
use super::model::{FoundPage, PreviewImage};
use crate::db::{Db, Transaction, execute, fetch_optional, fetch_scalar};
use crate::jobs;
use crate::jobs::model::Job;
use crate::kernel::{MessageId, Timestamp, UserId};
use crate::limits::link_preview as limits;

/// How long a process may take for an address. After a crash another one fetches it then.
const CLAIM: Duration = Duration::from_mins(2);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// What is known of an address, or who fetches it.
pub(super) enum Claim {
    /// `None`: there is no preview.
    Known(Option<FoundPage>),
    /// Another job or process fetches it.
    Busy,
    /// Too many addresses were fetched.
    Limited,
    /// The caller has to fetch it, and record what it found.
    Ours,
}

#[derive(sqlx::FromRow)]
struct CachedRow {
    claimed_until: Timestamp,
    expires_at: Timestamp,
    title: Option<String>,
    text: String,
    site: String,
    image_hash: Option<String>,
    image_width: Option<i64>,
    image_height: Option<i64>,
}

impl CachedRow {
    fn page(self) -> Option<FoundPage> {
        let image = self.image_hash.zip(self.image_width).zip(self.image_height);
        let image = image.map(|((hash, width), height)| PreviewImage { hash, width, height });
        Some(FoundPage { title: self.title?, text: self.text, site: self.site, image })
    }
}

/// Looks up an address, and claims it if it has to be fetched.
pub(super) async fn claim(
    db: &Db,
    address: &str,
    user: UserId,
    limited: bool,
    now: Timestamp,
) -> Result<Claim, sqlx::Error> {
    let row: Option<CachedRow> = fetch_optional!(
        db,
        "select claimed_until, expires_at, title, text, site, image_hash, image_width, image_height
         from link_previews where address = $1",
        address,
    )?;
    match row {
        Some(row) if row.expires_at > now => return Ok(Claim::Known(row.page())),
        Some(row) if row.claimed_until > now => return Ok(Claim::Busy),
        _ => {}
    }
    let mut transaction = db.begin().await?;
    if limited && is_limited(&mut transaction, user, now).await? {
        return Ok(Claim::Limited);
    }
    let claimed = execute!(
        transaction,
        "insert into link_previews (address, asked_by, asked_at, claimed_until) values ($1, $2, $3, $4)
         on conflict (address) do update
         set asked_by = excluded.asked_by, asked_at = excluded.asked_at,
             claimed_until = excluded.claimed_until
         where link_previews.claimed_until <= $3 and link_previews.expires_at <= $3",
        address,
        user,
        now,
        now.plus(CLAIM),
    )?;
    transaction.commit().await?;
    Ok(if claimed == 1 { Claim::Ours } else { Claim::Busy })
}

/// Whether this user, or all users together, made Patio fetch as much as they may.
async fn is_limited(
    transaction: &mut Transaction,
    user: UserId,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let in_hour: i64 = fetch_scalar!(
        transaction,
        "select count(*) from link_previews where asked_at > $1",
        now.minus(HOUR),
    )?;
    let of_user: i64 = fetch_scalar!(
        transaction,
        "select count(*) from link_previews where asked_at > $1 and asked_by = $2",
        now.minus(MINUTE),
        user,
    )?;
    Ok(in_hour >= limits::PER_HOUR || of_user >= limits::PER_MINUTE)
}

/// Stores what was found at an address, and returns it.
pub(super) async fn record(
    db: &Db,
    address: &str,
    fetched: Option<Fetched>,
    now: Timestamp,
) -> Result<Option<FoundPage>, sqlx::Error> {
    let kept = if fetched.is_some() { limits::KEPT } else { limits::FAILURE_KEPT };
    let (page, picture) = fetched.map_or((None, None), |found| (Some(found.page), found.image));
    let image = page.as_ref().and_then(|page| page.image.as_ref());
    let mut transaction = db.begin().await?;
    if let (Some(image), Some(bytes)) = (image, picture) {
        execute!(
            transaction,
            "insert into preview_images (hash, image, created_at) values ($1, $2, $3)
             on conflict (hash) do update set created_at = excluded.created_at",
            image.hash.as_str(),
            bytes,
            now,
        )?;
    }
    execute!(
        transaction,
        "update link_previews
         set claimed_until = 0, expires_at = $2, title = $3, text = $4, site = $5,
             image_hash = $6, image_width = $7, image_height = $8
         where address = $1",
        address,
        now.plus(kept),
        page.as_ref().map(|page| page.title.as_str()),
        page.as_ref().map_or("", |page| page.text.as_str()),
        page.as_ref().map_or("", |page| page.site.as_str()),
        image.map(|image| image.hash.as_str()),
        image.map(|image| image.width),
        image.map(|image| image.height),
    )?;
    transaction.commit().await?;
    Ok(page)
}

/// Adds the job of a message again.
pub(super) async fn look_again(
    db: &Db,
    message: MessageId,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    jobs::enqueue(&mut transaction, Job::PreviewLinks(message), at).await?;
    transaction.commit().await
}

/// Deletes what expired more than an hour ago, and the pictures that neither the cache nor a message needs. An hour,
/// because a job may still be about to show what it found.
pub(super) async fn prune(db: &Db, now: Timestamp) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    execute!(
        transaction,
        "delete from link_previews where expires_at <= $1 and claimed_until <= $1 and asked_at <= $1",
        now.minus(HOUR),
    )?;
    execute!(
        transaction,
        "delete from preview_images where created_at <= $1
           and not exists (select 1 from link_previews where image_hash = preview_images.hash)
           and not exists (select 1 from message_previews where image_hash = preview_images.hash)",
        now.minus(HOUR),
    )?;
    transaction.commit().await
}
