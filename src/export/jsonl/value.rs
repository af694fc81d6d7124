//! The types of fields: how a line writes a value, and how a table stores it. Times are
//! [`crate::kernel::Timestamp`]s.

use std::ops::Deref;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// From 0 to 2^53 − 1, which every JSON parser can represent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(try_from = "i64")]
#[sqlx(transparent)]
pub struct Number(pub i64);

impl TryFrom<i64> for Number {
    type Error = &'static str;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        let is_valid = (0..1 << 53).contains(&number);
        is_valid.then_some(Self(number)).ok_or("must be from 0 to 2^53 - 1")
    }
}

/// `true` or `false`; 1 or 0 in the tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(from = "bool", into = "bool")]
#[sqlx(transparent)]
pub struct Flag(i64);

impl From<bool> for Flag {
    fn from(flag: bool) -> Self {
        Self(flag.into())
    }
}

impl From<Flag> for bool {
    fn from(flag: Flag) -> Self {
        flag.0 != 0
    }
}

/// Text without NUL, which `PostgreSQL` cannot store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(try_from = "String")]
#[sqlx(transparent)]
pub struct Text(String);

impl TryFrom<String> for Text {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.contains('\0') { Err("must not contain NUL") } else { Ok(Self(text)) }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// The hash of a credential: hexadecimal; bytes in the tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(try_from = "String", into = "String")]
#[sqlx(transparent)]
pub struct Sha256(Vec<u8>);

impl TryFrom<String> for Sha256 {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let hash = hex::decode(text).ok().filter(|hash| hash.len() == 32);
        hash.map(Self).ok_or("must be a SHA-256 in hexadecimal")
    }
}

impl From<Sha256> for String {
    fn from(hash: Sha256) -> Self {
        hex::encode(hash.0)
    }
}

/// A small file: Base64 (RFC 4648); bytes in the tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(try_from = "String", into = "String")]
#[sqlx(transparent)]
pub struct Base64(Vec<u8>);

impl TryFrom<String> for Base64 {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        STANDARD.decode(text).map(Self).map_err(|_| "must be Base64")
    }
}

impl From<Base64> for String {
    fn from(file: Base64) -> Self {
        STANDARD.encode(file.0)
    }
}

impl From<Base64> for Vec<u8> {
    fn from(file: Base64) -> Self {
        file.0
    }
}
