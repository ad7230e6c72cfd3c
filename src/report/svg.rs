//! Draws the dependency graph: one key in detail, or an estate in outline, as a picture with a text twin.

use super::text::{clean, cut};
use crate::graph::{Edge, EdgeKind, Graph, Node, NodeKind};
use crate::model::counted;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Boxes in a column; the rest is counted in one more.
const MOST_IN_COLUMN: usize = 12;

/// Up to so many keys are drawn one by one; more in outline.
const MOST_KEYS: usize = 3;

const COLUMN: usize = 320;
const BOX: usize = 240;
const ROW: usize = 54;
const HEIGHT: usize = 40;
const TOP: usize = 96;
const LEFT: usize = 20;

/// What a picture shows from left to right.
const COLUMNS: [(&str, &str); 4] = [
    ("From where", "#dbeafe"),
    ("Who, and what replaces its key", "#dcfce7"),
    ("With what", "#fef3c7"),
    ("For what", "#ede9fe"),
];

/// One box: what it stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Spot {
    column: usize,
    kind: &'static str,
    name: String,
}

/// A picture before it is laid out: boxes with their weight, and lines with theirs.
#[derive(Default)]
struct Picture {
    spots: BTreeMap<Spot, u64>,
    lines: BTreeMap<(Spot, Spot), u64>,
    /// What replaces a consumer's key, and how often.
    notes: BTreeMap<Spot, BTreeMap<String, u64>>,
    keys: usize,
    outline: bool,
}

/// Draws the graph as SVG.
pub(super) fn svg(graph: &Graph) -> String {
    let picture = Picture::of(graph);
    let (places, hidden) = picture.layout();
    let rows = (0..COLUMNS.len())
        .map(|column| {
            let shown = places.keys().filter(|spot| spot.column == column).count();
            shown + usize::from(hidden.get(column).is_some_and(|n| *n > 0))
        })
        .max()
        .unwrap_or(0);
    let (width, height) = (LEFT * 2 + COLUMN * (COLUMNS.len() - 1) + BOX, TOP + ROW * rows.max(1) + 20);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-labelledby=\"t d\" font-family=\"system-ui, sans-serif\">\n"
    );
    let _ = writeln!(out, "<title id=\"t\">{}</title>", xml(&picture.title()));
    let _ = writeln!(out, "<desc id=\"d\">{}</desc>", xml(&picture.words(&hidden)));
    let _ = writeln!(out, "<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>");
    let _ = writeln!(
        out,
        "<text x=\"{LEFT}\" y=\"34\" font-size=\"18\" font-weight=\"600\" fill=\"#111827\">{}</text>",
        xml(&picture.title())
    );
    for (n, (name, _)) in COLUMNS.iter().enumerate() {
        let x = LEFT + n * COLUMN;
        let _ = writeln!(out, "<text x=\"{x}\" y=\"76\" font-size=\"13\" fill=\"#374151\">{name}</text>");
    }
    for ((from, to), events) in &picture.lines {
        if let (Some(a), Some(b)) = (places.get(from), places.get(to)) {
            line(&mut out, (from, *a), (to, *b), *events);
        }
    }
    for (spot, row) in &places {
        let events = picture.spots.get(spot).copied().unwrap_or(0);
        draw(&mut out, spot, *row, events, picture.note(spot).as_deref());
    }
    for (column, more) in hidden.iter().enumerate().filter(|(_, more)| **more > 0) {
        let (x, y) = (LEFT + column * COLUMN, TOP + MOST_IN_COLUMN * ROW + HEIGHT / 2 + 5);
        let text = format!("and {more} more");
        let _ = writeln!(
            out,
            "<text x=\"{x}\" y=\"{y}\" font-size=\"12\" font-style=\"italic\" fill=\"#374151\">{text}</text>"
        );
    }
    out.push_str("</svg>\n");
    out
}

impl Picture {
    fn of(graph: &Graph) -> Self {
        let (nodes, edges) = (graph.nodes(), graph.edges());
        let keys = nodes.iter().filter(|node| node.kind == NodeKind::Key).count();
        let mut picture = Self { keys, outline: keys > MOST_KEYS, ..Self::default() };
        // Which account holds a key stands two edges off: account, user, key.
        let mut holder: BTreeMap<usize, usize> = BTreeMap::new();
        for (from, to, edge) in &edges {
            if edge.kind == EdgeKind::Holds {
                holder.insert(*to, *from);
            }
        }
        let account = |key: usize| {
            let account = holder.get(&key).and_then(|user| holder.get(user)).and_then(|n| nodes.get(*n));
            account.map_or("unknown", |node| node.name.as_str())
        };
        let spots: Vec<Option<Spot>> =
            nodes.iter().enumerate().map(|(n, node)| picture.spot(node, || account(n))).collect();
        for spot in spots.iter().flatten() {
            picture.spots.entry(spot.clone()).or_insert(0);
        }
        // A consumer uses one key, and calls services with it: what it calls is drawn from the key on.
        let mut key_of: BTreeMap<usize, usize> = BTreeMap::new();
        for (from, to, edge) in &edges {
            if edge.kind == EdgeKind::Uses {
                key_of.insert(*from, *to);
            }
        }
        for (from, to, edge) in edges {
            let Some(target) = nodes.get(to) else { continue };
            if target.kind == NodeKind::Replacement {
                if let Some(Some(consumer)) = spots.get(from) {
                    let notes = picture.notes.entry(consumer.clone()).or_default();
                    *notes.entry(target.label.clone()).or_default() += 1;
                }
                continue;
            }
            let from = match edge.kind {
                EdgeKind::Calls | EdgeKind::Assumes => key_of.get(&from).copied().unwrap_or(from),
                _ => from,
            };
            let (Some(Some(from)), Some(Some(to))) = (spots.get(from), spots.get(to)) else { continue };
            picture.add(from, to, edge);
        }
        picture
    }

    /// Where a node stands; nothing where this picture leaves it out.
    fn spot<'a>(&self, node: &Node, account: impl Fn() -> &'a str) -> Option<Spot> {
        let label = || node.label.clone();
        // A specific place is named by program and address.
        let is_fixed = node.name.contains(" at ");
        let (column, name) = match (node.kind, self.outline) {
            (NodeKind::Network, true) if is_fixed => (0, "fixed addresses".to_owned()),
            (NodeKind::Network, _) => (0, label()),
            (NodeKind::Consumer, true) => (1, label().split(" – ").next().unwrap_or_default().to_owned()),
            (NodeKind::Consumer, false) => (1, label()),
            (NodeKind::Key, true) => (2, format!("keys of {}", account())),
            (NodeKind::Key, false) => (2, label()),
            (NodeKind::Role, true) => (3, "roles that are assumed".to_owned()),
            (NodeKind::Service | NodeKind::Role, _) => (3, label()),
            (NodeKind::Resource, false) => (3, label()),
            _ => return None,
        };
        Some(Spot { column, kind: node.kind.id(), name })
    }

    fn add(&mut self, from: &Spot, to: &Spot, edge: Edge) {
        // What has no events of its own is counted once for each that has it.
        let weight = edge.events.max(1);
        let (left, right) = if from.column <= to.column { (from, to) } else { (to, from) };
        if left.column == right.column {
            return;
        }
        *self.lines.entry((left.clone(), right.clone())).or_default() += weight;
        for spot in [left, right] {
            *self.spots.entry(spot.clone()).or_default() += weight;
        }
    }

    /// The row of every box that is shown, heaviest first, and how many of each column are not.
    fn layout(&self) -> (BTreeMap<Spot, usize>, Vec<usize>) {
        let (mut places, mut hidden) = (BTreeMap::new(), Vec::new());
        for column in 0..COLUMNS.len() {
            let mut spots: Vec<(&Spot, &u64)> =
                self.spots.iter().filter(|(spot, _)| spot.column == column).collect();
            spots.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
            hidden.push(spots.len().saturating_sub(MOST_IN_COLUMN));
            let shown = spots.into_iter().take(MOST_IN_COLUMN).enumerate();
            places.extend(shown.map(|(row, (spot, _))| (spot.clone(), row)));
        }
        (places, hidden)
    }

    /// What mostly replaces a consumer's key.
    fn note(&self, spot: &Spot) -> Option<String> {
        let notes = self.notes.get(spot)?;
        let (most, _) = notes.iter().max_by_key(|(name, n)| (**n, std::cmp::Reverse(*name)))?;
        let others = if notes.len() > 1 { " and others" } else { "" };
        Some(format!("→ {most}{others}"))
    }

    fn title(&self) -> String {
        match self.outline {
            true => format!("What depends on {}", counted(self.keys, "access key")),
            false => {
                let keys = self.spots.keys().filter(|spot| spot.kind == NodeKind::Key.id());
                let names: Vec<&str> = keys.map(|spot| spot.name.as_str()).collect();
                format!("What depends on {}", names.join(", "))
            }
        }
    }

    /// The text twin.
    fn words(&self, hidden: &[usize]) -> String {
        let mut out = String::new();
        for (column, (title, _)) in COLUMNS.iter().enumerate() {
            let mut names: Vec<(&str, u64)> = self
                .spots
                .iter()
                .filter(|(spot, _)| spot.column == column)
                .map(|(spot, weight)| (spot.name.as_str(), *weight))
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect();
            names.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
            let shown: Vec<String> =
                names.iter().take(MOST_IN_COLUMN).map(|(name, _)| cut(name, 80)).collect();
            let more = hidden.get(column).filter(|n| **n > 0).map(|n| format!(" and {n} more"));
            let _ = write!(out, "{title}: {}{}. ", shown.join(", "), more.unwrap_or_default());
        }
        out.trim_end().to_owned()
    }
}

fn corner(spot: &Spot, row: usize) -> (usize, usize) {
    (LEFT + spot.column * COLUMN, TOP + row * ROW)
}

fn draw(out: &mut String, spot: &Spot, row: usize, events: u64, note: Option<&str>) {
    let (x, y) = corner(spot, row);
    let fill = COLUMNS.get(spot.column).map_or("#ffffff", |(_, fill)| fill);
    let tx = x + 10;
    let ty = y + if note.is_some() { 17 } else { HEIGHT / 2 + 4 };
    let _ = write!(
        out,
        "<g><title>{} {}, {}</title><rect x=\"{x}\" y=\"{y}\" width=\"{BOX}\" height=\"{HEIGHT}\" rx=\"6\" fill=\"{fill}\" stroke=\"#6b7280\"/><text x=\"{tx}\" y=\"{ty}\" font-size=\"12\" fill=\"#111827\">{}</text>",
        spot.kind,
        xml(&spot.name),
        counted(events, "event"),
        xml(&cut(&spot.name, 36))
    );
    if let Some(note) = note {
        let (ny, note) = (y + 33, xml(&cut(note, 36)));
        let _ = write!(out, "<text x=\"{tx}\" y=\"{ny}\" font-size=\"11\" fill=\"#374151\">{note}</text>");
    }
    out.push_str("</g>\n");
}

fn line(out: &mut String, (from, a): (&Spot, usize), (to, b): (&Spot, usize), events: u64) {
    let ((x1, y1), (x2, y2)) = (corner(from, a), corner(to, b));
    let (x1, y1, y2) = (x1 + BOX, y1 + HEIGHT / 2, y2 + HEIGHT / 2);
    let middle = (x1 + x2) / 2;
    // Ten times the events make a line a step wider.
    let width = 1.0 + f64::from(events.checked_ilog10().unwrap_or(0));
    let _ = writeln!(
        out,
        "<path d=\"M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}\" fill=\"none\" stroke=\"#4b5563\" stroke-opacity=\"0.45\" stroke-width=\"{width}\"><title>{} – {}: {events}</title></path>",
        xml(&from.name),
        xml(&to.name)
    );
}

fn xml(text: &str) -> String {
    clean(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
