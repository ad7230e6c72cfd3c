//! What is known of each day: seen, quiet, missing, excluded or not collected, by account, region and class of events.

use super::coverage::{Cell, Coverage};
use crate::model::{AccountId, Day, Window};

/// What is known of a region's day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DayState {
    /// Events of the class were read.
    Seen,
    /// Records were passed over undecoded, of whatever class; `--census` would tell.
    Undecoded,
    /// A log object or a digest file was delivered, and no event of the class was in any
    /// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html>).
    Quiet,
    /// Records of other classes were read from files that are no log objects: whether those are all, nobody knows.
    Unproven,
    /// Nothing was read, or only what was damaged, between days with something.
    Missing,
    /// The trails record no events of the class, as their selectors say.
    Excluded,
    /// Before the region's first day or after its last, within those of the account.
    NotCollected,
}

impl DayState {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Seen,
        Self::Undecoded,
        Self::Quiet,
        Self::Unproven,
        Self::Missing,
        Self::Excluded,
        Self::NotCollected,
    ];

    /// Stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Undecoded => "undecoded",
            Self::Quiet => "quiet",
            Self::Unproven => "unproven",
            Self::Missing => "missing",
            Self::Excluded => "excluded",
            Self::NotCollected => "not-collected",
        }
    }
}

/// Classes of events that trails select by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventClass {
    /// Management events.
    Management,
    /// Data events.
    Data,
}

impl EventClass {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Management, Self::Data];

    /// Stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Management => "management",
            Self::Data => "data",
        }
    }
}

/// Days in a row of one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaySpan {
    /// What is known of them.
    pub state: DayState,
    /// First and last.
    pub window: Window,
}

impl Coverage {
    /// What is known of every day of a region within the account's first and last day, as spans without a break.
    /// `excluded` says that the trails are known to record no events of the class. Made from the days that have
    /// anything, so that one forged time a thousand years away costs nothing.
    pub fn day_spans(
        &self,
        account: &AccountId,
        region: &str,
        class: EventClass,
        excluded: bool,
    ) -> Vec<DaySpan> {
        let Some(window) = self.window(account) else { return Vec::new() };
        let days: Vec<(Day, &Cell)> = self.region_days(account, region, window).collect();
        let (Some((first, _)), Some((last, _))) = (days.first(), days.last()) else { return Vec::new() };
        let mut spans = Spans(Vec::new());
        let without = |from: Day, to: Day| {
            let state = match () {
                () if excluded => DayState::Excluded,
                () if from > *last || to < *first => DayState::NotCollected,
                () => DayState::Missing,
            };
            DaySpan { state, window: Window { first: from, last: to } }
        };
        let mut next = window.first;
        for (day, cell) in &days {
            if next < *day {
                spans.add(without(next, day.plus(-1)));
            }
            spans.add(DaySpan {
                state: state(cell, class, excluded),
                window: Window { first: *day, last: *day },
            });
            next = day.plus(1);
        }
        if next <= window.last {
            spans.add(without(next, window.last));
        }
        spans.0
    }
}

fn state(cell: &Cell, class: EventClass, excluded: bool) -> DayState {
    let seen = match class {
        EventClass::Management => cell.management,
        EventClass::Data => cell.data,
    };
    let undecoded = cell.records > cell.management + cell.data + cell.other;
    match () {
        () if seen > 0 => DayState::Seen,
        () if excluded => DayState::Excluded,
        () if undecoded => DayState::Undecoded,
        () if cell.objects > cell.damaged || cell.digests > 0 => DayState::Quiet,
        () if cell.records > 0 && cell.objects == 0 => DayState::Unproven,
        () => DayState::Missing,
    }
}

struct Spans(Vec<DaySpan>);

impl Spans {
    fn add(&mut self, span: DaySpan) {
        match self.0.last_mut() {
            Some(last) if last.state == span.state => last.window.last = span.window.last,
            _ => self.0.push(span),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state() {
        let account = AccountId::new("111122223333");
        let mut coverage = Coverage::default();
        let mut day = |region: &str, day: i32, cell: Cell| {
            coverage.add_cell("111122223333", region, Day(20_000 + day), &cell);
        };
        let seen = Cell { records: 1, management: 1, objects: 1, ..Cell::default() };
        day("us-east-1", 0, seen);
        day("us-east-1", 9, seen);
        day("eu-west-1", 2, seen);
        day("eu-west-1", 3, Cell { records: 1, data: 1, objects: 1, ..Cell::default() });
        day("eu-west-1", 4, Cell { digests: 24, ..Cell::default() });
        day("eu-west-1", 5, Cell { objects: 1, damaged: 1, ..Cell::default() });
        day("eu-west-1", 6, Cell { records: 1, management: 1, ..Cell::default() });
        day("eu-west-1", 7, Cell { records: 5, objects: 1, ..Cell::default() });
        let spans = |class, excluded| -> Vec<(&str, i32, i32)> {
            let spans = coverage.day_spans(&account, "eu-west-1", class, excluded);
            spans
                .iter()
                .map(|s| (s.state.id(), s.window.first.0 - 20_000, s.window.last.0 - 20_000))
                .collect()
        };
        assert_eq!(
            spans(EventClass::Management, false),
            [
                ("not-collected", 0, 1),
                ("seen", 2, 2),
                ("quiet", 3, 4),
                ("missing", 5, 5),
                ("seen", 6, 6),
                ("undecoded", 7, 7),
                ("not-collected", 8, 9),
            ]
        );
        let data = spans(EventClass::Data, false);
        assert!(data.contains(&("unproven", 6, 6)) && data.contains(&("quiet", 2, 2)), "{data:?}");
        assert_eq!(spans(EventClass::Data, true), [("excluded", 0, 2), ("seen", 3, 3), ("excluded", 4, 9)]);
        assert!(coverage.day_spans(&account, "nowhere", EventClass::Data, false).is_empty());
    }
}
