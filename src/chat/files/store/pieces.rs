//! The pieces of uploads that are gathered in storage. A piece counts with its row, and rows follow each other without a
//! gap: of two requests that send the same bytes, the one that commits first wins.

use super::{signed, unsigned};
use crate::chat::files::model::{FileId, Piece, Upload};
use crate::db::{Db, execute, fetch_all, fetch_optional};
use crate::kernel::Timestamp;

#[derive(sqlx::FromRow)]
struct PieceRow {
    start_at: i64,
    length: i64,
    object: FileId,
}

impl From<PieceRow> for Piece {
    fn from(row: PieceRow) -> Self {
        Self { start: unsigned(row.start_at), length: unsigned(row.length), object: row.object }
    }
}

/// The pieces of an upload, in order.
pub(in crate::chat::files) async fn pieces(
    db: &Db,
    upload: &FileId,
) -> Result<Vec<Piece>, sqlx::Error> {
    let rows: Vec<PieceRow> = fetch_all!(
        db,
        "select start_at, length, object from upload_pieces where upload_id = $1 order by start_at",
        upload,
    )?;
    Ok(rows.into_iter().map(Piece::from).collect())
}

pub(in crate::chat::files) async fn last_piece(
    db: &Db,
    upload: &FileId,
) -> Result<Option<Piece>, sqlx::Error> {
    let row: Option<PieceRow> = fetch_optional!(
        db,
        "select start_at, length, object from upload_pieces where upload_id = $1
         order by start_at desc limit 1",
        upload,
    )?;
    Ok(row.map(Piece::from))
}

/// Adds a piece at the end of what has arrived, or puts it in place of the last one. Returns false if something else
/// has arrived since the upload was read, or if it has ended.
pub(in crate::chat::files) async fn add_piece(
    db: &Db,
    upload: &Upload,
    piece: &Piece,
    expires_at: Timestamp,
) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let added = execute!(
        transaction,
        "update uploads
         set received = $3, expires_at = case when expires_at < $4 then $4 else expires_at end
         where id = $1 and received = $2",
        &upload.id,
        signed(upload.received),
        signed(piece.end()),
        expires_at,
    )?;
    if added == 0 {
        return Ok(false);
    }
    execute!(
        transaction,
        "insert into upload_pieces (upload_id, start_at, length, object) values ($1, $2, $3, $4)
         on conflict (upload_id, start_at) do update
         set length = excluded.length, object = excluded.object",
        &upload.id,
        signed(piece.start),
        signed(piece.length),
        &piece.object,
    )?;
    transaction.commit().await?;
    Ok(true)
}

/// Forgets the pieces of an upload: it begins again. Returns false if it has ended.
pub(in crate::chat::files) async fn restart(db: &Db, upload: &FileId) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let found = execute!(transaction, "update uploads set received = 0 where id = $1", upload)?;
    execute!(transaction, "delete from upload_pieces where upload_id = $1", upload)?;
    transaction.commit().await?;
    Ok(found > 0)
}
