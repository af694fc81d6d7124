//! The picture that stands for a film until it is played: made in the sender's browser, and made again here like every
//! picture. It belongs to the film as a preview belongs to a picture.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use super::completion::measured;
use super::model::{FileId, FileKind, UploadError};
use super::storage::service_error;
use super::workshop::{Stage, blocking};
use super::{Files, store};
use crate::kernel::UserId;
use crate::media::InspectError;

impl Files {
    /// Gives a film of this user that was not posted its poster, in place of an earlier one.
    ///
    /// # Errors
    /// [`UploadError::NotFound`] if there is no such film, [`UploadError::Damaged`] if the bytes are no picture.
    pub async fn set_poster(
        &self,
        owner: UserId,
        film: &FileId,
        picture: Vec<u8>,
    ) -> Result<(), UploadError> {
        let _place = self.arrive(owner)?;
        let found = self.file(owner, film).await?;
        let is_film = |file: &super::StoredFile| {
            file.message.is_none() && file.media_type.kind() == FileKind::Video
        };
        if !found.as_ref().is_some_and(is_film) {
            return Err(UploadError::NotFound);
        }
        // An id of its own, so that two requests do not write to the same files.
        let work = FileId::new(&self.random);
        let done = self.make_poster((owner, film), &work, picture).await;
        self.workshop.remove_stages(&work).await?;
        done
    }

    async fn make_poster(
        &self,
        (owner, film): (UserId, &FileId),
        work: &FileId,
        picture: Vec<u8>,
    ) -> Result<(), UploadError> {
        let [input, poster] =
            [Stage::Input, Stage::Preview].map(|stage| self.workshop.stage(work, stage));
        let written = input.clone();
        blocking(move || {
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create_new(true).mode(0o600).open(written)?.write_all(&picture)
        })
        .await?;
        match self.inspector.poster(&input, &poster).await {
            Ok(()) => {}
            Err(InspectError::Damaged | InspectError::TooCostly) => {
                return Err(UploadError::Damaged);
            }
            Err(InspectError::Busy) => return Err(UploadError::Busy),
            Err(InspectError::Service(error)) => return Err(error.into()),
        }
        let content = measured(poster.clone()).await?;
        self.reserve(&[&content], None).await?;
        self.storage.adopt(&poster, &content).await.map_err(service_error)?;
        let now = self.clock.now();
        let named = store::set_poster(&self.db, owner, film, &content.hash, now).await?;
        named.then_some(()).ok_or(UploadError::NotFound)
    }
}
