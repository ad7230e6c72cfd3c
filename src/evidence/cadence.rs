//! How regularly a key or consumer is used, and the longest it was ever silent.

use super::usage::{DaySet, Stats};
use std::fmt;

/// The rhythm of use, as far as the active days tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rhythm {
    /// One active day only.
    Once,
    /// Most days.
    Daily,
    /// Weekdays only.
    Weekdays,
    /// About once a week.
    Weekly,
    /// About once a month.
    Monthly,
    /// None of these.
    Irregular,
}

impl Rhythm {
    /// Stable id for machines, which reads well for people too.
    pub fn id(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Daily => "daily",
            Self::Weekdays => "weekdays",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Irregular => "irregular",
        }
    }
}

impl fmt::Display for Rhythm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// Cadence of a group of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cadence {
    /// Days with use.
    pub active_days: usize,
    /// Longest run of days between two active days; 0 where use was on consecutive days or one day only.
    pub longest_gap_days: i32,
    /// The rhythm.
    pub rhythm: Rhythm,
    /// Whether every event fell between 06:00 and 20:00 UTC on a weekday.
    pub office_hours: bool,
}

/// UTC hours that working days of most time zones fall into; a hint, never proof.
const OFFICE_HOURS: u32 = 0x000f_ffc0;

impl Cadence {
    /// Works out the cadence of a group of events.
    pub fn of(stats: &Stats) -> Self {
        let days = &stats.days;
        let gaps = gaps(days);
        let weekdays_only = days.as_slice().iter().all(|day| day.weekday() < 5);
        let longest = gaps.iter().copied().max().unwrap_or(0);
        Self {
            active_days: days.len(),
            longest_gap_days: longest,
            rhythm: rhythm(&gaps, weekdays_only, days.len()),
            office_hours: weekdays_only && !days.is_empty() && stats.hours & !OFFICE_HOURS == 0,
        }
    }
}

/// Days from each active day to the next, less one: the silent days between.
fn gaps(days: &DaySet) -> Vec<i32> {
    days.as_slice().windows(2).filter_map(|pair| Some(pair.last()?.0 - pair.first()?.0 - 1)).collect()
}

fn rhythm(gaps: &[i32], weekdays_only: bool, active: usize) -> Rhythm {
    if active <= 1 {
        return Rhythm::Once;
    }
    // Two days in a row are no habit yet, and two days a month apart only look like one.
    let mut sorted = gaps.to_vec();
    sorted.sort_unstable();
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(0);
    let longest = sorted.last().copied().unwrap_or(0);
    let within = |low: i32, high: i32| sorted.iter().all(|gap| (low..=high).contains(gap));
    if median == 0 && longest <= 4 && active >= 5 {
        if weekdays_only && active >= 5 { Rhythm::Weekdays } else { Rhythm::Daily }
    } else if within(5, 7) && active >= 3 {
        Rhythm::Weekly
    } else if within(26, 33) {
        Rhythm::Monthly
    } else {
        Rhythm::Irregular
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::parse_instant;

    #[test]
    fn rhythms() {
        let stats = |days: &[&str]| {
            let mut stats = Stats::default();
            for day in days {
                stats.add(parse_instant(&format!("{day}T09:00:00Z")), None);
            }
            Cadence::of(&stats)
        };
        let monthly = stats(&["2026-07-02", "2026-08-02", "2026-09-02"]);
        assert_eq!((monthly.rhythm, monthly.longest_gap_days), (Rhythm::Monthly, 30));
        assert_eq!(stats(&["2026-07-02"]).rhythm, Rhythm::Once);
        assert_eq!(stats(&["2026-07-02", "2026-07-03", "2026-07-04"]).rhythm, Rhythm::Irregular);
        let daily = ["2026-07-02", "2026-07-03", "2026-07-04", "2026-07-05", "2026-07-06"];
        assert_eq!(stats(&daily).rhythm, Rhythm::Daily);
        assert_eq!(stats(&["2026-07-06", "2026-07-13", "2026-07-20"]).rhythm, Rhythm::Weekly);
        assert_eq!(stats(&["2026-07-06", "2026-07-13", "2026-09-20"]).rhythm, Rhythm::Irregular);
        let week =
            stats(&["2026-07-06", "2026-07-07", "2026-07-08", "2026-07-09", "2026-07-10", "2026-07-13"]);
        assert_eq!((week.rhythm, week.office_hours), (Rhythm::Weekdays, true));
    }
}
