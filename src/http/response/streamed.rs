//! Responses that are read while they are sent.

/// Marks one: it takes no memory that has to be counted, and is sent as it is, not compressed.
#[derive(Clone, Copy, Debug)]
pub struct Streamed;
