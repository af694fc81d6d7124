//! Builds the service of files.

use std::path::Path;

use super::Foundation;
use crate::chat::files::model::UploadLimits;
use crate::chat::files::storage::Storage;
use crate::chat::files::{Files, FilesParts};
use crate::config::Config;
use crate::media::{FileInspector, ImageEncoder};

pub(super) fn start(
    foundation: &Foundation,
    images: ImageEncoder,
    data_dir: &Path,
    config: &Config,
) -> anyhow::Result<Files> {
    let Foundation { db, clock, random, lifecycle, client, .. } = foundation;
    let quota = Some(config.upload_quota).filter(|quota| *quota > 0);
    let parts = FilesParts {
        clock: clock.clone(),
        random: random.clone(),
        lifecycle: lifecycle.clone(),
        inspector: FileInspector::new(images),
        limits: UploadLimits { largest: config.max_upload, quota },
        storage: Storage::configured(&config.storage.files, data_dir, client)?,
    };
    Ok(Files::start(db.clone(), data_dir, parts)?)
}
