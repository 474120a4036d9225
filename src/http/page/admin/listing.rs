//! Lists that an operation gives whole, page by page: those that have a name, and of which there are thousands at most.

use minijinja::{Value, context};

use crate::domain::Timestamp;
use crate::http::page::visit::Visit;

/// How many a page shows.
const SHOWN: usize = 50;

/// The orders that can be asked for: as the operation gives them, or the latest first.
const ORDERS: [&str; 2] = ["title", "newest"];

/// The part of a list that a page shows, and what the page says of it: what was looked for, how many there are, and where the other
/// pages are. `words` are what is searched.
pub(super) fn part<T>(
    visit: &Visit,
    all: Vec<T>,
    words: impl for<'a> Fn(&'a T) -> Vec<&'a str>,
    created: impl Fn(&T) -> Timestamp,
) -> (Vec<T>, Value) {
    let q = visit.query.text("q").unwrap_or_default();
    let wanted = q.to_lowercase();
    let is_empty = all.is_empty();
    let is_found = |one: &T| words(one).iter().any(|word| word.to_lowercase().contains(&wanted));
    let mut found: Vec<T> = all.into_iter().filter(is_found).collect();
    let asked = visit.query.get("order");
    let order = ORDERS.into_iter().find(|order| *order == asked).unwrap_or("title");
    if order == "newest" {
        found.sort_by_key(|one| std::cmp::Reverse(created(one)));
    }
    let count = found.len();
    let pages = count.div_ceil(SHOWN).max(1);
    let page = visit.query.get("page").parse().unwrap_or(1).clamp(1, pages);
    let shown: Vec<T> = found.into_iter().skip((page - 1) * SHOWN).take(SHOWN).collect();
    let address = |page: usize| {
        let kept = visit.query.without(&["page", "done", "ui_locales"]);
        let page = format!("page={page}");
        format!("?{}", [kept, page].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&"))
    };
    let value = context! {
        q,
        order,
        orders => ORDERS.to_vec(),
        // Without anything there is nothing to look for.
        is_empty,
        count,
        page,
        pages,
        previous_page => (page > 1).then(|| address(page - 1)),
        next_page => (page < pages).then(|| address(page + 1)),
    };
    (shown, value)
}
