//! Full-stack tests: the real server in this process, on a port and a database of its own.

mod accounts;
mod administration;
mod avatars;
mod backup;
mod changes;
mod command_line;
mod commands;
mod databases;
mod demo;
mod export;
mod large;
mod live;
mod message_page;
mod messages;
mod pages;
mod people;
mod postgres;
mod rooms;
mod security;
mod settings;
mod support;
mod tidy;
mod upgrades;
