//! Questions the graph answers: what breaks without a key, and which keys hang together.

use super::build::{EdgeKind, Graph, NodeKind};
use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
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

impl Graph {
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
