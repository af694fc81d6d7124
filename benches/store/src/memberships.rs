//! Who and what there is: people, rooms, and who is in which.

use anyhow::{Context as _, Result};
use patio::kernel::{RoomId, UserId};
use sha2::{Digest as _, Sha256};

/// People; each has a token, `bench-token-` and the person's number from 0.
pub const PEOPLE: i64 = 1_000;
pub const ROOMS: i64 = 500;
/// Everybody is in these rooms.
const OPEN_TO_ALL: i64 = 64;

pub fn person(number: i64) -> UserId {
    UserId(number + 1)
}

pub fn name(number: i64) -> String {
    format!("bench{number}")
}

pub fn room(number: i64) -> RoomId {
    RoomId(number + 1)
}

/// One room in three is private, but those that all are in.
pub fn is_private(room: i64) -> bool {
    room >= OPEN_TO_ALL && room % 3 == 0
}

/// Everybody is in 60 of 100 rooms.
pub fn is_in(person: i64, room: i64) -> bool {
    room < OPEN_TO_ALL || (person * 7 + room * 3) % 5 < 3
}

pub fn token(number: i64) -> String {
    format!("bench-token-{number}")
}

pub fn token_hash(number: i64) -> Vec<u8> {
    Sha256::digest(token(number)).to_vec()
}

/// The settings of a Patio on this database.
pub fn config(place: &str) -> Result<patio::config::Config> {
    use patio::config::{Config, DatabaseUrl, Storage, Switch};
    let mut config = Config::unset().context("Patio's defaults")?;
    config.address.port = 0;
    config.rate_limit = Switch::Off;
    if place.starts_with("postgres") {
        let here = std::env::temp_dir().join(format!("patio-store-{}", std::process::id()));
        config.storage = Storage::in_directory(here);
        config.storage.database_url =
            Some(place.parse::<DatabaseUrl>().map_err(anyhow::Error::msg)?);
    } else {
        config.storage = Storage::in_directory(place.into());
    }
    Ok(config)
}
