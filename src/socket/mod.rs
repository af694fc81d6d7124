//! The live connection of a browser or a program: who it is, which rooms it has open, what it
//! missed. One WebSocket, JSON frames; the interface calls it `patio.v1` and `patio-html.v1`.

mod door;
pub mod frames;
mod session;

pub use door::router;
