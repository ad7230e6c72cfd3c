//! Reads a log object of the usual form the quick way: inflated at once, scanned in one pass, and only those records
//! decoded that may matter.

use super::fold::SeenObject;
use super::inflate::{Inflated, Inflater, Sum};
use super::json_values::ValueSink;
use super::reader::{FileReader, Member, Place};
use super::recognise::{Found, recognise};
use crate::cloudtrail::{
    Decoder, Detail, Kind, Mark, PADDING, Record, Records, Scan, fetch, is_service_call, role_session,
    scan_ahead, session_hash,
};
use hashbrown::HashSet;

/// Objects of more than this many bytes, in a file or inflated, are read as streams, so that memory stays bounded: with
/// a file of 16 MB beside it this is still less than 64 MB. CloudTrail's own are rarely larger.
pub(super) const LARGEST: usize = 40 << 20;

/// How many records on one is fetched that will be decoded: what lies in between takes about as long as memory does.
const SOON: usize = 8;

/// How much of the trail is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Access keys' own records only, and not what they acted on.
    Keys,
    /// Those, and whatever derives from them; of other records as much as comes cheaply.
    Evidence,
    /// Every record is decoded and counted.
    Census,
}

/// What one thread keeps from object to object.
pub(super) struct Quick {
    inflater: Option<Inflater>,
    content: Vec<u8>,
    records: Records,
    pending: Vec<u32>,
    machines: HashSet<u32>,
    decoder: Decoder,
}

impl Quick {
    pub(super) fn new() -> Self {
        Self {
            inflater: Inflater::new(),
            content: Vec::new(),
            records: Records::default(),
            pending: Vec::new(),
            machines: HashSet::default(),
            decoder: Decoder::default(),
        }
    }

    /// Reads an object, the file's bytes as they are. Returns whether it could be read this way; if not, nothing was
    /// handed on. `bytes` may be changed.
    pub(super) fn read(&mut self, bytes: &mut Vec<u8>, depth: Depth, file: &mut FileReader<'_>) -> bool {
        if file.name.as_ref().is_none_or(|name| name.digest) {
            return false;
        }
        let how = if depth == Depth::Keys { Scan::Keys } else { Scan::Wide };
        if !self.find(bytes, how) {
            return false;
        }
        // Nothing asks the report for it before it is back in its place.
        let label = std::mem::take(&mut file.report.label);
        let before = file.skipped();
        let mut member = Member::new(file, &label);
        self.pending.clear();
        self.machines.clear();
        let Self { content, records, pending, machines, decoder, .. } = self;
        let last = records.len().saturating_sub(1);
        let mut sifter = Sifter { member: &mut member, pending, machines, decoder, undecoded: 0, last };
        let text =
            |record: Record| content.get(record.start as usize..record.end as usize).unwrap_or_default();
        for (nth, (record, mark)) in records.iter().enumerate() {
            if let Some((soon, _)) = records.get(nth + SOON).filter(|(_, mark)| mark.kind() == Kind::Decode) {
                fetch(text(soon));
            }
            let raw = text(record);
            sifter.record(&label, raw, record, mark, depth, nth);
        }
        let undecoded = sifter.undecoded;
        member.finish(true);
        file.report.events += undecoded;
        file.report.pending = sorted(&mut self.pending);
        let damaged = file.hides_records_since(before);
        file.report.objects.extend(file.name.take().map(|name| SeenObject { name, undecoded, damaged }));
        file.report.label = label;
        true
    }

    /// Reads an object once more for the records of role sessions that turned out to matter. Returns whether it could
    /// be read; what still does not matter stays pending.
    pub(super) fn read_again(&mut self, bytes: &mut Vec<u8>, file: &mut FileReader<'_>) -> bool {
        if !self.find(bytes, Scan::Wide) {
            return false;
        }
        let label = file.report.label.clone();
        self.pending.clear();
        let Self { content, records, pending, decoder, .. } = self;
        for (record, mark) in records.iter().filter(|(_, mark)| mark.kind() == Kind::Session) {
            let raw = content.get(record.start as usize..record.end as usize).unwrap_or_default();
            let Some(session) = role_session_of(raw, record, mark) else { continue };
            let hash = session_hash(session.key);
            if !file.fold.wants(hash) {
                pending.push(hash);
                continue;
            }
            apart(file, decoder, &label, raw, u64::from(record.start));
        }
        file.report.pending = sorted(&mut self.pending);
        true
    }

    /// Brings an object's content into `self.content`, and what it holds into `self.records`; tells whether that can be done
    /// this way.
    fn find(&mut self, bytes: &mut Vec<u8>, how: Scan) -> bool {
        let Some(Inflated { len, sum }) = self.inflate(bytes) else { return false };
        let (content, mut checked, mut so_far) = (&self.content, 0, Sum::default());
        // Each stretch is summed up just before it is scanned, so that a large object comes from memory once, not twice.
        let mut check = |upto: usize| {
            if sum.is_some() {
                so_far = so_far.with(content.get(checked..upto).unwrap_or_default());
                checked = upto;
            }
        };
        if !scan_ahead(content, len, how, &mut self.records, &mut check) {
            return false;
        }
        check(len);
        sum.is_none_or(|sum| sum == so_far)
    }

    /// Brings the object's content into `self.content`, with padding. Nothing where that has to be done otherwise.
    fn inflate(&mut self, bytes: &mut Vec<u8>) -> Option<Inflated> {
        if bytes.starts_with(b"\x1f\x8b") {
            return self.inflater.as_mut()?.unsummed(bytes, &mut self.content, LARGEST, PADDING);
        }
        let len = bytes.len();
        bytes.resize(len + PADDING, 0);
        std::mem::swap(bytes, &mut self.content);
        Some(Inflated { len, sum: None })
    }
}

fn role_session_of(raw: &[u8], record: Record, mark: Mark) -> Option<crate::cloudtrail::RoleSession<'_>> {
    role_session(raw, mark.session.checked_sub(record.start)? as usize)
}

/// Goes through the records of one object.
struct Sifter<'a, 'b, 'c> {
    member: &'a mut Member<'b, 'c>,
    pending: &'a mut Vec<u32>,
    machines: &'a mut HashSet<u32>,
    decoder: &'a mut Decoder,
    undecoded: u64,
    last: usize,
}

impl Sifter<'_, '_, '_> {
    fn record(&mut self, label: &str, raw: &[u8], record: Record, mark: Mark, depth: Depth, nth: usize) {
        let offset = u64::from(record.start);
        // The first and the last tell what classes of events there are, as far as that comes cheaply.
        let mut sample = depth != Depth::Keys && (nth == 0 || nth == self.last);
        let decode = match mark.kind() {
            Kind::Decode => true,
            _ if depth == Depth::Census => true,
            _ if depth == Depth::Keys => false,
            Kind::Session => match role_session_of(raw, record, mark) {
                Some(session) => {
                    let hash = session_hash(session.key);
                    // What is known of sessions by now depends on which thread was faster. So that the counts do not,
                    // a role session's own record is counted like one that is passed over, whether it is or not.
                    if self.member.file.fold.wants(hash) {
                        apart(self.member.file, self.decoder, label, raw, offset);
                    } else {
                        self.pending.push(hash);
                    }
                    // A machine's address is worth knowing; once for each session is enough.
                    sample |= session.is_machine() && self.machines.insert(hash);
                    false
                }
                None => true,
            },
            Kind::Assumes => !is_service_call(raw),
            Kind::Other => false,
        };
        if decode {
            let detail = if depth == Depth::Keys { Detail::Call } else { Detail::Names };
            match &self.decoder.usual(raw, detail) {
                Ok(event) => self.member.file.event(label, event, Place { offset, raw, nth: 0 }),
                Err(_) => self.member.value(raw, offset),
            }
        } else if sample {
            self.glance(raw);
        } else {
            self.undecoded += 1;
        }
    }

    fn glance(&mut self, raw: &[u8]) {
        match &self.decoder.usual(raw, Detail::Caller) {
            Ok(event) => {
                self.member.file.report.events += 1;
                self.member.file.fold.glance(event);
            }
            Err(_) => self.undecoded += 1,
        }
    }
}

/// What was noted, in order and each once; then nothing is noted.
fn sorted(noted: &mut Vec<u32>) -> Vec<u32> {
    noted.sort_unstable();
    noted.dedup();
    let all = noted.as_slice().into();
    noted.clear();
    all
}

/// Hands a role session's record on, which is counted elsewhere.
fn apart(file: &mut FileReader<'_>, decoder: &mut Decoder, label: &str, raw: &[u8], offset: u64) {
    let place = Place { offset, raw, nth: 0 };
    match &decoder.usual(raw, Detail::Names) {
        Ok(event) => file.apart(label, event, place),
        Err(_) => recognise(raw, &mut |found| {
            if let Found::Event(event) = found {
                file.apart(label, event, place);
            }
        }),
    }
}
