//! Decoding of untrusted pictures. The header is checked first; an accepted picture is decoded in a separate
//! process (the same executable) with tight limits. A panic, an endless loop or a failed allocation then ends
//! only that process.
//!
//! Knows only files and pixels. Must not know accounts, messages or HTTP.

mod child;
mod encoder;
mod header;
mod inspector;
mod rendition;

pub use self::child::run as run_child;
pub use self::encoder::{ImageEncoder, ImageError, executable};
pub use self::header::dimensions;
pub use self::inspector::{FileInspector, FileKind, InspectError, Inspected};
pub use self::rendition::Rendition;
