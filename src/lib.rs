//! Patio: a team and community chat that one runs oneself.
//!
//! The parts, from low to high; each may use those above it in this list and none below. A test
//! holds that order. ARCHITECTURE.md says why.

pub mod config;
pub mod kernel;
pub mod lifecycle;
pub mod limits;
pub mod text;

pub mod db;
pub mod media;
pub mod pubsub;

pub mod chat;

pub mod api;
pub mod http;
pub mod keep;
pub mod pages;

pub mod cli;
pub mod realtime;
pub mod server;
