//! Patio: a team and community chat that you host yourself.
//!
//! The modules, from low to high: each may use those above it in this list and none below. A test
//! (`tests/it/project/tidy.rs`) holds that order. ARCHITECTURE.md says why.

pub mod limits;

pub mod config;
pub mod kernel;
pub mod lifecycle;
pub mod progress;
pub mod text;

pub mod data_dir;
pub mod db;
pub mod i18n;
pub mod media;
pub mod outgoing;
pub mod websocket;

pub mod attempts;
pub mod changefeed;
pub mod jobs;
pub mod pubsub;

pub mod chat;

pub mod http;

pub mod api;
pub mod backup;
pub mod export;
pub mod pages;

pub mod realtime;

pub mod server;

pub mod cli;
