//! A `PostgreSQL` server that a test can kill, and a network before one that can lose what is sent.

mod cluster;
mod lossy_network;
mod programs;

pub use cluster::Cluster;
pub use lossy_network::LossyNetwork;
