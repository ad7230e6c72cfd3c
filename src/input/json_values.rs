//! Splits a stream of bytes into its JSON values without holding more than one of them.
//!
//! CloudTrail objects are one huge array inside an object (`{"Records":[…]}`); LookupEvents output likewise
//! (`{"Events":[…]}`). Both are walked element by element, as are bare arrays and JSON lines, so that memory
//! follows the largest record and not the file. The walk checks structure only (quotes, brackets, commas);
//! whoever receives a value parses it. After damage the walk goes on at the next line, as no other place in
//! a damaged file is certain not to lie inside a string.

use std::io::{self, Read};

/// Values larger than this are passed over. The largest CloudTrail event is 256 KB
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>);
/// the limit leaves room for account authorization details, which are one value.
pub(crate) const MAX_VALUE: usize = 64 << 20;

/// Containers nest two or three deep; the limit keeps hostile input from growing the stack.
const MAX_CONTAINERS: usize = 32;

const CHUNK: usize = 128 << 10;

/// Receives what is found in a stream.
pub trait ValueSink {
    /// One JSON object that is no container of records, as its raw bytes. `offset` is where it starts.
    fn value(&mut self, raw: &[u8], offset: u64);
    /// A stretch that could not be used, from `offset` on.
    fn trouble(&mut self, offset: u64, trouble: Trouble);
    /// An array of records or a JSON list was there, even if it is empty.
    fn container(&mut self) {}
    /// What else stood in an object that held a list of records; the list itself is empty in it.
    fn rest(&mut self, _raw: &[u8], _offset: u64) {}
    /// Something that is no object stood where a record belongs.
    fn no_object(&mut self, _offset: u64) {}
}

/// What can go wrong in a stream of JSON values.
#[derive(Debug)]
pub enum Trouble {
    /// Not JSON, with what was expected.
    Malformed(&'static str),
    /// The stream ended inside a value.
    Truncated(&'static str),
    /// Arrays nested too deep.
    TooDeep,
    /// A value larger than offkey holds in memory.
    TooLarge,
    /// The stream itself failed, for example a damaged gzip member.
    Io(io::Error),
}

/// Walks the whole stream and reports every value and every trouble to `sink`, in order.
pub fn read_values(source: &mut dyn Read, sink: &mut dyn ValueSink) {
    let mut walker =
        Walker { source, buffer: vec![0; CHUNK], at: 0, len: 0, base: 0, done: false, failure: None, sink };
    walker.run();
}

/// Why a walk stopped inside a value.
enum Stop {
    Syntax(&'static str),
    End(&'static str),
    Deep,
}

struct Walker<'a> {
    source: &'a mut dyn Read,
    buffer: Vec<u8>,
    at: usize,
    len: usize,
    /// Stream offset of `buffer[0]`.
    base: u64,
    done: bool,
    failure: Option<io::Error>,
    sink: &'a mut dyn ValueSink,
}

impl Walker<'_> {
    fn run(&mut self) {
        // Consecutive bad lines are one trouble, reported where it began.
        let mut bad: Option<(u64, Trouble)> = None;
        loop {
            self.skip(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b',' | 0 | 0xEF | 0xBB | 0xBF));
            if self.peek().is_none() {
                break;
            }
            let start = self.offset();
            let opens = matches!(self.peek(), Some(b'{' | b'['));
            match self.value(0) {
                Ok(()) => {
                    if opens && let Some((offset, trouble)) = bad.take() {
                        self.sink.trouble(offset, trouble);
                    }
                }
                Err(stop) => {
                    let trouble = match stop {
                        Stop::Syntax(expected) => Trouble::Malformed(expected),
                        Stop::End(inside) => Trouble::Truncated(inside),
                        Stop::Deep => Trouble::TooDeep,
                    };
                    if bad.is_none() {
                        bad = Some((start, trouble));
                    }
                    self.skip(|b| b != b'\n');
                }
            }
        }
        if let Some((offset, trouble)) = bad
            && (self.failure.is_none() || !matches!(trouble, Trouble::Truncated(_)))
        {
            self.sink.trouble(offset, trouble);
        }
        if let Some(failure) = self.failure.take() {
            self.sink.trouble(self.offset(), Trouble::Io(failure));
        }
    }

    fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// The unread rest of the buffer, refilled when it is used up; empty at the end of the stream.
    fn rest(&mut self) -> &[u8] {
        if self.at == self.len && !self.done {
            self.base += self.len as u64;
            self.at = 0;
            self.len = 0;
            loop {
                match self.source.read(&mut self.buffer) {
                    Ok(0) => self.done = true,
                    Ok(n) => self.len = n.min(self.buffer.len()),
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                    Err(e) => {
                        self.failure = Some(e);
                        self.done = true;
                    }
                }
                break;
            }
        }
        self.buffer.get(self.at..self.len).unwrap_or_default()
    }

    fn peek(&mut self) -> Option<u8> {
        self.rest().first().copied()
    }

    fn skip(&mut self, wanted: impl Fn(u8) -> bool) {
        loop {
            let rest = self.rest();
            if rest.is_empty() {
                return;
            }
            match rest.iter().position(|b| !wanted(*b)) {
                Some(n) => {
                    self.at += n;
                    return;
                }
                None => self.at = self.len,
            }
        }
    }

    fn space(&mut self) -> Option<u8> {
        self.skip(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'));
        self.peek()
    }

    /// A value where records or containers may stand.
    fn value(&mut self, depth: usize) -> Result<(), Stop> {
        match self.peek() {
            Some(b'[') => self.array(depth, false),
            Some(b'{') => self.object(depth),
            Some(_) => {
                if depth > 0 {
                    self.sink.no_object(self.base + self.at as u64);
                }
                self.plain(None)
            }
            None => Err(Stop::End("a value")),
        }
    }

    /// `of_records` tells that the array is a list of records, whose objects are taken whole: what is wrong inside one
    /// of them harms no other.
    fn array(&mut self, depth: usize, of_records: bool) -> Result<(), Stop> {
        if depth >= MAX_CONTAINERS {
            return Err(Stop::Deep);
        }
        self.sink.container();
        self.at += 1;
        if self.space() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            match self.space() {
                Some(b'{') if of_records => self.record()?,
                _ => self.value(depth + 1)?,
            }
            match self.space() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(_) => return Err(Stop::Syntax("a comma or the end of the array")),
                None => return Err(Stop::End("an array")),
            }
        }
    }

    /// An object in a list of records, as far as its brackets balance.
    fn record(&mut self) -> Result<(), Stop> {
        let start = self.offset();
        let mut copy = Copy { bytes: Vec::new(), overflow: false };
        self.plain(Some(&mut copy))?;
        if !copy.overflow && copy.bytes.last() != Some(&b'}') {
            return Err(Stop::Syntax("the end of an object"));
        }
        if copy.overflow {
            self.sink.trouble(start, Trouble::TooLarge);
        } else {
            self.sink.value(&copy.bytes, start);
        }
        Ok(())
    }

    /// An object: either a container, whose elements are handed on as they come, or a value of its own.
    fn object(&mut self, depth: usize) -> Result<(), Stop> {
        let start = self.offset();
        let mut copy = Copy { bytes: vec![b'{'], overflow: false };
        let mut is_container = false;
        self.at += 1;
        if self.space() == Some(b'}') {
            self.at += 1;
            self.sink.value(b"{}", start);
            return Ok(());
        }
        loop {
            if self.space() != Some(b'"') {
                return Err(if self.peek().is_some() {
                    Stop::Syntax("a key")
                } else {
                    Stop::End("an object")
                });
            }
            let key_at = copy.bytes.len();
            self.plain(Some(&mut copy))?;
            let is_list = copy.bytes.get(key_at..).is_some_and(is_container_key);
            if self.space() != Some(b':') {
                return Err(if self.peek().is_some() {
                    Stop::Syntax("a colon")
                } else {
                    Stop::End("an object")
                });
            }
            self.at += 1;
            if self.space() == Some(b'[') && is_list {
                is_container = true;
                self.array(depth + 1, true)?;
                copy.extend(b":[]");
            } else {
                copy.extend(b":");
                self.plain(Some(&mut copy))?;
            }
            match self.space() {
                Some(b',') => {
                    self.at += 1;
                    copy.extend(b",");
                }
                Some(b'}') => {
                    self.at += 1;
                    break;
                }
                Some(_) => return Err(Stop::Syntax("a comma or the end of the object")),
                None => return Err(Stop::End("an object")),
            }
        }
        copy.extend(b"}");
        if is_container && !copy.overflow {
            self.sink.rest(&copy.bytes, start);
        } else if copy.overflow {
            self.sink.trouble(start, Trouble::TooLarge);
        } else {
            self.sink.value(&copy.bytes, start);
        }
        Ok(())
    }

    /// Passes over one value of any kind and copies it; brackets and quotes must balance.
    fn plain(&mut self, mut copy: Option<&mut Copy>) -> Result<(), Stop> {
        let first = self.peek().ok_or(Stop::End("a value"))?;
        let scalar = !matches!(first, b'{' | b'[' | b'"');
        if matches!(first, b'}' | b']' | b',' | b':') {
            return Err(Stop::Syntax("a value"));
        }
        let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
        let mut literal = Vec::new();
        loop {
            let rest = self.rest();
            if rest.is_empty() {
                return if scalar { check_literal(&literal) } else { Err(Stop::End("a value")) };
            }
            let mut end = None;
            for (i, byte) in rest.iter().copied().enumerate() {
                if in_string {
                    match byte {
                        // No string spans lines; without this, damage would turn inside and outside around.
                        b'\n' => return Err(Stop::Syntax("the end of a string")),
                        _ if escaped => escaped = false,
                        b'\\' => escaped = true,
                        b'"' => {
                            in_string = false;
                            if depth == 0 {
                                end = Some(i + 1);
                                break;
                            }
                        }
                        _ => {}
                    }
                } else if scalar {
                    if matches!(byte, b',' | b'}' | b']' | b':' | b'"' | b'{' | b'[')
                        || byte.is_ascii_whitespace()
                    {
                        end = Some(i);
                        break;
                    }
                } else {
                    match byte {
                        b'"' => in_string = true,
                        b'{' | b'[' => depth += 1,
                        b'}' | b']' => {
                            depth -= 1;
                            if depth == 0 {
                                end = Some(i + 1);
                                break;
                            }
                        }
                        _ => {}
                    }
                }
            }
            let taken = end.unwrap_or(rest.len());
            if scalar && literal.len() < LONGEST_LITERAL {
                literal.extend(rest.iter().take(taken.min(LONGEST_LITERAL)));
            }
            if let Some(copy) = copy.as_deref_mut() {
                copy.extend(rest.get(..taken).unwrap_or_default());
            }
            self.at += taken;
            if end.is_some() {
                return if scalar { check_literal(&literal) } else { Ok(()) };
            }
        }
    }
}

/// No JSON number or literal of use is longer; what is longer is cut and judged by its beginning.
const LONGEST_LITERAL: usize = 64;

/// A bare word must be a number, `true`, `false` or `null`; anything else means that the text is damaged.
fn check_literal(text: &[u8]) -> Result<(), Stop> {
    let word = matches!(text, b"true" | b"false" | b"null" | b"NaN" | b"Infinity" | b"-Infinity");
    let number = text.iter().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    if word || number && text.iter().any(u8::is_ascii_digit) { Ok(()) } else { Err(Stop::Syntax("a value")) }
}

/// A growing copy of one value that gives up, but keeps counting, past [`MAX_VALUE`].
struct Copy {
    bytes: Vec<u8>,
    overflow: bool,
}

impl Copy {
    fn extend(&mut self, more: &[u8]) {
        if self.bytes.len() + more.len() > MAX_VALUE {
            self.overflow = true;
            self.bytes = Vec::new();
        } else if !self.overflow {
            self.bytes.extend_from_slice(more);
        }
    }
}

/// Whether a raw key (with its quotes) is `Records` or `Events`, however it is escaped.
fn is_container_key(raw: &[u8]) -> bool {
    match raw {
        b"\"Records\"" | b"\"Events\"" => true,
        _ if raw.contains(&b'\\') && raw.len() < 100 => {
            serde_json::from_slice::<String>(raw).is_ok_and(|key| key == "Records" || key == "Events")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Log(Vec<String>);

    impl ValueSink for Log {
        fn value(&mut self, raw: &[u8], offset: u64) {
            self.0.push(format!("{offset}:{}", String::from_utf8_lossy(raw)));
        }
        fn trouble(&mut self, offset: u64, trouble: Trouble) {
            let name = match trouble {
                Trouble::Malformed(_) => "malformed",
                Trouble::Truncated(_) => "truncated",
                Trouble::TooDeep => "deep",
                Trouble::TooLarge => "large",
                Trouble::Io(_) => "io",
            };
            self.0.push(format!("{offset}!{name}"));
        }
    }

    /// Hands out one byte at a time, so that every token crosses a buffer's edge.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            match (self.0.split_first(), out.first_mut()) {
                (Some((byte, rest)), Some(slot)) => {
                    *slot = *byte;
                    self.0 = rest;
                    Ok(1)
                }
                _ => Ok(0),
            }
        }
    }

    #[test]
    fn shapes_of_containers_and_damage() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("{}", &["0:{}"]),
            ("[]", &[]),
            (r#"{"Records":[]}"#, &[]),
            (r#"{"Records":[{"a":1},{"b":"]}"}]}"#, &[r#"12:{"a":1}"#, r#"20:{"b":"]}"}"#]),
            (r#"{"x":1,"Rec\u006frds":[{"a":1}],"y":2}"#, &[r#"23:{"a":1}"#]),
            (r#"[{"a":1},[{"b":2}]]"#, &[r#"1:{"a":1}"#, r#"10:{"b":2}"#]),
            ("{\"a\":1}\n{\"b\":2}\n", &["0:{\"a\":1}", "8:{\"b\":2}"]),
            ("\u{feff}{\"a\":1}", &["3:{\"a\":1}"]),
            (r#"{"a":"\\\"}"}"#, &[r#"0:{"a":"\\\"}"}"#]),
            (r#"{"Records":[{"a":1},{"b"#, &[r#"12:{"a":1}"#, "0!truncated"]),
            ("{\"Records\":[{\"a\":1},{]\n{\"c\":3}", &["12:{\"a\":1}", "23:{\"c\":3}", "0!malformed"]),
            ("ntName\":\"x\"},\n{\"c\":3}", &["14:{\"c\":3}", "0!malformed"]),
            (r#"{"Records":{"a":1}}"#, &[r#"0:{"Records":{"a":1}}"#]),
            ("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", &["0!deep"]),
            ("42", &[]),
            (r#"{"a":1 "b":2}"#, &["0!malformed"]),
        ];
        for (text, want) in cases {
            for drip in [false, true] {
                let mut log = Log::default();
                let bytes = text.as_bytes();
                if drip {
                    read_values(&mut Drip(bytes), &mut log);
                } else {
                    read_values(&mut &*bytes, &mut log);
                }
                assert_eq!(log.0, *want, "{text:?} drip={drip}");
            }
        }
    }

    #[test]
    fn a_value_over_the_limit_is_passed_over_and_its_neighbours_are_not() {
        let big = format!("{{\"big\":\"{}\"}}\n{{\"a\":1}}", "x".repeat(MAX_VALUE));
        let mut log = Log::default();
        read_values(&mut big.as_bytes(), &mut log);
        assert_eq!(log.0.len(), 2);
        assert_eq!(log.0[0], "0!large");
        assert!(log.0[1].ends_with("{\"a\":1}"));
    }
}
