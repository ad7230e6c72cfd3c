//! Debug builds only: ends the process as a power cut would, before or after the n-th line of the journal. Tests of
//! crashes ask for it by OFFKEY_CRASH_AT=3:before; release builds have none of this.

use crate::ports::{Ledger, LedgerError};
use std::process::{Command, id};
use std::sync::atomic::{AtomicU32, Ordering};

static LINES: AtomicU32 = AtomicU32::new(0);

/// A journal that goes down with the process.
pub(super) struct Crashing<'a> {
    pub(super) inner: &'a dyn Ledger,
}

impl Ledger for Crashing<'_> {
    fn append(&self, line: &dyn Fn(Option<&str>) -> String) -> Result<(), LedgerError> {
        let n = LINES.fetch_add(1, Ordering::SeqCst) + 1;
        let wanted = std::env::var("OFFKEY_CRASH_AT").unwrap_or_default();
        if wanted == format!("{n}:before") {
            die();
        }
        let result = self.inner.append(line);
        if wanted == format!("{n}:after") {
            die();
        }
        result
    }
}

fn die() -> ! {
    let _ = Command::new("kill").args(["-KILL", &id().to_string()]).status();
    loop {
        std::thread::park();
    }
}
