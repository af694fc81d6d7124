//! `store`: creates a Patio database of any size and measures writes to one. Prints JSON.

mod baseline;
mod corpus;
mod fill;
mod ingest;
mod memberships;
mod queries;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Fills an empty database.
    Fill(fill::Options),
    /// Posts through Patio's group-commit writer, without HTTP.
    Ingest(Load),
    /// Stores the same rows as Patio, with one commit per message.
    Baseline(baseline::Options),
    /// Prints search queries.
    Queries {
        #[arg(long, default_value_t = 200)]
        count: usize,
        #[arg(long)]
        messages: u64,
    },
}

#[derive(clap::Args, Clone, Debug)]
struct Load {
    /// A data directory, or the URL of a PostgreSQL database.
    #[arg(long)]
    to: String,
    /// Concurrent posts.
    #[arg(long, default_value_t = 512)]
    concurrency: usize,
    #[arg(long, default_value_t = 2.5)]
    seconds: f64,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<()> {
    let report = match Arguments::parse().task {
        Task::Fill(options) => fill::run(&options).await?,
        Task::Ingest(load) => ingest::run(&load).await?,
        Task::Baseline(options) => baseline::run(&options).await?,
        Task::Queries { count, messages } => queries::queries(count, messages),
    };
    println!("{report}");
    Ok(())
}

/// Processor time of this process in seconds.
fn used() -> f64 {
    // User and system time, in ticks of a hundredth of a second.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: f64 =
        rest.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<f64>().ok()).sum();
    ticks / 100.0
}
