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
    if let Some(instant) = usual_instant(text.as_bytes()) {
        return Some(instant);
    }
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

/// `2026-10-01T12:00:00Z`, as CloudTrail writes it, without a general parser: every record has one.
fn usual_instant(text: &[u8]) -> Option<Timestamp> {
    let number = |at: usize, len: usize| {
        text.get(at..at + len)?
            .iter()
            .try_fold(0_i64, |n, digit| digit.is_ascii_digit().then(|| n * 10 + i64::from(digit - b'0')))
    };
    let shape = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
    if text.len() != 20 || shape.iter().any(|(at, byte)| text.get(*at) != Some(byte)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    // Leap days and leap seconds are left to the parser.
    let days = match month {
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1970..=9000).contains(&year) || !(1..=12).contains(&month) || !(1..=days).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Days since 1970-03-01, counted in years that begin in March.
    let (shifted, from_march) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let years = shifted - 1970;
    let leap_days = shifted / 4 - shifted / 100 + shifted / 400 - 477;
    let days = 59 + years * 365 + leap_days + (153 * from_march + 2) / 5 + day - 1;
    Timestamp::from_second(days * 86_400 + hour * 3600 + minute * 60 + second).ok()
}

/// Reads a day as `2026-10-01`.
pub fn parse_day(text: &str) -> Option<Day> {
    let mut instant = *b"0000-00-00T00:00:00Z";
    let (day, _) = instant.split_at_mut_checked(10)?;
    day.copy_from_slice(text.as_bytes().first_chunk::<10>().filter(|_| text.len() == 10)?);
    parse_instant(std::str::from_utf8(&instant).ok()?).map(Day::of)
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
    fn the_usual_spelling_is_read_as_the_parser_reads_it() {
        for day in 0..20_000 {
            let instant = Timestamp::from_second(day * 86_400 + day % 86_400).unwrap();
            let text = instant.to_string();
            assert_eq!(parse_instant(&text), Some(instant), "{text}");
            if let Some(quick) = usual_instant(text.as_bytes()) {
                assert_eq!(quick, instant, "{text}");
            }
        }
        assert!(
            usual_instant(b"2026-09-31T23:59:59Z").is_none()
                && usual_instant(b"2026-09-30T23:59:59Z").is_some()
        );
        for odd in
            ["2024-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00z"]
        {
            assert!(usual_instant(odd.as_bytes()).is_none(), "{odd}");
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
