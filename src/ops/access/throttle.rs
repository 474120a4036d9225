//! The login throttle: attempts are counted where they fail, and refused while a delay lasts. See `domain::Throttle`.
//!
//! An attempt asks twice: before anything is computed, so that a throttled one costs no hash; and again when it is known
//! how it went. If others have failed meanwhile and a delay began, nothing is told: many attempts at the same time learn
//! no more than the same ones after each other.
//!
//! Who guesses must not lock out the user whose name is guessed for. So a network that the user has logged in from is
//! known for a while: an attempt from there falls under a count of its own, whatever others do elsewhere or at the same
//! address. What only the user has, a session or the key of a linked definition, is a place of that kind as well.
//!
//! Others may be in that same network, or behind the same proxy. So a login answers with a token of the device, and the next
//! one that sends it falls under a count of its own again: nobody without the token can use it up. It takes the place of no
//! password.

use std::net::IpAddr;
use std::sync::atomic::Ordering::Relaxed;

use data_encoding::HEXLOWER;

use crate::crypto::token::{self, TokenBits};
use crate::domain::{
    Error, Password, RemoteAddr, Result, SecType, Site, Throttle, ThrottleRules, Timestamp, UserId,
    network_of,
};
use crate::ops::Sso;
use crate::store::access as throttle;
use crate::store::access::{Kind, Known};
use crate::store::db::detached::ToTheEnd;
use crate::store::session::device;
use crate::store::{Conn, Tx};

/// The longest delay at a place that is known, in seconds: its user has one try a minute, whatever happens.
const MAX_PLACE_DELAY: u32 = 60;

/// Seconds after which one failure from an address is forgotten.
const ADDRESS_FADES_EVERY: u32 = 60;

/// How old the note of a place may be before a login writes it anew.
const PLACE_NOTED_FOR_SECONDS: i64 = 86_400;

/// Where an attempt comes from.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) enum Origin<'a> {
    /// From this address.
    Address(&'a RemoteAddr),
    /// In a session of the user, which nobody else's failures have to do with, from this address.
    Session(&'a RemoteAddr),
    /// Through a site, whose own address says nothing about the user.
    Site(&'a Site),
}

/// One attempt: whose failures, and from where, it falls under. Of nothing where there is no throttle.
#[derive(Debug, Default)]
pub(in crate::ops) struct Attempt {
    name: Option<Subject>,
    address: Option<Subject>,
    place: Option<Place>,
    /// When the user last logged in from the place, as far as that counts; known once the throttle was asked.
    place_time: Option<Timestamp>,
    device: Option<Device>,
    /// When the user last logged in with the device, as far as that counts, and when for the first time.
    device_times: Option<(Timestamp, Timestamp)>,
}

#[derive(Clone, Copy, Debug)]
struct Subject {
    kind: Kind,
    digest: [u8; 32],
    rules: ThrottleRules,
}

impl Subject {
    fn key(&self) -> throttle::Subject<'_> {
        (self.kind, &self.digest)
    }
}

/// A place of a user, who may be known there.
#[derive(Debug)]
struct Place {
    user_id: UserId,
    subject: Subject,
}

/// A device that a user may be known by.
#[derive(Debug)]
struct Device {
    token_digest: [u8; 32],
    place: Place,
}

impl Sso {
    /// A password for this name, of this user if there is one.
    pub(in crate::ops) fn password_attempt(
        &self,
        username: &str,
        user_id: Option<&UserId>,
        origin: Origin<'_>,
    ) -> Attempt {
        let name = self.subject(Kind::LoginUser, &self.username_key(username));
        match origin {
            Origin::Address(remote_addr) => {
                let place = self.network_place(Kind::LoginPlace, user_id, "", remote_addr);
                self.attempt(Some(name), self.address(remote_addr), place)
            }
            Origin::Session(remote_addr) => {
                let own = user_id.map_or(name, |user_id| self.own(Kind::LoginPlace, user_id, "session"));
                let place = self.network_place(Kind::LoginPlace, user_id, "", remote_addr);
                self.attempt(Some(own), None, place)
            }
            Origin::Site(site) => {
                let place = user_id
                    .map(|user_id| self.place(Kind::LoginPlace, user_id, &format!("site:{}", site.site_id)));
                self.attempt(Some(name), None, place)
            }
        }
    }

    /// A secret, or a signature made with it, for a security definition, linked to this user if there is one. Whether
    /// there is such a definition makes no difference.
    pub(in crate::ops) fn secret_attempt(
        &self,
        sec_type: SecType,
        username: &str,
        user_id: Option<&UserId>,
        remote_addr: &RemoteAddr,
    ) -> Attempt {
        let name = format!("{}:{username}", sec_type.as_str());
        let place = self.network_place(Kind::LoginPlace, user_id, &name, remote_addr);
        let name = self.subject(Kind::LoginDefinition, &name);
        self.attempt(Some(name), self.address(remote_addr), place)
    }

    /// A key that nobody can guess: the address is all that counts, and only where it is wrong.
    pub(in crate::ops) fn key_attempt(&self, remote_addr: &RemoteAddr) -> Attempt {
        self.attempt(None, self.address(remote_addr), None)
    }

    /// A TOTP code for this name, of this user if there is one, outside of a login.
    pub(in crate::ops) fn totp_attempt(
        &self,
        username: &str,
        user_id: Option<&UserId>,
        remote_addr: &RemoteAddr,
    ) -> Attempt {
        let place = self.network_place(Kind::TotpPlace, user_id, "", remote_addr);
        self.attempt(Some(self.subject(Kind::Totp, &self.username_key(username))), None, place)
    }

    /// A TOTP code of a user who has proved something already, which nobody else's failures have to do with: by what.
    pub(in crate::ops) fn own_totp_attempt(&self, user_id: &UserId, by: &str) -> Attempt {
        self.attempt(Some(self.own(Kind::TotpPlace, user_id, by)), None, None)
    }

    /// The same attempt with the token of a device, if there is one.
    pub(in crate::ops) fn with_device(
        &self,
        attempt: Attempt,
        user_id: Option<&UserId>,
        token: Option<&Password>,
    ) -> Attempt {
        let token = token.filter(|token| !token.is_empty() && !attempt.is_of_nothing());
        let (Some(user_id), Some(token)) = (user_id, token) else { return attempt };
        let token_digest = token::digest(token.expose());
        let name = format!("device:{}", HEXLOWER.encode(&token_digest));
        let place = self.place(Kind::LoginPlace, user_id, &name);
        Attempt { device: Some(Device { token_digest, place }), ..attempt }
    }

    fn attempt(&self, name: Option<Subject>, address: Option<Subject>, place: Option<Place>) -> Attempt {
        if self.config().login_throttle.enabled {
            Attempt { name, address, place, ..Attempt::default() }
        } else {
            Attempt::default()
        }
    }

    fn subject(&self, kind: Kind, name: &str) -> Subject {
        Subject { kind, digest: self.core.keyring.subject_digest(name), rules: self.rules() }
    }

    fn rules(&self) -> ThrottleRules {
        let config = &self.config().login_throttle;
        let (threshold, initial_delay, max_delay) =
            (config.threshold, config.initial_delay, config.max_delay);
        ThrottleRules { threshold, initial_delay, max_delay, fades_every: None }
    }

    /// Many users may share an address: it takes more failures for it to count, no success clears it, and it fades.
    fn address(&self, remote_addr: &RemoteAddr) -> Option<Subject> {
        let place = place_of(remote_addr, Prefix::ADDRESS)?;
        let threshold = self.config().login_throttle.max_failures;
        let rules = ThrottleRules { threshold, fades_every: Some(ADDRESS_FADES_EVERY), ..self.rules() };
        Some(Subject { rules, ..self.subject(Kind::LoginAddress, &place) })
    }

    /// What only the user has, as a place.
    fn own(&self, kind: Kind, user_id: &UserId, what: &str) -> Subject {
        self.subject(kind, &format!("{user_id}\n{what}"))
    }

    fn place(&self, kind: Kind, user_id: &UserId, place: &str) -> Place {
        let subject = self.own(kind, user_id, place);
        let rules = ThrottleRules {
            initial_delay: subject.rules.initial_delay.min(MAX_PLACE_DELAY),
            max_delay: subject.rules.max_delay.min(MAX_PLACE_DELAY),
            ..subject.rules
        };
        Place { user_id: user_id.clone(), subject: Subject { rules, ..subject } }
    }

    /// The network that an address is in, for one purpose.
    fn network_place(
        &self,
        kind: Kind,
        user_id: Option<&UserId>,
        purpose: &str,
        remote_addr: &RemoteAddr,
    ) -> Option<Place> {
        let network = place_of(remote_addr, Prefix::NETWORK)?;
        Some(self.place(kind, user_id?, &format!("network:{purpose}:{network}")))
    }

    /// Refuses an attempt while a delay lasts; else tells whether there were failures that a success clears.
    ///
    /// # Errors
    /// E005009.
    pub(in crate::ops) async fn check_throttle(&self, attempt: &mut Attempt) -> Result<bool> {
        if attempt.is_of_nothing() {
            return Ok(false);
        }
        let mut conn = self.db().read().await?;
        self.check_throttle_on(&mut conn, attempt).await
    }

    /// The same, on a connection that is needed for something else as well: one statement.
    pub(in crate::ops) async fn check_throttle_on(
        &self,
        conn: &mut Conn,
        attempt: &mut Attempt,
    ) -> Result<bool> {
        if attempt.is_of_nothing() {
            return Ok(false);
        }
        let now = self.now();
        let known = attempt.look(conn).await?;
        let since = now.plus_days(-i64::from(self.config().login_throttle.known_place_days));
        attempt.place_time = known.place_time.filter(|time| *time > since);
        attempt.device_times = known.device_times.filter(|(last_use, _)| *last_use > since);
        let remaining = |subject: Option<&Subject>, known: Option<Throttle>| {
            known.and_then(|known| known.remaining(subject?.rules, now))
        };
        let place = attempt.place.as_ref().map(|place| &place.subject);
        let device = attempt.device.as_ref().map(|device| &device.place.subject);
        let retry_after = if attempt.device_times.is_some() {
            remaining(device, known.device)
        } else if attempt.place_time.is_some() {
            remaining(place, known.place)
        } else {
            remaining(attempt.name.as_ref(), known.name)
                .or_else(|| remaining(attempt.address.as_ref(), known.address))
        };
        match retry_after {
            Some(retry_after) => {
                self.core.counters.throttle_refusals.fetch_add(1, Relaxed);
                Err(Error::RateLimited { retry_after })
            }
            None => Ok(known.name.is_some() || known.place.is_some() || known.device.is_some()),
        }
    }

    /// Counts a failed attempt, which lasts although the operation fails.
    ///
    /// # Errors
    /// E005009 if a delay has begun meanwhile: then the attempt has not taken place.
    pub(in crate::ops) async fn record_failure(&self, attempt: &Attempt) -> Result<()> {
        if attempt.is_of_nothing() {
            return Ok(());
        }
        let own = attempt.known_subject();
        let is_known = own.is_some();
        let subjects: Vec<Subject> =
            own.or(attempt.name.as_ref()).into_iter().chain(&attempt.address).copied().collect();
        // Who goes away has failed all the same.
        let sso = self.clone();
        ToTheEnd::new(async move { sso.count_failure(&subjects, is_known).await }).await
    }

    async fn count_failure(&self, subjects: &[Subject], is_known: bool) -> Result<()> {
        let now = self.now();
        let mut tx = self.db().write().await?;
        for Subject { kind, digest, rules } in subjects {
            let known = throttle::hold(&mut tx, *kind, digest, now).await?;
            match known.remaining(*rules, now) {
                None => throttle::set(&mut tx, *kind, digest, &known.after_failure(*rules, now)).await?,
                // Who is known here does not wait for others at the same address.
                Some(_) if is_known && *kind == Kind::LoginAddress => {}
                Some(retry_after) => {
                    self.core.counters.throttle_refusals.fetch_add(1, Relaxed);
                    return Err(Error::RateLimited { retry_after });
                }
            }
        }
        tx.commit().await?;
        self.core.counters.throttle_failures.fetch_add(1, Relaxed);
        Ok(())
    }

    /// Forgets the failures of the name and of the place, after a success. Never those from the address: whoever has an
    /// account of their own could clear them between guesses.
    pub(in crate::ops) async fn clear_failures(&self, tx: &mut Tx, attempt: &Attempt) -> Result<()> {
        let place = attempt.place.as_ref().map(|place| &place.subject);
        let device = attempt.device.as_ref().map(|device| &device.place.subject);
        for Subject { kind, digest, .. } in attempt.name.iter().chain(place).chain(device) {
            throttle::clear(tx, *kind, digest).await?;
        }
        Ok(())
    }

    /// Notes that the user has logged in from the place of the attempt, and with its device, unless that was noted within a
    /// day.
    pub(in crate::ops) async fn remember_place(&self, tx: &mut Tx, attempt: &Attempt) -> Result<()> {
        if let (Some(device), Some((last_use, creation))) = (&attempt.device, attempt.device_times) {
            let since = self.now().plus_seconds(-PLACE_NOTED_FOR_SECONDS);
            // The first use tells it from those that nobody keeps.
            if last_use <= since || last_use == creation {
                let later = self.now().max(creation.plus_seconds(1));
                device::touch(tx, &device.place.user_id, &device.token_digest, later).await?;
            }
        }
        let Some(Place { user_id, subject }) = &attempt.place else { return Ok(()) };
        if self.is_place_noted(attempt) {
            return Ok(());
        }
        throttle::remember_place(tx, user_id, &subject.digest, self.now()).await
    }

    /// A token for the device of an attempt that has come to a login; None where nothing about tokens was sent, where it has
    /// one that is known, or where configuration wants none.
    pub(in crate::ops) fn new_device_token(
        &self,
        sent: Option<&Password>,
        attempt: &Attempt,
    ) -> Result<Option<Password>> {
        let config = &self.config().login_throttle;
        if sent.is_none()
            || attempt.is_of_nothing()
            || attempt.device_times.is_some()
            || config.known_devices == 0
            || config.known_place_days == 0
        {
            return Ok(None);
        }
        token::new_token(self.random(), TokenBits::Bits256).map(Some)
    }

    /// Whether there is nothing to note of the place of an attempt.
    pub(in crate::ops) fn is_place_noted(&self, attempt: &Attempt) -> bool {
        let since = self.now().plus_seconds(-PLACE_NOTED_FOR_SECONDS);
        attempt.place.is_none()
            || attempt.place_time.is_some_and(|time| time > since)
            || self.config().login_throttle.known_place_days == 0
    }

    /// Forgets the failures of a user, from everywhere: they have a new password, or a super-user has unlocked them.
    pub(in crate::ops) async fn forgive(&self, tx: &mut Tx, user_id: &UserId, username: &str) -> Result<()> {
        let digest = self.core.keyring.subject_digest(&self.username_key(username));
        for (name, place) in [(Kind::LoginUser, Kind::LoginPlace), (Kind::Totp, Kind::TotpPlace)] {
            throttle::clear(tx, name, &digest).await?;
            throttle::clear(tx, place, &self.own(place, user_id, "session").digest).await?;
            throttle::clear_places(tx, place, user_id).await?;
        }
        Ok(())
    }
}

impl Attempt {
    const fn is_of_nothing(&self) -> bool {
        self.name.is_none() && self.address.is_none() && self.place.is_none()
    }

    /// The same after all devices of the user were forgotten.
    pub(in crate::ops) fn without_device(self) -> Self {
        Self { device: None, device_times: None, ..self }
    }

    /// Whose failures it falls under alone, as the user has logged in like that not long ago; as the throttle was told when
    /// it was last asked.
    fn known_subject(&self) -> Option<&Subject> {
        let device = self.device.as_ref().filter(|_| self.device_times.is_some());
        let place = self.place.as_ref().filter(|_| self.place_time.is_some());
        device.map(|device| &device.place).or(place).map(|place| &place.subject)
    }

    async fn look(&self, conn: &mut Conn) -> Result<Known> {
        let device = self.device.as_ref();
        let user = self.place.as_ref().or(device.map(|device| &device.place));
        let (name, address) = (self.name.as_ref(), self.address.as_ref());
        throttle::look(
            conn,
            name.map(Subject::key),
            address.map(Subject::key),
            self.place.as_ref().map(|place| place.subject.key()),
            device.map(|device| (device.place.subject.key(), &device.token_digest[..])),
            user.map(|place| &place.user_id),
        )
        .await
    }
}

/// How much of an address counts, in bits.
#[derive(Clone, Copy)]
pub(in crate::ops) struct Prefix {
    v4: u8,
    v6: u8,
}

impl Prefix {
    /// An owner of one IPv6 address has the 64 bits of its network.
    pub const ADDRESS: Self = Self { v4: 32, v6: 64 };
    /// What a provider moves its customers around in.
    pub const NETWORK: Self = Self { v4: 24, v6: 48 };
}

/// The place that an address stands for; None for none.
pub(in crate::ops) fn place_of(remote_addr: &RemoteAddr, prefix: Prefix) -> Option<String> {
    let place = |ip: Option<IpAddr>| {
        ip.map(|ip| network_of(ip, prefix.v4, prefix.v6).to_string()).unwrap_or_default()
    };
    if remote_addr.is_empty() {
        return None;
    }
    let places: Vec<String> = remote_addr.ips().map(place).collect();
    let is_text = places.iter().all(String::is_empty);
    Some(if is_text { remote_addr.joined() } else { places.join(",") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, prefix: Prefix) -> String {
        place_of(&RemoteAddr::from(text), prefix).unwrap()
    }

    #[test]
    fn addresses_of_one_network_are_one_place() {
        let place = |text: &str| place(text, Prefix::ADDRESS);
        assert_eq!(place("10.0.0.1"), place("::ffff:10.0.0.1"));
        assert_eq!(place("2001:db8::1"), place("2001:db8::ffff:1"));
        assert_ne!(place("2001:db8::1"), place("2001:db8:0:1::1"));
        assert_ne!(place("10.0.0.1"), place("10.0.0.2"));
        assert_ne!(place("10.0.0.1,10.0.0.2"), place("10.0.0.1"));
        assert_ne!(place("one"), place("two"));
        assert_eq!(place_of(&RemoteAddr::default(), Prefix::ADDRESS), None);
    }

    #[test]
    fn a_user_is_known_in_a_whole_network() {
        let place = |text: &str| place(text, Prefix::NETWORK);
        assert_eq!(place("10.0.0.1"), place("::ffff:10.0.0.200"));
        assert_ne!(place("10.0.0.1"), place("10.0.1.1"));
        assert_eq!(place("2001:db8::1"), place("2001:db8:0:ffff::1"));
        assert_ne!(place("2001:db8::1"), place("2001:db8:1::1"));
        assert_ne!(place("one"), place("two"));
    }
}
