//! What could not be used, where it stood and why: decoders return this beside their values.

use std::fmt;

/// How a skip ends that says of a log object that it could not be read once more. Stores take such skips back when it
/// could.
pub const SESSIONS_NOT_COUNTED: &str =
    "role sessions in it that derive from a key are not counted; collect it again";

/// One thing that was left out, so that a reader can find it again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skip {
    /// The file as the user would name it; `!` separates a member of an archive.
    pub source: String,
    /// Byte offset in the (decompressed) content, where there is one.
    pub offset: Option<u64>,
    /// Why it was left out.
    pub reason: SkipReason,
    /// Details in words: the decoder's message, a size, a type.
    pub detail: String,
}

/// Why something was left out. The ids are stable: they appear in reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkipReason {
    /// The file could not be opened or read.
    Unreadable,
    /// A pipe, socket or device: reading it could hang or never end.
    NotARegularFile,
    /// A symbolic link that leads back to where it came from.
    LinkLoop,
    /// A compressed stream that ends early or is damaged.
    DamagedArchive,
    /// Text that is not JSON where JSON was expected.
    MalformedJson,
    /// A file or array that ends in the middle of a value.
    Truncated,
    /// A single value larger than offkey is willing to hold in memory.
    TooLarge,
    /// Arrays or objects nested deeper than any CloudTrail container.
    TooDeep,
    /// Neither CloudTrail nor any IAM export that offkey knows.
    UnknownContent,
    /// Recognised, but some part of it could not be understood.
    BadField,
    /// It may well hold logs, in a form that offkey does not read.
    Unsupported,
    /// AWS refused to answer for want of permission.
    Denied,
    /// AWS did not answer, or not in a way that can be used.
    CallFailed,
    /// AWS was not asked, as the budget of calls or time was spent.
    NotAsked,
}

impl SkipReason {
    /// Stable id for machines.
    pub fn id(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::NotARegularFile => "not-a-regular-file",
            Self::LinkLoop => "link-loop",
            Self::DamagedArchive => "damaged-archive",
            Self::MalformedJson => "malformed-json",
            Self::Truncated => "truncated",
            Self::TooLarge => "too-large",
            Self::TooDeep => "too-deep",
            Self::UnknownContent => "unknown-content",
            Self::BadField => "bad-field",
            Self::Unsupported => "unsupported",
            Self::Denied => "denied",
            Self::CallFailed => "call-failed",
            Self::NotAsked => "not-asked",
        }
    }

    /// The reason of an id.
    pub fn from_id(id: &str) -> Option<Self> {
        const ALL: [SkipReason; 14] = [
            SkipReason::Unreadable,
            SkipReason::NotARegularFile,
            SkipReason::LinkLoop,
            SkipReason::DamagedArchive,
            SkipReason::MalformedJson,
            SkipReason::Truncated,
            SkipReason::TooLarge,
            SkipReason::TooDeep,
            SkipReason::UnknownContent,
            SkipReason::BadField,
            SkipReason::Unsupported,
            SkipReason::Denied,
            SkipReason::CallFailed,
            SkipReason::NotAsked,
        ];
        ALL.into_iter().find(|reason| reason.id() == id)
    }

    /// Whether records may have been lost, so that coverage of that file is not complete.
    pub fn may_hide_records(self) -> bool {
        !matches!(self, Self::UnknownContent)
    }

    /// Whether it is about a question to AWS, whose answer is then missing and nothing else: what the answer would have
    /// said is unknown, and no verdict rests on it.
    pub fn is_of_a_call(self) -> bool {
        matches!(self, Self::Denied | Self::CallFailed | Self::NotAsked)
    }
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.source)?;
        if let Some(offset) = self.offset {
            write!(f, " at byte {offset}")?;
        }
        write!(f, ": {}", self.reason.id())?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        Ok(())
    }
}
