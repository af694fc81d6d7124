//! SQL that several queries of messages share. Macros and not constants, because [`concat!`] joins only
//! literals.

/// What replies show of the message `q` by the user `a`, as `Quote::from_column` reads it; null if it is deleted. Of a
/// long text only the beginning is read.
macro_rules! QUOTE_COLUMN {
    () => {
        "case when q.deleted_at is null then
           q.id || '\n' || a.id || '\n' || a.bot || '\n' || a.name || '\n' || a.display_name || '\n' ||
           coalesce(a.avatar, '') || '\n' || coalesce(
             case when q.body = '' and q.files > 0 then
               (select string_agg(f.name, ', ' order by f.position)
                from files f where f.message_id = coalesce(q.twin_of, q.id)) end, '')
           || '\n' || substr(case when q.html = '' then q.body else q.html end, 1, 2000)
         end"
    };
}

/// The columns of a [`super::MessageRow`]. `idempotency_keys` is joined by message id, which has an index. The
/// reactions are part of the same query, so they belong to the same state: "👍 3,❤️ 7,👍 9" (emoji and
/// user id), the oldest first. So is the thread, for [`ThreadSummary::from_column`]: a message without one
/// costs no lookup. So are its files, for [`Attachment::from_column`]; the copy of a reply has those of the reply.
///
/// [`Attachment::from_column`]: crate::chat::files::model::Attachment::from_column
/// [`ThreadSummary::from_column`]: crate::chat::messages::model::threads::ThreadSummary::from_column
macro_rules! MESSAGE_COLUMNS {
    () => {
        concat!(
            "m.id, m.room_seq_key, m.room_rev_key, m.kind, m.body, m.html, m.markup, m.reply_to,
         (select ",
            $crate::chat::messages::store::sql::QUOTE_COLUMN!(),
            " from messages q join users a on a.id = q.author_id
          where q.id = m.reply_to and q.room_seq_key >> 32 = m.room_seq_key >> 32 and m.deleted_at is null),
         case when m.pinned_at is not null then
           (select p.id || '\n' || p.display_name from users p where p.id = m.pinned_by) end,
         m.edits, m.created_at, m.edited_at,
         case when m.deleted_at is not null then coalesce(m.deleted_by, 'author') end, s.nonce,
         m.author_id, u.name, u.display_name, u.bot = 1, u.avatar,
         (select string_agg(r.emoji || ' ' || r.user_id, ',' order by r.room_rev_key)
          from reactions r where r.message_id = m.id),
         case when m.thread_id is not null then
           (select t.room_id || '\u{1f}' || t.replies || '\u{1f}' || coalesce(cast(t.last_reply_at as text), '')
              || coalesce((select string_agg('\u{1e}' || p.id || '\u{1f}' || p.display_name || '\u{1f}'
                                               || coalesce(p.avatar, ''), '' order by p.last_seq desc)
                           from (select w.id, w.display_name, w.avatar, a.last_seq
                                 from thread_authors a join users w on w.id = a.user_id
                                 where a.room_id = t.room_id order by a.last_seq desc limit 5) p), '')
            from threads t where t.room_id = m.thread_id) end,
         m.twin_of,
         case when m.previews > 0 then
           (select string_agg(v.position || '\u{1f}' || v.address || '\u{1f}' || v.title || '\u{1f}' || v.text
              || '\u{1f}' || v.site || '\u{1f}' || coalesce(v.image_hash, '') || '\u{1f}'
              || coalesce(cast(v.image_width as text), '') || '\u{1f}'
              || coalesce(cast(v.image_height as text), ''), '\u{1e}' order by v.position)
            from message_previews v where v.message_id = m.id and v.hidden = 0) end,
         case when m.files > 0 then
           (select string_agg(f.id || '\u{1f}' || f.message_id || '\u{1f}' || f.name || '\u{1f}' || f.alt
                              || '\u{1f}' || f.media_type || '\u{1f}' || coalesce(cast(f.width as text), '')
                              || '\u{1f}' || coalesce(cast(f.height as text), '')
                              || '\u{1f}' || coalesce(cast(f.duration_ms as text), '') || '\u{1f}' || f.size
                              || '\u{1f}' || f.hash || '\u{1f}' || coalesce(f.preview_hash, ''),
                              '\u{1e}' order by f.position)
            from files f where f.message_id = coalesce(m.twin_of, m.id)) end"
        )
    };
}

/// The `from` clause of [`MESSAGE_COLUMNS!`], to be followed by a condition.
macro_rules! FROM_MESSAGES {
    ($rest:literal) => {
        concat!(
            " from messages m
              join users u on u.id = m.author_id
              left join idempotency_keys s on s.message_id = m.id ",
            $rest
        )
    };
}

/// A query for messages, to be followed by a condition.
macro_rules! SELECT_MESSAGES {
    ($rest:literal) => {
        concat!("select ", MESSAGE_COLUMNS!(), FROM_MESSAGES!($rest))
    };
}

pub(super) use {FROM_MESSAGES, MESSAGE_COLUMNS, QUOTE_COLUMN, SELECT_MESSAGES};
