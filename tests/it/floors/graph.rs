//! A directed graph and its circles.

use std::collections::{BTreeMap, BTreeSet};

/// Which node leads to which.
pub(super) type Edges<N> = BTreeMap<N, BTreeSet<N>>;

/// The nodes in groups: in each, all lead to each other; a group comes after those that it leads to. (Tarjan's algorithm.)
pub(super) fn groups<N: Clone + Ord>(nodes: &BTreeSet<N>, edges: &Edges<N>) -> Vec<Vec<N>> {
    let mut search = Search { edges, found: BTreeMap::new(), open: Vec::new(), groups: Vec::new() };
    for node in nodes {
        if !search.found.contains_key(node) {
            search.visit(node);
        }
    }
    search.groups
}

/// The groups of more than one node.
pub(super) fn circles<N: Clone + Ord>(nodes: &BTreeSet<N>, edges: &Edges<N>) -> Vec<Vec<N>> {
    groups(nodes, edges).into_iter().filter(|group| group.len() > 1).collect()
}

struct Search<'a, N> {
    edges: &'a Edges<N>,
    /// For each node that was reached, when that was.
    found: BTreeMap<N, usize>,
    /// Those that were reached and are in no group yet.
    open: Vec<N>,
    groups: Vec<Vec<N>>,
}

impl<N: Clone + Ord> Search<'_, N> {
    /// Follows a node, and tells the first of the open nodes that it leads to.
    fn visit(&mut self, node: &N) -> usize {
        let start = self.found.len();
        self.found.insert(node.clone(), start);
        self.open.push(node.clone());
        let mut lowest = start;
        for next in self.edges.get(node).into_iter().flatten() {
            match self.found.get(next) {
                None => lowest = lowest.min(self.visit(next)),
                Some(when) if self.open.contains(next) => lowest = lowest.min(*when),
                Some(_) => {}
            }
        }
        if lowest == start {
            let first = self.open.iter().position(|open| open == node).unwrap_or_default();
            let mut group = self.open.split_off(first);
            group.sort();
            self.groups.push(group);
        }
        lowest
    }
}

fn letters(text: &str) -> (BTreeSet<char>, Edges<char>) {
    let mut edges: Edges<char> = BTreeMap::new();
    for pair in text.split_whitespace() {
        let mut ends = pair.chars();
        edges.entry(ends.next().unwrap()).or_default().insert(ends.next().unwrap());
    }
    (text.chars().filter(|c| !c.is_whitespace()).collect(), edges)
}

#[test]
fn what_a_node_leads_to_comes_before_it() {
    let (nodes, edges) = letters("ab bc ad dc");
    assert_eq!(groups(&nodes, &edges), [vec!['c'], vec!['b'], vec!['d'], vec!['a']]);
    assert_eq!(circles(&nodes, &edges), Vec::<Vec<char>>::new());
}

#[test]
fn every_circle_is_found_apart_from_the_others() {
    let (nodes, edges) = letters("ab ba bc cd de ec ef xy");
    assert_eq!(circles(&nodes, &edges), [vec!['c', 'd', 'e'], vec!['a', 'b']]);
}

#[test]
fn two_circles_that_share_a_node_are_one() {
    let (nodes, edges) = letters("ab bc ca bd db");
    assert_eq!(circles(&nodes, &edges), [vec!['a', 'b', 'c', 'd']]);
}
