//! Writing an archive.

use std::fs::File;
use std::io::{self, Read, Write};

use anyhow::{Context, ensure};
use tar::{Builder, EntryType, Header};

use crate::backup::archive::{MANIFEST, Manifest, Measured};
use crate::progress::Progress;

/// Writes an archive, with the manifest in front. `open` finds the file of an entry; it must still
/// be what the manifest says.
///
/// # Errors
/// When a file cannot be read or has changed, or the archive cannot be written.
pub fn write<W: Write>(
    to: W,
    manifest: &Manifest,
    mut open: impl FnMut(&str) -> io::Result<File>,
) -> anyhow::Result<W> {
    let moment: jiff::Timestamp = manifest.made_at.parse()?;
    let header = |bytes| {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(moment.as_second()).unwrap_or(0));
        header.set_size(bytes);
        header
    };
    let mut builder = Builder::new(to);
    let text = serde_json::to_vec_pretty(manifest)?;
    builder.append_data(&mut header(u64::try_from(text.len())?), MANIFEST, text.as_slice())?;
    let total = manifest.entries.iter().map(|entry| entry.bytes).sum();
    let mut progress = Progress::new("writing", total);
    for entry in &manifest.entries {
        let file = open(&entry.path).with_context(|| format!("cannot read {}", entry.path))?;
        // Never more than was announced, or the archive were broken behind it.
        let mut body = Measured::new(file.take(entry.bytes), &mut progress);
        builder.append_data(&mut header(entry.bytes), &entry.path, &mut body)?;
        let written = body.entry(&entry.path);
        ensure!(written == *entry, "{} changed while it was read", entry.path);
    }
    Ok(builder.into_inner()?)
}
