//! Full-stack tests: the real server in this process, on a port and a database of its own.

mod accounts;
mod administration;
mod avatars;
mod backup;
mod command_line;
mod commands;
mod export;
mod live;
mod messages;
mod pages;
mod rooms;
mod security;
mod settings;
mod support;
mod tidy;
mod upgrades;
