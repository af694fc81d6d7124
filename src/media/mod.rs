//! Pictures from strangers. A picture is judged by its header first; what passes is decoded in a
//! process of its own, the same executable, with tight limits. A panic, an endless loop or an
//! allocation that fails ends that process and not the server.
//!
//! Knows files and pixels. Must not know accounts, messages or HTTP.

mod child;
mod encoder;
mod header;
mod rendition;

pub use self::child::run as run_child;
pub use self::encoder::{ImageEncoder, ImageError, executable};
pub use self::rendition::Rendition;
