//! Walks strictly valid JSON text in place, many times faster than a general parser, and gives up on anything odd.
//!
//! What is accepted here is accepted by `serde_json` as raw values, too, with the same members and the same slices (of what is
//! passed over, keys need not be text: JSON can spell halves of surrogate pairs); what is not accepted may still be fine, and
//! has to be read by the general parser. Tests and fuzzing hold the two together.

use super::scan::{first_special, marked};

/// Objects and arrays may nest this deep here. `serde_json` stops at 128.
const DEEPEST: u32 = 100;

/// A text, and where in it bytes stand that may end a string or are odd in one: a bit for each byte, lowest first. There
/// may be fewer bits than bytes, or none; from there on such bytes are looked for.
#[derive(Clone, Copy)]
struct Text<'a, 'm> {
    bytes: &'a [u8],
    marks: &'m [u64],
}

impl Text<'_, '_> {
    /// Where the first such byte stands from here on.
    #[inline(always)]
    fn special(self, mut at: usize) -> usize {
        // The next 64 bytes at once, wherever they begin: most strings end in them.
        while let Some([here, next]) = self.marks.get(at / 64..).and_then(|marks| marks.first_chunk()) {
            let bits = here >> (at % 64) | next << 1 << (63 - at % 64);
            if bits != 0 {
                return at + bits.trailing_zeros() as usize;
            }
            at += 64;
        }
        self.special_at_last(at)
    }

    /// The same where at most one word of marks is left.
    #[inline(never)]
    fn special_at_last(self, mut at: usize) -> usize {
        let word = at / 64;
        if let Some(bits) = self.marks.get(word) {
            let bits = bits >> (at % 64);
            if bits != 0 {
                return at + bits.trailing_zeros() as usize;
            }
            at = (word + 1) * 64;
        }
        while let Some(chunk) = self.bytes.get(at..).and_then(|rest| rest.first_chunk::<16>()) {
            match first_special(chunk) {
                Some(place) => return at + place,
                None => at += 16,
            }
        }
        at
    }
}

/// Where a string ends, behind its closing quote, from just behind its opening quote. Nothing where the string does not
/// end, has a control character or an escape that JSON does not know.
#[inline(always)]
fn string_end(text: Text<'_, '_>, at: usize) -> Option<usize> {
    let (end, _) = string_end_and_escapes(text, at)?;
    Some(end)
}

/// The same, with whether there are escapes in it.
#[inline(always)]
fn string_end_and_escapes(text: Text<'_, '_>, at: usize) -> Option<(usize, bool)> {
    let end = text.special(at);
    match text.bytes.get(end) {
        Some(b'"') => Some((end + 1, false)),
        _ => odd_string_end(text, end),
    }
}

/// The same for a string that has anything odd in it.
#[inline(never)]
fn odd_string_end(text: Text<'_, '_>, mut at: usize) -> Option<(usize, bool)> {
    let (bytes, mut escapes) = (text.bytes, false);
    loop {
        match *bytes.get(at)? {
            b'"' => return Some((at + 1, escapes)),
            b'\\' => {
                escapes = true;
                match *bytes.get(at + 1)? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                    b'u' => {
                        bytes.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                        at += 6;
                    }
                    _ => return None,
                }
                at = text.special(at);
            }
            0..0x20 => return None,
            // The last bytes are met one by one.
            _ => at += 1,
        }
    }
}

#[inline]
pub(super) fn space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

fn digits(bytes: &[u8], at: usize) -> Option<usize> {
    let end = at + bytes.get(at..)?.iter().take_while(|b| b.is_ascii_digit()).count();
    (end > at).then_some(end)
}

fn number_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    if bytes.get(at) == Some(&b'-') {
        at += 1;
    }
    at = match bytes.get(at)? {
        b'0' => at + 1,
        _ => digits(bytes, at)?,
    };
    if bytes.get(at) == Some(&b'.') {
        at = digits(bytes, at + 1)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        if matches!(bytes.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        at = digits(bytes, at)?;
    }
    Some(at)
}

fn word_end(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    bytes.get(at..)?.starts_with(word).then_some(at + word.len())
}

/// The end of a scalar that starts at `at`.
#[inline(always)]
fn scalar_end(text: Text<'_, '_>, at: usize) -> Option<usize> {
    match text.bytes.get(at)? {
        b'"' => string_end(text, at + 1),
        _ => word_or_number_end(text.bytes, at),
    }
}

fn word_or_number_end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b't' => word_end(bytes, at, b"true"),
        b'f' => word_end(bytes, at, b"false"),
        b'n' => word_end(bytes, at, b"null"),
        _ => number_end(bytes, at),
    }
}

/// The end of the value that starts at `at`; nothing where it is no valid JSON.
#[inline(never)]
fn value_end(text: Text<'_, '_>, at: usize) -> Option<usize> {
    let bytes = text.bytes;
    let mut at = match bytes.get(at)? {
        b'{' | b'[' => at,
        _ => return scalar_end(text, at),
    };
    // One bit for each level, set where it is an object, below one that is always set.
    let mut levels = 1_u128;
    loop {
        // Here a value begins.
        match bytes.get(at)? {
            open @ (b'{' | b'[') => {
                if levels >> DEEPEST != 0 {
                    return None;
                }
                let is_object = *open == b'{';
                levels = levels << 1 | u128::from(is_object);
                at = space(bytes, at + 1);
                match bytes.get(at)? {
                    b'}' if is_object => at = closed(at, &mut levels),
                    b']' if !is_object => at = closed(at, &mut levels),
                    _ if is_object => {
                        at = key(text, at)?;
                        continue;
                    }
                    _ => continue,
                }
            }
            _ => at = scalar_end(text, at)?,
        }
        // Here a value has ended.
        loop {
            if levels == 1 {
                return Some(at);
            }
            at = space(bytes, at);
            let is_object = levels & 1 == 1;
            match bytes.get(at)? {
                b',' if is_object => {
                    at = key(text, space(bytes, at + 1))?;
                    break;
                }
                b',' => {
                    at = space(bytes, at + 1);
                    break;
                }
                b'}' if is_object => at = closed(at, &mut levels),
                b']' if !is_object => at = closed(at, &mut levels),
                _ => return None,
            }
        }
    }
}

fn closed(at: usize, levels: &mut u128) -> usize {
    *levels >>= 1;
    at + 1
}

/// From a key's opening quote to where its value begins.
#[inline(always)]
fn key(text: Text<'_, '_>, at: usize) -> Option<usize> {
    let bytes = text.bytes;
    (bytes.get(at)? == &b'"').then_some(())?;
    let at = space(bytes, string_end(text, at + 1)?);
    (bytes.get(at)? == &b':').then(|| space(bytes, at + 1))
}

/// Where a text's special bytes stand, for as much of it as there is room: nearly all records are shorter. Words behind those
/// that were written are of an earlier text.
pub(super) struct Marks([u64; MARKS]);

const MARKS: usize = 128;

impl Default for Marks {
    fn default() -> Self {
        Self([0; MARKS])
    }
}

/// A text that is being walked.
#[derive(Clone, Copy)]
pub(super) struct Walk<'a, 'm> {
    text: &'a str,
    marks: &'m [u64],
}

impl<'a> Walk<'a, 'static> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, marks: &[] }
    }
}

impl<'a, 'm> Walk<'a, 'm> {
    /// A walk over most of a longer text, which is looked through at once before; and whether there is no backslash in it.
    /// Nothing where it is no UTF-8.
    pub(super) fn marked(text: &'a [u8], marks: &'m mut Marks) -> Option<(Self, bool)> {
        let Marks(marks) = marks;
        let marked = marked(text, marks)?;
        let walk = Self { text: marked.text, marks: marks.get(..marked.words).unwrap_or_default() };
        Some((walk, marked.plain))
    }

    fn inner(self) -> Text<'a, 'm> {
        Text { bytes: self.text.as_bytes(), marks: self.marks }
    }

    pub(super) fn bytes(self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// The byte at a place.
    pub(super) fn byte(self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// Whether the text ends here.
    pub(super) fn is_end(self, at: usize) -> bool {
        at == self.text.len()
    }

    /// The raw value that starts here, and where it ends.
    #[inline(always)]
    pub(super) fn value(self, at: usize) -> Option<(&'a str, usize)> {
        let end = self.pass(at)?;
        Some((self.text.get(at..end)?, end))
    }

    /// Passes over the value that starts here.
    #[inline(always)]
    pub(super) fn pass(self, at: usize) -> Option<usize> {
        match self.byte(at)? {
            b'"' => string_end(self.inner(), at + 1),
            _ => value_end(self.inner(), at),
        }
    }

    /// Text between two places.
    pub(super) fn between(self, from: usize, to: usize) -> Option<&'a str> {
        self.text.get(from..to)
    }

    /// The key that starts here, and where its value starts; nothing where the key is spelled with escapes.
    #[inline]
    pub(super) fn name(self, at: usize) -> Option<(&'a str, usize)> {
        let bytes = self.bytes();
        (bytes.get(at)? == &b'"').then_some(())?;
        let (end, escapes) = string_end_and_escapes(self.inner(), at + 1)?;
        let name = self.text.get(at + 1..end - 1).filter(|_| !escapes)?;
        let colon = space(bytes, end);
        (bytes.get(colon)? == &b':').then(|| (name, space(bytes, colon + 1)))
    }

    /// Calls `member` with the key of each member of the object that starts here, and where its value starts; it
    /// returns where the value ends. Returns where the object ends; nothing where it is no valid object, or where a
    /// key is spelled with escapes.
    #[inline]
    pub(super) fn object(
        self,
        at: usize,
        mut member: impl FnMut(&'a str, usize) -> Option<usize>,
    ) -> Option<usize> {
        let bytes = self.text.as_bytes();
        (bytes.get(at)? == &b'{').then_some(())?;
        let mut at = space(bytes, at + 1);
        if bytes.get(at)? == &b'}' {
            return Some(at + 1);
        }
        loop {
            let (name, value) = self.name(at)?;
            at = space(bytes, member(name, value)?);
            match bytes.get(at)? {
                b',' => at = space(bytes, at + 1),
                b'}' => return Some(at + 1),
                _ => return None,
            }
        }
    }

    /// The same for the elements of an array.
    #[inline]
    pub(super) fn array(self, at: usize, mut element: impl FnMut(usize) -> Option<usize>) -> Option<usize> {
        let bytes = self.text.as_bytes();
        (bytes.get(at)? == &b'[').then_some(())?;
        let mut at = space(bytes, at + 1);
        if bytes.get(at)? == &b']' {
            return Some(at + 1);
        }
        loop {
            at = space(bytes, element(at)?);
            match bytes.get(at)? {
                b',' => at = space(bytes, at + 1),
                b']' => return Some(at + 1),
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;

    fn whole(text: &str) -> bool {
        let mut marks = Marks::default();
        let (marked, plain) = Walk::marked(text.as_bytes(), &mut marks).unwrap();
        assert_eq!(plain, !text.contains('\\'));
        let [plain, marked] = [Walk::new(text), marked]
            .map(|walk| walk.object(0, |_, at| walk.pass(at)).is_some_and(|end| walk.is_end(end)));
        assert_eq!(plain, marked, "{text}");
        plain
    }

    #[test]
    fn accepts_what_the_general_parser_accepts() {
        let cases = [
            r#"{"a":1}"#,
            r#"{ "a" : [ ] , "b":{ } }"#,
            r#"{"a":-0.5e+10,"b":[1,2,{"c":null}],"d":"\u0041\n\"x","e":true,"f":false}"#,
            r#"{}"#,
            r#"{"a":"\ud83d"}"#,
            r#"{"a":01}"#,
            r#"{"a":1.}"#,
            r#"{"a":-}"#,
            r#"{"a":tru}"#,
            r#"{"a":"\x"}"#,
            r#"{"a":"\u00g0"}"#,
            "{\"a\":\"\u{1}\"}",
            "{\"a\":\"long enough to be read by words \u{1f} and more\"}",
            r#"{"a":1,}"#,
            r#"{,}"#,
            r#"{"a" 1}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":[1}}"#,
            r#"{"a":{]}}"#,
            r#"{"a":1}x"#,
            r#"{"a":"#,
            r#"{"a":"unfinished"#,
            r#"{a:1}"#,
            r#"{"a":NaN}"#,
            r#"{"é":"ü – ünïcode, long enough"}"#,
        ];
        for case in cases {
            let general = serde_json::from_str::<&RawValue>(case).is_ok();
            assert_eq!(whole(case), general, "{case}");
        }
        // Longer than there is room for marks, and odd at every place of a word.
        for at in 0..200 {
            for (piece, want) in
                [("", true), ("\\n\\\\\\\"", true), ("\u{1}", false), ("\\x", false), ("\"", false)]
            {
                let (before, after) = ("x".repeat(at), "y".repeat(64 * MARKS));
                assert_eq!(whole(&format!("{{\"a\":\"{before}{piece}{after}\"}}")), want, "{at} {piece}");
                assert_eq!(whole(&format!("{{\"a\":\"{after}{before}{piece}\"}}")), want, "{at} {piece}");
            }
        }
        let nested = |levels: u32| {
            let levels = levels as usize;
            format!("{{\"a\":{}1{}}}", "[".repeat(levels), "]".repeat(levels))
        };
        assert!(whole(&nested(DEEPEST)) && !whole(&nested(DEEPEST + 1)));
    }

    #[test]
    fn members_and_elements_are_slices_of_the_text() {
        let text = r#"{"a": [1, {"b":"]"} ,null] ,"c":"x"}"#;
        let walk = Walk::new(text);
        let mut seen = Vec::new();
        let end = walk.object(0, |key, at| {
            if key != "a" {
                let (value, end) = walk.value(at)?;
                seen.push(value);
                return Some(end);
            }
            walk.array(at, |at| {
                let (value, end) = walk.value(at)?;
                seen.push(value);
                Some(end)
            })
        });
        assert_eq!(end, Some(text.len()));
        assert_eq!(seen, ["1", r#"{"b":"]"}"#, "null", r#""x""#]);
        assert!(!whole(r#"{"\u0061":1}"#), "keys with escapes are left to others");
    }
}
