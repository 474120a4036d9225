//! The section `search`.

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, section, within};

section! {
    /// How many users one page of a search holds.
    Search = "search" {
        /// Where the caller does not say.
        default_page_size: u32 = 50,
        /// The upper limit of what a caller may ask for.
        max_page_size: u32 = 100,
        /// The most users that a search without pages may find; 0 is no limit.
        max_unpaginated: u32 = 10_000,
    }
}

impl Validate for Search {
    fn validate(&self) -> Result<(), Invalid> {
        within("search.default_page_size", self.default_page_size, 1..=10_000)?;
        within("search.max_page_size", self.max_page_size, 1..=10_000)?;
        if self.max_page_size < self.default_page_size {
            let problem =
                format!("must not be below search.default_page_size, which is {}", self.default_page_size);
            return Err(Invalid::against("search.max_page_size", "search.default_page_size", problem));
        }
        Ok(())
    }
}
