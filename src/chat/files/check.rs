//! Checks the storage against the database: contents that are missing, have another size, or that no row names. It goes
//! folder by folder, each a small part of all, so that it needs little memory and can be interrupted.

use std::io;

use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};

use super::Files;
use super::model::{Content, ContentHash, FolderReport};
use super::storage::{Storage, service_error};
use super::store::{self, StorageCheck};
use crate::chat::accounts::model::Admin;
use crate::db::Db;
use crate::kernel::{MessageId, ServiceError};
use crate::limits::file::{CHECKED_EVERY, UNPOSTED_KEPT};

/// Folders before other jobs get a turn.
const FOLDERS_AT_ONCE: usize = 16;
/// Messages that are listed.
const MESSAGES_LISTED: i64 = 100;

/// Checks a folder. It works beside a server.
///
/// # Errors
/// If the storage or the database fails.
pub async fn check_folder(
    db: &Db,
    storage: &Storage,
    folder: u8,
) -> Result<FolderReport, ServiceError> {
    // In this order: the row of a content is there before its bytes.
    let mut found: std::collections::HashMap<ContentHash, u64> = storage
        .in_folder(folder)
        .await
        .map_err(service_error)?
        .into_iter()
        .map(|content| (content.hash, content.size))
        .collect();
    let mut report = FolderReport::default();
    for (content, is_named) in store::in_folder(db, folder).await? {
        match found.remove(&content.hash) {
            Some(size) if size == content.size => report.sound.push(content),
            // What no file names may just be arriving.
            _ if !is_named => {}
            Some(_) => report.resized.push(content),
            // It may have arrived after the list.
            None => match storage.size(&content.hash).await.map_err(service_error)? {
                Some(size) if size == content.size => report.sound.push(content),
                Some(_) => report.resized.push(content),
                None => report.missing.push(content),
            },
        }
    }
    for (hash, size) in found {
        // It may have been deleted after the list, with its row.
        if storage.size(&hash).await.map_err(service_error)?.is_some() {
            report.orphans.push(Content { hash, size });
        }
    }
    Ok(report)
}

/// Whether the bytes of a content are those that its hash says.
///
/// # Errors
/// If the storage fails. A content that is not there is none of its bytes.
pub async fn has_its_bytes(storage: &Storage, content: &Content) -> io::Result<bool> {
    let mut hash = Sha256::new();
    let mut bytes = match storage.read(&content.hash, 0..content.size).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        found => found?,
    };
    loop {
        match bytes.try_next().await {
            Ok(Some(part)) => hash.update(&part),
            Ok(None) => return Ok(ContentHash::of(hash.finalize()) == content.hash),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

/// The messages whose files name one of these contents, the first hundred.
///
/// # Errors
/// If the database fails.
pub async fn messages_with(
    db: &Db,
    contents: &[ContentHash],
) -> Result<Vec<MessageId>, ServiceError> {
    Ok(store::messages_with(db, contents, MESSAGES_LISTED).await?)
}

impl Files {
    /// Starts a check, unless one runs.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn start_check(&self, _: &Admin) -> Result<(), ServiceError> {
        Ok(store::start_check(&self.db, self.clock.now(), self.clock.now()).await?)
    }

    /// Starts the check of the day.
    pub(super) async fn start_daily_check(&self) -> Result<(), ServiceError> {
        if store::has_contents(&self.db).await? {
            let now = self.clock.now();
            store::start_check(&self.db, now, now.minus(CHECKED_EVERY)).await?;
        }
        Ok(())
    }

    /// The last check, or the one that runs.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn last_check(&self, _: &Admin) -> Result<Option<StorageCheck>, ServiceError> {
        Ok(store::last_check(&self.db).await?)
    }

    /// The files that cannot be read: their messages, and the size of each.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn unreadable(&self, _: &Admin) -> Result<Vec<(MessageId, Content)>, ServiceError> {
        Ok(store::unreadable(&self.db, MESSAGES_LISTED).await?)
    }

    /// Goes on with the check that runs. A large storage needs several runs: each adds the job again.
    ///
    /// # Errors
    /// If the storage or the database fails.
    pub async fn check_storage(&self) -> Result<(), ServiceError> {
        for _ in 0..FOLDERS_AT_ONCE {
            let Some(check) = store::last_check(&self.db).await? else { return Ok(()) };
            let Some(folder) = check.next_folder() else { return Ok(()) };
            let report = check_folder(&self.db, &self.storage, folder).await?;
            let before = self.clock.now().minus(UNPOSTED_KEPT);
            self.storage.delete_parts(folder, before).await.map_err(service_error)?;
            if !report.missing.is_empty() || !report.resized.is_empty() {
                let (missing, resized) = (report.missing.len(), report.resized.len());
                tracing::error!(missing, resized, "contents of files are missing or changed");
            }
            store::note_folder(&self.db, &check, folder, &report, self.clock.now()).await?;
        }
        Ok(store::check_later(&self.db, self.clock.now()).await?)
    }
}
