//! Builds the graph from attributed keys. Nodes and edges are sorted, so the same input gives the same graph.

use crate::attribution::Attribution;
use crate::model::AccessKeyId;
use petgraph::graph::{DiGraph, EdgeIndex, NodeIndex};
use std::collections::{BTreeMap, HashMap};

/// Kinds of node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKind {
    /// An AWS account.
    Account,
    /// An IAM user, or root.
    User,
    /// An access key.
    Key,
    /// A path of sessions derived from a key.
    Session,
    /// A workload.
    Consumer,
    /// Where a workload runs.
    Network,
    /// An AWS service.
    Service,
    /// One call of a service's API.
    Action,
    /// What calls acted on, by ARN or pattern.
    Resource,
    /// A role that a workload assumes today.
    Role,
    /// A replacement that is recommended.
    Replacement,
}

impl NodeKind {
    /// Stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::User => "user",
            Self::Key => "key",
            Self::Session => "session",
            Self::Consumer => "consumer",
            Self::Network => "network",
            Self::Service => "service",
            Self::Action => "action",
            Self::Resource => "resource",
            Self::Role => "role",
            Self::Replacement => "replacement",
        }
    }
}

/// A node: its kind, a unique name, and a label for people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node {
    /// Kind.
    pub kind: NodeKind,
    /// Unique among its kind.
    pub name: String,
    /// For people.
    pub label: String,
}

/// Kinds of edge, read from source to target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EdgeKind {
    /// An account holds a user, a user a key.
    Holds,
    /// A consumer uses a key.
    Uses,
    /// A consumer runs in a network.
    RunsIn,
    /// A consumer calls a service or one of its actions.
    Calls,
    /// An action is part of a service.
    PartOf,
    /// A key's calls acted on a resource.
    ActsOn,
    /// A key hands out a session.
    Mints,
    /// A consumer, or a session of a role, assumes a role.
    Assumes,
    /// A consumer would move to a replacement.
    MovesTo,
}

impl EdgeKind {
    /// Stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Uses => "uses",
            Self::RunsIn => "runs-in",
            Self::Calls => "calls",
            Self::PartOf => "part-of",
            Self::ActsOn => "acts-on",
            Self::Mints => "mints",
            Self::Assumes => "assumes",
            Self::MovesTo => "moves-to",
        }
    }
}

/// An edge with the number of events behind it; 0 where it is a fact and no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Kind.
    pub kind: EdgeKind,
    /// Events.
    pub events: u64,
}

/// A consumer with at most so many addresses has a place of its own; with more, addresses come from a pool.
const FIXED_ADDRESSES: usize = 4;

/// One key's part of the graph.
pub struct GraphInput<'a> {
    /// Key id.
    pub key: &'a AccessKeyId,
    /// Account id, or `unknown`.
    pub account: &'a str,
    /// User name.
    pub user: &'a str,
    /// Its use.
    pub attribution: &'a Attribution,
    /// Titles of the replacements, in the order of the consumers.
    pub replacements: &'a [&'a str],
    /// Whether actions are drawn, too.
    pub actions: bool,
    /// What its calls acted on, where that is drawn.
    pub resources: &'a [String],
}

/// The dependency graph.
#[derive(Default)]
pub struct Graph {
    pub(super) inner: DiGraph<Node, Edge>,
    pub(super) nodes: BTreeMap<(NodeKind, String), NodeIndex>,
    edges: HashMap<(NodeIndex, NodeIndex, EdgeKind), EdgeIndex>,
}

impl Graph {
    /// Builds the graph of all keys.
    pub fn build<'a>(keys: impl IntoIterator<Item = GraphInput<'a>>) -> Self {
        let mut graph = Self::default();
        for input in keys {
            graph.add_key(&input);
        }
        graph
    }

    fn add_key(&mut self, input: &GraphInput<'_>) {
        let account = self.node(NodeKind::Account, input.account.to_owned(), input.account);
        let user = self.node(NodeKind::User, format!("{}/{}", input.account, input.user), input.user);
        let key = self.node(NodeKind::Key, input.key.to_string(), input.key.as_str());
        self.edge(account, user, EdgeKind::Holds, 0);
        self.edge(user, key, EdgeKind::Holds, 0);
        for resource in input.resources {
            let at = self.node(NodeKind::Resource, resource.clone(), resource);
            self.edge(key, at, EdgeKind::ActsOn, 0);
        }
        for (n, consumer) in input.attribution.consumers.iter().enumerate() {
            let label = format!("{} – {}", consumer.kind.title(), consumer.origin);
            let at = self.node(NodeKind::Consumer, consumer.id.clone(), &label);
            self.edge(at, key, EdgeKind::Uses, consumer.stats.count);
            if consumer.origin.is_specific() && consumer.addresses.len() <= FIXED_ADDRESSES {
                for (address, events) in &consumer.addresses {
                    let programs: Vec<&str> = consumer.programs.keys().map(String::as_str).collect();
                    let name = format!("{} at {address}", programs.join(", "));
                    let network = self.node(NodeKind::Network, name.clone(), &name);
                    self.edge(at, network, EdgeKind::RunsIn, *events);
                }
            } else {
                for place in &consumer.places {
                    let name = place.to_string();
                    let network = self.node(NodeKind::Network, name.clone(), &name);
                    self.edge(at, network, EdgeKind::RunsIn, 0);
                }
            }
            for ((source, call), calls) in &consumer.calls {
                let name = source.trim_end_matches(".amazonaws.com");
                let service = self.node(NodeKind::Service, name.to_owned(), name);
                self.edge(at, service, EdgeKind::Calls, calls.count);
                if input.actions {
                    let action = format!("{name}:{call}");
                    let action = self.node(NodeKind::Action, action.clone(), &action);
                    self.edge(at, action, EdgeKind::Calls, calls.count);
                    self.edge(action, service, EdgeKind::PartOf, 0);
                }
            }
            for role in &consumer.roles {
                let role =
                    self.node(NodeKind::Role, role.to_string(), role.rsplit('/').next().unwrap_or(role));
                self.edge(at, role, EdgeKind::Assumes, 0);
            }
            for (path, events) in &consumer.session_paths {
                let session = self.node(NodeKind::Session, format!("{} {path}", input.key), path);
                self.edge(key, session, EdgeKind::Mints, *events);
                self.role_chain(at, path, *events);
            }
            if let Some(title) = input.replacements.get(n).filter(|title| !title.is_empty()) {
                let replacement = self.node(NodeKind::Replacement, (*title).to_owned(), title);
                self.edge(at, replacement, EdgeKind::MovesTo, 0);
            }
        }
    }

    /// The roles that a session path leads through, each assumed with the session of the one before.
    fn role_chain(&mut self, consumer: NodeIndex, path: &str, events: u64) {
        let mut from = consumer;
        for role in path.split(" > ").filter_map(|step| step.split(' ').nth(1)) {
            let to = self.node(NodeKind::Role, role.to_owned(), role.rsplit('/').next().unwrap_or(role));
            self.edge(from, to, EdgeKind::Assumes, events);
            from = to;
        }
    }

    fn node(&mut self, kind: NodeKind, name: String, label: &str) -> NodeIndex {
        let inner = &mut self.inner;
        *self.nodes.entry((kind, name)).or_insert_with_key(|(_, name)| {
            inner.add_node(Node { kind, name: name.clone(), label: label.to_owned() })
        })
    }

    fn edge(&mut self, from: NodeIndex, to: NodeIndex, kind: EdgeKind, events: u64) {
        let inner = &mut self.inner;
        // Looked up by its ends: a node can have as many edges as there are keys.
        let index = *self
            .edges
            .entry((from, to, kind))
            .or_insert_with(|| inner.add_edge(from, to, Edge { kind, events: 0 }));
        if let Some(edge) = inner.edge_weight_mut(index) {
            edge.events += events;
        }
    }

    /// All nodes, sorted, each with its position in this list as its number.
    pub fn nodes(&self) -> Vec<&Node> {
        self.nodes.values().filter_map(|index| self.inner.node_weight(*index)).collect()
    }

    /// All edges, sorted, as (source, target, edge) with the numbers of [`Graph::nodes`].
    pub fn edges(&self) -> Vec<(usize, usize, Edge)> {
        let numbers: BTreeMap<NodeIndex, usize> =
            self.nodes.values().enumerate().map(|(n, index)| (*index, n)).collect();
        let mut edges: Vec<_> = self
            .inner
            .edge_indices()
            .filter_map(|edge| {
                let (from, to) = self.inner.edge_endpoints(edge)?;
                Some((*numbers.get(&from)?, *numbers.get(&to)?, *self.inner.edge_weight(edge)?))
            })
            .collect();
        edges.sort();
        edges
    }
}
