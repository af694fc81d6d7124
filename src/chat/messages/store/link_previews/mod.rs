//! The previews of the links of a message. A message keeps a copy of what was found, so that the cache may forget it.

use super::Outcome;
use super::changing::{
    ChangeError, changed, find_existing, find_undeleted, next_change, touch, unchanged,
};
use crate::chat::audit;
use crate::chat::audit::model::{Action, NamedRoom, NamedUser};
use crate::chat::link_previews::model::{FoundPage, links_with_previews};
use crate::chat::messages::model::{Deleter, DeletionReason, Post, WriteError, WriteOutcome};
use crate::db::{
    Db, StatementBatch, Transaction, execute, fetch_all, fetch_optional_scalar, json_rows,
};
use crate::jobs;
use crate::jobs::model::Job;
use crate::kernel::{MessageId, RoomId, Timestamp};

#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
struct PreviewRow {
    position: i64,
    address: String,
    hidden: bool,
    title: String,
    text: String,
    site: String,
    image_hash: Option<String>,
    image_width: Option<i64>,
    image_height: Option<i64>,
}

impl PreviewRow {
    fn new(position: i64, address: String, page: &FoundPage) -> Self {
        let image = page.image.as_ref();
        Self {
            position,
            address,
            hidden: false,
            title: page.title.clone(),
            text: page.text.clone(),
            site: page.site.clone(),
            image_hash: image.map(|image| image.hash.clone()),
            image_width: image.map(|image| image.width),
            image_height: image.map(|image| image.height),
        }
    }
}

/// Adds the jobs that fetch what new messages link to. Without a link that gets a preview, nothing is added.
pub(super) fn push_jobs(
    statements: &mut StatementBatch,
    posts: &[&Post],
    outcomes: &[Outcome],
    now: Timestamp,
) {
    let stored = posts.iter().zip(outcomes).filter(|(post, _)| post.rendered.previews);
    let stored = stored.filter_map(|(_, outcome)| outcome.as_ref().ok());
    let new = stored.filter(|outcome| outcome.changed);
    let messages = new.flat_map(|outcome| std::iter::once(outcome).chain(&outcome.also));
    let jobs: Vec<Job> = messages.map(|outcome| Job::PreviewLinks(outcome.message.id)).collect();
    if !jobs.is_empty() {
        jobs::push_enqueue(statements, &jobs, now);
    }
}

/// After an edit: removes the previews of links that the message no longer has. With `fetch` adds the job that fetches
/// the others.
pub(super) async fn follow_edit(
    transaction: &mut Transaction,
    id: MessageId,
    html: &str,
    fetch: bool,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let links = links_with_previews(html);
    let removed = execute!(
        transaction,
        "delete from message_previews
         where message_id = $1 and address not in (select value ->> 0 from jsonb_each($2))",
        id,
        json_rows(&links.iter().map(|link| (link,)).collect::<Vec<_>>()),
    )?;
    if removed > 0 {
        count(transaction, id).await?;
    }
    if fetch && !links.is_empty() {
        jobs::enqueue(transaction, Job::PreviewLinks(id), now).await?;
    }
    Ok(())
}

/// Stores how many previews a message has.
async fn count(transaction: &mut Transaction, id: MessageId) -> Result<(), sqlx::Error> {
    execute!(
        transaction,
        "update messages set previews = (select count(*) from message_previews where message_id = $1)
         where id = $1",
        id,
    )?;
    Ok(())
}

/// Removes all previews of a message that is being deleted.
pub(super) async fn delete(
    transaction: &mut Transaction,
    id: MessageId,
) -> Result<(), sqlx::Error> {
    execute!(transaction, "delete from message_previews where message_id = $1", id)?;
    Ok(())
}

/// Shows what was found at the links of a message. Its text may have changed since the links were read, so only links
/// that it has now count. What was removed stays so.
pub(super) async fn show(
    transaction: &mut Transaction,
    room: RoomId,
    id: MessageId,
    found: &[(String, FoundPage)],
) -> Result<WriteOutcome, ChangeError> {
    let message = find_undeleted(transaction, room, id).await?;
    let before: Vec<PreviewRow> = fetch_all!(
        transaction,
        "select position, address, hidden = 1 as hidden, title, text, site, image_hash, image_width,
                image_height
         from message_previews where message_id = $1 order by position",
        id,
    )?;
    let links = (0..).zip(links_with_previews(&message.html));
    let after: Vec<PreviewRow> = links
        .filter_map(|(position, address)| {
            let earlier = before.iter().find(|row| row.address == address);
            match found.iter().find(|(link, _)| *link == address) {
                Some((_, page)) => {
                    let hidden = earlier.is_some_and(|row| row.hidden);
                    Some(PreviewRow { hidden, ..PreviewRow::new(position, address, page) })
                }
                None => earlier.map(|row| PreviewRow { position, ..row.clone() }),
            }
        })
        .collect();
    if after == before {
        return Ok(unchanged(message));
    }
    delete(transaction, id).await?;
    for row in &after {
        insert(transaction, id, row).await?;
    }
    count(transaction, id).await?;
    let change = next_change(transaction, room).await?;
    touch(transaction, id, change).await?;
    Ok(changed(transaction, room, id).await?)
}

async fn insert(
    transaction: &mut Transaction,
    id: MessageId,
    row: &PreviewRow,
) -> Result<(), sqlx::Error> {
    execute!(
        transaction,
        "insert into message_previews (message_id, position, address, hidden, title, text, site,
                                       image_hash, image_width, image_height)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        id,
        row.position,
        row.address.as_str(),
        i64::from(row.hidden),
        row.title.as_str(),
        row.text.as_str(),
        row.site.as_str(),
        row.image_hash.as_deref(),
        row.image_width,
        row.image_height,
    )?;
    Ok(())
}

/// Removes the preview of one link for all readers. Doing it again changes nothing.
pub(super) async fn remove(
    transaction: &mut Transaction,
    deleter: &Deleter,
    n: i64,
    now: Timestamp,
) -> Result<WriteOutcome, ChangeError> {
    let Deleter { room, message: id, ref reason } = *deleter;
    let message = find_existing(transaction, room, id).await?;
    let hidden: Option<i64> = fetch_optional_scalar!(
        transaction,
        "select hidden from message_previews where message_id = $1 and position = $2",
        id,
        n,
    )?;
    match hidden {
        None => return Err(WriteError::NotFound.into()),
        Some(1) => return Ok(unchanged(message)),
        Some(_) => {}
    }
    execute!(
        transaction,
        "update message_previews set hidden = 1 where message_id = $1 and position = $2",
        id,
        n,
    )?;
    if let DeletionReason::Moderation { moderator, room_name, author, author_name } = reason {
        let action = Action::RemovePreview {
            message: id,
            room: NamedRoom { id: room, name: room_name },
            author: NamedUser { id: *author, name: author_name },
        };
        audit::record(transaction, Some(*moderator), action, now).await?;
    }
    let change = next_change(transaction, room).await?;
    touch(transaction, id, change).await?;
    Ok(changed(transaction, room, id).await?)
}

/// Whether the links of a room get previews. A thread is as its room.
pub(in crate::chat::messages) async fn has_previews(
    db: &Db,
    room: RoomId,
) -> Result<bool, sqlx::Error> {
    let setting: Option<i64> = fetch_optional_scalar!(
        db,
        "select coalesce(p.link_previews, r.link_previews) from rooms r
         left join threads t on t.room_id = r.id left join rooms p on p.id = t.parent_room_id
         where r.id = $1",
        room,
    )?;
    Ok(setting == Some(1))
}

/// The picture of a preview that a message shows.
pub(in crate::chat::messages) async fn preview_image(
    db: &Db,
    id: MessageId,
    n: i64,
) -> Result<Option<Vec<u8>>, sqlx::Error> {
    fetch_optional_scalar!(
        db,
        "select i.image from message_previews v join preview_images i on i.hash = v.image_hash
         where v.message_id = $1 and v.position = $2 and v.hidden = 0",
        id,
        n,
    )
}
