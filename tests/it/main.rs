//! Full-stack tests: the real server in this process, on a port and a database of its own.

mod accounts;
mod command_line;
mod commands;
mod databases;
mod live;
mod messages;
mod pages;
mod postgres;
mod rooms;
mod security;
mod settings;
mod support;
mod tidy;
