//! The section `session`.

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, section, within};
use crate::config::load::setting::choices;

section! {
    /// How long sessions live, and how they are kept.
    Session = "session" {
        /// Minutes that a session lives after a login or a renewal.
        expiry: u32 = 60,
        /// Hours after which a session ends however often it was renewed. 0 is no limit.
        max_lifetime: u32 = 0,
        /// Minutes without use after which a session ends. 0 is no limit.
        idle_timeout: u32 = 0,
        /// Whether a user's other sessions end when the password changes.
        end_on_password_change: bool = true,
        /// Whether a user's other sessions end when TOTP is switched on or off, or gets a new key.
        end_on_totp_change: bool = true,
        /// Whether a user's sessions end, for good, when the user is locked or rejected. Where not, they are only refused
        /// for as long as that lasts.
        end_on_lock: bool = true,
        /// How many sessions a user has at most. A login that would make one more ends the one that was not used for the longest
        /// time. 0 is no limit.
        max_per_user: u32 = 1_000,
        /// "on" keeps sessions in the process too, and sees changes made by others; "off" reads the database each time.
        cache: Cache = Cache::On,
        /// How many sessions the cache keeps.
        cache_size: usize = 100_000,
    }
}

choices! {
    /// Whether sessions are kept in the process.
    Cache: r#""on" or "off""# {
        /// They are.
        On = "on",
        /// Every check reads the database.
        Off = "off",
    }
}

/// A hundred years: what is longer is a mistake, and times must stay below the year 9999.
const MAX_HOURS: u32 = 876_000;

/// The longest lifetime that a login or a renewal may give a session.
pub const MAX_SESSION_MINUTES: u32 = MAX_HOURS * 60;

impl Validate for Session {
    fn validate(&self) -> Result<(), Invalid> {
        within("session.expiry", self.expiry, 1..=MAX_SESSION_MINUTES)?;
        within("session.max_lifetime", self.max_lifetime, 0..=MAX_HOURS)?;
        within("session.idle_timeout", self.idle_timeout, 0..=MAX_SESSION_MINUTES)?;
        within("session.max_per_user", self.max_per_user, 0..=1_000_000)?;
        within("session.cache_size", self.cache_size, 1..=1_000_000_000)
    }
}
