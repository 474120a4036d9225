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

/// Runs `$body` with the driver's own connection, compiled once for each driver.
macro_rules! on_driver {
    ($conn:expr, $driver:ident => $body:expr) => {
        match $conn.raw() {
            $crate::store::db::pool::Raw::Sqlite($driver) => $body.map_err($crate::store::map_error),
            $crate::store::db::pool::Raw::Postgres($driver) => $body.map_err($crate::store::map_error),
        }
    };
}

/// Runs a statement; the number of rows that it touched.
macro_rules! execute {
    ($conn:expr, $sql:expr $(, $arg:expr)* $(,)?) => {
        on_driver!($conn, driver => sqlx::query($sql)$(.bind($arg))*.execute(driver).await.map(|done| done.rows_affected()))
    };
}

/// Runs a query that gives one row or none.
macro_rules! fetch_optional {
    ($conn:expr, $row:ty, $sql:expr $(, $arg:expr)* $(,)?) => {
        on_driver!($conn, driver => sqlx::query_as::<_, $row>($sql)$(.bind($arg))*.fetch_optional(driver).await)
    };
}

/// Runs a query that gives any number of rows.
macro_rules! fetch_all {
    ($conn:expr, $row:ty, $sql:expr $(, $arg:expr)* $(,)?) => {
        on_driver!($conn, driver => sqlx::query_as::<_, $row>($sql)$(.bind($arg))*.fetch_all(driver).await)
    };
}
