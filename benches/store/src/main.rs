//! `store`: makes a Patio database of any size, and measures what writes to one. Prints JSON.

mod fill;
mod ingest;
mod plain;
mod queries;
mod seats;
mod words;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Fills a database that has nothing in it.
    Fill(fill::Options),
    /// Posts through Patio's own writer, without HTTP.
    Ingest(Load),
    /// Stores the same as Patio, with one commit for each message.
    Plain(plain::Options),
    /// What to search for.
    Queries {
        #[arg(long, default_value_t = 200)]
        count: usize,
        #[arg(long)]
        messages: u64,
    },
}

#[derive(clap::Args, Clone, Debug)]
struct Load {
    /// A data directory, or the address of a PostgreSQL database.
    #[arg(long)]
    to: String,
    /// Messages under way at once.
    #[arg(long, default_value_t = 512)]
    at_once: usize,
    #[arg(long, default_value_t = 2.5)]
    seconds: f64,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<()> {
    let report = match Arguments::parse().task {
        Task::Fill(options) => fill::run(&options).await?,
        Task::Ingest(load) => ingest::run(&load).await?,
        Task::Plain(options) => plain::run(&options).await?,
        Task::Queries { count, messages } => queries::queries(count, messages),
    };
    println!("{report}");
    Ok(())
}

/// Processor time of this process so far, in seconds.
fn used() -> f64 {
    // User and system time, in ticks of a hundredth.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: f64 =
        rest.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<f64>().ok()).sum();
    ticks / 100.0
}
