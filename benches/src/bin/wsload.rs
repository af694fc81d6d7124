//! `wsload`: puts one kind of load on a chat server and prints the measurements as JSON.

use std::net::SocketAddr;

use anyhow::Result;
use clap::{Parser, Subcommand};
use wsload::clients::Clients;
use wsload::process::{Server, raise_file_limit};
use wsload::protocol::Protocol;
use wsload::{fanout, idle, page, post, reconnect};

/// Load for a chat server, and the resources that the server uses.
#[derive(Parser)]
struct Arguments {
    /// Address of the server.
    #[arg(long)]
    to: SocketAddr,
    /// Protocol of the server.
    #[arg(long, value_enum, default_value = "patio")]
    speak: Protocol,
    /// Process ids of the server, separated by commas.
    #[arg(long, value_delimiter = ',')]
    pid: Vec<u32>,
    #[command(subcommand)]
    load: Load,
}

#[derive(Subcommand)]
enum Load {
    /// Messages to rooms with many readers.
    Fanout(fanout::Options),
    /// Idle connections.
    Idle(idle::Options),
    /// All clients reconnect after the server was killed.
    Reconnect(reconnect::Options),
    /// Posts of many clients, each one after the other.
    Post(post::Options),
    /// Pages over persistent connections.
    Page(page::Options),
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    raise_file_limit()?;
    let server = Server::new(arguments.pid);
    let clients = Clients::new(arguments.speak, arguments.to)?;
    let report = match arguments.load {
        Load::Fanout(options) => fanout::run(clients, &server, &options)?,
        Load::Idle(options) => idle::run(clients, &server, &options)?,
        Load::Reconnect(options) => reconnect::run(clients, &options)?,
        Load::Post(options) => post::run(clients, &server, &options)?,
        Load::Page(options) => page::run(arguments.to, &server, &options)?,
    };
    println!("{report}");
    Ok(())
}
