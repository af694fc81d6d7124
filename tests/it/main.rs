//! Full-stack tests: the real server in this process, on a port and a database of its own.

mod accounts;
mod administration;
mod avatars;
mod changes;
mod command_line;
mod commands;
mod demo;
mod durability;
mod large;
mod live;
mod message_page;
mod messages;
mod pages;
mod people;
mod rooms;
mod security;
mod settings;
mod support;
mod tidy;
