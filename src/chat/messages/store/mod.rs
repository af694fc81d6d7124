//! The SQL of messages: `history` reads, `edits` edits, deletes and reacts, `mentions`
//! stores who is mentioned, `changing` is what all changes share, `versions` former texts, `pins` what is pinned, `quotes` updates replies,
//! `group_commit` runs a batch of writes in one transaction, `deletion` deletes in bulk.

mod changing;
mod deletion;
mod edits;
mod group_commit;
mod history;
mod joining;
mod link_previews;
mod locks;
mod lookups;
mod mentions;
mod pins;
mod quotes;
mod sql;
mod threads;
mod versions;

pub(super) use self::deletion::{
    erase_later, forget_thread, next_thread_to_purge, next_to_erase, purge_batch, purge_later,
    record_erased,
};
pub(super) use self::group_commit::{
    Committed, StoredRanges, commit_group, last_message_id, prune_idempotency_keys,
    running_transactions,
};
pub(super) use self::history::{
    chunk_since, display_names, find, found, is_known, page, room_of, rooms, rooms_among,
    rooms_with_messages_after, since,
};
pub(super) use self::link_previews::{has_previews, preview_image};
pub(super) use self::locks::{free_rooms, rooms_of};
pub(super) use self::mentions::{handles, mentioned};
pub(super) use self::pins::{pinned, pinned_ids};
pub(super) use self::quotes::{has_stale, refresh_later};
pub(super) use self::threads::stale_threads;
pub(super) use self::versions::versions;

use super::model::threads::ThreadSummary;
use super::model::{
    DeletedBy, Kind, Markup, Message, Pinner, Quote, Reactions, WriteError, WriteOutcome,
};
use crate::chat::accounts::model::UserRef;
use crate::chat::files::model::Attachment;
use crate::chat::link_previews::model::LinkPreview;
use crate::db::{column_type, positional_row};
use crate::kernel::ids::RoomKey;
use crate::kernel::{MessageId, Rev, Seq, Timestamp, UserId};
use crate::text::render;

/// The result of one write. A refused write does not affect the other writes of its batch.
pub(super) type Outcome = Result<WriteOutcome, WriteError>;

column_type!(Kind as String, |kind| kind.as_str().to_owned(), |text| {
    // During an update a later version may store one that this version does not know.
    Ok(Self::stored(&text).unwrap_or(Self::Text))
});

column_type!(Markup as i64, |markup| markup.number(), |number| {
    // A later version may have rendered it. Its HTML is stored and shown as it is.
    Ok(Self::try_from(number).unwrap_or_default())
});

positional_row! {
    /// A row of [`sql::MESSAGE_COLUMNS!`].
    struct MessageRow {
        id: MessageId,
        room_seq_key: RoomKey,
        room_rev_key: RoomKey,
        kind: Kind,
        body: String,
        html: String,
        markup: Markup,
        reply_to: Option<MessageId>,
        quote: Option<String>,
        pinned_by: Option<String>,
        edits: i64,
        created_at: Timestamp,
        edited_at: Option<Timestamp>,
        deleted_by: Option<String>,
        nonce: Option<String>,
        author_id: UserId,
        name: String,
        display_name: String,
        bot: bool,
        avatar: Option<String>,
        reactions: Option<String>,
        thread: Option<String>,
        twin_of: Option<MessageId>,
        previews: Option<String>,
        attachments: Option<String>,
    }
}

impl From<MessageRow> for Message {
    fn from(row: MessageRow) -> Self {
        Self {
            id: row.id,
            room: row.room_seq_key.room(),
            seq: Seq(row.room_seq_key.number()),
            rev: Rev(row.room_rev_key.number()),
            kind: row.kind,
            author: UserRef {
                id: row.author_id,
                name: row.name,
                display_name: row.display_name,
                bot: row.bot,
                avatar: row.avatar,
            },
            html: render::restored(row.html, &row.body),
            markup: row.markup,
            body: row.body,
            reply_to: row.reply_to,
            quote: row.quote.as_deref().and_then(Quote::from_column),
            pinned_by: row.pinned_by.as_deref().and_then(Pinner::from_column),
            edits: row.edits,
            created_at: row.created_at,
            edited_at: row.edited_at,
            deleted_by: row.deleted_by.as_deref().and_then(DeletedBy::from_column),
            reactions: reactions(&row.reactions.unwrap_or_default()),
            nonce: row.nonce,
            thread: row.thread.as_deref().and_then(ThreadSummary::from_column),
            twin_of: row.twin_of,
            previews: row.previews.as_deref().map_or_else(Vec::new, LinkPreview::from_column),
            attachments: row.attachments.as_deref().map(attachments).unwrap_or_default(),
        }
    }
}

/// Parses the files column of [`sql::MESSAGE_COLUMNS!`].
fn attachments(column: &str) -> Vec<Attachment> {
    column.split('\u{1e}').filter_map(Attachment::from_column).collect()
}

/// Parses the reactions column of [`sql::MESSAGE_COLUMNS!`].
fn reactions(column: &str) -> Vec<Reactions> {
    let mut found: Vec<Reactions> = Vec::new();
    for (emoji, user) in column.split(',').filter_map(|pair| pair.split_once(' ')) {
        let Ok(user) = user.parse().map(UserId) else { continue };
        match found.iter_mut().find(|reactions| reactions.emoji == emoji) {
            Some(reactions) => reactions.users.push(user),
            None => found.push(Reactions { emoji: emoji.to_owned(), users: vec![user] }),
        }
    }
    found
}
