//! Successes of the sessions API: what is told, and lists.

use axum::http::StatusCode;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::domain::{Page, PageRequest};
use crate::http::failure::Failure;
use crate::http::site::envelope;
use crate::http::site::request::Order;

/// What a request came to.
pub(in crate::http) struct Done<D> {
    /// How it went, in words.
    pub info: &'static str,
    /// The result: an object of what is told, by what it is called.
    pub data: D,
    /// The status, where it is not that of the endpoint.
    pub status: Option<StatusCode>,
}

impl<D> Done<D> {
    /// A success of which the result says all.
    pub const fn with(data: D) -> Self {
        Self::saying("Your request has been processed successfully", data)
    }

    /// A success in other words.
    pub const fn saying(info: &'static str, data: D) -> Self {
        Self { info, data, status: None }
    }
}

/// The same, written.
pub(in crate::http) struct Written {
    pub info: &'static str,
    pub data: Option<Box<RawValue>>,
    pub status: Option<StatusCode>,
}

/// What the result of a success can be.
pub(in crate::http) trait Data: Send + 'static {
    fn write(&self) -> Result<Option<Box<RawValue>>, Failure>;

    /// Describes the answer that has it.
    fn describe(generator: &mut SchemaGenerator) -> Schema;
}

/// There is nothing to tell but that it worked.
pub(in crate::http) struct Nothing;

impl Data for Nothing {
    fn write(&self) -> Result<Option<Box<RawValue>>, Failure> {
        Ok(None)
    }

    fn describe(generator: &mut SchemaGenerator) -> Schema {
        envelope::describe(generator)
    }
}

impl<D: Serialize + JsonSchema + Send + 'static> Data for D {
    fn write(&self) -> Result<Option<Box<RawValue>>, Failure> {
        to_raw_value(self).map(Some).map_err(|_| Failure::Internal)
    }

    fn describe(generator: &mut SchemaGenerator) -> Schema {
        envelope::describe_full::<D>(generator)
    }
}

/// A page of a list.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
pub(in crate::http) struct List<E> {
    pagination: Pagination,
    count: usize,
    entries: Vec<E>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SitePagination")]
struct Pagination {
    current_page: i64,
    total_pages: i64,
    entries_per_page: i64,
    total_entries: i64,
    order: ListOrder,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct ListOrder {
    field: &'static str,
    direction: Order,
}

impl<E> List<E> {
    /// A page that was asked for, by this field.
    pub fn of<T>(request: PageRequest, field: &'static str, page: Page<T>, entry: impl Fn(T) -> E) -> Self {
        let pagination = Pagination {
            current_page: page.cur_page,
            total_pages: page.num_pages(),
            entries_per_page: page.page_size,
            total_entries: page.total,
            order: ListOrder { field, direction: request.direction.into() },
        };
        let entries: Vec<E> = page.result.into_iter().map(entry).collect();
        Self { pagination, count: entries.len(), entries }
    }
}
