//! The dependency graph as DOT, GraphML, Mermaid and JSON.

use super::svg::svg;
use super::text::{clean, json as json_text};
use crate::graph::{Graph, Node, NodeKind};
use serde_json::json;
use std::fmt::Write;

/// Formats of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphFormat {
    /// A picture.
    Svg,
    /// Graphviz.
    Dot,
    /// GraphML, for yEd, Gephi and networkx.
    GraphMl,
    /// Mermaid flowchart.
    Mermaid,
    /// Nodes and edges as JSON (`offkey.graph/1`).
    Json,
}

/// Mermaid refuses more edges than this unless it is configured otherwise
/// (<https://mermaid.js.org/config/schema-docs/config.html#maxedges>).
const MERMAID_EDGES: usize = 500;

/// Mermaid refuses more text than this (`maxTextSize`).
const MERMAID_TEXT: usize = 50_000;

impl GraphFormat {
    /// The format of a file by its extension.
    pub fn from_path(path: &str) -> Option<Self> {
        match path.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "svg" => Some(Self::Svg),
            "dot" | "gv" => Some(Self::Dot),
            "graphml" => Some(Self::GraphMl),
            "mmd" | "mermaid" => Some(Self::Mermaid),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    /// Renders the graph.
    ///
    /// # Errors
    /// A sentence where the format cannot hold the graph: Mermaid has limits.
    pub fn render(self, graph: &Graph) -> Result<Vec<u8>, String> {
        match self {
            Self::Svg => Ok(svg(graph).into_bytes()),
            Self::Dot => Ok(dot(graph).into_bytes()),
            Self::GraphMl => Ok(graphml(graph).into_bytes()),
            Self::Mermaid => mermaid(graph).map(String::into_bytes),
            Self::Json => json_graph(graph),
        }
    }
}

fn shape(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Account => "folder",
        NodeKind::User => "house",
        NodeKind::Key => "box",
        NodeKind::Session => "note",
        NodeKind::Consumer => "ellipse",
        NodeKind::Network => "tab",
        NodeKind::Service => "component",
        NodeKind::Action => "cds",
        NodeKind::Resource => "cylinder",
        NodeKind::Role => "hexagon",
        NodeKind::Replacement => "octagon",
    }
}

fn dot(graph: &Graph) -> String {
    let quote = |text: &str| format!("\"{}\"", clean(text).replace('\\', "\\\\").replace('"', "\\\""));
    let mut out = String::from("digraph offkey {\n  rankdir=LR;\n  node [fontname=\"Helvetica\"];\n");
    for (n, node) in graph.nodes().iter().enumerate() {
        let (label, shape) = (quote(&node.label), shape(node.kind));
        let _ = writeln!(
            out,
            "  n{n} [label={label}, shape={shape}, class=\"{}\", tooltip={}];",
            node.kind.id(),
            quote(&node.name)
        );
    }
    for (from, to, edge) in graph.edges() {
        let label = if edge.events > 0 {
            format!("{} ({})", edge.kind.id(), edge.events)
        } else {
            edge.kind.id().to_owned()
        };
        let _ = writeln!(out, "  n{from} -> n{to} [label=\"{label}\"];");
    }
    out.push_str("}\n");
    out
}

fn xml(text: &str) -> String {
    clean(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn graphml(graph: &Graph) -> String {
    let mut out = String::from(concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n",
        "  <key id=\"kind\" for=\"all\" attr.name=\"kind\" attr.type=\"string\"/>\n",
        "  <key id=\"name\" for=\"node\" attr.name=\"name\" attr.type=\"string\"/>\n",
        "  <key id=\"label\" for=\"node\" attr.name=\"label\" attr.type=\"string\"/>\n",
        "  <key id=\"events\" for=\"edge\" attr.name=\"events\" attr.type=\"long\"/>\n",
        "  <graph id=\"offkey\" edgedefault=\"directed\">\n",
    ));
    for (n, node) in graph.nodes().iter().enumerate() {
        let (kind, name, label) = (node.kind.id(), xml(&node.name), xml(&node.label));
        let _ = writeln!(
            out,
            "    <node id=\"n{n}\"><data key=\"kind\">{kind}</data><data key=\"name\">{name}</data><data key=\"label\">{label}</data></node>"
        );
    }
    for (n, (from, to, edge)) in graph.edges().into_iter().enumerate() {
        let (kind, events) = (edge.kind.id(), edge.events);
        let _ = writeln!(
            out,
            "    <edge id=\"e{n}\" source=\"n{from}\" target=\"n{to}\"><data key=\"kind\">{kind}</data><data key=\"events\">{events}</data></edge>"
        );
    }
    out.push_str("  </graph>\n</graphml>\n");
    out
}

/// A flowchart; larger graphs leave out what is told best elsewhere (services, sessions), then give up with advice.
fn mermaid(graph: &Graph) -> Result<String, String> {
    let everything = |_: &Node| true;
    let coarse = |node: &Node| !matches!(node.kind, NodeKind::Action | NodeKind::Resource);
    let core = |node: &Node| {
        coarse(node) && !matches!(node.kind, NodeKind::Service | NodeKind::Session | NodeKind::Account)
    };
    for keep in [&everything as &dyn Fn(&Node) -> bool, &coarse, &core] {
        let (text, edges) = flowchart(graph, keep);
        if edges <= MERMAID_EDGES && text.len() <= MERMAID_TEXT {
            return Ok(text);
        }
    }
    Err(format!(
        "the graph has {} edges, and Mermaid draws at most {MERMAID_EDGES}; write .dot or .graphml, or limit it with --key",
        graph.edges().len()
    ))
}

fn flowchart(graph: &Graph, keep: &dyn Fn(&Node) -> bool) -> (String, usize) {
    let mut out = String::from("flowchart LR\n");
    let nodes = graph.nodes();
    let kept: Vec<bool> = nodes.iter().map(|node| keep(node)).collect();
    for (n, node) in nodes.iter().enumerate().filter(|(n, _)| kept.get(*n) == Some(&true)) {
        // Entities are the only escape that Mermaid's quoted labels know; directives hide anywhere in a text.
        let label: String = clean(&node.label)
            .chars()
            .map(|c| match c {
                c if c.is_alphanumeric() || " .,:/-_()+".contains(c) => c.to_string(),
                c => format!("#{};", u32::from(c)),
            })
            .collect();
        // A label has to be something.
        let label = if label.trim().is_empty() { "(no name)".to_owned() } else { label };
        let (open, close) = match node.kind {
            NodeKind::Key => ("[", "]"),
            NodeKind::Consumer => ("([", "])"),
            NodeKind::Replacement | NodeKind::Role => ("{{", "}}"),
            _ => ("(", ")"),
        };
        let _ = writeln!(out, "  n{n}{open}\"{label}\"{close}");
    }
    let mut edges = 0;
    for (from, to, edge) in graph.edges() {
        if kept.get(from) == Some(&true) && kept.get(to) == Some(&true) {
            edges += 1;
            let _ = writeln!(out, "  n{from} -->|{}| n{to}", edge.kind.id());
        }
    }
    (out, edges)
}

fn json_graph(graph: &Graph) -> Result<Vec<u8>, String> {
    let nodes: Vec<_> = graph
        .nodes()
        .iter()
        .enumerate()
        .map(|(n, node)| json!({"id": n, "kind": node.kind.id(), "name": node.name, "label": node.label}))
        .collect();
    let edges: Vec<_> = graph
        .edges()
        .into_iter()
        .map(|(from, to, edge)| json!({"source": from, "target": to, "kind": edge.kind.id(), "events": edge.events}))
        .collect();
    let hubs: Vec<_> = graph
        .hubs()
        .into_iter()
        .map(|hub| json!({"kind": hub.kind.id(), "name": hub.name, "keys": hub.keys}))
        .collect();
    let insights = json!({"groups": graph.groups(), "hubs": hubs, "role_cycles": graph.role_cycles()});
    let whole = json!({"schema": "offkey.graph/1", "nodes": nodes, "edges": edges, "insights": insights});
    let text = serde_json::to_string_pretty(&whole).map_err(|e| e.to_string())?;
    Ok((json_text(text) + "\n").into_bytes())
}
