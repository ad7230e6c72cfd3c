//! Questions the graph answers: what breaks without a key, and which keys hang together.

use super::build::{Edge, EdgeKind, Graph, NodeKind};
use petgraph::Direction;
use petgraph::algo::articulation_points::articulation_points;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex, UnGraph};
use petgraph::unionfind::UnionFind;
use petgraph::visit::{EdgeRef, NodeIndexable};
use std::collections::{BTreeMap, BTreeSet};

/// What depends on one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlastRadius {
    /// Workloads that use it.
    pub consumers: BTreeSet<String>,
    /// Services that they call with it.
    pub services: BTreeSet<String>,
    /// Roles that they enter with it.
    pub roles: BTreeSet<String>,
}

/// Keys that are used from one address by one program: possibly one workload, or several behind one address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SharedConsumer {
    /// The place and program.
    pub origin: String,
    /// The keys.
    pub keys: BTreeSet<String>,
}

/// A network or role that ties keys together which nothing else does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hub {
    /// What it is.
    pub kind: NodeKind,
    /// Its name.
    pub name: String,
    /// The keys whose consumers run in it or assume it.
    pub keys: BTreeSet<String>,
}

/// What ties keys together: consumers and their places, never accounts and services, which all share.
fn ties(kind: EdgeKind, events: u64) -> bool {
    match kind {
        EdgeKind::Uses => true,
        // Only a specific place carries events; pools of addresses are shared by strangers.
        EdgeKind::RunsIn => events > 0,
        _ => false,
    }
}

impl Graph {
    /// Keys that hang together by a shared place, in groups of two and more: they are best migrated together, as one
    /// change of the workload may serve all of them.
    pub fn groups(&self) -> Vec<BTreeSet<String>> {
        let mut sets = UnionFind::new(self.inner.node_bound());
        for edge in self.inner.edge_references().filter(|edge| ties(edge.weight().kind, edge.weight().events))
        {
            sets.union(edge.source().index(), edge.target().index());
        }
        let mut groups: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        for ((kind, name), index) in &self.nodes {
            if *kind == NodeKind::Key {
                groups.entry(sets.find(index.index())).or_default().insert(name.clone());
            }
        }
        let mut groups: Vec<_> = groups.into_values().filter(|keys| keys.len() > 1).collect();
        groups.sort();
        groups
    }

    /// Networks and roles without which keys would no longer hang together: articulation points of what ties keys.
    pub fn hubs(&self) -> Vec<Hub> {
        let mut tied: UnGraph<NodeIndex, ()> = UnGraph::new_undirected();
        let mut places: BTreeMap<NodeIndex, NodeIndex> = BTreeMap::new();
        let tying = |edge: &Edge| ties(edge.kind, edge.events) || edge.kind == EdgeKind::Assumes;
        for edge in self.inner.edge_references().filter(|edge| tying(edge.weight())) {
            let [from, to] = [edge.source(), edge.target()]
                .map(|node| *places.entry(node).or_insert_with(|| tied.add_node(node)));
            tied.update_edge(from, to, ());
        }
        let mut hubs = Vec::new();
        for point in articulation_points(&tied) {
            let Some(node) = tied.node_weight(point).and_then(|index| self.inner.node_weight(*index)) else {
                continue;
            };
            let keys = self.keys_behind(*tied.node_weight(point).unwrap_or(&NodeIndex::end()));
            if matches!(node.kind, NodeKind::Network | NodeKind::Role) && keys.len() > 1 {
                hubs.push(Hub { kind: node.kind, name: node.name.clone(), keys });
            }
        }
        hubs.sort();
        hubs
    }

    /// Keys of the consumers that lead to a node.
    fn keys_behind(&self, node: NodeIndex) -> BTreeSet<String> {
        let consumers = self.inner.neighbors_directed(node, Direction::Incoming);
        let keys = consumers.flat_map(|consumer| {
            self.inner.edges_directed(consumer, Direction::Outgoing).filter_map(|edge| {
                let is_use = edge.weight().kind == EdgeKind::Uses;
                self.inner.node_weight(edge.target()).filter(|_| is_use).map(|key| key.name.clone())
            })
        });
        keys.collect()
    }

    /// Roles that assume each other in a circle, each circle once: none of them can be retired by itself.
    pub fn role_cycles(&self) -> Vec<Vec<String>> {
        let roles: DiGraph<&str, ()> = self.inner.filter_map(
            |_, node| (node.kind == NodeKind::Role).then_some(node.name.as_str()),
            |_, edge| (edge.kind == EdgeKind::Assumes).then_some(()),
        );
        // Tarjan's algorithm would do, but recurses: a chain of roles as long as the logs can forge must not end the stack.
        let mut cycles: Vec<Vec<String>> = kosaraju_scc(&roles)
            .into_iter()
            .filter(|circle| match circle.as_slice() {
                [one] => roles.contains_edge(*one, *one),
                several => several.len() > 1,
            })
            .map(|circle| {
                let names = circle.into_iter().filter_map(|at| roles.node_weight(at));
                let mut names: Vec<String> = names.map(|name| (*name).to_owned()).collect();
                names.sort();
                names
            })
            .collect();
        cycles.sort();
        cycles
    }

    /// What breaks if the key goes; empty where the key is not in the graph or nothing uses it.
    pub fn blast_radius(&self, key: &str) -> BlastRadius {
        let mut radius = BlastRadius::default();
        let Some(key) = self.nodes.get(&(NodeKind::Key, key.to_owned())) else {
            return radius;
        };
        for consumer in self.consumers_of(*key) {
            if let Some(node) = self.inner.node_weight(consumer) {
                radius.consumers.insert(node.name.clone());
            }
            for edge in self.inner.edges_directed(consumer, Direction::Outgoing) {
                let Some(node) = self.inner.node_weight(edge.target()) else {
                    continue;
                };
                match edge.weight().kind {
                    EdgeKind::Calls => radius.services.insert(node.name.clone()),
                    EdgeKind::Assumes => radius.roles.insert(node.name.clone()),
                    _ => false,
                };
            }
        }
        radius
    }

    fn consumers_of(&self, key: NodeIndex) -> Vec<NodeIndex> {
        let uses = self
            .inner
            .edges_directed(key, Direction::Incoming)
            .filter(|edge| edge.weight().kind == EdgeKind::Uses);
        uses.map(|edge| edge.source()).collect()
    }

    /// Places from which one program uses more than one key.
    pub fn shared_consumers(&self) -> Vec<SharedConsumer> {
        let mut keys_by_place: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for ((kind, _), key) in &self.nodes {
            if *kind != NodeKind::Key {
                continue;
            }
            for consumer in self.consumers_of(*key) {
                for edge in self.inner.edges_directed(consumer, Direction::Outgoing) {
                    // Only a specific place carries events; pools of addresses are shared by strangers.
                    if edge.weight().kind == EdgeKind::RunsIn
                        && edge.weight().events > 0
                        && let (Some(place), Some(key)) =
                            (self.inner.node_weight(edge.target()), self.inner.node_weight(*key))
                    {
                        keys_by_place.entry(place.name.clone()).or_default().insert(key.name.clone());
                    }
                }
            }
        }
        keys_by_place
            .into_iter()
            .filter(|(_, keys)| keys.len() > 1)
            .map(|(origin, keys)| SharedConsumer { origin, keys })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Node;

    /// A graph from triples of names; a name's first letter is its kind.
    fn graph(edges: &[(&str, EdgeKind, &str)]) -> Graph {
        let mut graph = Graph::default();
        for (from, kind, to) in edges {
            let [from, to] = [from, to].map(|name| {
                let kind = match name.as_bytes()[0] {
                    b'k' => NodeKind::Key,
                    b'c' => NodeKind::Consumer,
                    b'n' => NodeKind::Network,
                    _ => NodeKind::Role,
                };
                let inner = &mut graph.inner;
                *graph.nodes.entry((kind, (*name).to_owned())).or_insert_with(|| {
                    inner.add_node(Node { kind, name: (*name).to_owned(), label: (*name).to_owned() })
                })
            });
            graph.inner.add_edge(from, to, Edge { kind: *kind, events: 1 });
        }
        graph
    }

    #[test]
    fn groups_hubs_and_circles() {
        use EdgeKind::{Assumes, RunsIn, Uses};
        let graph = graph(&[
            ("c1", Uses, "k1"),
            ("c1", RunsIn, "n1"),
            ("c2", Uses, "k2"),
            ("c2", RunsIn, "n1"),
            ("c3", Uses, "k3"),
            ("c3", Assumes, "r1"),
            ("c4", Uses, "k4"),
            ("c4", Assumes, "r1"),
            ("r1", Assumes, "r2"),
            ("r2", Assumes, "r1"),
            ("r3", Assumes, "r3"),
            ("c5", Uses, "k5"),
        ]);
        let set = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(graph.groups(), [set(&["k1", "k2"])], "a role that two keys assume does not bind them");
        assert_eq!(
            graph.hubs(),
            [
                Hub { kind: NodeKind::Network, name: "n1".into(), keys: set(&["k1", "k2"]) },
                Hub { kind: NodeKind::Role, name: "r1".into(), keys: set(&["k3", "k4"]) },
            ]
        );
        assert_eq!(graph.role_cycles(), [vec!["r1".to_owned(), "r2".to_owned()], vec!["r3".to_owned()]]);
        assert!(Graph::default().hubs().is_empty() && Graph::default().groups().is_empty());
    }
}
