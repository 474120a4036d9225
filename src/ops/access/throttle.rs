//! The login throttle: attempts are counted where they fail, and refused while a delay lasts. See `domain::Throttle`.
//!
//! An attempt asks twice: before anything is computed, so that a throttled one costs no hash; and again when it is known
//! how it went. If others have failed meanwhile and a delay began, nothing is told: many attempts at the same time learn
//! no more than the same ones after each other.

use std::net::IpAddr;

use crate::domain::{Error, RemoteAddr, Result, SecType, ThrottleRules};
use crate::ops::Sso;
use crate::store::access as throttle;
use crate::store::access::Kind;
use crate::store::{Conn, Tx};

/// One attempt: whose failures, and from where, it falls under. Of nothing where there is no throttle.
#[derive(Debug, Default)]
pub(in crate::ops) struct Attempt {
    /// At most two.
    subjects: Vec<Subject>,
}

#[derive(Debug)]
struct Subject {
    kind: Kind,
    digest: [u8; 32],
    rules: ThrottleRules,
}

impl Sso {
    /// A password for this name, which need not exist.
    pub(in crate::ops) fn password_attempt(&self, username: &str, remote_addr: &RemoteAddr) -> Attempt {
        self.attempt_from(self.subject(Kind::LoginUser, username, self.threshold()), remote_addr)
    }

    /// A secret, or a signature made with it, for a security definition. Whether there is such a definition
    /// makes no difference.
    pub(in crate::ops) fn secret_attempt(
        &self,
        sec_type: SecType,
        username: &str,
        remote_addr: &RemoteAddr,
    ) -> Attempt {
        let name = format!("{}:{username}", sec_type.as_str());
        self.attempt_from(self.subject(Kind::LoginDefinition, &name, self.threshold()), remote_addr)
    }

    /// A TOTP code for this name, outside of a login.
    pub(in crate::ops) fn totp_attempt(&self, username: &str) -> Attempt {
        self.attempt(vec![self.subject(Kind::Totp, username, self.threshold())])
    }

    /// Many users may share an address: it takes more failures for it to count.
    fn attempt_from(&self, subject: Subject, remote_addr: &RemoteAddr) -> Attempt {
        let mut subjects = vec![subject];
        if !remote_addr.is_empty() {
            let max_failures = self.config().login_throttle.max_failures;
            subjects.push(self.subject(Kind::LoginAddress, &place_of(remote_addr), max_failures));
        }
        self.attempt(subjects)
    }

    fn threshold(&self) -> u32 {
        self.config().login_throttle.threshold
    }

    fn attempt(&self, subjects: Vec<Subject>) -> Attempt {
        if self.config().login_throttle.enabled { Attempt { subjects } } else { Attempt::default() }
    }

    fn subject(&self, kind: Kind, name: &str, threshold: u32) -> Subject {
        let config = &self.config().login_throttle;
        let (initial_delay, max_delay) = (config.initial_delay, config.max_delay);
        let rules = ThrottleRules { threshold, initial_delay, max_delay };
        Subject { kind, digest: self.core.keyring.subject_digest(name), rules }
    }

    /// Refuses an attempt while a delay lasts; else tells whether there were failures.
    ///
    /// # Errors
    /// E005009.
    pub(in crate::ops) async fn check_throttle(&self, attempt: &Attempt) -> Result<bool> {
        if attempt.subjects.is_empty() {
            return Ok(false);
        }
        let mut conn = self.db().read().await?;
        self.check_throttle_on(&mut conn, attempt).await
    }

    /// The same, on a connection that is needed for something else as well: one statement.
    pub(in crate::ops) async fn check_throttle_on(&self, conn: &mut Conn, attempt: &Attempt) -> Result<bool> {
        let (Some(first), Some(last)) = (attempt.subjects.first(), attempt.subjects.last()) else {
            return Ok(false);
        };
        let now = self.now();
        let both = [first, last];
        let known = throttle::get_both(conn, both.map(|subject| (subject.kind, &subject.digest[..]))).await?;
        for (Subject { rules, .. }, known) in both.iter().zip(&known) {
            if let Some(retry_after) = known.as_ref().and_then(|known| known.remaining(*rules, now)) {
                return Err(Error::RateLimited { retry_after });
            }
        }
        Ok(known.iter().any(Option::is_some))
    }

    /// Counts a failed attempt, which lasts although the operation fails.
    ///
    /// # Errors
    /// E005009 if a delay has begun meanwhile: then the attempt has not taken place.
    pub(in crate::ops) async fn record_failure(&self, attempt: &Attempt) -> Result<()> {
        if attempt.subjects.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let mut tx = self.db().write().await?;
        for Subject { kind, digest, rules } in &attempt.subjects {
            let known = throttle::hold(&mut tx, *kind, digest, now).await?;
            if let Some(retry_after) = known.remaining(*rules, now) {
                return Err(Error::RateLimited { retry_after });
            }
            throttle::set(&mut tx, *kind, digest, &known.after_failure(*rules, now)).await?;
        }
        tx.commit().await
    }

    /// Forgets the failures, after a success.
    pub(in crate::ops) async fn clear_failures(&self, tx: &mut Tx, attempt: &Attempt) -> Result<()> {
        for Subject { kind, digest, .. } in &attempt.subjects {
            throttle::clear(tx, *kind, digest).await?;
        }
        Ok(())
    }

    /// Forgets the failures of a user: a super-user has unlocked them.
    pub(in crate::ops) async fn clear_failures_of(&self, tx: &mut Tx, username: &str) -> Result<()> {
        let digest = self.core.keyring.subject_digest(username);
        for kind in [Kind::LoginUser, Kind::Totp] {
            throttle::clear(tx, kind, &digest).await?;
        }
        Ok(())
    }
}

/// The place that an address stands for. An owner of one IPv6 address has the 64 bits of its network.
fn place_of(remote_addr: &RemoteAddr) -> String {
    let place = |ip: Option<IpAddr>| match ip.map(|ip| ip.to_canonical()) {
        Some(IpAddr::V6(ip)) => format!("{:x}::/64", ip.to_bits() >> 64),
        Some(ip) => ip.to_string(),
        None => String::new(),
    };
    let places: Vec<String> = remote_addr.ips().map(place).collect();
    if places.iter().all(String::is_empty) { remote_addr.joined() } else { places.join(",") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_are_one_place() {
        let place = |text: &str| place_of(&RemoteAddr::from(text));
        assert_eq!(place("10.0.0.1"), place("::ffff:10.0.0.1"));
        assert_eq!(place("2001:db8::1"), place("2001:db8::ffff:1"));
        assert_ne!(place("2001:db8::1"), place("2001:db8:0:1::1"));
        assert_ne!(place("10.0.0.1"), place("10.0.0.2"));
        assert_ne!(place("10.0.0.1,10.0.0.2"), place("10.0.0.1"));
        assert_ne!(place("one"), place("two"));
    }
}
