//! From the pass over an object to its records and the reasons to look at some of them.

use super::masks::{Instructions, first_special, pass_by};
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// Bytes that a buffer must go on for after its content; what they are does not matter.
pub const PADDING: usize = 128;

/// Where a record lies in its object, braces included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its opening brace.
    pub start: u32,
    /// Just behind its closing brace.
    pub end: u32,
}

/// What the pass notes.
#[derive(Default)]
pub(super) struct Raw {
    pub(super) records: Vec<Record>,
    pub(super) words: Vec<u32>,
}

/// How much is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// Records of access keys only.
    Keys,
    /// Also sessions, the calls that hand them out, and users without key ids.
    Wide,
}

/// Why a record may matter. Several can hold at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// It must be decoded: it names an access key, or is a user's, or names two sessions.
    pub decode: bool,
    /// It may hand out a session.
    pub assumes: bool,
    /// Where the one session key id that it names begins; 0 where it names none.
    pub session: u32,
}

/// What kind of record a mark makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing about it matters here.
    Other,
    /// It has to be decoded.
    Decode,
    /// It names one session, so that it matters if that session does.
    Session,
    /// It may hand out a session, and has to be decoded unless it is a service's own call.
    Assumes,
}

/// The records of one object; kept from object to object for its memory.
#[derive(Default)]
pub struct Records {
    raw: Raw,
    marks: Vec<Mark>,
}

impl Records {
    /// All records with their marks, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Record, Mark)> + '_ {
        self.raw.records.iter().copied().zip(self.marks.iter().copied())
    }

    /// One of them, by its number.
    pub fn get(&self, nth: usize) -> Option<(Record, Mark)> {
        Some((*self.raw.records.get(nth)?, *self.marks.get(nth)?))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.raw.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.raw.records.is_empty()
    }
}

impl Mark {
    /// What the record is.
    pub fn kind(self) -> Kind {
        match self {
            Mark { decode: true, .. } => Kind::Decode,
            Mark { assumes: true, .. } => Kind::Assumes,
            Mark { session: 0, .. } => Kind::Other,
            _ => Kind::Session,
        }
    }
}

/// Finds the records of a log object, `buffer[..len]`; `buffer` is [`PADDING`] bytes longer. Returns whether the
/// object has its usual form, `{"Records":[{…},{…}]}` and nothing else; otherwise it has to be read the general way.
/// Of records without marks nothing but quotes and brackets is checked.
pub fn scan(buffer: &[u8], len: usize, how: Scan, out: &mut Records) -> bool {
    scan_by(Instructions::Avx512Groups, buffer, len, how, out)
}

/// [`scan`], telling over and over how far it will look next, from the beginning on and mostly by many bytes at a time:
/// what else has to look at all of the content does so best while it is about to be looked at here. It may end early.
pub fn scan_ahead(
    buffer: &[u8],
    len: usize,
    how: Scan,
    out: &mut Records,
    ahead: &mut dyn FnMut(usize),
) -> bool {
    match how {
        Scan::Keys => run::<false>(Instructions::Avx512Groups, buffer, len, out, ahead),
        Scan::Wide => run::<true>(Instructions::Avx512Groups, buffer, len, out, ahead),
    }
}

/// [`scan`] by certain instructions, for comparison.
pub fn scan_by(by: Instructions, buffer: &[u8], len: usize, how: Scan, out: &mut Records) -> bool {
    match how {
        Scan::Keys => run::<false>(by, buffer, len, out, &mut |_| {}),
        Scan::Wide => run::<true>(by, buffer, len, out, &mut |_| {}),
    }
}

fn run<const WIDE: bool>(
    by: Instructions,
    buffer: &[u8],
    len: usize,
    out: &mut Records,
    ahead: &mut dyn FnMut(usize),
) -> bool {
    out.raw.records.clear();
    out.raw.words.clear();
    out.marks.clear();
    let Some(content) = buffer.get(..len) else { return false };
    let Some(at) = array_start(content) else { return false };
    let Some(end) = pass_by::<WIDE>(by, buffer, len, at, &mut out.raw, ahead) else { return false };
    let Some(tail) = content.get(end + 1..) else { return false };
    let mut tail = tail.iter().filter(|b| !b.is_ascii_whitespace());
    if tail.next() != Some(&b'}') || tail.next().is_some() {
        return false;
    }
    mark(content, out);
    true
}

/// Just behind the bracket that opens the array of records.
fn array_start(content: &[u8]) -> Option<usize> {
    let mut at = 0;
    for token in [&b"{"[..], b"\"Records\"", b":", b"["] {
        at += content.get(at..)?.iter().take_while(|b| matches!(b, b' ' | b'\n' | b'\r' | b'\t')).count();
        content.get(at..)?.starts_with(token).then_some(())?;
        at += token.len();
    }
    Some(at)
}

/// Gives each record the marks of the words inside it; words elsewhere mean nothing.
fn mark(content: &[u8], out: &mut Records) {
    let mut words = out.raw.words.iter().map(|at| *at as usize).peekable();
    for record in &out.raw.records {
        let mut mark = Mark::default();
        while words.next_if(|at| *at < record.start as usize).is_some() {}
        while let Some(at) = words.next_if(|at| *at < record.end as usize) {
            let word = content.get(at..record.end as usize).unwrap_or_default();
            let first = word.first_chunk::<4>();
            if first == Some(b"ASIA") {
                if mark.session == 0 {
                    mark.session = u32::try_from(at).unwrap_or(0);
                } else if content.get(mark.session as usize..).map(session_id) != Some(session_id(word)) {
                    mark.decode = true;
                }
            } else if first == Some(b"AKIA") || first == Some(b"IAMU") {
                mark.decode = true;
            } else {
                let begins = |before: usize, with: &[u8]| {
                    content.get(at.saturating_sub(before)..).is_some_and(|word| word.starts_with(with))
                };
                mark.assumes |= begins(3, b"AssumeRo");
                // A user's session, be it in an identity that repeats a role's.
                mark.decode |= begins(6, b"FederatedU");
            }
        }
        out.marks.push(mark);
    }
}

/// The id that begins here, up to the first byte that ids do not have.
pub(super) fn session_id(bytes: &[u8]) -> &[u8] {
    // Nearly all are as long as this, and looked at together.
    if let Some((id, rest)) = bytes.split_first_chunk::<20>()
        && rest.first().is_none_or(|b| !b.is_ascii_alphanumeric())
        && id.iter().fold(true, |all, b| all & b.is_ascii_alphanumeric())
    {
        return id;
    }
    let len = bytes.iter().take(128).take_while(|b| b.is_ascii_alphanumeric()).count();
    bytes.get(..len).unwrap_or_default()
}

/// A session's short name: equal for equal ids, on every machine and in every version, as it is kept in stores.
pub fn session_hash(id: &[u8]) -> u32 {
    // FNV-1a, folded.
    let hash = id.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (hash ^ hash >> 32) as u32
}

/// A role session's own call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleSession<'a> {
    /// The session's key id.
    pub key: &'a [u8],
    /// `userIdentity.arn`.
    pub arn: &'a [u8],
}

impl RoleSession<'_> {
    /// Whether the session is an instance's (`i-…`) or a hybrid node's (`mi-…`), which are named after them.
    pub fn is_machine(&self) -> bool {
        let name =
            memchr::memrchr(b'/', self.arn).map_or(self.arn, |at| self.arn.get(at + 1..).unwrap_or_default());
        name.starts_with(b"i-") || name.starts_with(b"mi-")
    }
}

/// What stands in a record just behind `"type":"KIND",` of its identity, if the record begins in the order in which
/// CloudTrail writes its fields, and the identity is of that kind.
fn after_kind<'a>(record: &'a [u8], kind: &[u8]) -> Option<&'a [u8]> {
    let rest = record.strip_prefix(b"{\"eventVersion\":\"")?;
    let (_, rest) = rest.split_at_checked(rest.iter().take(16).position(|b| *b == b'"')?)?;
    let rest = rest.strip_prefix(b"\",\"userIdentity\":{\"type\":\"")?;
    rest.strip_prefix(kind)?.strip_prefix(b"\",")
}

/// Of a record that names one session, at `session` in it: that session, if the record is a role session's own call
/// and in the order in which CloudTrail writes its fields; otherwise nothing, and the record has to be decoded.
pub fn role_session(record: &[u8], session: usize) -> Option<RoleSession<'_>> {
    let mut rest = after_kind(record, b"AssumedRole")?.strip_prefix(b"\"principalId\":\"")?;
    let (_, next) = field(rest, b"\",\"arn\":\"")?;
    let (arn, next) = field(next, b"\",\"accountId\":\"")?;
    (_, rest) = field(next, b"\",\"accessKeyId\":\"")?;
    let key = session_id(rest);
    let closed = rest.get(key.len()) == Some(&b'"');
    (record.len() - rest.len() == session && closed && key.starts_with(b"ASIA"))
        .then_some(RoleSession { key, arn })
}

/// A plain string's content up to where it ends and what has to follow it begins, and what stands behind that.
fn field<'a, const N: usize>(rest: &'a [u8], then: &[u8; N]) -> Option<(&'a [u8], &'a [u8])> {
    let mut end = 0;
    while let Some(chunk) = rest.get(end..).and_then(|rest| rest.first_chunk::<16>()) {
        match first_special(chunk) {
            Some(place) => {
                let (content, rest) = rest.split_at_checked(end + place)?;
                return Some((content, rest.strip_prefix(then)?));
            }
            None => end += 16,
        }
    }
    // The last bytes one by one.
    end += rest.get(end..)?.iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20))?;
    let (content, rest) = rest.split_at_checked(end)?;
    Some((content, rest.strip_prefix(then)?))
}

/// Whether a record is a service's own, which never derives from a key: of the usual order of fields, with one
/// identity, which names the service and nothing else. What it hands out nobody's key handed out.
pub fn is_service_call(record: &[u8]) -> bool {
    let identity = || {
        let rest = after_kind(record, b"AWSService")?.strip_prefix(b"\"invokedBy\":\"")?;
        let quote = rest.iter().position(|b| matches!(b, b'"' | b'\\'))?;
        rest.get(quote..)?.strip_prefix(b"\"}")
    };
    // A repeated identity would count instead of the first one.
    static IDENTITY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"userIdentity\""));
    identity().is_some_and(|rest| IDENTITY.find(rest).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that are the same in every run.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, most: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % most
        }

        /// A value with brackets inside and outside of strings.
        fn value(&mut self, levels: usize) -> String {
            let members = |dice: &mut Self, name: &str| {
                let all = (0..dice.below(4)).map(|_| name.to_owned() + &dice.value(levels - 1));
                all.collect::<Vec<_>>().join(",")
            };
            match self.below(if levels == 0 { 3 } else { 7 }) {
                0 => {
                    let longest = if self.below(4) == 0 { 2000 } else { 90 };
                    format!("\"{}\"", "x".repeat(self.below(longest)))
                }
                1 => ["\"}],[{\"", r#""\"}{\\""#, r#""\\\"[""#, r#""AKIA\n""#][self.below(4)].to_owned(),
                2 => ["7", "null", " {}", "[]\n"][self.below(4)].to_owned(),
                3 | 4 => format!("[{}]", members(self, "")),
                _ => format!("{{{}}}", members(self, "\"n\":")),
            }
        }
    }

    #[test]
    fn records_lie_where_they_were_written_and_all_instructions_agree() {
        let mut dice = Dice(7);
        let mut out = Records::default();
        let mut of = |by, text: &[u8], how| {
            let mut buffer = text.to_vec();
            // What stands behind the content must not matter.
            buffer.extend([b'"', b'}'].iter().cycle().take(PADDING));
            scan_by(by, &buffer, text.len(), how, &mut out).then(|| out.iter().collect::<Vec<_>>())
        };
        let (mut taken, mut refused, mut longest) = (0, 0, 0);
        for round in 0..300 {
            // At every place of a group; now and then so long that what comes later is announced.
            let mut text = format!("{{\"Records\":{}[", " ".repeat(dice.below(520)));
            let most = if round % 100 == 99 { 900 } else { 40 };
            let mut want = Vec::new();
            for nth in 0..dice.below(most) {
                text.push_str(if nth == 0 { "" } else { [",", " ,", ",\n"][dice.below(3)] });
                let start = text.len() as u32;
                text.push_str(&format!("{{\"a\":{},\"b\":{}}}", dice.value(5), dice.value(2)));
                want.push(Record { start, end: text.len() as u32 });
            }
            text.push_str("]}");
            longest = longest.max(text.len());
            let mut spoiled = text.clone().into_bytes();
            for _ in 0..1 + dice.below(2) {
                let at = dice.below(spoiled.len());
                let pieces: [&[u8]; 11] =
                    [b"\"", b"\\", b"{", b"}", b"[", b"]", b",", b"\n", b"x", b"\\u0041", b"\\u00e4"];
                spoiled.splice(at..at + dice.below(2), pieces[dice.below(11)].iter().copied());
            }
            let cut = &text.as_bytes()[..dice.below(text.len())];
            for how in [Scan::Keys, Scan::Wide] {
                let found = of(Instructions::Portable, text.as_bytes(), how).unwrap();
                assert_eq!(found.iter().map(|(record, _)| *record).collect::<Vec<_>>(), want, "{text}");
                assert_eq!(of(Instructions::Portable, cut, how), None);
                let rest = of(Instructions::Portable, &spoiled, how);
                *(if rest.is_some() { &mut taken } else { &mut refused }) += 1;
                for by in Instructions::ALL {
                    assert_eq!(of(by, text.as_bytes(), how).as_ref(), Some(&found), "{by:?}: {text}");
                    assert_eq!(of(by, cut, how), None, "{by:?}: {cut:?}");
                    assert_eq!(of(by, &spoiled, how), rest, "{by:?}: {}", spoiled.escape_ascii());
                }
            }
        }
        assert!(taken > 50 && refused > 50, "{taken} taken, {refused} refused");
        assert!(longest > 150_000, "{longest}");
    }

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(session_hash(b"ASIAIOSFODNN7EXAMPLE"), 0xa37d_61a9);
    }
}
