//! Patio as its operator runs it: the executable, backups, exports, upgrades, logs and metrics.

mod backup;
mod command_line;
mod connections;
mod demo;
mod export;
mod log;
mod metrics;
mod nodes;
mod restricted_environment;
mod upgrades;
