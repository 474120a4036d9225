//! Statements, and what runs them.

/// Declares statements: private constants, and `STATEMENTS`, which lists them with their names.
macro_rules! sql {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)*) => {
        $($(#[$doc])* const $name: &str = $text;)*

        /// The statements of this file: name and text.
        pub(crate) const STATEMENTS: &[(&str, &str)] =
            &[$((concat!(module_path!(), "::", stringify!($name)), $name),)*];
    };
}

/// A statement with its arguments, to be run on this connection.
macro_rules! statement {
    ($conn:expr, $sql:expr $(, $arg:expr)* $(,)?) => {{
        #[allow(unused_mut, reason = "not every statement has arguments")]
        let mut statement = $conn.statement($sql);
        $(statement.bind($arg);)*
        statement
    }};
}

/// Runs a statement; the number of rows that it touched.
macro_rules! execute {
    ($conn:expr, $sql:expr $(, $arg:expr)* $(,)?) => {{
        let statement = statement!($conn, $sql $(, $arg)*);
        $conn.execute(statement).await
    }};
}

/// Runs a query that gives one row or none.
macro_rules! fetch_optional {
    ($conn:expr, $row:ty, $sql:expr $(, $arg:expr)* $(,)?) => {{
        let statement = statement!($conn, $sql $(, $arg)*);
        $conn.first_row(statement).await.and_then($crate::store::db::statement::FirstRow::read::<$row>)
    }};
}

/// Declares the struct of a row: each field is read from the column of its name, and those behind `with` are rows of
/// their own in the same columns. Each driver has a reader of its own: a generic one would have as many bounds as there are
/// types, and the compiler would look through all of them for each field.
macro_rules! row {
    (@read $row:ty, $name:ident, [$($field:ident)*], [$($part:ident)*]) => {
        impl sqlx::FromRow<'_, $row> for $name {
            fn from_row(row: &$row) -> Result<Self, sqlx::Error> {
                Ok(Self {
                    $($field: sqlx::Row::try_get(row, stringify!($field))?,)*
                    $($part: sqlx::FromRow::from_row(row)?,)*
                })
            }
        }
    };
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $type:ty),* $(,)?
        } $(with {
            $($part_vis:vis $part:ident: $part_type:ty),* $(,)?
        })?
    ) => {
        $(#[$meta])*
        $vis struct $name {
            $($(#[$field_meta])* $field_vis $field: $type,)*
            $($($part_vis $part: $part_type,)*)?
        }

        row!(@read sqlx::sqlite::SqliteRow, $name, [$($field)*], [$($($part)*)?]);
        row!(@read sqlx::postgres::PgRow, $name, [$($field)*], [$($($part)*)?]);
    };
}

/// Counts all rows, and runs the query of a page of them, which has two arguments more: how many, and how many come before.
macro_rules! fetch_page {
    ($conn:expr, $row:ty, $request:expr, $count:ident, [$upwards:ident, $downwards:ident] $(, $arg:expr)*) => {{
        let request: $crate::domain::PageRequest = $request;
        let total: Option<(i64,)> = fetch_optional!($conn, (i64,), $count $(, $arg)*)?;
        let sql = match request.direction {
            $crate::domain::Direction::Ascending => $upwards,
            $crate::domain::Direction::Descending => $downwards,
        };
        let (page_size, offset) = (request.entries_per_page, request.offset());
        let result = fetch_all!($conn, $row, sql $(, $arg)*, page_size, offset)?;
        let total = total.map_or(0, |(total,)| total);
        $crate::domain::Page { total, page_size, cur_page: request.page, result }
    }};
}

/// Runs a query that gives any number of rows.
macro_rules! fetch_all {
    ($conn:expr, $row:ty, $sql:expr $(, $arg:expr)* $(,)?) => {{
        let statement = statement!($conn, $sql $(, $arg)*);
        $conn.rows(statement).await.and_then($crate::store::db::statement::Rows::read::<$row>)
    }};
}
