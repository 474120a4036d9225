//! Room: how much of something all strangers may hold together, and how much of it one network alone.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::network_of;

/// What one network may hold of all room: the part of one in so many.
const SHARE: usize = 4;

/// Up to so many bytes a body or an answer costs what its connection costs, and is not counted: a login always finds room.
pub(in crate::http) const FREE: usize = 4 * 1024;

/// What one household or machine has of addresses: one of IPv4, a /64 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::http) struct Network(IpAddr);

impl Network {
    pub fn of(address: IpAddr) -> Self {
        Self(network_of(address, 32, 64))
    }
}

/// What may be held, in whatever unit its user counts.
#[derive(Debug)]
pub(in crate::http) struct Room {
    all: usize,
    share: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_network: HashMap<Network, usize>,
}

impl Room {
    /// Of so much. Each network has a quarter of it. One thing always finds room where nothing else is held.
    pub fn new(all: usize) -> Arc<Self> {
        Arc::new(Self { all, share: all / SHARE, taken: Mutex::default() })
    }

    /// So much of it, if there is so much. Callers of whom nothing is known have no share of their own.
    pub fn take(self: &Arc<Self>, network: Option<Network>, amount: usize) -> Option<Place> {
        let mut place = Place { room: Arc::clone(self), network, amount: 0 };
        place.grow(amount).then_some(place)
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        let taken = self.taken();
        taken.all == 0 && taken.by_network.is_empty()
    }
}

/// What somebody holds, until it is dropped.
#[derive(Debug)]
pub(in crate::http) struct Place {
    room: Arc<Room>,
    network: Option<Network>,
    amount: usize,
}

impl Place {
    /// Takes so much more. Whether there was so much.
    pub fn grow(&mut self, more: usize) -> bool {
        let mut taken = self.room.taken();
        let all = taken.all.saturating_add(more);
        if all > self.room.all && taken.all > self.amount {
            return false;
        }
        if let Some(network) = self.network {
            let before = taken.by_network.get(&network).copied().unwrap_or_default();
            let of_network = before.saturating_add(more);
            if of_network > self.room.share && before > self.amount {
                return false;
            }
            taken.by_network.insert(network, of_network);
        }
        taken.all = all;
        self.amount = self.amount.saturating_add(more);
        true
    }

    /// How much it is.
    pub const fn amount(&self) -> usize {
        self.amount
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.room.taken();
        taken.all = taken.all.saturating_sub(self.amount);
        let Some(network) = self.network else { return };
        let left = taken.by_network.get(&network).copied().unwrap_or_default().saturating_sub(self.amount);
        if left == 0 {
            taken.by_network.remove(&network);
        } else {
            taken.by_network.insert(network, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> Option<Network> {
        Some(Network::of(address.parse().unwrap()))
    }

    #[test]
    fn a_network_has_a_quarter_and_all_have_no_more_than_there_is() {
        let room = Room::new(100);
        let mut places = vec![room.take(network("192.0.2.1"), 10).unwrap()];
        places.push(room.take(network("192.0.2.1"), 10).unwrap());
        assert!(room.take(network("192.0.2.1"), 6).is_none());
        assert!(places[0].grow(5) && !places[0].grow(1));
        for address in ["192.0.2.2", "2001:db8::1", "::ffff:192.0.2.3"] {
            places.push(room.take(network(address), 25).unwrap());
        }
        // The same /64, and the same address of IPv4.
        assert!(room.take(network("2001:db8::ffff:1"), 1).is_none());
        assert!(room.take(network("192.0.2.3"), 1).is_none());
        assert!(room.take(network("192.0.2.4"), 1).is_none() && room.take(None, 1).is_none());
        places.clear();
        assert!(room.is_empty());
        assert!(room.take(None, 100).is_some());
    }

    #[test]
    fn one_thing_always_fits_where_nothing_is_held() {
        let room = Room::new(10);
        let mut place = room.take(network("192.0.2.1"), 100).unwrap();
        assert!(place.grow(100));
        assert!(room.take(network("192.0.2.2"), 1).is_none());
    }
}
