//! A `PostgreSQL` server that a test can kill, and a network before one that counts and can lose what is
//! sent.

mod cluster;
mod lossy_network;
mod programs;
mod round_trips;

pub use cluster::Cluster;
pub use lossy_network::LossyNetwork;
pub use round_trips::RoundTrips;
