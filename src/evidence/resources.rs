//! What calls acted on: a bounded set of ARNs that grows coarser, never larger, and never forgets a call.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Bound;

/// Resources kept for one action of one key before they are generalised.
pub const MOST_RESOURCES: usize = 64;

/// How coarse a set has become.
const WHOLE_TYPE: u8 = 2;
const EVERYTHING: u8 = 3;

/// What requests show in any number.
const KINDS: [&str; 5] = ["pass:", "profile:", "from:", "kinds:", "tagged:"];

/// ARNs, or patterns that stand for them. Merging is the same in any order and any grouping: the set is as fine as all
/// that went in allows, and no finer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceSet {
    level: u8,
    names: BTreeSet<String>,
    shows: BTreeSet<String>,
}

impl ResourceSet {
    /// Rebuilds a set from what [`ResourceSet::level`], [`ResourceSet::names`] and [`ResourceSet::shows`] gave.
    pub fn from_parts(
        level: u8,
        names: impl IntoIterator<Item = String>,
        shows: impl IntoIterator<Item = String>,
    ) -> Self {
        let mut set = Self {
            level: level.min(EVERYTHING),
            names: names.into_iter().collect(),
            shows: shows.into_iter().collect(),
        };
        set.bound();
        set
    }

    /// 0: ARNs as the records have them; 1: without what follows the last `/` or `:`; 2: without the resource's own
    /// name; 3: `*`.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// ARNs or patterns, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// What requests showed ([`crate::cloudtrail::ActedOn::shows`]), sorted. Where they passed more roles or copied from more
    /// places than are kept, `pass:*`, `from:BUCKET/*` or `from:*` stands for them.
    pub fn shows(&self) -> impl Iterator<Item = &str> {
        self.shows.iter().map(String::as_str)
    }

    /// Adds what a request shows.
    pub fn show(&mut self, what: &str) {
        if !self.shows.contains(what) {
            self.shows.insert(what.to_owned());
            if let Some(kind) = KINDS.iter().find(|kind| what.starts_with(**kind)) {
                self.bound_kind(kind);
            }
        }
    }

    /// Adds one ARN.
    pub fn add(&mut self, arn: &str) {
        // Nearly every call acts on what calls before it acted on: nothing is copied and nothing bounded then.
        let name = coarser(arn, self.level);
        if !self.names.contains(&*name) {
            self.names.insert(name.into_owned());
            self.bound_names();
        }
    }

    /// Adds all of another set.
    pub fn merge(&mut self, other: &ResourceSet) {
        let level = self.level.max(other.level);
        if level > self.level {
            self.names = self.names.iter().map(|name| coarser(name, level).into_owned()).collect();
            self.level = level;
        }
        self.names.extend(other.names.iter().map(|name| coarser(name, level).into_owned()));
        self.shows.extend(other.shows.iter().cloned());
        self.bound();
    }

    /// Whether all of another set is in this one, so that merging it would change nothing.
    pub fn covers(&self, other: &ResourceSet) -> bool {
        other.level <= self.level
            && other.names.iter().all(|name| self.names.contains(&*coarser(name, self.level)))
            && other.shows.is_subset(&self.shows)
    }

    /// Roles, machines' profiles and places that were copied from are as many as logs name.
    fn bound_shows(&mut self) {
        KINDS.iter().for_each(|kind| self.bound_kind(kind));
    }

    fn bound_kind(&mut self, kind: &str) {
        let from = Bound::Included(kind);
        let of_kind = |shows: &BTreeSet<String>| {
            let range = shows.range::<str, _>((from, Bound::Unbounded));
            let all: Vec<String> = range.take_while(|show| show.starts_with(kind)).cloned().collect();
            all
        };
        let range = self.shows.range::<str, _>((from, Bound::Unbounded));
        let few = range.take_while(|show| show.starts_with(kind)).take(MOST_RESOURCES + 1);
        let (mut number, mut coarse) = (0, false);
        for show in few {
            number += 1;
            coarse |= show.ends_with('*');
        }
        if number <= MOST_RESOURCES && !coarse {
            return;
        }
        let before = of_kind(&self.shows);
        let coarse = kind == "from:" && before.iter().any(|show| show.ends_with("/*"));
        if before.len() > MOST_RESOURCES || coarse {
            // A bucket is known by what stands before the first slash of the resource.
            let wide = |show: &String| match show.split_once('/').filter(|_| kind == "from:") {
                Some((bucket, _)) => format!("{bucket}/*"),
                None => format!("{kind}*"),
            };
            let after: BTreeSet<String> = before.iter().map(wide).collect();
            self.shows.retain(|show| !show.starts_with(kind));
            self.shows.extend(after);
        }
        let after = of_kind(&self.shows);
        let all = format!("{kind}*");
        if after.len() > MOST_RESOURCES || after.contains(&all) {
            self.shows.retain(|show| !show.starts_with(kind));
            self.shows.insert(all);
        }
    }

    fn bound(&mut self) {
        self.bound_shows();
        self.bound_names();
    }

    fn bound_names(&mut self) {
        while self.names.len() > most(self.level) {
            self.level += 1;
            let level = self.level;
            self.names = self.names.iter().map(|name| coarser(name, level).into_owned()).collect();
        }
    }
}

/// How many are kept at a level. What is a name and nothing else (a bucket, a queue) has no pattern but everything, so that
/// many more of those are kept.
fn most(level: u8) -> usize {
    if level >= WHOLE_TYPE { 8 * MOST_RESOURCES } else { MOST_RESOURCES }
}

/// The pattern of a level for an ARN, or for its pattern of a lower level.
fn coarser(arn: &str, level: u8) -> Cow<'_, str> {
    if level >= EVERYTHING {
        return Cow::Borrowed("*");
    }
    if level == 0 {
        return Cow::Borrowed(arn);
    }
    // arn:partition:service:region:account:resource (the ARN's own format).
    let resource = arn.match_indices(':').nth(4).map_or(arn.len(), |(at, _)| at + 1);
    let name = arn.get(resource..).unwrap_or_default();
    let first = name.find(['/', ':']);
    let cut = if level >= WHOLE_TYPE { first } else { name.rfind(['/', ':']) };
    match cut.and_then(|at| arn.get(..=resource + at)) {
        Some(kept) if arn.get(kept.len()..) == Some("*") => Cow::Borrowed(arn),
        Some(kept) => Cow::Owned(format!("{kept}*")),
        // A bucket, a topic: the resource is its own name, and stays until everything does.
        None => Cow::Borrowed(arn),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_coarser_step_by_step() {
        let mut set = ResourceSet::default();
        for n in 0..100 {
            set.add(&format!("arn:aws:s3:::reports/{}/{n}", n % 2));
        }
        let names: Vec<&str> = set.names().collect();
        assert_eq!((set.level(), names), (1, vec!["arn:aws:s3:::reports/0/*", "arn:aws:s3:::reports/1/*"]));
        for n in 0..100 {
            set.add(&format!("arn:aws:s3:::reports/{n}/x"));
        }
        assert_eq!((set.level(), set.names().collect::<Vec<_>>()), (2, vec!["arn:aws:s3:::reports/*"]));
        for n in 0..500 {
            set.add(&format!("arn:aws:s3:::bucket-{n}"));
        }
        assert_eq!((set.level(), set.names().count()), (2, 501));
        for n in 500..600 {
            set.add(&format!("arn:aws:s3:::bucket-{n}"));
        }
        assert_eq!((set.level(), set.names().collect::<Vec<_>>()), (3, vec!["*"]));
    }

    #[test]
    fn what_requests_show_is_bounded_whatever_the_order() {
        let shows: Vec<String> = (0..200)
            .flat_map(|n| {
                [
                    format!("pass:arn:aws:iam::111122223333:role/r{n}"),
                    format!("from:arn:aws:s3:::b{}/k{n}", n % 3),
                    "tags".into(),
                ]
            })
            .collect();
        let mut whole = ResourceSet::default();
        shows.iter().for_each(|show| whole.show(show));
        let mut back = ResourceSet::default();
        shows.iter().rev().for_each(|show| back.show(show));
        assert_eq!(back, whole);
        let (mut left, mut right) = (ResourceSet::default(), ResourceSet::default());
        shows.iter().step_by(2).for_each(|show| left.show(show));
        shows.iter().skip(1).step_by(2).for_each(|show| right.show(show));
        left.merge(&right);
        assert_eq!(left, whole);
        let want =
            ["from:arn:aws:s3:::b0/*", "from:arn:aws:s3:::b1/*", "from:arn:aws:s3:::b2/*", "pass:*", "tags"];
        assert_eq!(whole.shows().collect::<Vec<_>>(), want);
    }

    #[test]
    fn any_order_and_grouping_gives_the_same() {
        let arns: Vec<String> = (0..200)
            .map(|n| format!("arn:aws:sqs:us-east-1:111122223333:q{}/{}/{n}", n % 3, n % 90))
            .collect();
        let fold = |arns: &mut dyn Iterator<Item = &String>| {
            let mut set = ResourceSet::default();
            arns.for_each(|arn| set.add(arn));
            set
        };
        let whole = fold(&mut arns.iter());
        assert_eq!(fold(&mut arns.iter().rev()), whole);
        let mut parts = fold(&mut arns.iter().step_by(2));
        let half = parts.clone();
        parts.merge(&fold(&mut arns.iter().skip(1).step_by(2)));
        assert!(parts.covers(&half) && parts.covers(&parts) && !half.covers(&parts));
        let few = fold(&mut arns.iter().take(2));
        assert!(!few.covers(&fold(&mut arns.iter().take(3))) && few.covers(&fold(&mut arns.iter().take(1))));
        let mut shown = few.clone();
        shown.show("tags");
        assert!(shown.covers(&few) && !few.covers(&shown));
        assert_eq!(parts, whole);
        let again = parts.clone();
        parts.merge(&again);
        assert_eq!(parts, whole, "merging twice changes nothing");
    }
}
