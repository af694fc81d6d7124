//! The users, rooms and memberships of the benchmark.

use anyhow::{Context as _, Result};
use patio::kernel::{RoomId, UserId};
use sha2::{Digest as _, Sha256};

/// Users. Each has the token `bench-token-` and their number from 0.
pub const USERS: i64 = 1_000;
pub const ROOMS: i64 = 500;
/// All users are members of these rooms.
const OPEN_TO_ALL: i64 = 64;

pub fn user(number: i64) -> UserId {
    UserId(number + 1)
}

pub fn name(number: i64) -> String {
    format!("bench{number}")
}

pub fn room(number: i64) -> RoomId {
    RoomId(number + 1)
}

/// Every third room is private, except those that all users are in.
pub fn is_private(room: i64) -> bool {
    room >= OPEN_TO_ALL && room % 3 == 0
}

/// Each user is in 60 % of the other rooms.
pub fn is_in(user: i64, room: i64) -> bool {
    room < OPEN_TO_ALL || (user * 7 + room * 3) % 5 < 3
}

pub fn token(number: i64) -> String {
    format!("bench-token-{number}")
}

pub fn token_hash(number: i64) -> Vec<u8> {
    Sha256::digest(token(number)).to_vec()
}

/// The configuration of a Patio on this database.
pub fn config(target: &str) -> Result<patio::config::Config> {
    use patio::config::{Config, DatabaseUrl, Storage, Switch};
    let mut config = Config::defaults().context("Patio's defaults")?;
    config.address.port = 0;
    config.rate_limit = Switch::Off;
    if target.starts_with("postgres") {
        let here = std::env::temp_dir().join(format!("patio-store-{}", std::process::id()));
        config.storage = Storage::in_directory(here);
        config.storage.database_url =
            Some(target.parse::<DatabaseUrl>().map_err(anyhow::Error::msg)?);
    } else {
        config.storage = Storage::in_directory(target.into());
    }
    Ok(config)
}
