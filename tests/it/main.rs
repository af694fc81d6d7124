//! Full-stack tests: the real server in this process, on a port and a database of its own.

mod accounts;
mod administration;
mod avatars;
mod changes;
mod command_line;
mod commands;
mod databases;
mod demo;
mod durability;
mod examples;
mod large;
mod live;
mod live_streams;
mod message_page;
mod messages;
mod metrics;
mod pages;
mod people;
mod postgres;
mod reference;
mod rooms;
mod search;
mod security;
mod settings;
mod support;
mod tidy;
