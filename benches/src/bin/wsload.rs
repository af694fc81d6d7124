//! `wsload`: puts one kind of load on a chat server and prints what came of it as JSON.

use std::net::SocketAddr;

use anyhow::Result;
use clap::{Parser, Subcommand};
use wsload::crowd::Crowd;
use wsload::dialect::Dialect;
use wsload::process::{Server, raise_file_limit};
use wsload::{fanout, idle, page, post, reconnect};

/// Load for a chat server, and what the server pays for it.
#[derive(Parser)]
struct Arguments {
    /// Where the server listens.
    #[arg(long)]
    to: SocketAddr,
    /// How it is spoken to.
    #[arg(long, value_enum, default_value = "patio")]
    speak: Dialect,
    /// The server's processes, separated by commas.
    #[arg(long, value_delimiter = ',')]
    pid: Vec<u32>,
    #[command(subcommand)]
    load: Load,
}

#[derive(Subcommand)]
enum Load {
    /// Messages to rooms full of readers.
    Fanout(fanout::Options),
    /// Connections that only stay.
    Idle(idle::Options),
    /// Everybody comes back after a kill.
    Reconnect(reconnect::Options),
    /// Posts, one after the other, by many.
    Post(post::Options),
    /// Pages over kept connections.
    Page(page::Options),
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    raise_file_limit()?;
    let server = Server::new(arguments.pid);
    let crowd = Crowd::new(arguments.speak, arguments.to)?;
    let report = match arguments.load {
        Load::Fanout(options) => fanout::run(crowd, &server, &options)?,
        Load::Idle(options) => idle::run(crowd, &server, &options)?,
        Load::Reconnect(options) => reconnect::run(crowd, &options)?,
        Load::Post(options) => post::run(crowd, &server, &options)?,
        Load::Page(options) => page::run(arguments.to, &server, &options)?,
    };
    println!("{report}");
    Ok(())
}
