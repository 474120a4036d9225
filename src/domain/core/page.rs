//! Pages of results.

use crate::domain::Result;

/// One page of all that was found, numbered from 1.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// How many were found in all.
    pub total: i64,
    /// How many one page holds at most.
    pub page_size: i64,
    /// Which page this is; past the last one it is empty.
    pub cur_page: i64,
    /// What is on it.
    pub result: Vec<T>,
}

impl<T> Page<T> {
    /// How many pages there are: none where nothing was found.
    #[must_use]
    pub const fn num_pages(&self) -> i64 {
        let full = self.total / self.page_size;
        if self.total % self.page_size == 0 { full } else { full + 1 }
    }

    /// The number of the page behind this one, if there is one.
    #[must_use]
    pub const fn next_page(&self) -> Option<i64> {
        if self.cur_page < self.num_pages() { Some(self.cur_page + 1) } else { None }
    }

    /// The number of the page before this one, if there is one: from past the last page it leads back to that.
    #[must_use]
    pub fn prev_page(&self) -> Option<i64> {
        let before = (self.cur_page - 1).min(self.num_pages());
        (before >= 1).then_some(before)
    }

    /// The same page, of what is made of each result.
    ///
    /// # Errors
    /// The first error of these.
    pub fn try_map<U>(self, each: impl FnMut(T) -> Result<U>) -> Result<Page<U>> {
        let Self { total, page_size, cur_page, result } = self;
        let result = result.into_iter().map(each).collect::<Result<_>>()?;
        Ok(Page { total, page_size, cur_page, result })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(total: i64, cur_page: i64) -> (i64, Option<i64>, Option<i64>) {
        let page = Page::<()> { total, page_size: 10, cur_page, result: Vec::new() };
        (page.num_pages(), page.prev_page(), page.next_page())
    }

    #[test]
    fn pages_lead_to_their_neighbours() {
        assert_eq!(page(0, 1), (0, None, None));
        assert_eq!(page(10, 1), (1, None, None));
        assert_eq!(page(11, 1), (2, None, Some(2)));
        assert_eq!(page(30, 2), (3, Some(1), Some(3)));
        assert_eq!(page(30, 3), (3, Some(2), None));
        assert_eq!(page(30, 9), (3, Some(3), None));
        assert_eq!(page(0, i64::MAX), (0, None, None));
    }
}
