//! Types of the domain as columns hold them: rows are read into them, and statements take them as they are.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, Encode, Type};
use uuid::Uuid;

use crate::domain::{
    AccessTokenFormat, ApprovalStatus, AuthMethod, AuthType, ChangeSource, ClientId, ClientKind,
    PasskeyCeremony, SecType, SessionId, SignUpStatus, SigningAlg, Timestamp, UserId,
};

/// The type of the column, which is that of `$raw`, and how a value is written.
macro_rules! kept_as {
    ($raw:ty, $type:ty, |$value:ident| $write:expr) => {
        impl<DB: Database> Type<DB> for $type
        where
            $raw: Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <$raw as Type<DB>>::type_info()
            }

            fn compatible(column: &DB::TypeInfo) -> bool {
                <$raw as Type<DB>>::compatible(column)
            }
        }

        impl<'q, DB: Database> Encode<'q, DB> for $type
        where
            for<'a> &'a $raw: Encode<'q, DB>,
        {
            fn encode_by_ref(&self, buffer: &mut DB::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
                let $value = self;
                <&$raw as Encode<DB>>::encode($write, buffer)
            }
        }
    };
}

/// Types with a fixed list of names.
macro_rules! names {
    ($($type:ty),*) => {
        $(
            kept_as!(str, $type, |value| value.as_str());

            impl<'r, DB: Database> Decode<'r, DB> for $type
            where
                &'r str: Decode<'r, DB>,
            {
                fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
                    let text = <&str as Decode<DB>>::decode(value)?;
                    Self::parse(text).ok_or_else(|| "it holds an unknown value".into())
                }
            }
        )*
    };
}

names!(
    AccessTokenFormat,
    ApprovalStatus,
    AuthMethod,
    AuthType,
    ChangeSource,
    ClientKind,
    PasskeyCeremony,
    SecType,
    SignUpStatus,
    SigningAlg
);

/// Ids that begin with a prefix.
macro_rules! ids {
    ($($type:ty),*) => {
        $(
            kept_as!(str, $type, |id| id.as_str());

            impl<'r, DB: Database> Decode<'r, DB> for $type
            where
                String: Decode<'r, DB>,
            {
                fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
                    <String as Decode<DB>>::decode(value).map(Self::from_stored)
                }
            }
        )*
    };
}

ids!(ClientId, UserId);

kept_as!(i64, Timestamp, |time| &time.as_micros());

impl<'r, DB: Database> Decode<'r, DB> for Timestamp
where
    i64: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        <i64 as Decode<DB>>::decode(value).map(Self::from_micros)
    }
}

kept_as!(Uuid, SessionId, |session_id| &session_id.0);

impl<'r, DB: Database> Decode<'r, DB> for SessionId
where
    Uuid: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        <Uuid as Decode<DB>>::decode(value).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection, SqliteConnection};

    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read_back_and_an_unknown_name_is_an_error() {
        let mut database = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let values =
            (SignUpStatus::Final, Timestamp::from_micros(1), UserId::from_stored("zusr1".to_owned()));
        let query = sqlx::query_as("SELECT $1, $2, $3").bind(values.0).bind(values.1).bind(&values.2);
        let read: (SignUpStatus, Timestamp, UserId) = query.fetch_one(&mut database).await.unwrap();
        assert_eq!(read, values);
        let query = sqlx::query_as::<_, (SignUpStatus,)>("SELECT 'finished'");
        let error = query.fetch_one(&mut database).await.unwrap_err();
        assert!(error.to_string().ends_with("it holds an unknown value"), "{error}");
    }
}
