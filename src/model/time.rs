//! Instants, days and windows, and the many ways in which logs write a time.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::Offset;
use std::fmt;

/// A UTC day, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

const SECONDS_A_DAY: i64 = 86_400;

impl Day {
    /// The UTC day an instant falls on.
    pub fn of(instant: Timestamp) -> Self {
        // The range of `Timestamp` is ±9999 years, which is well within i32 days.
        Self(i32::try_from(instant.as_second().div_euclid(SECONDS_A_DAY)).unwrap_or(i32::MAX))
    }

    /// Midnight at the start of the day.
    pub fn start(self) -> Timestamp {
        Timestamp::from_second(i64::from(self.0) * SECONDS_A_DAY).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The day `n` days later (or earlier).
    pub fn plus(self, n: i32) -> Self {
        Self(self.0.saturating_add(n))
    }

    /// 0 for Monday to 6 for Sunday.
    pub fn weekday(self) -> u8 {
        // 1970-01-01 was a Thursday.
        u8::try_from((self.0 + 3).rem_euclid(7)).unwrap_or(0)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = Offset::UTC.to_datetime(self.start()).date();
        write!(f, "{date}")
    }
}

/// A span of days, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First day.
    pub first: Day,
    /// Last day.
    pub last: Day,
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{} to {}", self.first, self.last)
        }
    }
}

impl Window {
    /// Number of days, both ends counted.
    pub fn days(&self) -> i32 {
        self.last.0.saturating_sub(self.first.0).saturating_add(1)
    }

    /// The smallest window that holds both.
    pub fn hull(self, other: Window) -> Window {
        Window { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

/// Reads an instant from any spelling seen in CloudTrail, LookupEvents, Athena exports and IAM reports:
/// RFC 3339 with or without fractions, a space for the `T`, an offset, or none at all (then UTC).
/// `None` for anything else, such as `N/A`, `no_information` or placeholder text.
pub fn parse_instant(text: &str) -> Option<Timestamp> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    let text = text.trim();
    if !text.as_bytes().first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    if let Ok(instant) = PARSER.parse_timestamp(text) {
        return Some(instant);
    }
    let local: DateTime = PARSER.parse_datetime(text.trim_end_matches(" UTC")).ok()?;
    Offset::UTC.to_timestamp(local).ok()
}

/// Reads a day as `2026-10-01`.
pub fn parse_day(text: &str) -> Option<Day> {
    if text.len() == 10 { parse_instant(&format!("{text}T00:00:00Z")).map(Day::of) } else { None }
}

/// Writes an instant as CloudTrail does: `2026-10-01T12:00:00Z`, fractions only where there are any.
pub fn format_instant(instant: Timestamp) -> String {
    instant.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_seen_in_logs() {
        let cases = [
            ("2023-07-10T11:42:44Z", Some("2023-07-10T11:42:44Z")),
            ("2025-01-21 17:49:47.000000000", Some("2025-01-21T17:49:47Z")),
            ("2022-02-08 09:23:37+11:00", Some("2022-02-07T22:23:37Z")),
            ("2019-05-07T15:35:54+00:00", Some("2019-05-07T15:35:54Z")),
            ("2023-07-10T11:42:44.5Z", Some("2023-07-10T11:42:44.5Z")),
            ("2023-07-10T11:42:44", Some("2023-07-10T11:42:44Z")),
            ("N/A", None),
            ("no_information", None),
            ("", None),
            ("event_timestamp", None),
            ("99999999999", None),
        ];
        for (text, want) in cases {
            assert_eq!(parse_instant(text).map(format_instant).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn days() {
        let day = Day::of(parse_instant("2026-10-01T23:59:59Z").unwrap());
        assert_eq!(day.to_string(), "2026-10-01");
        assert_eq!(day.weekday(), 3); // a Thursday
        assert_eq!(Window { first: day, last: day.plus(9) }.days(), 10);
    }
}
