//! The files of messages: one, and those of a room, newest first.

use super::{FILE_COLUMNS, FileRow};
use crate::chat::files::model::{FileId, RecentFile, StoredFile};
use crate::chat::rooms::model::Room;
use crate::db::{Db, fetch_all, fetch_optional};
use crate::kernel::ids::RoomKey;
use crate::kernel::{MessageId, RoomId};

/// Messages with files, and how many each has. A room includes its threads.
pub(in crate::chat) async fn messages_with_files(
    db: &Db,
    room: &Room,
    before: MessageId,
    limit: i64,
) -> Result<Vec<(MessageId, i64)>, sqlx::Error> {
    if room.parent.is_some() {
        return fetch_all!(
            db,
            "select id, files from messages
             where room_seq_key >= $1 and room_seq_key <= $2 and files > 0 and id < $3
             order by room_seq_key desc limit $4",
            RoomKey::first(room.id),
            RoomKey::last(room.id),
            before,
            limit,
        );
    }
    fetch_all!(
        db,
        "select message_id, count(*) from files where room_id = $1 and message_id < $2
         group by message_id order by message_id desc limit $3",
        room.id,
        before,
        limit,
    )
}

/// A file of a message in a room or its threads.
pub(in crate::chat::files) async fn posted(
    db: &Db,
    room: RoomId,
    message: MessageId,
    id: &FileId,
) -> Result<Option<StoredFile>, sqlx::Error> {
    let row: Option<FileRow> = fetch_optional!(
        db,
        concat!(
            "select ",
            FILE_COLUMNS!(),
            " from files where id = $1 and message_id = $2 and room_id = $3"
        ),
        id,
        message,
        room,
    )?;
    Ok(row.map(StoredFile::from))
}

/// The newest files of a room and its threads.
pub(in crate::chat::files) async fn recent(
    db: &Db,
    room: RoomId,
    limit: i64,
) -> Result<Vec<RecentFile>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct RecentRow {
        #[sqlx(flatten)]
        file: FileRow,
        picture: i64,
        place: RoomKey,
    }
    let rows: Vec<RecentRow> = fetch_all!(
        db,
        concat!(
            "select ",
            FILE_COLUMNS!(),
            ", (select count(*) from files p where p.message_id = f.message_id and p.kind = 'image'
                                               and p.position <= f.position) as picture,
               (select m.room_seq_key from messages m where m.id = f.message_id) as place
             from files f where room_id = $1 order by message_id desc, position limit $2"
        ),
        room,
        limit,
    )?;
    let recent = |row: RecentRow| {
        let file = StoredFile::from(row.file);
        let attachment = file.attached_to(file.message?);
        let picture = usize::try_from(row.picture).unwrap_or_default();
        Some(RecentFile { attachment, place: row.place, picture })
    };
    Ok(rows.into_iter().filter_map(recent).collect())
}
