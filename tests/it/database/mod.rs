//! The database: both engines, failures of it, and the jobs that it stores.

mod admission;
mod attempts;
mod both_engines;
mod concurrent_batches;
mod durability;
mod jobs;
mod postgres;
