//! SQL that several queries of rooms share. Macros and not constants, because [`concat!`] joins only
//! literals.

/// Unread mentions of a member `m` in a room `r`. If nothing is unread, nothing is counted. The
/// mentions of one user in one room are one key range.
macro_rules! UNREAD_MENTIONS {
    () => {
        "case when m.last_read_seq < r.last_seq then
           (select count(*) from mentions n where n.user_id = m.user_id
              and n.room_seq_key > (r.id << 32) + m.last_read_seq and n.room_seq_key <= (r.id << 32) + r.last_seq)
         else 0 end"
    };
}

/// Unread messages of a member `m` in a room `r` that are not deleted. Deleted messages have their own
/// index, in which these are one range.
macro_rules! UNREAD {
    () => {
        "case when m.last_read_seq < r.last_seq then
           r.last_seq - m.last_read_seq - (select count(*) from messages d
             where d.deleted_at is not null
               and d.room_seq_key > (r.id << 32) + m.last_read_seq and d.room_seq_key <= (r.id << 32) + r.last_seq)
         else 0 end"
    };
}

/// The columns of a [`super::RoomRow`] for the user `$1`. A direct message has the name of the other
/// user, or the user's own if there is no other; a group has the names of all others and its place in
/// lists from the first of them.
macro_rules! ROOM_COLUMNS {
    () => {
        concat!(
            "r.id,
             case when r.visibility = 'group' then
               (select string_agg(v.display_name, ', ' order by v.sort_key, v.id)
                from memberships x join users v on v.id = x.user_id
                where x.room_id = r.id and x.user_id <> $1)
             else coalesce(o.display_name, r.name) end, r.topic, r.visibility, r.lobby = 1, r.owner_id,
             r.code, r.created_at, coalesce(p.archived_at, r.archived_at), r.last_seq, r.rev, m.last_read_seq, ",
            UNREAD!(),
            ", ",
            UNREAD_MENTIONS!(),
            ", coalesce(m.favourite, 0) = 1, m.section,
             exists (select 1 from drafts w where w.user_id = $1 and w.room_id = r.id),
             case when r.visibility = 'direct' then o.id end,
             case when r.visibility = 'direct' then o.avatar end,
             case when r.visibility = 'direct' then o.status_emoji end,
             coalesce(o.status_text, ''), o.status_until, r.wide_mentions_restricted = 1,
             coalesce(p.link_previews, r.link_previews) = 1,
             coalesce(o.sort_key, r.sort_key, ''),
             t.parent_room_id, t.head_id, p.name, p.visibility, p.owner_id, pm.user_id is not null"
        )
    };
}

/// The user who gives a room `r` its name and its place in lists for the user `$1`: the other one of a direct message, the
/// first of the others of a group. Inside a `case`: a plain join condition would not keep a database from reading all
/// members of a room with thousands.
macro_rules! NAMING_USER {
    () => {
        "case when r.visibility = 'direct' then
           (select coalesce(min(case when other.user_id <> $1 then other.user_id end), $1)
            from memberships other where other.room_id = r.id)
         when r.visibility = 'group' then
           (select other.user_id from memberships other join users v on v.id = other.user_id
            where other.room_id = r.id and other.user_id <> $1
            order by v.sort_key, v.id limit 1) end"
    };
}

/// The joins of [`ROOM_COLUMNS!`] but that of the naming user.
macro_rules! ROOM_JOINS {
    () => {
        " left join memberships m on m.room_id = r.id and m.user_id = $1
          left join threads t on r.visibility = 'thread' and t.room_id = r.id
          left join rooms p on p.id = t.parent_room_id
          left join memberships pm on pm.room_id = p.id and pm.user_id = $1 "
    };
}

/// The `from` clause of [`ROOM_COLUMNS!`], to be followed by a condition.
macro_rules! FROM_ROOMS {
    ($rest:literal) => {
        concat!(
            " from rooms r",
            ROOM_JOINS!(),
            "left join users o on o.id = ",
            NAMING_USER!(),
            " ",
            $rest
        )
    };
}

/// A query for the one room that meets a condition. The room comes first (`limit`): else `PostgreSQL` counts the cost of
/// the naming user for the index and not for the table, and reads all users.
macro_rules! SELECT_ROOM {
    ($condition:literal) => {
        concat!(
            "select ",
            ROOM_COLUMNS!(),
            " from (select r.*, ",
            NAMING_USER!(),
            " as naming_user from rooms r ",
            $condition,
            " limit 1) r",
            ROOM_JOINS!(),
            "left join users o on o.id = r.naming_user"
        )
    };
}

/// The columns of a [`super::ProgressRow`].
macro_rules! PROGRESS_COLUMNS {
    () => {
        concat!(
            "r.id, r.rev, r.last_seq, m.last_read_seq, ",
            $crate::chat::rooms::UNREAD!(),
            ", ",
            $crate::chat::rooms::UNREAD_MENTIONS!(),
            ", t.parent_room_id, t.head_id, coalesce(t.last_reply_at, 0)"
        )
    };
}

/// The `from` clause of [`PROGRESS_COLUMNS!`] for the user `$1`, to be followed by a further condition.
macro_rules! FROM_OWN_ROOMS {
    ($rest:literal) => {
        concat!(
            " from memberships m join rooms r on r.id = m.room_id
              left join threads t on r.visibility = 'thread' and t.room_id = r.id
              where m.user_id = $1 ",
            $rest
        )
    };
}

/// A query for the user's progress in rooms, to be followed by a further condition.
macro_rules! SELECT_PROGRESS {
    ($rest:literal) => {
        concat!(
            "select ",
            $crate::chat::rooms::PROGRESS_COLUMNS!(),
            $crate::chat::rooms::FROM_OWN_ROOMS!($rest)
        )
    };
}

/// The `from` clause of [`PROGRESS_COLUMNS!`] for the rooms of the user `$1` and the threads that are listed for them, of
/// which `$2` is the number.
macro_rules! FROM_GREETED_ROOMS {
    () => {
        concat!(
            $crate::chat::rooms::FROM_OWN_ROOMS!("and (t.room_id is null or r.id in ("),
            $crate::chat::rooms::LISTED_THREADS!("$1", "$2"),
            ")) order by r.id"
        )
    };
}

/// A query for the threads that are listed for a user: of those they follow, the last active. However many they ever
/// followed, a connection begins with these; a reply makes a thread one of them.
macro_rules! LISTED_THREADS {
    ($user:literal, $limit:literal) => {
        concat!(
            "select f.room_id from memberships f join threads l on l.room_id = f.room_id where f.user_id = ",
            $user,
            " order by coalesce(l.last_reply_at, 0) desc, f.room_id desc limit ",
            $limit
        )
    };
}

/// A subquery for the rooms that a user may read, without threads: the rule of `model::may_read` for
/// queries over many rooms. A room may appear twice. Threads are as readable as their [`GATE!`].
macro_rules! READABLE_ROOMS {
    ($user:literal) => {
        concat!(
            "select id from rooms where visibility = 'public'
             union all select room_id from memberships
             where not exists (select 1 from threads f where f.room_id = memberships.room_id)
               and user_id = ",
            $user
        )
    };
}

/// The room that decides who may read the messages of a room: for a thread the one that it belongs to.
macro_rules! GATE {
    ($room:literal) => {
        concat!(
            "coalesce((select g.parent_room_id from threads g where g.room_id = ",
            $room,
            "), ",
            $room,
            ")"
        )
    };
}

/// Whether a room takes no messages, edits and reactions: it is archived, or it is a thread of an archived room.
macro_rules! IS_ARCHIVED {
    ($room:literal) => {
        concat!(
            "exists (select 1 from rooms a where a.archived_at is not null and a.id = ",
            GATE!($room),
            ")"
        )
    };
}

/// A query for deleted rooms, to be followed by a condition.
macro_rules! SELECT_DELETED {
    ($rest:literal) => {
        concat!(
            "select d.room_id as id, r.name, d.visibility, d.deleted_by, d.deleted_at,
                    d.purged_at is not null as purging
             from deleted_rooms d join rooms r on r.id = d.room_id ",
            $rest
        )
    };
}

pub(in crate::chat) use {
    FROM_GREETED_ROOMS, FROM_OWN_ROOMS, GATE, IS_ARCHIVED, LISTED_THREADS, PROGRESS_COLUMNS,
    READABLE_ROOMS, UNREAD, UNREAD_MENTIONS,
};
pub(super) use {
    FROM_ROOMS, NAMING_USER, ROOM_COLUMNS, ROOM_JOINS, SELECT_DELETED, SELECT_PROGRESS, SELECT_ROOM,
};
