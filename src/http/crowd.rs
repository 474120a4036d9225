//! The connections that are open: how many there may be, and which one goes where there is no room for another.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;

use crate::config::Config;
use crate::http::progress::{Limits, Progress};
use crate::http::request::address::is_trusted;
use crate::http::room::Network;

/// How many connections are accepted beyond those that there may be. They are told that there is no room, or of the
/// server's health.
pub(in crate::http) const RESERVE: usize = 16;

/// The connections of one address that is listened on.
#[derive(Debug)]
pub(in crate::http) struct Crowd {
    limits: Arc<Limits>,
    most: usize,
    most_of_network: usize,
    /// Whose connections are those of many clients.
    trusted: Vec<IpNet>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    all: HashMap<u64, Member>,
    by_network: HashMap<Network, usize>,
    last: u64,
}

#[derive(Debug)]
struct Member {
    network: Option<Network>,
    progress: Arc<Progress>,
}

/// The place of a connection, until it is dropped.
#[derive(Debug)]
pub(in crate::http) struct Ticket {
    crowd: Arc<Crowd>,
    number: u64,
    /// How far the connection is.
    pub progress: Arc<Progress>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.crowd.open().remove(self.number);
        self.crowd.count();
    }
}

impl Crowd {
    /// For so many connections at most.
    pub fn new(config: &Config, most: usize) -> Arc<Self> {
        let http = &config.http;
        Arc::new(Self {
            limits: Arc::new(Limits::new(config)),
            most,
            most_of_network: http.max_connections_per_address,
            trusted: http.trusted_proxies.clone(),
            open: Mutex::default(),
        })
    }

    /// How many connections there may be, those in reserve included.
    pub const fn most(&self) -> usize {
        self.most.saturating_add(RESERVE)
    }

    /// A place for a connection that was accepted. Where there is no room, one that waits for its client goes, of the same
    /// network if that has too many. If none waits, the new one is there to be told so.
    pub fn enter(self: &Arc<Self>, peer: IpAddr) -> Ticket {
        let network = (!is_trusted(peer, &self.trusted)).then(|| Network::of(peer));
        let mut open = self.open();
        let of_network =
            network.and_then(|network| open.by_network.get(&network)).copied().unwrap_or_default();
        let too_many_of_network = (of_network + 1).saturating_sub(self.most_of_network);
        let has_share = open.dismiss(too_many_of_network, |member| member.network == network);
        let too_many = (open.all.len() + 1).saturating_sub(self.most);
        let is_reserve = !has_share || !open.dismiss(too_many, |_| true);
        let progress = Progress::new(Arc::clone(&self.limits), is_reserve);
        open.last += 1;
        let number = open.last;
        open.all.insert(number, Member { network, progress: Arc::clone(&progress) });
        if let Some(network) = network {
            *open.by_network.entry(network).or_default() += 1;
        }
        drop(open);
        self.count();
        Ticket { crowd: Arc::clone(self), number, progress }
    }

    /// Has the connection closed that can be missed most easily.
    pub fn make_room(&self) {
        self.open().dismiss(1, |_| true);
        self.count();
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From three quarters on silence is short.
    fn count(&self) {
        let is_crowded = self.open().all.len() >= self.most - self.most / 4;
        self.limits.is_crowded.store(is_crowded, Ordering::Relaxed);
    }
}

impl Open {
    /// Has so many of these connections closed: those that have waited longest for a request, then for the head of one.
    /// None, if there are not so many.
    fn dismiss(&mut self, count: usize, is_meant: impl Fn(&Member) -> bool) -> bool {
        if count == 0 {
            return true;
        }
        let meant = self.all.iter().filter(|(_, member)| is_meant(member));
        let waiting = meant.filter_map(|(number, member)| Some((member.progress.waiting()?, *number)));
        let mut waiting: Vec<_> = waiting.collect();
        if waiting.len() < count {
            return false;
        }
        waiting.sort_unstable();
        for (_, number) in waiting.into_iter().take(count) {
            if let Some(progress) = self.remove(number) {
                progress.leave();
            }
        }
        true
    }

    fn remove(&mut self, number: u64) -> Option<Arc<Progress>> {
        let Member { network, progress } = self.all.remove(&number)?;
        if let Some(network) = network
            && let Some(count) = self.by_network.get_mut(&network)
        {
            *count -= 1;
            if *count == 0 {
                self.by_network.remove(&network);
            }
        }
        Some(progress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd(most: usize, of_address: usize) -> Arc<Crowd> {
        let mut config = Config::default();
        config.http.max_connections_per_address = of_address;
        config.http.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        Crowd::new(&config, most)
    }

    fn peer(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn where_there_is_no_room_those_go_that_wait_and_who_is_busy_stays() {
        let crowd = crowd(3, 3);
        let tickets = [1, 2, 3].map(|last| crowd.enter(peer(last)));
        let numbers = |crowd: &Crowd| {
            let mut numbers: Vec<u64> = crowd.open().all.keys().copied().collect();
            numbers.sort_unstable();
            numbers
        };
        // The first has a request under way, the second had one, the third sends its head.
        let busy = tickets[0].progress.request();
        drop(tickets[1].progress.request());
        let fourth = crowd.enter(peer(4));
        assert!(!fourth.progress.is_reserve);
        assert_eq!(numbers(&crowd), [1, 3, 4]);
        let fifth = crowd.enter(peer(5));
        assert_eq!(numbers(&crowd), [1, 4, 5]);
        // An answer that is not read yet is no reason to go.
        let unread = fourth.progress.answer(10);
        let request = fifth.progress.request();
        assert!(crowd.enter(peer(6)).progress.is_reserve);
        drop((busy, unread, request));
        assert!(!crowd.enter(peer(6)).progress.is_reserve);
        drop(tickets);
        drop((fourth, fifth));
        let open = crowd.open();
        assert!(open.all.is_empty() && open.by_network.is_empty());
    }

    #[test]
    fn an_address_has_no_more_than_its_own_and_a_trusted_proxy_has_any_number() {
        let crowd = crowd(100, 2);
        let tickets: Vec<Ticket> = [1, 1, 2].map(|last| crowd.enter(peer(last))).into();
        let busy: Vec<_> = tickets.iter().map(|ticket| ticket.progress.request()).collect();
        assert!(crowd.enter(peer(1)).progress.is_reserve);
        assert!(!crowd.enter(peer(2)).progress.is_reserve);
        drop(busy);
        // Its own connection goes, and no other's.
        let next = crowd.enter(peer(1));
        assert!(!next.progress.is_reserve);
        assert!(crowd.open().all.contains_key(&3));
        let proxied: Vec<Ticket> = (0..10).map(|_| crowd.enter([10, 0, 0, 1].into())).collect();
        assert!(proxied.iter().all(|ticket| !ticket.progress.is_reserve));
    }
}
