//! When consumers work: how many runs a day brings, and when they start.

use super::dice::Dice;
use crate::model::Day;
use jiff::tz::Offset;

/// How a consumer's work is spread over time.
#[derive(Clone, Copy)]
pub(super) enum Rhythm {
    /// About so many runs a day (in thousandths), at any hour.
    Steady(u32),
    /// One run a night, at this hour and some minutes past.
    Nightly(u32),
    /// About so many runs on a working day (in thousandths), few at the weekend.
    Pipeline(u32),
    /// About so many sittings on a working day (in thousandths), in office hours, with days off.
    Office(u32),
    /// One run on this weekday (0 is Monday).
    Weekly(u8),
    /// One run on this day of the month.
    Monthly(i8),
}

impl Rhythm {
    /// The same rhythm for an estate so large that each consumer must work less. What runs by the calendar
    /// keeps its calendar.
    pub(super) fn slower(self, thousandths: u32) -> Self {
        let scale = |rate: u32| (rate * thousandths / 1000).max(40);
        match self {
            Self::Steady(rate) => Self::Steady(scale(rate)),
            Self::Pipeline(rate) => Self::Pipeline(scale(rate)),
            Self::Office(rate) => Self::Office(scale(rate)),
            other => other,
        }
    }

    /// Whether it follows no calendar.
    pub(super) fn is_by_chance(self) -> bool {
        matches!(self, Self::Steady(_) | Self::Pipeline(_) | Self::Office(_))
    }

    /// The seconds after midnight at which the day's runs start.
    pub(super) fn starts(self, day: Day, dice: &mut Dice) -> Vec<i64> {
        let working_day = day.weekday() < 5;
        let (runs, from_hour, until_hour) = match self {
            Self::Steady(rate) => (dice.about(rate), 0, 24),
            Self::Nightly(hour) => return vec![i64::from(hour) * 3600 + 300 + i64::from(dice.below(90))],
            Self::Pipeline(rate) if working_day => (dice.about(rate), 6, 20),
            Self::Pipeline(rate) => (dice.about(rate / 6), 8, 22),
            Self::Office(rate) if working_day && dice.percent(85) => (dice.about(rate), 7, 17),
            Self::Office(_) => (0, 7, 17),
            Self::Weekly(weekday) if day.weekday() == weekday => (1, 5, 7),
            Self::Monthly(date) if Offset::UTC.to_datetime(day.start()).day() == date => (1, 2, 4),
            Self::Weekly(_) | Self::Monthly(_) => (0, 0, 1),
        };
        let (from, until) = (from_hour * 3600, until_hour * 3600);
        (0..runs).map(|_| i64::from(dice.between(from, until - 1))).collect()
    }
}
