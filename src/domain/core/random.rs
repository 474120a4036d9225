//! Randomness: where it comes from.

use std::fmt;

use crate::domain::Error;

/// A source of random bytes fit for secrets.
pub trait Random: Send + Sync + fmt::Debug {
    /// Fills the whole slice.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system has no randomness to give.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error>;
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's generator")]
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        getrandom::fill(bytes).map_err(Error::internal)
    }
}

impl dyn Random + '_ {
    /// So many random bytes.
    ///
    /// # Errors
    /// As [`Random::fill`].
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }
}
