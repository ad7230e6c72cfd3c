//! What the evidence covers: per account, region and day, which classes of events were recorded.

use crate::cloudtrail::{Category, Event, ObjectName};
use crate::model::{AccountId, Day, Window};
use std::collections::{BTreeMap, BTreeSet};

/// One account's region on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Records of any class; more than the classes' sum where not every record was decoded.
    pub records: u64,
    /// Management events, of those that were decoded.
    pub management: u64,
    /// Data events.
    pub data: u64,
    /// Insight and aggregated events.
    pub other: u64,
    /// Log objects delivered that day, by their names.
    pub objects: u32,
    /// Of those, objects of which some part could not be read.
    pub damaged: u32,
    /// Digest files delivered that day, by their names.
    pub digests: u32,
}

impl Cell {
    /// So many records of one class.
    fn of_records(category: Category, records: u64) -> Self {
        let cell = Self { records, ..Self::default() };
        match category {
            Category::Management => Self { management: records, ..cell },
            Category::Data => Self { data: records, ..cell },
            Category::Other => Self { other: records, ..cell },
        }
    }

    /// A log object, how many of its records were passed over undecoded, and whether it is damaged.
    fn of_object(object: &ObjectName, undecoded: u64, damaged: bool) -> Self {
        match object.digest {
            true => Self { digests: 1, ..Self::default() },
            false => Self { records: undecoded, objects: 1, damaged: u32::from(damaged), ..Self::default() },
        }
    }

    /// Adds another's counts.
    pub fn add(&mut self, other: &Cell) {
        self.records += other.records;
        self.management += other.management;
        self.data += other.data;
        self.other += other.other;
        self.objects += other.objects;
        self.damaged += other.damaged;
        self.digests += other.digests;
    }
}

/// One region of one account over all days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionCoverage {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: String,
    /// First and last day with anything.
    pub window: Window,
    /// Days with at least one event or object.
    pub days: usize,
    /// Sum over all days.
    pub sum: Cell,
}

/// What was recorded, and where.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    cells: BTreeMap<AccountId, BTreeMap<String, BTreeMap<Day, Cell>>>,
    data_sources: BTreeMap<AccountId, BTreeSet<String>>,
}

/// What one file covers, which is mostly one account's region on a day or two: in a fraction of the room of [`Coverage`].
#[derive(Clone, Debug, Default)]
pub struct FileCoverage {
    /// Every account's region's day, each once.
    pub cells: Vec<(AccountId, String, Day, Cell)>,
    /// Every account and service that data events were recorded of, each once.
    pub sources: Vec<(AccountId, String)>,
}

/// Counts what one file covers: mostly one cell, the first that is met, without a look into any table.
#[derive(Default)]
pub struct FileCounts {
    first: Option<(AccountId, String, Day, Cell)>,
    rest: Coverage,
}

impl FileCounts {
    /// Notes a decoded record.
    pub fn see(&mut self, event: &Event<'_>) {
        let Some((account, day)) = whose_and_when(event) else { return };
        self.add_cell(account, &event.region, day, &Cell::of_records(event.category, 1));
        if event.category == Category::Data {
            self.rest.see_source(account, &event.source);
        }
    }

    /// Notes a log object, how many of its records were passed over undecoded, and whether it is damaged.
    pub fn see_object(&mut self, object: &ObjectName, undecoded: u64, damaged: bool) {
        let cell = Cell::of_object(object, undecoded, damaged);
        self.add_cell(object.account.as_str(), &object.region, object.day, &cell);
    }

    fn add_cell(&mut self, account: &str, region: &str, day: Day, more: &Cell) {
        match &mut self.first {
            Some((a, r, d, cell)) if *d == day && a.as_str() == account && r == region => cell.add(more),
            Some(_) => self.rest.add_cell(account, region, day, more),
            None => self.first = Some((AccountId::new(account), region.to_owned(), day, *more)),
        }
    }

    /// What was counted, which then begins anew.
    pub fn take(&mut self) -> FileCoverage {
        let mut all = FileCoverage::from(std::mem::take(&mut self.rest));
        all.cells.extend(self.first.take());
        all
    }

    /// Adds what was counted to that of other files, and begins anew.
    pub fn add_to(&mut self, all: &mut Coverage) {
        if let Some((account, region, day, cell)) = self.first.take() {
            all.add_cell(account.as_str(), &region, day, &cell);
        }
        all.merge(&std::mem::take(&mut self.rest));
    }
}

/// The account that a record tells of, and its day.
fn whose_and_when<'a>(event: &'a Event<'_>) -> Option<(&'a str, Day)> {
    let account = match (event.identity.account.as_deref(), &*event.recipient) {
        (Some(account), "") => account,
        (None, "") => return None,
        (_, recipient) => recipient,
    };
    Some((account, Day::of(event.time?)))
}

impl From<Coverage> for FileCoverage {
    fn from(coverage: Coverage) -> Self {
        let mut cells = Vec::with_capacity(coverage.cells().count());
        cells.extend(coverage.cells.into_iter().flat_map(|(account, regions)| {
            regions.into_iter().flat_map(move |(region, days)| {
                let account = account.clone();
                days.into_iter().map(move |(day, cell)| (account.clone(), region.clone(), day, cell))
            })
        }));
        let sources = coverage.data_sources.into_iter();
        let sources = sources.flat_map(|(account, s)| s.into_iter().map(move |s| (account.clone(), s)));
        Self { cells, sources: sources.collect() }
    }
}

impl Coverage {
    /// Notes so many records of one account, region, day and class.
    pub fn see_many(&mut self, event: &Event<'_>, records: u64) {
        let Some((account, day)) = whose_and_when(event) else { return };
        self.add_cell(account, &event.region, day, &Cell::of_records(event.category, records));
        if event.category == Category::Data {
            self.see_source(account, &event.source);
        }
    }

    /// Notes that data events of a service were recorded.
    pub fn see_source(&mut self, account: &str, source: &str) {
        let known = self.data_sources.iter().any(|(a, s)| a.as_str() == account && s.contains(source));
        if !known {
            self.data_sources.entry(AccountId::new(account)).or_default().insert(source.to_owned());
        }
    }

    /// Notes a log object, how many of its records were passed over undecoded, and whether it is damaged.
    pub fn see_object(&mut self, object: &ObjectName, undecoded: u64, damaged: bool) {
        let cell = Cell::of_object(object, undecoded, damaged);
        self.add_cell(object.account.as_str(), &object.region, object.day, &cell);
    }

    /// Adds what is known of one account, region and day.
    pub fn add_cell(&mut self, account: &str, region: &str, day: Day, more: &Cell) {
        match self.cells.get_mut(account).and_then(|regions| regions.get_mut(region)) {
            Some(days) => days.entry(day).or_default().add(more),
            None => {
                let regions = self.cells.entry(AccountId::new(account)).or_default();
                regions.entry(region.to_owned()).or_default().entry(day).or_default().add(more);
            }
        }
    }

    /// Adds another reader's.
    pub fn merge(&mut self, other: &Coverage) {
        for (account, region, day, cell) in other.cells() {
            self.add_cell(account.as_str(), region, day, cell);
        }
        for (account, sources) in &other.data_sources {
            sources.iter().for_each(|source| self.see_source(account.as_str(), source));
        }
    }

    /// Every account's region's day.
    pub fn cells(&self) -> impl Iterator<Item = (&AccountId, &str, Day, &Cell)> {
        self.cells.iter().flat_map(|(account, regions)| {
            regions.iter().flat_map(move |(region, days)| {
                days.iter().map(move |(day, cell)| (account, region.as_str(), *day, cell))
            })
        })
    }

    /// Accounts that anything was recorded of.
    pub fn accounts(&self) -> impl Iterator<Item = &AccountId> {
        self.cells.keys()
    }

    /// First and last day on which anything was recorded in the account.
    pub fn window(&self, account: &AccountId) -> Option<Window> {
        let days = || self.readable_days(account);
        Some(Window { first: days().min()?, last: days().max()? })
    }

    /// Days with a management event, or with an object that could be read whole: a quiet one is evidence, too. Data
    /// events alone say nothing of the calls that every trail records.
    fn readable_days(&self, account: &AccountId) -> impl Iterator<Item = Day> {
        let cells = self.cells.get(account).into_iter().flat_map(BTreeMap::values).flatten();
        let seen = |cell: &Cell| cell.management > 0 || cell.objects > cell.damaged;
        cells.filter(move |(_, cell)| seen(cell)).map(|(day, _)| *day)
    }

    /// Spans within the window on whose days no region of the account recorded anything. Found by the days that
    /// did, so that one forged time a thousand years away costs nothing.
    pub fn missing(&self, account: &AccountId, window: Window) -> Vec<Window> {
        let inside = |day: &Day| (window.first..=window.last).contains(day);
        let seen: BTreeSet<Day> = self.readable_days(account).filter(inside).collect();
        let mut missing = Vec::new();
        let mut next = window.first;
        for day in seen.into_iter().chain([window.last.plus(1)]) {
            if next < day {
                missing.push(Window { first: next, last: day.plus(-1) });
            }
            next = day.plus(1);
        }
        missing
    }

    /// Days within the window on which a log object of the account was damaged.
    pub fn damaged_days(&self, account: &AccountId, window: Window) -> Vec<Day> {
        let Some(regions) = self.cells.get(account) else {
            return Vec::new();
        };
        let damaged = regions.values().flat_map(|days| days.range(window.first..=window.last));
        let days: BTreeSet<Day> = damaged.filter(|(_, cell)| cell.damaged > 0).map(|(day, _)| *day).collect();
        days.into_iter().collect()
    }

    /// Regions of the account that anything was recorded of.
    pub fn region_names(&self, account: &AccountId) -> Vec<&str> {
        self.cells.get(account).into_iter().flat_map(BTreeMap::keys).map(String::as_str).collect()
    }

    /// Days of a region within the window on which there is anything.
    pub(super) fn region_days(
        &self,
        account: &AccountId,
        region: &str,
        window: Window,
    ) -> impl Iterator<Item = (Day, &Cell)> {
        let days = self.cells.get(account).and_then(|regions| regions.get(region));
        let inside = days.into_iter().flat_map(move |days| days.range(window.first..=window.last));
        inside.map(|(day, cell)| (*day, cell))
    }

    /// Services whose data events were recorded in the account.
    pub fn data_sources(&self, account: &AccountId) -> Option<&BTreeSet<String>> {
        self.data_sources.get(account)
    }

    /// Every region of every account.
    pub fn regions(&self) -> Vec<RegionCoverage> {
        let mut out = Vec::new();
        for (account, regions) in &self.cells {
            for (region, days) in regions {
                let (Some((first, _)), Some((last, _))) = (days.first_key_value(), days.last_key_value())
                else {
                    continue;
                };
                let mut sum = Cell::default();
                for cell in days.values() {
                    sum.add(cell);
                }
                out.push(RegionCoverage {
                    account: account.clone(),
                    region: region.clone(),
                    window: Window { first: *first, last: *last },
                    days: days.len(),
                    sum,
                });
            }
        }
        out
    }
}
