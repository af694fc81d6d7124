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
    let limit = |bytes: u64| Some(bytes).filter(|bytes| *bytes > 0);
    let (quota, installation) = (limit(config.upload_quota), limit(config.storage_quota));
    let parts = FilesParts {
        clock: clock.clone(),
        random: random.clone(),
        lifecycle: lifecycle.clone(),
        inspector: FileInspector::new(images),
        limits: UploadLimits { largest: config.max_upload, quota, installation },
        storage: Storage::configured(&config.storage.files, data_dir, client)?,
    };
    Ok(Files::start(db.clone(), data_dir, parts)?)
}
