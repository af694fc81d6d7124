//! How files are found: by a search, and in the lists of their room.

mod listing;
mod searching;
