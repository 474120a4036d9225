//! The process that a database was opened in. The child of a fork has copies of its connections, which are still the
//! parent's: to use one, or only to close it in an orderly way, would be heard by the server, or by the parent's own
//! waiting for sockets.

use std::io;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::process;

/// The process that something was opened in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner(u32);

impl Owner {
    /// This process.
    #[must_use]
    pub fn this() -> Self {
        Self(process::id())
    }

    /// Whether this is still that process.
    #[must_use]
    pub fn is_here(self) -> bool {
        process::id() == self.0
    }

    /// Refuses another process.
    ///
    /// # Errors
    /// That this is the child of a fork.
    pub fn check(self) -> Result<(), sqlx::Error> {
        if self.is_here() { Ok(()) } else { Err(sqlx::Error::Io(io::Error::other(FORKED))) }
    }
}

const FORKED: &str =
    "this process was forked from the one that has opened the database: open it here as well";

/// A value that is left alone, not dropped, in any process but the one that it was made in.
#[derive(Debug)]
pub struct Owned<T> {
    /// Taken by `drop` and `into_inner` only.
    value: Option<T>,
    owner: Owner,
}

impl<T> Owned<T> {
    /// A value of this process.
    pub fn new(value: T) -> Self {
        Self { value: Some(value), owner: Owner::this() }
    }

    /// Whose it is.
    pub const fn owner(&self) -> Owner {
        self.owner
    }

    /// The value; None in another process, where it is left alone.
    pub fn into_inner(mut self) -> Option<T> {
        if self.owner.is_here() { self.value.take() } else { None }
    }
}

#[expect(clippy::expect_used, reason = "only `drop` and `into_inner` take it")]
impl<T> Deref for Owned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect("an owned value is there")
    }
}

#[expect(clippy::expect_used, reason = "only `drop` and `into_inner` take it")]
impl<T> DerefMut for Owned<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("an owned value is there")
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take()
            && !self.owner.is_here()
        {
            mem::forget(value);
        }
    }
}
