//! Writing an archive.

use std::io::{self, Read, Write};

use anyhow::{Context, ensure};
use tar::{Builder, EntryType, Header};

use crate::backup::archive::{Entry, MANIFEST, Manifest, Measured};
use crate::progress::Progress;

/// Writes an archive, manifest first. `open` opens the bytes of an entry, which must still match the
/// manifest.
///
/// # Errors
/// If a file cannot be read or has changed, or if the archive cannot be written.
pub fn write<W: Write>(
    to: W,
    manifest: &Manifest,
    mut open: impl FnMut(&Entry) -> io::Result<Box<dyn Read>>,
) -> anyhow::Result<W> {
    let created_at: jiff::Timestamp = manifest.made_at.parse()?;
    let header = |bytes| {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(created_at.as_second()).unwrap_or(0));
        header.set_size(bytes);
        header
    };
    let mut builder = Builder::new(to);
    let text = serde_json::to_vec_pretty(manifest)?;
    builder.append_data(&mut header(u64::try_from(text.len())?), MANIFEST, text.as_slice())?;
    let total = manifest.entries.iter().map(|entry| entry.bytes).sum();
    let mut progress = Progress::new("writing", total);
    for entry in &manifest.entries {
        let bytes = open(entry).with_context(|| format!("cannot read {}", entry.path))?;
        // Never write more than the header announces, or all following entries would be unreadable.
        let mut body = Measured::new(bytes.take(entry.bytes), &mut progress);
        builder.append_data(&mut header(entry.bytes), &entry.path, &mut body)?;
        let written = body.entry(&entry.path);
        ensure!(written == *entry, "{} changed during the backup", entry.path);
    }
    Ok(builder.into_inner()?)
}
