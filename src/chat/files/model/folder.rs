//! What a check finds in one of the folders that contents are in.

use crate::chat::files::model::{Content, ContentHash};

/// Contents are in so many folders.
pub const FOLDERS: u64 = 256;

/// What is in a folder.
#[derive(Debug, Default)]
pub struct FolderReport {
    /// In storage and in the database.
    pub sound: Vec<Content>,
    /// A file names it, and it is not in storage.
    pub missing: Vec<Content>,
    /// A file names it, and what is in storage has another size.
    pub resized: Vec<Content>,
    /// In storage, and unknown to the database.
    pub orphans: Vec<Content>,
}

impl FolderReport {
    /// The hashes of what a file names and cannot be read.
    pub fn unreadable(&self) -> Vec<ContentHash> {
        self.missing.iter().chain(&self.resized).map(|content| content.hash.clone()).collect()
    }
}
