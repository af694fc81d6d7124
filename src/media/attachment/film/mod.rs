//! Containers of films and of sound that is packed like them.

mod fragments;
pub mod matroska;
pub mod mp4;
mod samples;

/// What the tracks of a film are.
#[derive(Clone, Copy, Debug, Default)]
struct Tracks {
    pictures: bool,
    sound: bool,
}
