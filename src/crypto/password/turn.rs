//! Whose turn it is to have a password hashed: calls wait in two queues, one for logins and one for everything else, and in each
//! of them places take turns.
//!
//! A flood from one place so makes others wait for one of its calls at a time, and a flood of sign-ups or resets leaves logins
//! three of four turns. What all that wait hold in memory is bounded; half of it is for logins alone.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

tokio::task_local! {
    static TURN: Option<Turn>;
}

/// Of so many turns, the last one is that of calls that are no logins, if both wait.
const TURNS: u32 = 4;

/// The part of the memory that one place may take, where there are places.
const PLACES: usize = 8;

/// For whom passwords are hashed: set for a task by [`on_behalf`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Whether somebody logs in.
    pub is_login: bool,
    /// The network that the caller is in. Those without one are not told apart.
    pub place: Option<String>,
}

impl Turn {
    /// That of the task that asks.
    pub(super) fn current() -> Self {
        TURN.try_with(Clone::clone).ok().flatten().unwrap_or_default()
    }
}

/// Does work on behalf of somebody: whatever it has hashed waits in their turn. None: on nobody's behalf.
pub fn on_behalf<F: Future>(turn: Option<Turn>, work: F) -> impl Future<Output = F::Output> {
    TURN.scope(turn, work)
}

/// Something that waits.
pub(super) trait Waiting: Send {
    /// Whether nobody waits for it any more.
    fn is_given_up(&self) -> bool;
}

/// What waits, of whomever.
#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    wake: Condvar,
    max_bytes: usize,
}

#[derive(Debug)]
struct State<T> {
    logins: Lane<T>,
    others: Lane<T>,
    turns: u32,
    is_closed: bool,
}

/// Why something is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// There is no room.
    Full,
    /// Nothing is taken any more.
    Closed,
}

impl<T: Waiting> Queue<T> {
    pub fn new(max_bytes: usize) -> Self {
        let state = State { logins: Lane::default(), others: Lane::default(), turns: 0, is_closed: false };
        Self { state: Mutex::new(state), wake: Condvar::new(), max_bytes }
    }

    /// Has something wait that takes so many bytes.
    pub fn push(&self, turn: Turn, bytes: usize, waiting: T) -> Result<(), NotTaken> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(NotTaken::Closed);
        }
        let Turn { is_login, place } = turn;
        let half = self.max_bytes.div_ceil(2);
        // Of one that waits alone, the size does not matter.
        let fits = |used: usize, most: usize| used == 0 || used.saturating_add(bytes) <= most;
        let State { logins, others, .. } = &mut *state;
        let is_room = if is_login {
            fits(logins.bytes, half) || fits(logins.bytes.saturating_add(others.bytes), self.max_bytes)
        } else {
            fits(others.bytes, half)
        };
        let lane = if is_login { logins } else { others };
        let is_room_for_place =
            place.as_ref().is_none_or(|place| fits(lane.bytes_of(place), self.max_bytes.div_ceil(PLACES)));
        if !is_room || !is_room_for_place {
            return Err(NotTaken::Full);
        }
        lane.push(place.unwrap_or_default(), bytes, waiting);
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    /// Takes what is next, and waits for it. None once the queue is closed and empty.
    pub fn pop(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(next) = state.next() {
                return Some(next);
            }
            if state.is_closed {
                return None;
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// How many logins wait, and how many of everything else. Those that were given up and not met with since count.
    pub fn waiting(&self) -> (usize, usize) {
        let State { logins, others, .. } = &*self.lock();
        (logins.len(), others.len())
    }

    /// Takes nothing any more. What waits is still taken.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.wake.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Waiting> State<T> {
    /// The next one that somebody still waits for.
    fn next(&mut self) -> Option<T> {
        loop {
            let is_others_turn = self.turns % TURNS == TURNS - 1;
            let (first, second) = if is_others_turn {
                (&mut self.others, &mut self.logins)
            } else {
                (&mut self.logins, &mut self.others)
            };
            let next = first.pop().or_else(|| second.pop())?;
            if !next.is_given_up() {
                self.turns = self.turns.wrapping_add(1);
                return Some(next);
            }
        }
    }
}

/// Places that take turns.
#[derive(Debug)]
struct Lane<T> {
    /// Those where something waits, in the order of their turns.
    order: VecDeque<String>,
    places: HashMap<String, Place<T>>,
    bytes: usize,
}

#[derive(Debug)]
struct Place<T> {
    waiting: VecDeque<(usize, T)>,
    bytes: usize,
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self { order: VecDeque::new(), places: HashMap::new(), bytes: 0 }
    }
}

impl<T> Lane<T> {
    fn len(&self) -> usize {
        self.places.values().map(|place| place.waiting.len()).sum()
    }

    fn bytes_of(&self, place: &str) -> usize {
        self.places.get(place).map_or(0, |place| place.bytes)
    }

    fn push(&mut self, place: String, bytes: usize, waiting: T) {
        if !self.places.contains_key(&place) {
            self.order.push_back(place.clone());
        }
        let place = self.places.entry(place).or_insert_with(|| Place { waiting: VecDeque::new(), bytes: 0 });
        place.waiting.push_back((bytes, waiting));
        place.bytes = place.bytes.saturating_add(bytes);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    fn pop(&mut self) -> Option<T> {
        let name = self.order.pop_front()?;
        let place = self.places.get_mut(&name)?;
        let (bytes, next) = place.waiting.pop_front()?;
        place.bytes = place.bytes.saturating_sub(bytes);
        self.bytes = self.bytes.saturating_sub(bytes);
        if place.waiting.is_empty() {
            self.places.remove(&name);
        } else {
            self.order.push_back(name);
        }
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Job(&'static str, bool);

    impl Waiting for Job {
        fn is_given_up(&self) -> bool {
            self.1
        }
    }

    fn turn(is_login: bool, place: &str) -> Turn {
        Turn { is_login, place: (!place.is_empty()).then(|| place.to_owned()) }
    }

    fn taken(queue: &Queue<Job>) -> String {
        queue.close();
        let all: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|job| job.0).collect();
        all.join("")
    }

    #[test]
    fn places_take_turns_and_each_is_served_in_order() {
        let queue = Queue::new(1_000_000);
        for (place, name) in [("x", "a"), ("x", "b"), ("x", "c"), ("y", "1"), ("x", "d"), ("y", "2")] {
            queue.push(turn(true, place), 1, Job(name, false)).unwrap();
        }
        assert_eq!(taken(&queue), "a1b2cd");
    }

    #[test]
    fn logins_have_three_of_four_turns() {
        let queue = Queue::new(1_000_000);
        for _ in 0..6 {
            queue.push(turn(false, ""), 1, Job("o", false)).unwrap();
            queue.push(turn(true, ""), 1, Job("l", false)).unwrap();
        }
        assert_eq!(taken(&queue), "lllolllooooo");
    }

    #[test]
    fn who_has_gone_away_has_no_turn() {
        let queue = Queue::new(1_000_000);
        for (name, is_given_up) in [("a", true), ("b", false), ("c", true)] {
            queue.push(turn(true, ""), 1, Job(name, is_given_up)).unwrap();
        }
        assert_eq!(taken(&queue), "b");
    }

    #[test]
    fn half_of_the_room_is_for_logins_and_no_place_takes_all_of_it() {
        let queue = Queue::new(800);
        let fill = |is_login: bool, place: &str| {
            (0..1_000).take_while(|_| queue.push(turn(is_login, place), 10, Job("", false)).is_ok()).count()
        };
        assert_eq!(fill(false, "x"), 10, "an eighth");
        assert_eq!(fill(false, ""), 30, "half of it together");
        assert_eq!(fill(true, "x"), 10);
        assert_eq!(fill(true, "y"), 10);
        assert_eq!(fill(true, ""), 20);
        assert_eq!(queue.push(turn(true, "z"), 10, Job("", false)), Err(NotTaken::Full));
        // Where nothing else waits, logins have all of it.
        let queue = Queue::new(800);
        let logins = (0..1_000).take_while(|_| queue.push(turn(true, ""), 10, Job("", false)).is_ok());
        assert_eq!(logins.count(), 80);
        // What is larger than all the room can still be alone.
        let queue = Queue::new(8);
        queue.push(turn(true, "x"), 100, Job("a", false)).unwrap();
        queue.close();
        assert_eq!(queue.push(turn(true, "x"), 1, Job("b", false)), Err(NotTaken::Closed));
        assert_eq!(queue.pop().map(|job| job.0), Some("a"));
        assert_eq!(queue.pop().map(|job| job.0), None);
    }

    #[tokio::test]
    async fn work_is_done_on_behalf_of_somebody() {
        assert_eq!(Turn::current(), Turn::default());
        let ann = turn(true, "ann");
        let within = on_behalf(Some(ann.clone()), async { Turn::current() });
        assert_eq!(within.await, ann);
        assert_eq!(on_behalf(None, async { Turn::current() }).await, Turn::default());
    }
}
