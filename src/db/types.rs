//! How ids and timestamps are stored: statements bind them and rows contain them as they are. Features
//! do the same for their own types with [`column_type!`].

use crate::kernel::ids::RoomKey;
use crate::kernel::{MessageId, Rev, RoomId, Seq, Timestamp, UserId};

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
