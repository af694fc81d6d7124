//! Files that users send: what they are by their content, and what of them may be stored. Containers of pictures,
//! films and sound are rewritten without metadata (place, camera, names, times); pixels, frames and sound stay bit
//! for bit. A container that can hold a place and cannot be read to its end is refused.
//!
//! Documents (PDF, Office), archives and unknown files stay as they are.
//!
//! Runs in the child process. Decodes nothing, and knows nothing of messages or HTTP.

mod boxes;
mod film;
mod format;
mod inline;
mod picture;
mod plan;
mod sound;
mod walk;

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::Path;

use serde::{Deserialize, Serialize};

use self::format::Format;
pub use self::inline::{DOWNLOAD, FileKind, InlineType};
pub use self::plan::Plan;
pub use self::walk::{Fault, Walk};

/// What the container says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// `None` if it is not on the list.
    pub inline: Option<InlineType>,
    /// In pixels, as shown.
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub duration_ms: Option<u64>,
}

impl Facts {
    fn picture(inline: InlineType, width: u32, height: u32) -> Self {
        Self { inline: Some(inline), width: Some(width), height: Some(height), duration_ms: None }
    }

    fn sound(inline: InlineType, duration_ms: Option<u64>) -> Self {
        Self { inline: Some(inline), duration_ms, ..Self::default() }
    }
}

/// Writes `file` without metadata to `cleaned`, which is replaced if it exists.
pub fn clean(file: &Path, cleaned: &Path) -> Result<Facts, Fault> {
    let (plan, facts) = plan(&mut Walk::new(File::open(file)?)?)?;
    match fs::remove_file(cleaned) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    plan.carry_out(file, cleaned)?;
    Ok(facts)
}

/// Decides what is to become of a file.
pub fn plan(walk: &mut Walk<impl Read + Seek>) -> Result<(Plan, Facts), Fault> {
    let start = walk.peek(format::START)?;
    match Format::of(&start, walk.length()) {
        Format::Jpeg => picture::jpeg::plan(walk),
        Format::Png => picture::png::plan(walk),
        Format::Gif => picture::gif::plan(walk),
        Format::WebP => picture::webp::plan(walk),
        Format::Tiff => picture::tiff::plan(walk),
        Format::Boxes(brand) => film::mp4::plan(walk, brand),
        Format::Matroska => film::matroska::plan(walk),
        Format::Wav => sound::wav::plan(walk),
        Format::Ogg => sound::ogg::plan(walk),
        Format::Flac => sound::flac::plan(walk),
        Format::Tagged => sound::mpeg::tagged(walk),
        Format::Mpeg => Ok(sound::mpeg::frames(walk)?.unwrap_or_default()),
        Format::Other => Ok((Plan::AsItIs, Facts::default())),
    }
}

#[cfg(test)]
mod tests;
