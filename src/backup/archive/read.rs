//! Reading an archive that may come from anywhere: damaged, made by something else, or made to do
//! harm. Nothing is written but the files that the manifest names, each of the length it gives.

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
use crate::progress::Progress;

/// A manifest of a million files is smaller.
const LARGEST_MANIFEST: u64 = 256 << 20;

/// An archive whose manifest was read.
pub struct Archive {
    file: File,
    manifest: Manifest,
}

impl Archive {
    /// Reads the manifest.
    ///
    /// # Errors
    /// When it is no archive of Patio, or of a form that this program does not know.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let length = file.metadata()?.len();
        let text = read_manifest(&file)
            .map_err(|error| explain_error(error, || "it is no backup of Patio".to_owned()))?;
        let manifest = parse(&text)?;
        check(&manifest, length)?;
        Ok(Self { file, manifest })
    }

    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// How much room the files need.
    pub fn bytes(&self) -> u64 {
        self.manifest.entries.iter().map(|entry| entry.bytes).sum()
    }

    /// Puts all files into a folder and proves each against the manifest.
    ///
    /// # Errors
    /// When anything is missing, more, or otherwise than the manifest says; or cannot be written.
    pub fn unpack(mut self, into: &Path) -> anyhow::Result<Manifest> {
        io::Seek::rewind(&mut self.file)?;
        let mut progress = Progress::new("reading", self.bytes());
        let mut archive = tar::Archive::new(&self.file);
        // Raw: an entry that only says something about the next one is an entry like all others
        // here, and is refused as such.
        let mut found = archive.entries()?.raw(true).skip(1);
        for wanted in &self.manifest.entries {
            let path = wanted.path.as_str();
            let entry = found.next().ok_or_else(|| anyhow!("it is cut off: {path} is missing"))?;
            let damaged = || format!("it is cut off or damaged at {path}");
            let mut entry = entry.map_err(|error| explain_error(error, damaged))?;
            ensure_plain(&entry, path)?;
            ensure!(
                entry.header().entry_size()? == wanted.bytes,
                "{path} has another length than its manifest says"
            );
            let mut body = Measured::new(&mut entry, &mut progress);
            store(&mut body, &into.join(path)).map_err(|error| explain_error(error, damaged))?;
            ensure!(body.entry(path) == *wanted, "{path} is damaged: its SHA-256 is wrong");
        }
        ensure!(found.next().is_none(), "it holds more than its manifest says");
        Ok(self.manifest)
    }
}

fn read_manifest(file: &File) -> anyhow::Result<String> {
    let mut archive = tar::Archive::new(file);
    let first = archive.entries()?.raw(true).next().context("it is empty")??;
    ensure_plain(&first, MANIFEST)?;
    let bytes = first.header().entry_size()?;
    ensure!(bytes <= LARGEST_MANIFEST, "its manifest is too large");
    let mut text = String::new();
    first.take(bytes).read_to_string(&mut text)?;
    Ok(text)
}

fn parse(text: &str) -> anyhow::Result<Manifest> {
    // The number of the form first: what a newer one has besides cannot be known.
    let value: Value = serde_json::from_str(text).context("its manifest is damaged")?;
    match value.get("format").and_then(Value::as_u64) {
        Some(format) if format > u64::from(FORMAT) => {
            let maker = value.get("patio").and_then(Value::as_str).unwrap_or("?");
            bail!("it was made by a newer Patio ({maker}): use that one")
        }
        _ => serde_json::from_value(value).context("its manifest is damaged"),
    }
}

fn check(manifest: &Manifest, length: u64) -> anyhow::Result<()> {
    let mut seen = BTreeSet::new();
    let mut total = 0_u64;
    for entry in &manifest.entries {
        ensure!(is_allowed(&entry.path), "its manifest names a path that no backup has");
        ensure!(seen.insert(entry.path.as_str()), "its manifest names {} twice", entry.path);
        total = total.saturating_add(entry.bytes);
    }
    ensure!(seen.contains(DATABASE), "its manifest names no database");
    // Nothing is compressed: who promises more than there is lies, or is cut off.
    ensure!(total <= length, "it is cut off: its manifest promises more than there is");
    Ok(())
}

fn ensure_plain<R: Read>(entry: &tar::Entry<'_, R>, path: &str) -> anyhow::Result<()> {
    ensure!(entry.path_bytes().as_ref() == path.as_bytes(), "it has another entry before {path}");
    ensure!(entry.header().entry_type() == EntryType::Regular, "{path} is no plain file in it");
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
