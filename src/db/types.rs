//! How ids and timestamps are stored: statements bind them and rows contain them as they are. Features
//! do the same for their own types with [`column_type!`].

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use sqlx::error::BoxDynError;

use crate::kernel::ids::RoomKey;
use crate::kernel::{MessageId, Rev, RoomId, Seq, Timestamp, UserId};

/// A type that [`from_json_column`] reads.
pub(crate) trait JsonColumn: Sized {
    /// What the JSON contains: the value as it is stored.
    type Stored: DeserializeOwned;

    fn from_stored(stored: Self::Stored) -> Result<Self, BoxDynError>;
}

/// Reads a column from `SQLite`'s rows in JSON ([`super::fetch_all_json!`]).
pub(crate) fn from_json_column<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: JsonColumn,
{
    T::from_stored(T::Stored::deserialize(deserializer)?).map_err(D::Error::custom)
}

impl JsonColumn for i64 {
    type Stored = Self;

    fn from_stored(stored: Self) -> Result<Self, BoxDynError> {
        Ok(stored)
    }
}

impl JsonColumn for String {
    type Stored = Self;

    fn from_stored(stored: Self) -> Result<Self, BoxDynError> {
        Ok(stored)
    }
}

/// A condition, which is 0 or 1 in `SQLite`.
impl JsonColumn for bool {
    type Stored = i64;

    fn from_stored(stored: i64) -> Result<Self, BoxDynError> {
        Ok(stored != 0)
    }
}

impl<T: JsonColumn> JsonColumn for Option<T> {
    type Stored = Option<T::Stored>;

    fn from_stored(stored: Self::Stored) -> Result<Self, BoxDynError> {
        stored.map(T::from_stored).transpose()
    }
}

/// Stores a type as another one that sqlx knows. `$encode` gets a reference to the value and returns the stored
/// one; `$decode` gets the stored one and returns a `Result` with the value.
macro_rules! column_type {
    ($type:ty as $stored:ty, $encode:expr, $decode:expr) => {
        impl<D: sqlx::Database> sqlx::Type<D> for $type
        where
            $stored: sqlx::Type<D>,
        {
            fn type_info() -> D::TypeInfo {
                <$stored as sqlx::Type<D>>::type_info()
            }

            fn compatible(info: &D::TypeInfo) -> bool {
                <$stored as sqlx::Type<D>>::compatible(info)
            }
        }

        impl<'q, D: sqlx::Database> sqlx::Encode<'q, D> for $type
        where
            $stored: sqlx::Encode<'q, D>,
        {
            fn encode_by_ref(
                &self,
                buffer: &mut D::ArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                let encode: fn(&$type) -> $stored = $encode;
                encode(self).encode(buffer)
            }
        }

        impl<'r, D: sqlx::Database> sqlx::Decode<'r, D> for $type
        where
            $stored: sqlx::Decode<'r, D>,
        {
            fn decode(value: D::ValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                let decode: fn($stored) -> Result<Self, sqlx::error::BoxDynError> = $decode;
                decode(<$stored as sqlx::Decode<'r, D>>::decode(value)?)
            }
        }

        impl sqlx::postgres::PgHasArrayType for $type {
            fn array_type_info() -> sqlx::postgres::PgTypeInfo {
                <$stored as sqlx::postgres::PgHasArrayType>::array_type_info()
            }
        }

        impl $crate::db::JsonColumn for $type {
            type Stored = $stored;

            fn from_stored(stored: $stored) -> Result<Self, sqlx::error::BoxDynError> {
                let decode: fn($stored) -> Result<Self, sqlx::error::BoxDynError> = $decode;
                decode(stored)
            }
        }
    };
}

pub(crate) use column_type;

column_type!(UserId as i64, |id| id.0, |id| Ok(Self(id)));
column_type!(RoomId as i64, |id| id.0, |id| Ok(Self(id)));
column_type!(MessageId as i64, |id| id.0, |id| Ok(Self(id)));
column_type!(Seq as i64, |seq| seq.0, |seq| Ok(Self(seq)));
column_type!(Rev as i64, |rev| rev.0, |rev| Ok(Self(rev)));
column_type!(RoomKey as i64, |key| key.get(), |key| Ok(Self::stored(key)));
column_type!(Timestamp as i64, |time| time.0, |time| Ok(Self(time)));
