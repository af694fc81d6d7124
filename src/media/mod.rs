//! Reading of untrusted files, in a separate process (the same executable) with tight limits: a panic, an endless loop or
//! a failed allocation ends only that process. Pictures are decoded, after a check of their header, and files of messages
//! are recognized and cleaned of metadata.
//!
//! Knows only files and pixels. Must not know accounts, messages or HTTP.

mod attachment;
mod child;
mod encoder;
mod header;
mod inspector;
mod rendition;

pub use self::attachment::{DOWNLOAD, FileKind, InlineType};
pub use self::child::{run as run_child, run_inspection};
pub use self::encoder::{ImageEncoder, ImageError, executable};
pub use self::header::dimensions;
pub use self::inspector::{FileInspector, InspectError, Inspected};
pub use self::rendition::Rendition;
