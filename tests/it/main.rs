//! Full-stack tests: the real server in this process, on a port and a database of its own.

mod accounts;
mod command_line;
mod commands;
mod live;
mod live_streams;
mod messages;
mod pages;
mod rooms;
mod security;
mod settings;
mod support;
mod tidy;
