//! Reading an archive from an untrusted source: it may be corrupted, made by another program, or
//! malicious. Only files that the manifest lists are written, each with the length in the manifest.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, anyhow, bail, ensure};
use serde_json::Value;
use tar::EntryType;

use crate::backup::archive::{DATABASE, FORMAT, MANIFEST, Manifest, Measured, is_allowed};
use crate::backup::scratch_dir::explain_error;
use crate::chat::files::storage::CONTENTS;
use crate::progress::Progress;

/// The largest accepted manifest in bytes: more than a million files.
const LARGEST_MANIFEST: u64 = 256 << 20;

/// An archive with a parsed manifest.
pub struct Archive {
    file: File,
    manifest: Manifest,
}

impl Archive {
    /// Opens an archive and reads its manifest.
    ///
    /// # Errors
    /// If it is not a Patio archive, or its format is newer than this program.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let length = file.metadata()?.len();
        let text = read_manifest(&file)
            .map_err(|error| explain_error(error, || "it is not a Patio backup".to_owned()))?;
        let manifest = parse(&text)?;
        check(&manifest, length)?;
        Ok(Self { file, manifest })
    }

    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The disk space in bytes that the files need.
    pub fn bytes(&self) -> u64 {
        self.manifest.entries.iter().map(|entry| entry.bytes).sum()
    }

    /// Extracts all files into a folder and checks each against the manifest.
    ///
    /// # Errors
    /// If an entry is missing, unexpected or different from the manifest, or if a file cannot be
    /// written.
    pub fn unpack(mut self, into: &Path) -> anyhow::Result<Manifest> {
        io::Seek::rewind(&mut self.file)?;
        let mut progress = Progress::new("reading", self.bytes());
        let mut archive = tar::Archive::new(&self.file);
        // Raw mode: tar extension entries, which describe the next entry, are returned like any
        // other entry here, and so are rejected as unexpected. They could otherwise change an
        // entry's path or size.
        let mut found = archive.entries()?.raw(true).skip(1);
        for expected in &self.manifest.entries {
            let path = expected.path.as_str();
            let entry =
                found.next().ok_or_else(|| anyhow!("it is truncated: {path} is missing"))?;
            let corrupted = || format!("it is truncated or corrupted at {path}");
            let mut entry = entry.map_err(|error| explain_error(error, corrupted))?;
            ensure_regular_file(&entry, path)?;
            ensure!(
                entry.header().entry_size()? == expected.bytes,
                "the length of {path} differs from the manifest"
            );
            let mut body = Measured::new(&mut entry, &mut progress);
            store(&mut body, &into.join(path)).map_err(|error| explain_error(error, corrupted))?;
            ensure!(body.entry(path) == *expected, "{path} is corrupted: its SHA-256 is wrong");
        }
        ensure!(found.next().is_none(), "it contains more than its manifest lists");
        Ok(self.manifest)
    }
}

fn read_manifest(file: &File) -> anyhow::Result<String> {
    let mut archive = tar::Archive::new(file);
    let first = archive.entries()?.raw(true).next().context("it is empty")??;
    ensure_regular_file(&first, MANIFEST)?;
    let bytes = first.header().entry_size()?;
    ensure!(bytes <= LARGEST_MANIFEST, "its manifest is too large");
    let mut text = String::new();
    first.take(bytes).read_to_string(&mut text)?;
    Ok(text)
}

fn parse(text: &str) -> anyhow::Result<Manifest> {
    // Check the version first: a newer format may have unknown fields.
    let value: Value = serde_json::from_str(text).context("its manifest is corrupted")?;
    match value.get("format").and_then(Value::as_u64) {
        Some(format) if format > u64::from(FORMAT) => {
            let version = value.get("patio").and_then(Value::as_str).unwrap_or("?");
            bail!("it was created by a newer Patio ({version}): use that version")
        }
        _ => serde_json::from_value(value).context("its manifest is corrupted"),
    }
}

fn check(manifest: &Manifest, length: u64) -> anyhow::Result<()> {
    let mut seen = BTreeSet::new();
    let mut total = 0_u64;
    for entry in &manifest.entries {
        ensure!(is_allowed(&entry.path), "its manifest lists a path that no backup has");
        let is_content = !entry.path.starts_with(CONTENTS) || entry.content().is_some();
        ensure!(is_content, "its manifest lists {} with another SHA-256", entry.path);
        ensure!(seen.insert(entry.path.as_str()), "its manifest lists {} twice", entry.path);
        total = total.saturating_add(entry.bytes);
    }
    ensure!(seen.contains(DATABASE), "its manifest lists no database");
    // Entries are not compressed, so their total size cannot exceed the archive's.
    ensure!(total <= length, "it is truncated: it is shorter than its manifest says");
    Ok(())
}

fn ensure_regular_file<R: Read>(entry: &tar::Entry<'_, R>, path: &str) -> anyhow::Result<()> {
    ensure!(
        entry.path_bytes().as_ref() == path.as_bytes(),
        "it has an unexpected entry before {path}"
    );
    ensure!(
        entry.header().entry_type() == EntryType::Regular,
        "{path} is not a regular file in it"
    );
    Ok(())
}

fn store(from: &mut dyn Read, path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    io::copy(from, &mut file)?;
    file.sync_all()
}
