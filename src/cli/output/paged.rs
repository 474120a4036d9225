//! Lists that are read a page at a time: what is held does not grow with their length.

use serde_json::Value;

use crate::cli::output::failure::Failure;
use crate::cli::output::print::{JsonArray, Output, Stream};
use crate::cli::output::table::Table;

/// How each of a list is shown.
pub(in crate::cli) struct Shown<T, const COLUMNS: usize> {
    pub titles: [&'static str; COLUMNS],
    pub row: fn(&T) -> [String; COLUMNS],
    pub object: fn(&T) -> Value,
}

impl<T, const COLUMNS: usize> Shown<T, COLUMNS> {
    /// Prints a list as a table, or as JSON; `next` reads the next page, which is empty after the last one.
    ///
    /// # Errors
    /// What reading or printing fails with. What is refused is refused before anything is printed.
    pub async fn print(
        &self,
        out: &Output,
        mut next: impl AsyncFnMut() -> Result<Vec<T>, Failure>,
    ) -> Result<(), Failure> {
        let mut page = next().await?;
        if out.is_json() {
            let mut array = JsonArray::begin(Stream::new())?;
            while !page.is_empty() {
                for one in &page {
                    array.push(&(self.object)(one))?;
                }
                page = next().await?;
            }
            return array.end();
        }
        let titles = self.titles.map(str::to_owned);
        let first: Vec<_> = std::iter::once(titles.clone()).chain(page.iter().map(self.row)).collect();
        let table = Table::fitting(&first);
        let mut stream = Stream::new();
        stream.line(&table.line(&titles))?;
        while !page.is_empty() {
            for one in &page {
                stream.line(&table.line(&(self.row)(one)))?;
            }
            page = next().await?;
        }
        stream.finish()
    }
}
