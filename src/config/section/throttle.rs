//! The section `login_throttle`.

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, section, within};

section! {
    /// The delay after failed logins, by user and by address. It doubles with each failure; a success resets that of the user.
    LoginThrottle = "login_throttle" {
        /// Whether there is one. To be turned off only where something in front of it does the same.
        enabled: bool = true,
        /// Consecutive failures of a user from which there is a delay.
        threshold: u32 = 5,
        /// Seconds of the first delay.
        initial_delay: u32 = 1,
        /// Seconds that the delay grows to at most.
        max_delay: u32 = 900,
        /// Failures from one address, which users may share, from which there is a delay. One is forgotten each minute.
        max_failures: u32 = 100,
        /// Days for which the network that a user has logged in from is known: from there, the failures of others do not delay
        /// that user. 0: no network is known.
        known_place_days: u32 = 30,
        /// How many devices of a user are known, by a token that a login answers with and the next one sends. Whoever has it has
        /// a count of failures of their own, for as many days as a network is known. 0: no such token is given out.
        known_devices: u32 = 10,
    }
}

impl Validate for LoginThrottle {
    fn validate(&self) -> Result<(), Invalid> {
        within("login_throttle.threshold", self.threshold, 1..=100)?;
        within("login_throttle.initial_delay", self.initial_delay, 1..=86_400)?;
        within("login_throttle.max_delay", self.max_delay, 1..=86_400)?;
        // NIST SP 800-63B-4, section 3.2.2: at most 100.
        within("login_throttle.max_failures", self.max_failures, 1..=100)?;
        within("login_throttle.known_place_days", self.known_place_days, 0..=3_650)?;
        within("login_throttle.known_devices", self.known_devices, 0..=100)?;
        if self.max_delay < self.initial_delay {
            let problem =
                format!("must not be below login_throttle.initial_delay, which is {}", self.initial_delay);
            return Err(Invalid::against(
                "login_throttle.max_delay",
                "login_throttle.initial_delay",
                problem,
            ));
        }
        if self.max_failures < self.threshold {
            let problem = format!("must not be below login_throttle.threshold, which is {}", self.threshold);
            return Err(Invalid::against("login_throttle.max_failures", "login_throttle.threshold", problem));
        }
        Ok(())
    }
}
