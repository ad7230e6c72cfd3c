//! Walks the members of objects whose names are known, by the order in which they came before: programs write the same over
//! and over, and one look tells whether the name that is expected is there.

use super::json::{Walk, space};

/// The name of a member, as it is mostly spelled: in quotes, and with a colon behind.
pub(super) struct Name {
    spelled: &'static str,
    /// The same, in words of eight bytes each, and which bits of them are its own.
    words: [(u64, u64); NAME / 8],
}

/// Room for the longest of all names.
const NAME: usize = 32;

impl Name {
    /// Of a name with its quotes and its colon: 32 bytes at most.
    pub(super) const fn new(spelled: &'static str) -> Self {
        let (mut words, mut rest, mut at) = ([(0, 0); NAME / 8], spelled.as_bytes(), 0);
        while let [byte, others @ ..] = rest {
            let (_, from_here) = words.split_at_mut(at / 8);
            if let [(text, mask), ..] = from_here {
                *text |= (*byte as u64) << (at % 8 * 8);
                *mask |= 0xff << (at % 8 * 8);
            }
            (rest, at) = (others, at + 1);
        }
        assert!(at <= NAME);
        Self { spelled, words }
    }

    /// Where it ends, if it starts here and is spelled so; nothing so close to the end of a text that it cannot be told.
    #[inline(always)]
    fn end(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let there: &[u8; NAME] = bytes.get(at..)?.first_chunk()?;
        let (there, _) = there.as_chunks::<8>();
        // All words at once.
        let differs = there
            .iter()
            .zip(&self.words)
            .fold(0, |differs, (word, (own, mask))| differs | (u64::from_le_bytes(*word) ^ own) & mask);
        (differs == 0).then_some(at + self.spelled.len())
    }

    /// The name alone.
    pub(super) fn text(&self) -> &[u8] {
        self.spelled.as_bytes().get(1..self.spelled.len() - 2).unwrap_or_default()
    }
}

/// Which name came after which the last time: programs write the members of their objects in the same order over and over.
pub(super) struct Order([u8; NAMES + 1]);

/// How many names there may be.
const NAMES: usize = 31;

/// What stands for the beginning of an object.
const FIRST: usize = NAMES;

impl Default for Order {
    fn default() -> Self {
        Self([0; NAMES + 1])
    }
}

impl Order {
    #[inline]
    fn after(&self, last: usize) -> usize {
        self.0.get(last).map_or(0, |next| usize::from(*next))
    }

    fn learn(&mut self, last: usize, next: usize) {
        if let Some(slot) = self.0.get_mut(last) {
            *slot = u8::try_from(next).unwrap_or(0);
        }
    }
}

impl<'a> Walk<'a, '_> {
    /// Like [`Walk::object`], with the number of each member's name among `names`, of which there are 31 at most, and nothing
    /// where it is none of them. Gives up where one of these names comes twice.
    #[inline]
    pub(super) fn members(
        self,
        at: usize,
        names: &[Name],
        order: &mut Order,
        mut member: impl FnMut(Option<usize>, usize) -> Option<usize>,
    ) -> Option<usize> {
        let bytes = self.bytes();
        (bytes.get(at)? == &b'{').then_some(())?;
        let mut at = space(bytes, at + 1);
        if bytes.get(at)? == &b'}' {
            return Some(at + 1);
        }
        let (mut last, mut seen) = (FIRST, 0_u32);
        loop {
            let guess = order.after(last);
            let (nth, value) = match names.get(guess).and_then(|name| name.end(bytes, at)) {
                Some(end) => (Some(guess), space(bytes, end)),
                None => {
                    let (nth, value) = self.other(at, names)?;
                    if let Some(nth) = nth {
                        order.learn(last, nth);
                    }
                    (nth, value)
                }
            };
            if let Some(nth) = nth {
                let bit = 1_u32.checked_shl(nth as u32)?;
                (seen & bit == 0).then_some(())?;
                seen |= bit;
                last = nth;
            }
            at = space(bytes, member(nth, value)?);
            match bytes.get(at)? {
                b',' => at = space(bytes, at + 1),
                b'}' => return Some(at + 1),
                _ => return None,
            }
        }
    }

    /// The number of the name that starts here, and where its value starts.
    #[inline(never)]
    fn other(self, at: usize, names: &[Name]) -> Option<(Option<usize>, usize)> {
        let (found, value) = self.name(at)?;
        Some((names.iter().position(|name| name.text() == found.as_bytes()), value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[Name] = &[Name::new("\"a\":"), Name::new("\"longer\":"), Name::new("\"b\":")];

    /// The numbers of an object's names, in their order; nothing where it is not walked.
    fn numbers(text: &str, order: &mut Order) -> Option<Vec<Option<usize>>> {
        let (walk, mut seen) = (Walk::new(text), Vec::new());
        let end = walk.members(0, NAMES, order, |nth, at| {
            seen.push(nth);
            walk.pass(at)
        })?;
        walk.is_end(end).then_some(seen)
    }

    #[test]
    fn whatever_came_before_the_same_is_found() {
        let (a, longer, b) = (Some(0), Some(1), Some(2));
        let cases = [
            ("{}", Some(vec![])),
            (r#"{"a":1}"#, Some(vec![a])),
            (r#"{"a":1,"longer":"x","b":[{"a":2},{"a":3}]}"#, Some(vec![a, longer, b])),
            (
                r#"{"b":1,"longer":{"a":0},"a":"a long text, so that a name may be looked at in one piece"}"#,
                Some(vec![b, longer, a]),
            ),
            (r#" {"a":1}"#, None),
            (r#"{ "a" : 1 , "c" : 2 , "c":3, "longer"	:4 }"#, Some(vec![a, None, None, longer])),
            (r#"{"long":1,"longest":2,"longer":3,"":4}"#, Some(vec![None, None, longer, None])),
            // Whatever is told twice is the general parser's to read, be it null.
            (r#"{"a":1,"b":2,"a":3}"#, None),
            (r#"{"a":null,"a":"a long text, so that a name may be looked at in one piece"}"#, None),
            (r#"{"a":1,"\u0061":2}"#, None),
            (r#"{"a":1"#, None),
            (r#"{"a":"#, None),
            (r#"{"a"a long text that is no member at all, and looks a bit like one}"#, None),
            (r#"{"a":1,}"#, None),
        ];
        // Whatever was read before, each is read alike.
        for (before, _) in &cases {
            for (text, want) in &cases {
                let mut order = Order::default();
                numbers(before, &mut order);
                assert_eq!(&numbers(text, &mut order), want, "{text} after {before}");
                assert_eq!(&numbers(text, &mut order), want, "{text} after itself");
            }
        }
    }
}
