//! Full-stack tests: the real server in this process, on its own port and its own database.

mod access;
mod accounts;
mod authorization;
mod database;
mod files;
mod links;
mod live;
mod media;
mod messages;
mod operations;
mod pages;
mod personal;
mod project;
mod rooms;
mod support;
