//! What a page answers.

use axum::http::StatusCode;
use minijinja::Value;

use crate::http::failure::Failure;

/// What a page comes to. What goes wrong beside the rules is shown as a page of its own.
pub(in crate::http) type Outcome = Result<Answer, Failure>;

/// An answer.
pub(in crate::http) struct Answer {
    /// What the browser gets.
    pub kind: Kind,
    /// The lines that set cookies.
    pub cookies: Vec<String>,
}

/// What a browser gets.
pub(in crate::http) enum Kind {
    /// A page.
    Page {
        /// The status.
        status: StatusCode,
        /// Its template.
        template: &'static str,
        /// What the template shows.
        shown: Value,
        /// Why, where something was wrong.
        failure: Option<Failure>,
    },
    /// Another address: a page of ours, or a target that is safe.
    SeeOther(String),
    /// JSON, for the script of a page.
    Json(String),
    /// A file to keep.
    File {
        /// Its name.
        name: &'static str,
        /// What is in it: JSON.
        body: String,
    },
}

impl Answer {
    /// A page.
    pub fn page(template: &'static str, shown: Value) -> Self {
        Self::of(Kind::Page { status: StatusCode::OK, template, shown, failure: None })
    }

    /// Another page.
    pub fn to(target: impl Into<String>) -> Self {
        Self::of(Kind::SeeOther(target.into()))
    }

    pub fn of(kind: Kind) -> Self {
        Self { kind, cookies: Vec::new() }
    }

    /// The same with a cookie.
    pub fn and(mut self, cookie: String) -> Self {
        self.cookies.push(cookie);
        self
    }
}
