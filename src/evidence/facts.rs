//! Evidence in its plain form, in which it goes from reader to reader and into and out of the store.
//!
//! Facts only ever add up: taking the same ones in again, in any order and any portions, changes nothing.

use super::resources::ResourceSet;
use crate::cloudtrail::EventId;
use jiff::Timestamp;
use std::sync::Arc;

/// Text columns of a row, in this order: key or session that signed, event source, event name, region, address, agent,
/// error code, recipient account, VPC endpoint, invoking service, assumed role.
pub const COLUMNS: usize = 11;

/// A time in microseconds since 1970; [`NO_TIME`] where the record's cannot be read, which sorts last.
pub type Micros = i64;

/// Stands for a time that cannot be read.
pub const NO_TIME: Micros = Micros::MAX;

/// The instant of a time.
pub fn instant(micros: Micros) -> Option<Timestamp> {
    if micros == NO_TIME { None } else { Timestamp::from_microsecond(micros).ok() }
}

/// The time of an instant.
pub fn micros(instant: Option<Timestamp>) -> Micros {
    instant.map_or(NO_TIME, Timestamp::as_microsecond)
}

/// What else tells rows apart, one bit each.
pub mod flags {
    /// The request came by a presigned URL.
    pub const PRESIGNED: u8 = 1;
    /// A static key's record carries a session context.
    pub const IN_SESSION: u8 = 2;
    /// A static key id on a record of another type of identity; never counted as use.
    pub const STRAY: u8 = 4;
    /// The record says `readOnly` true.
    pub const READS: u8 = 8;
    /// The record says `readOnly` false.
    pub const WRITES: u8 = 16;
    /// A role's session signed it.
    pub const ROLE: u8 = 32;
    /// The record names what the call acted on.
    pub const NAMED: u8 = 64;
}

/// One kind of call from one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FactRow {
    /// Indices into [`Facts::strings`].
    pub text: [u32; COLUMNS],
    /// See [`flags`].
    pub flags: u8,
}

/// One event that counts. There can be many millions: it takes 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactEvent {
    /// Its `eventID`, or an id that was made up from where it stands, which begins with four bytes 0xff.
    pub id: EventId,
    /// 0 for events that static keys signed, of which each id counts once; else the index of the signer's id.
    pub signer: u32,
    /// Index into [`Facts::rows`].
    pub row: u32,
    /// When, and in the last two bits [`FactEvent::BY_ROLE`] and [`FactEvent::CONFLICT`].
    stamp: i64,
}

impl FactEvent {
    const BY_ROLE: i64 = 1;
    const CONFLICT: i64 = 2;

    /// An event of which no copies are known. Times more than 73,000 years away become the last and the first that there is
    /// room for: of records only such are read as lie in the years -9999 to 9999.
    pub fn new(id: EventId, signer: u32, by_role: bool, time: Micros, row: u32) -> Self {
        let time = match time {
            NO_TIME => NO_TIME >> 2,
            _ => time.clamp(Micros::MIN >> 2, (NO_TIME >> 2) - 1),
        };
        Self { id, signer, row, stamp: time << 2 | if by_role { Self::BY_ROLE } else { 0 } }
    }

    /// When.
    pub fn time(&self) -> Micros {
        match self.stamp >> 2 {
            none if none == NO_TIME >> 2 => NO_TIME,
            time => time,
        }
    }

    /// Whether a role's session signed it; copies that differ in that are events of their own.
    pub fn by_role(&self) -> bool {
        self.stamp & Self::BY_ROLE != 0
    }

    /// Whether copies of it name different signers.
    pub fn conflict(&self) -> bool {
        self.stamp & Self::CONFLICT != 0
    }

    /// The same, with whether copies of it name different signers.
    #[must_use]
    pub fn with_conflict(self, conflict: bool) -> Self {
        let stamp = self.stamp & !Self::CONFLICT | if conflict { Self::CONFLICT } else { 0 };
        Self { stamp, ..self }
    }
}

/// An event that replaces an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactAddendum {
    /// The event that it replaces.
    pub original: EventId,
    /// Itself.
    pub event: FactEvent,
}

/// What one kind of call of one program acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactAction {
    /// Signer, event source, event name and user agent: indices into [`Facts::strings`].
    pub text: [u32; 4],
    /// Whether a role's session signed.
    pub by_role: bool,
    /// Whether the caller was authorised ([`super::is_authorised`]).
    pub authorised: bool,
    /// What was acted on.
    pub set: ResourceSet,
}

/// Steps between keys and sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionFacts {
    /// Session, who handed it out, and how.
    pub origins: Vec<(String, String, String)>,
    /// Shared event id, session and how, where the record names no caller.
    pub received: Vec<(String, String, String)>,
    /// Shared event id and caller.
    pub shared: Vec<(String, String)>,
    /// Session, account and user whose it is, and whether it is the console's.
    pub holders: Vec<(String, String, String, bool)>,
}

/// What readers learn.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Each string once; the first is empty.
    pub strings: Vec<Arc<str>>,
    /// Each row once.
    pub rows: Vec<FactRow>,
    /// Each event once.
    pub events: Vec<FactEvent>,
    /// Events that replace others.
    pub addenda: Vec<FactAddendum>,
    /// Signer, its latest record, and whether the time of any cannot be read.
    pub activity: Vec<(u32, Micros, bool)>,
    /// What calls acted on.
    pub resources: Vec<FactAction>,
    /// Steps between keys and sessions.
    pub sessions: SessionFacts,
    /// Static key, and an account and user whose record it signed.
    pub owners: Vec<(String, String, String)>,
    /// Account and user, and the last call whose record names no key.
    pub keyless: Vec<(String, String, Micros)>,
    /// Address, and a machine whose role session was seen there.
    pub neighbours: Vec<(Arc<str>, String)>,
}

impl Facts {
    /// A string by its index.
    pub fn string(&self, index: u32) -> &str {
        self.strings.get(index as usize).map_or("", |text| text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_small_and_lose_nothing_of_times_that_records_have() {
        assert_eq!(size_of::<FactEvent>(), 32);
        let year = 365 * 86_400 * 1_000_000;
        for time in [0, 1, -1, 1_770_000_000_000_000, 9_999 * year, -11_969 * year, NO_TIME] {
            for (by_role, conflict) in [(false, false), (false, true), (true, false), (true, true)] {
                let event = FactEvent::new([7; 16], 5, by_role, time, 9).with_conflict(conflict);
                assert_eq!((event.time(), event.by_role(), event.conflict()), (time, by_role, conflict));
                assert_eq!(event.with_conflict(false), FactEvent::new([7; 16], 5, by_role, time, 9));
            }
        }
        for (far, stays) in [(NO_TIME - 1, (NO_TIME >> 2) - 1), (Micros::MIN, Micros::MIN >> 2)] {
            assert_eq!(FactEvent::new([0; 16], 0, true, far, 0).time(), stays);
        }
    }
}
