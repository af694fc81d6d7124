//! The records of messages, of whom they mention, and of reactions to them.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::{HIDDEN_ROOMS, ensure, ensure_exact};
use crate::chat::accounts::model::Handle;
use crate::chat::messages::model::{DeletedBy, Kind, Markup, MessageBody};
use crate::db::{Transaction, column_type, execute};
use crate::export::jsonl::{InsertError, Number, Record, Text};
use crate::kernel::{FieldError, Timestamp};
use crate::text::render::{self, Place, is_custom_emoji};

/// A message. Its HTML is not exported, so that no file can contain markup.
#[derive(Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
pub struct Message {
    pub id: Number,
    pub room_id: Number,
    pub seq: Number,
    pub rev: Number,
    pub author_id: Number,
    pub kind: Kind,
    pub body: Text,
    pub reply_to: Option<Number>,
    pub created_at: Timestamp,
    pub edited_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
    pub deleted_by: Option<Text>,
    /// The handles that the HTML links, separated by spaces. Those in quotes are no [`Mention`]s, which are
    /// records of their own.
    pub mentions: LinkedHandles,
    /// The custom emoji that the HTML shows, each as `NAME.VERSION`, separated by spaces.
    #[serde(default)]
    pub emoji: ShownEmoji,
    /// How the HTML is made from the body. Exports of earlier versions have only plain messages.
    #[serde(default)]
    pub markup: Markup,
    /// How often it was edited. Exports of earlier versions do not say.
    pub edits: Option<Number>,
    pub pinned_at: Option<Timestamp>,
    pub pinned_by: Option<Number>,
    /// The reply in a thread of which it is the copy in the room. Exports of earlier versions have no
    /// threads.
    #[serde(default)]
    pub twin_of: Option<Number>,
    #[serde(skip)]
    #[sqlx(flatten)]
    pub quoted: QuotedMessage,
    /// Its files, for the pages.
    #[serde(skip)]
    pub files: LinkedFiles,
}

/// The hash of each file of a message, and its name. They are records of their own.
#[derive(Default)]
pub struct LinkedFiles(pub Vec<(String, String)>);

column_type!(LinkedFiles as String, |_files| String::new(), |column| {
    let files = column.split('\u{1e}').filter_map(|file| file.split_once('\u{1f}'));
    Ok(Self(files.map(|(hash, name)| (hash.to_owned(), name.to_owned())).collect()))
});

/// The handles that a message links.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkedHandles(Option<String>);

column_type!(LinkedHandles as String, |handles| handles.0.clone().unwrap_or_default(), |html| {
    let mut handles: Vec<String> = render::linked_handles(&html).collect();
    handles.sort_unstable();
    handles.dedup();
    Ok(Self((!handles.is_empty()).then(|| handles.join(" "))))
});

/// The message that a reply quotes: no part of the record, but of the pages.
#[derive(Default, FromRow)]
pub struct QuotedMessage {
    #[sqlx(rename = "quoted_seq")]
    pub seq: Option<Number>,
    #[sqlx(rename = "quoted_author")]
    pub author_id: Option<Number>,
    /// The beginning of its HTML, or of its body where it is the same.
    #[sqlx(rename = "quoted_html")]
    pub html: Option<String>,
}

/// The custom emoji that a message shows.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShownEmoji(Option<String>);

column_type!(ShownEmoji as String, |emoji| emoji.0.clone().unwrap_or_default(), |html| {
    let mut emoji: Vec<String> =
        render::custom_emoji(&html).map(|(name, version)| format!("{name}.{version}")).collect();
    emoji.sort_unstable();
    emoji.dedup();
    Ok(Self((!emoji.is_empty()).then(|| emoji.join(" "))))
});

impl ShownEmoji {
    /// The version of each by its name.
    pub(in crate::export) fn versions(&self) -> Result<HashMap<&str, &str>, InsertError> {
        let listed = self.0.as_deref().unwrap_or_default().split_whitespace();
        let wrong = || InsertError::Invalid("emoji has no name and version".to_owned());
        listed
            .map(|one| one.split_once('.').filter(|(n, v)| is_custom_emoji(n, v)).ok_or_else(wrong))
            .collect()
    }
}

impl Record for Message {
    const FILE: &'static str = "messages.jsonl";
    const SELECT: &'static str = concat!(
        "
        select m.id, m.room_seq_key >> 32 as room_id, m.room_seq_key & 4294967295 as seq,
               m.room_rev_key & 4294967295 as rev, m.author_id, m.kind, m.body, m.reply_to, m.created_at, m.edited_at,
               m.deleted_at, case when m.deleted_at is not null then coalesce(m.deleted_by, 'author') end as deleted_by,
               m.html as mentions, m.html as emoji, m.markup, m.edits, m.pinned_at, m.pinned_by, m.twin_of,
               q.room_seq_key & 4294967295 as quoted_seq, q.author_id as quoted_author,
               substr(case when q.html = '' then q.body else q.html end, 1, 2000) as quoted_html,
               coalesce((select string_agg(f.hash || '\u{1f}' || f.name, '\u{1e}' order by f.position)
                         from files f where m.files > 0 and f.message_id = coalesce(m.twin_of, m.id)), '') as files
        from messages m
        left join messages q on q.id = m.reply_to and q.room_seq_key >> 32 = m.room_seq_key >> 32
                            and q.deleted_at is null and m.deleted_at is null
        where m.room_seq_key >> 32 not in ",
        HIDDEN_ROOMS!(),
        "
        order by m.room_seq_key"
    );
    const INSERT: &'static str = "
        insert into messages (id, room_seq_key, room_rev_key, author_id, kind, body, reply_to, created_at,
                              edited_at, deleted_at, deleted_by, html, markup, edits, pinned_at, pinned_by,
                              twin_of)
        values ($1, ($2 << 32) + $3, ($2 << 32) + $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
                coalesce($15, case when $10 is null then 0 else 1 end), $16, $17, $18)";

    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError> {
        ensure((1..1 << 31).contains(&self.room_id.0), "room_id is not a room id")?;
        let is_valid = |number: Number| (1..1 << 32).contains(&number.0);
        ensure(is_valid(self.seq) && is_valid(self.rev), "seq or rev is out of range")?;
        ensure(
            self.pinned_at.is_some() == self.pinned_by.is_some(),
            "pinned_at and pinned_by differ",
        )?;
        let html = if self.deleted_at.is_some() {
            self.check_tombstone()?;
            String::new()
        } else {
            ensure(self.deleted_by.is_none(), "deleted_by is set, but deleted_at is not")?;
            self.html()?
        };
        Ok(execute!(
            transaction,
            Self::INSERT,
            self.id,
            self.room_id,
            self.seq,
            self.rev,
            self.author_id,
            self.kind,
            self.body,
            self.reply_to,
            self.created_at,
            self.edited_at,
            self.deleted_at,
            self.deleted_by,
            html,
            self.markup,
            self.edits,
            self.pinned_at,
            self.pinned_by,
            self.twin_of,
        )?)
    }
}

impl Message {
    fn check_tombstone(&self) -> Result<(), InsertError> {
        ensure(self.body.is_empty(), "a deleted message has no body")?;
        let is_known = |text: &str| DeletedBy::from_column(text).is_some();
        let is_valid = self.deleted_by.as_deref().is_none_or(is_known);
        ensure(is_valid, "deleted_by is neither author nor moderator")?;
        ensure(self.pinned_at.is_none(), "a deleted message is not pinned")
    }

    /// Renders the body, as the table stores it.
    fn html(&self) -> Result<String, InsertError> {
        check_body(&self.body)?;
        let handles = self.mentions.0.as_deref().unwrap_or_default().split_whitespace();
        let handles: Vec<Handle> =
            handles.map(Handle::stored).collect::<Result<_, FieldError>>()?;
        let emoji = self.emoji.versions()?;
        let find = |folded: &str, place| {
            if place == Place::Code {
                return emoji.get(folded).map(|version| (*version).to_owned());
            }
            let handle = handles.iter().find(|handle| handle.folded() == folded);
            handle.map(|handle| handle.as_str().to_owned())
        };
        Ok(render::stored(&render::render(&self.body, self.markup, find), &self.body).to_owned())
    }
}

/// A message that was only files has no text.
fn check_body(body: &str) -> Result<(), InsertError> {
    if body.is_empty() {
        return Ok(());
    }
    ensure_exact("body", body, MessageBody::stored(body)?.as_str())
}

/// A former version of an edited message.
#[derive(Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
pub struct MessageEdit {
    pub message_id: Number,
    /// The edits before it; 0: the original.
    pub number: Number,
    pub body: Text,
    pub markup: Markup,
    pub at: Timestamp,
}

impl Record for MessageEdit {
    const FILE: &'static str = "edits.jsonl";
    const SELECT: &'static str = concat!(
        "select message_id, number, body, markup, at from message_edits
         where message_id in (select id from messages where room_seq_key >> 32 not in ",
        HIDDEN_ROOMS!(),
        ")
         order by message_id, number"
    );
    const INSERT: &'static str = "
        insert into message_edits (message_id, number, body, markup, at)
        select $1, $2, $3, $4, $5 from messages where id = $1 and deleted_at is null and $2 < edits";

    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError> {
        ensure(self.number.0 >= 0, "number is too small")?;
        check_body(&self.body)?;
        Ok(execute!(
            transaction,
            Self::INSERT,
            self.message_id,
            self.number,
            self.body,
            self.markup,
            self.at,
        )?)
    }
}

/// A message mentions a user.
#[derive(Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
pub struct Mention {
    pub message_id: Number,
    pub user_id: Number,
}

impl Record for Mention {
    const FILE: &'static str = "mentions.jsonl";
    const SELECT: &'static str = concat!(
        "
        select m.id as message_id, n.user_id from mentions n join messages m on m.room_seq_key = n.room_seq_key
        where m.room_seq_key >> 32 not in ",
        HIDDEN_ROOMS!(),
        "
        order by n.room_seq_key, n.user_id"
    );
    const INSERT: &'static str = "
        insert into mentions (user_id, room_seq_key)
        select $2, room_seq_key from messages where id = $1";

    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError> {
        Ok(execute!(transaction, Self::INSERT, self.message_id, self.user_id)?)
    }
}

/// A user reacted to a message.
#[derive(Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
pub struct Reaction {
    pub message_id: Number,
    pub user_id: Number,
    pub emoji: Text,
    /// The `rev` in the message's room; 0 for reactions from before it was stored.
    pub rev: Number,
}

impl Record for Reaction {
    const FILE: &'static str = "reactions.jsonl";
    const SELECT: &'static str = concat!(
        "
        select message_id, user_id, emoji, room_rev_key & 4294967295 as rev from reactions
        where message_id in (select id from messages
                             where room_seq_key >> 32 not in ",
        HIDDEN_ROOMS!(),
        ")
        order by message_id, user_id, emoji"
    );
    const INSERT: &'static str = "
        insert into reactions (message_id, user_id, emoji, room_rev_key)
        select $1, $2, $3, case when $4 = 0 then 0 else (room_seq_key >> 32 << 32) + $4 end
        from messages where id = $1";

    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError> {
        // A larger number would belong to another room.
        ensure(self.rev.0 < 1 << 32, "rev is too large")?;
        Ok(execute!(
            transaction,
            Self::INSERT,
            self.message_id,
            self.user_id,
            self.emoji,
            self.rev,
        )?)
    }
}
