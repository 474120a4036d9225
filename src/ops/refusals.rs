//! Refusals. Anybody can cause them, as many as they like: each is a line in the log, and the database has few rows of them.
//!
//! | of whom | rows |
//! |---|---|
//! | a caller without a session | one for each minute, operation, result and address, with their number |
//! | a user, a site, the process itself | the first of each minute, operation and result, as it was; the others of it are one row more |

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

use crate::crypto::audit::AuditKeys;
use crate::domain::{AuditEvent, Random, RemoteAddr, Result, Timestamp, network_of, time_ordered_uuid};
use crate::ops::audit::chain::digest_of_event;
use crate::store::{self, Db};

/// How many rows one minute has at most, but for those of all other addresses together.
const MAX_ROWS: usize = 1_000;

/// In place of an address that there was no room for.
const OTHERS: &str = "others";

/// The longest notes that are kept of a refusal, in bytes.
const MAX_NOTES: usize = 1_024;

/// How many rows one transaction writes at most.
const BATCH: usize = 100;

const MICROS_PER_MINUTE: i64 = 60_000_000;

/// Whose refusal it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::ops) enum Refused {
    /// Of somebody who has not shown who they are.
    Stranger,
    /// Of a user, a site, or, if it is empty, the process itself.
    Known(String),
}

/// What became of a refusal that was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ops) enum Counting {
    /// It is the first of its kind in this minute, and the caller writes it.
    First,
    /// It is one of those that a later row is about.
    More,
}

/// What was refused and is not in the database yet.
#[derive(Debug, Default)]
pub(in crate::ops) struct Refusals(Mutex<Waiting>);

/// Strangers take no room from others, whose first refusals are written at once.
#[derive(Debug, Default)]
struct Waiting {
    strangers: HashMap<Key, Counted>,
    others: HashMap<Key, Counted>,
}

/// What one row is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::ops) struct Key {
    minute: i64,
    op: &'static str,
    result: &'static str,
    by: Refused,
    place: String,
}

/// The refusals of a row.
#[derive(Debug)]
pub(in crate::ops) struct Counted {
    count: u64,
    /// The first of them, and of what it says all that the others say too.
    event: AuditEvent,
}

impl Refusals {
    /// Counts one. What it takes in memory is bounded, however many there are and from wherever.
    pub fn count(&self, event: &AuditEvent, by: Refused) -> Counting {
        let minute = event.time.as_micros().div_euclid(MICROS_PER_MINUTE);
        let (op, result) = (event.op, event.result.as_str());
        let place = place_of(&event.remote_addr);
        let mut event = AuditEvent { remote_addr: place.clone(), ..event.clone() };
        if event.extra.iter().map(|(_, value)| value.len()).sum::<usize>() > MAX_NOTES {
            event.extra.clear();
        }
        let mut waiting = self.lock();
        if by == Refused::Stranger {
            let mut key = Key { minute, op, result, by, place: place.joined() };
            if waiting.strangers.len() >= MAX_ROWS && !waiting.strangers.contains_key(&key) {
                OTHERS.clone_into(&mut key.place);
                event.remote_addr = RemoteAddr::from(OTHERS);
            }
            Counted::add(&mut waiting.strangers, key, Counted { count: 1, event });
            return Counting::More;
        }
        let mut key = Key { minute, op, result, by, place: String::new() };
        let is_known = waiting.others.contains_key(&key);
        if !is_known && waiting.others.len() < MAX_ROWS {
            waiting.others.insert(key, Counted { count: 0, event });
            return Counting::First;
        }
        if !is_known {
            key.by = Refused::Known(OTHERS.to_owned());
            event.current_user = None;
        }
        Counted::add(&mut waiting.others, key, Counted { count: 1, event });
        Counting::More
    }

    /// Keeps an entry that the database could not take, to be written with the others: a row of its own, as long as there is
    /// room.
    pub fn keep(&self, event: &AuditEvent) {
        let minute = event.time.as_micros().div_euclid(MICROS_PER_MINUTE);
        let place = event.cid.as_str().to_owned();
        let key = Key { minute, op: event.op, result: event.result.as_str(), by: Refused::Stranger, place };
        let mut waiting = self.lock();
        if waiting.strangers.len() < MAX_ROWS || waiting.strangers.contains_key(&key) {
            Counted::add(&mut waiting.strangers, key, Counted { count: 1, event: event.clone() });
        } else {
            drop(waiting);
            self.count(event, Refused::Stranger);
        }
    }

    /// Takes those of minutes that are past.
    pub fn take_before(&self, now: Timestamp) -> Vec<(Key, Counted)> {
        let minute = now.as_micros().div_euclid(MICROS_PER_MINUTE);
        let mut waiting = self.lock();
        let Waiting { strangers, others } = &mut *waiting;
        let is_past = |key: &Key, _: &mut Counted| key.minute != minute;
        let past = strangers.extract_if(is_past).chain(others.extract_if(is_past));
        past.filter(|(_, row)| row.count > 0).collect()
    }

    pub fn take_all(&self) -> Vec<(Key, Counted)> {
        let mut waiting = self.lock();
        let Waiting { strangers, others } = &mut *waiting;
        strangers.drain().chain(others.drain()).filter(|(_, row)| row.count > 0).collect()
    }

    /// Writes them to the database.
    ///
    /// # Errors
    /// When the database cannot answer; then they are kept for the next time.
    pub async fn write(
        &self,
        mut rows: Vec<(Key, Counted)>,
        db: &Db,
        random: &dyn Random,
        keys: &AuditKeys,
    ) -> Result<()> {
        rows.sort_by_key(|(_, row)| row.event.time.as_micros());
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(BATCH));
            if let Err(error) = write_batch(&rows, db, random, keys).await {
                rows.extend(rest);
                self.put_back(rows);
                return Err(error);
            }
            rows = rest;
        }
        Ok(())
    }

    /// Takes back what could not be written, as far as there is room.
    fn put_back(&self, rows: Vec<(Key, Counted)>) {
        let mut waiting = self.lock();
        for (key, row) in rows {
            let counted =
                if key.by == Refused::Stranger { &mut waiting.strangers } else { &mut waiting.others };
            if counted.len() < MAX_ROWS.saturating_mul(2) || counted.contains_key(&key) {
                Counted::add(counted, key, row);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    fn add(counted: &mut HashMap<Key, Self>, key: Key, more: Self) {
        let Some(known) = counted.get_mut(&key) else {
            counted.insert(key, more);
            return;
        };
        known.count = known.count.saturating_add(more.count);
        if known.event.target_user != more.event.target_user {
            known.event.target_user = None;
        }
        if known.event.current_app != more.event.current_app {
            known.event.current_app.clear();
        }
        if known.event.how != more.event.how {
            known.event.how = None;
        }
        if known.event.remote_addr != more.event.remote_addr {
            known.event.remote_addr = RemoteAddr::default();
        }
        known.event.extra.retain(|note| more.event.extra.contains(note));
    }

    /// What else there is to know, as JSON: how many there were, and what all of them say.
    fn extra(&self) -> String {
        let notes =
            self.event.extra.iter().map(|(name, text)| ((*name).to_owned(), Value::from(text.as_str())));
        let all: Map<_, _> = notes.chain([("count".to_owned(), Value::from(self.count))]).collect();
        Value::Object(all).to_string()
    }
}

async fn write_batch(rows: &[(Key, Counted)], db: &Db, random: &dyn Random, keys: &AuditKeys) -> Result<()> {
    let mut tx = db.write().await?;
    for (_, row) in rows {
        let audit_id = time_ordered_uuid(row.event.time, random)?;
        let extra = row.extra();
        let digest = keys.newest().map(|key| digest_of_event(key, audit_id, &row.event, &extra));
        store::audit::insert(&mut tx, audit_id, &row.event, &extra, digest.as_deref()).await?;
    }
    tx.commit().await
}

/// The address as rows have it: of IPv6, the network that one owner has.
fn place_of(remote_addr: &RemoteAddr) -> RemoteAddr {
    let texts = remote_addr.joined();
    let parts = texts.split(", ").zip(remote_addr.ips());
    RemoteAddr::new(parts.map(|(text, ip)| match ip.map(|ip| network_of(ip, 32, 64)) {
        Some(network @ IpAddr::V6(_)) => format!("{network}/64"),
        Some(ip) => ip.to_string(),
        None => text.to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AuditKind, AuditResult, Cid, Code, UserId};

    fn event(time: i64, address: &str) -> AuditEvent {
        AuditEvent {
            time: Timestamp::from_micros(time),
            cid: Cid::new("test"),
            op: "user.login",
            kind: AuditKind::Change,
            current_user: None,
            target_user: None,
            result: AuditResult::Refused(Code::AuthNotAllowed),
            current_app: "CRM".to_owned(),
            remote_addr: RemoteAddr::from(address),
            how: None,
            extra: Vec::new(),
        }
    }

    fn rows(refusals: &Refusals) -> Vec<(String, u64)> {
        let taken = refusals.take_all();
        let mut rows: Vec<_> =
            taken.iter().map(|(_, row)| (row.event.remote_addr.joined(), row.count)).collect();
        rows.sort();
        rows
    }

    #[test]
    fn a_row_is_about_one_minute_one_kind_and_one_address() {
        let refusals = Refusals::default();
        for address in
            ["10.0.0.1", "::ffff:10.0.0.1", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "", "text"]
        {
            refusals.count(&event(0, address), Refused::Stranger);
        }
        let expected =
            [("", 1), ("10.0.0.1", 2), ("2001:db8:0:1::/64", 1), ("2001:db8::/64", 2), ("text", 1)];
        assert_eq!(rows(&refusals), expected.map(|(place, count)| (place.to_owned(), count)));
        refusals.count(&event(59_999_999, ""), Refused::Stranger);
        refusals.count(&event(60_000_000, ""), Refused::Stranger);
        refusals.count(&AuditEvent { op: "user.logout", ..event(60_000_000, "") }, Refused::Stranger);
        let result = AuditResult::Refused(Code::AuthRateLimited);
        refusals.count(&AuditEvent { result, ..event(60_000_000, "") }, Refused::Stranger);
        let past = refusals.take_before(Timestamp::from_micros(119_999_999));
        assert_eq!(past.iter().map(|(key, _)| key.minute).collect::<Vec<_>>(), [0]);
        assert_eq!(refusals.take_all().len(), 3);
    }

    #[test]
    fn a_row_says_what_all_of_its_refusals_say() {
        let refusals = Refusals::default();
        let random = crate::domain::SystemRandom;
        let (one, other) = (UserId::random(&random).unwrap(), UserId::random(&random).unwrap());
        let about = |user: &UserId, note: &str| AuditEvent {
            target_user: Some(user.clone()),
            extra: vec![("reason", "same".to_owned()), ("note", note.to_owned())],
            ..event(0, "")
        };
        refusals.count(&about(&one, "a"), Refused::Stranger);
        refusals.count(&about(&one, "b"), Refused::Stranger);
        let [(key, row)] = refusals.take_all().try_into().unwrap();
        assert_eq!(row.event.target_user.as_ref(), Some(&one));
        assert_eq!(row.extra(), r#"{"reason":"same","count":2}"#);
        refusals.put_back(vec![(key, row)]);
        refusals.count(
            &AuditEvent { current_app: "Billing".to_owned(), ..about(&other, "b") },
            Refused::Stranger,
        );
        let [(_, row)] = refusals.take_all().try_into().unwrap();
        assert_eq!((row.count, row.event.target_user.as_ref()), (3, None));
        assert_eq!(row.event.current_app, "");
    }

    #[test]
    fn what_it_holds_is_bounded() {
        let refusals = Refusals::default();
        for number in 0..50_000_u32 {
            let address = format!("10.{}.{}.{}", number >> 16, number >> 8 & 255, number & 255);
            let extra = vec![("note", "x".repeat(2_000))];
            refusals.count(&AuditEvent { extra, ..event(0, &address) }, Refused::Stranger);
        }
        assert!(refusals.lock().strangers.values().all(|row| row.event.extra.is_empty()));
        let rows = rows(&refusals);
        assert_eq!(rows.len(), MAX_ROWS + 1);
        assert!(rows.contains(&(OTHERS.to_owned(), 50_000 - MAX_ROWS as u64)));
    }
    #[test]
    fn of_a_user_the_first_of_a_minute_is_written_and_the_others_are_counted() {
        let refusals = Refusals::default();
        let random = crate::domain::SystemRandom;
        let users = [UserId::random(&random).unwrap(), UserId::random(&random).unwrap()];
        let count = |user: &UserId, time: i64, address: &str| {
            let event = AuditEvent { current_user: Some(user.clone()), ..event(time, address) };
            refusals.count(&event, Refused::Known(user.to_string()))
        };
        for user in &users {
            assert_eq!(count(user, 0, "10.0.0.1"), Counting::First);
        }
        // What was written is in no row of its own.
        assert!(refusals.take_all().is_empty());
        assert_eq!(count(&users[0], 0, "10.0.0.1"), Counting::First);
        for address in ["10.0.0.1", "10.0.0.2"] {
            assert_eq!(count(&users[0], 59_999_999, address), Counting::More);
        }
        assert_eq!(count(&users[0], 60_000_000, "10.0.0.1"), Counting::First);
        let [(_, row)] = refusals.take_before(Timestamp::from_micros(60_000_000)).try_into().unwrap();
        assert_eq!((row.count, row.event.current_user.as_ref()), (2, Some(&users[0])));
        assert_eq!(row.event.remote_addr.joined(), "");
        // Many users together are bounded too.
        let firsts = (0..2_000).filter(|_| {
            let user = UserId::random(&random).unwrap();
            count(&user, 120_000_000, "10.0.0.1") == Counting::First
        });
        assert!(firsts.count() <= MAX_ROWS);
    }
}
