//! Containers of pictures, one in each file.

mod embedded;
mod exif;
pub mod gif;
pub mod heif;
pub mod jpeg;
pub mod png;
pub mod tiff;
pub mod webp;
