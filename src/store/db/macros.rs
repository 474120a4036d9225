//! One statement text, expanded for both drivers.

/// Declares statements: private constants, and `STATEMENTS`, which lists them with their names.
macro_rules! sql {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)*) => {
        $($(#[$doc])* const $name: &str = $text;)*

        /// The statements of this file: name and text.
        pub(crate) const STATEMENTS: &[(&str, &str)] =
            &[$((concat!(module_path!(), "::", stringify!($name)), $name),)*];
    };
}

/// Waits for `$work`, which the driver's own connection does, compiled once for each driver. PostgreSQL has a time limit.
/// The last argument makes of what comes out what both drivers have.
macro_rules! on_driver {
    ($conn:expr, $driver:ident => $work:expr) => {
        on_driver!($conn, $driver => $work, std::convert::identity)
    };
    ($conn:expr, $driver:ident => $work:expr, $then:expr) => {
        match $conn.raw() {
            $crate::store::db::pool::Raw::Sqlite($driver) => {
                $work.await.map($then).map_err($crate::store::map_error)
            }
            $crate::store::db::pool::Raw::Postgres(used) => {
                let ($driver, end, limit) = used.parts();
                end.with($crate::store::db::postgres::limit::limited(limit, $work).await.map($then))
            }
        }
    };
}

/// Runs a query that only reads. It is run once more where the connection was lost on the way to PostgreSQL, or back.
macro_rules! reading {
    ($conn:expr, $driver:ident => $work:expr) => {
        loop {
            let outcome = on_driver!($conn, $driver => $work);
            if outcome.is_ok() || !$conn.renew().await {
                break outcome;
            }
        }
    };
}

/// Runs a statement; the number of rows that it touched.
macro_rules! execute {
    ($conn:expr, $sql:expr $(, $arg:expr)* $(,)?) => {{
        let is_named = $conn.has_named_statements();
        on_driver!(
            $conn,
            driver => sqlx::query($sql)$(.bind($arg))*.persistent(is_named).execute(driver),
            |done| done.rows_affected()
        )
    }};
}

/// Runs a query that gives one row or none.
macro_rules! fetch_optional {
    ($conn:expr, $row:ty, $sql:expr $(, $arg:expr)* $(,)?) => {{
        let is_named = $conn.has_named_statements();
        reading!(
            $conn,
            driver => sqlx::query_as::<_, $row>($sql)$(.bind($arg))*.persistent(is_named).fetch_optional(driver)
        )
    }};
}

/// Declares the struct of a row: each field is read from the column of its name, and those behind `with` are rows of
/// their own in the same columns. The derive macro of sqlx would do the same, and have both drivers compiled once more
/// for the compiler's own use.
macro_rules! row {
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

        impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for $name
        where
            for<'c> &'c str: sqlx::ColumnIndex<R>,
            $($type: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,)*
            $($($part_type: sqlx::FromRow<'r, R>,)*)?
        {
            fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
                Ok(Self {
                    $($field: row.try_get(stringify!($field))?,)*
                    $($($part: sqlx::FromRow::from_row(row)?,)*)?
                })
            }
        }
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
        let is_named = $conn.has_named_statements();
        reading!(
            $conn,
            driver => sqlx::query_as::<_, $row>($sql)$(.bind($arg))*.persistent(is_named).fetch_all(driver)
        )
    }};
}
