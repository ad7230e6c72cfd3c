//! The pass itself: tells inside from outside of strings, counts brackets and notes where records and words are.

use super::masks::{BEYOND, Block, Masks, parity};
use super::records::{Raw, Record};

/// Where the pass is among the records.
pub(super) struct Spot {
    /// Where the record that is open began.
    pub(super) start: usize,
    /// Where the last record ended, or the array began.
    pub(super) end: usize,
}

/// Blocks whose masks are made together: nothing waits for anything then, and all of the loop stays in registers.
const TOGETHER: usize = 8;

/// Bytes that are announced before they are looked at; a core's own cache, which most of a large object has left by then, holds
/// several times as many.
pub(super) const STRETCH: usize = 128 << 10;

/// What goes from block to block, and stays in registers.
#[derive(Clone, Copy)]
struct State {
    /// All ones while a string is open.
    in_string: u64,
    /// How many brackets are open inside the array of records.
    depth: i64,
}

/// What few blocks change.
struct Aside {
    /// Whether the next block's first byte is escaped.
    carry: u64,
    /// Whether there was anything that is not JSON, which is asked once, at the end.
    odd: u64,
    spot: Spot,
}

/// Why the pass ends.
pub(super) enum End {
    /// The array ends here.
    Done(usize),
    /// The text is not what it should be.
    Odd,
}

/// The bytes that an odd number of backslashes stands before.
pub(super) fn escaped(slash: u64, carry: &mut bool) -> u64 {
    if slash == 0 {
        return u64::from(std::mem::take(carry));
    }
    const EVEN: u64 = 0x5555_5555_5555_5555;
    // A backslash that is escaped itself escapes nothing.
    let free = slash & !u64::from(*carry);
    let follows = free << 1 | u64::from(*carry);
    let odd_starts = free & !EVEN & !follows;
    let (sum, overflow) = odd_starts.overflowing_add(free);
    *carry = overflow;
    (EVEN ^ (sum << 1)) & follows
}

/// Scans `buffer[..len]` from `at`, just inside the array of records. Returns where the array ends, or nothing where
/// the text is anything but an array of objects without raw line breaks in strings or letters spelled as escapes.
/// `buffer` goes on for [`super::records::PADDING`] bytes after `len`.
#[inline(always)]
pub(super) fn pass(
    buffer: &[u8],
    len: usize,
    at: usize,
    raw: &mut Raw,
    ahead: &mut dyn FnMut(usize),
    masks: impl Fn(&Block) -> Masks,
    parity: impl Fn(u64) -> u64,
) -> Option<usize> {
    let mut state = State { in_string: 0, depth: 0 };
    let mut aside = Aside { carry: 0, odd: 0, spot: Spot { start: at, end: at } };
    let (mut at, mut told) = (at, 0);
    while len.checked_sub(at)? >= 64 * TOGETHER {
        if at >= told {
            told = len.min(at + STRETCH);
            ahead(told);
        }
        let mut found = [Masks::default(); TOGETHER];
        let blocks = buffer.get(at..at + 64 * TOGETHER + BEYOND)?;
        for (nth, found) in found.iter_mut().enumerate() {
            *found = masks(blocks.get(64 * nth..)?.first_chunk()?);
        }
        for found in &found {
            state = match state.step(&mut aside, buffer, at, found, parity(found.quote), raw) {
                Ok(state) => state,
                Err(End::Done(end)) => return (aside.odd == 0).then_some(end),
                Err(End::Odd) => return None,
            };
            at += 64;
        }
    }
    let mut last = [b' '; 64 + BEYOND];
    while at < len {
        let block = if len - at < 64 {
            // What stands behind the content must not be seen.
            let rest = buffer.get(at..len)?;
            last.get_mut(..rest.len())?.copy_from_slice(rest);
            &last
        } else {
            buffer.get(at..)?.first_chunk()?
        };
        let found = masks(block);
        state = match state.step(&mut aside, buffer, at, &found, parity(found.quote), raw) {
            Ok(state) => state,
            Err(End::Done(end)) => return (aside.odd == 0).then_some(end),
            Err(End::Odd) => return None,
        };
        at += 64;
    }
    None
}

impl State {
    /// Goes through a block of which the masks are known; `inside` is what would be inside of strings if all of its quotes
    /// counted and no string was open before.
    #[inline(always)]
    fn step(
        self,
        aside: &mut Aside,
        buffer: &[u8],
        at: usize,
        found: &Masks,
        inside: u64,
        raw: &mut Raw,
    ) -> Result<Self, End> {
        let mut inside = inside ^ self.in_string;
        if found.slash | found.newline | aside.carry != 0 {
            // By value, so that nothing of the usual way has to be in memory for it.
            let rare = Rare {
                quote: found.quote,
                slash: found.slash,
                newline: found.newline,
                in_string: self.in_string,
                carry: aside.carry,
            };
            let Some((mended, carry, more)) = rare.inside(buffer, at) else { return Err(End::Odd) };
            (inside, aside.carry) = (mended, carry);
            aside.odd |= more;
        }
        let in_string = (inside.cast_signed() >> 63).cast_unsigned();
        if found.words != 0 && !note_words(at, found.words, raw) {
            return Err(End::Odd);
        }
        let (open, close) = (found.open & !inside, found.close & !inside);
        let closing = i64::from(close.count_ones());
        // Where just as many close as are open, an opening one before the last of them leaves some open.
        if self.depth > closing || self.depth == closing && close > up_to_lowest(open) {
            return Ok(Self { in_string, depth: self.depth + i64::from(open.count_ones()) - closing });
        }
        let depth = brackets(buffer, at, (open, close), self.depth, &mut aside.spot, raw)?;
        Ok(Self { in_string, depth })
    }
}

/// Notes where words may stand; tells whether places fit into their numbers.
#[inline(never)]
pub(super) fn note_words(at: usize, mut words: u64, raw: &mut Raw) -> bool {
    while words != 0 {
        let Ok(place) = u32::try_from(at + words.trailing_zeros() as usize) else { return false };
        raw.words.push(place);
        words &= words - 1;
    }
    true
}

/// A block with backslashes or line breaks, which are few.
struct Rare {
    quote: u64,
    slash: u64,
    newline: u64,
    in_string: u64,
    carry: u64,
}

impl Rare {
    /// What is inside of strings, the new carry, and what is not JSON; nothing where letters are spelled as escapes.
    #[cold]
    #[inline(never)]
    fn inside(self, buffer: &[u8], at: usize) -> Option<(u64, u64, u64)> {
        if self.slash != 0 && spells_letters(buffer, at, self.slash) {
            return None;
        }
        let mut carry = self.carry != 0;
        let quotes = self.quote & !escaped(self.slash, &mut carry);
        let inside = parity(quotes) ^ self.in_string;
        // Neither is JSON, and what it means to a reader that goes on differs.
        Some((inside, u64::from(carry), self.newline & inside | self.slash & !inside))
    }
}

/// All bits up to the lowest one that is set.
fn up_to_lowest(bits: u64) -> u64 {
    bits ^ bits.wrapping_sub(1)
}

/// Goes through the brackets of a block in which a record may end or begin.
#[inline(always)]
pub(super) fn brackets(
    buffer: &[u8],
    at: usize,
    (open, close): (u64, u64),
    depth: i64,
    spot: &mut Spot,
    raw: &mut Raw,
) -> Result<i64, End> {
    if depth > 0 && depth == i64::from(close.count_ones()) && close <= up_to_lowest(open) {
        // All that are open close, and only then others open: a record ends, and mostly the next one begins.
        spot.close(buffer, at + 63 - close.leading_zeros() as usize, raw)?;
        if open != 0 {
            spot.open(buffer, at + open.trailing_zeros() as usize, raw)?;
        }
        return Ok(i64::from(open.count_ones()));
    }
    one_by_one(buffer, at, (open, close), depth, spot, raw)
}

/// The same in any order of brackets.
#[inline(never)]
fn one_by_one(
    buffer: &[u8],
    at: usize,
    (open, close): (u64, u64),
    mut depth: i64,
    spot: &mut Spot,
    raw: &mut Raw,
) -> Result<i64, End> {
    let mut both = open | close;
    while both != 0 {
        let bit = both.trailing_zeros();
        both &= both - 1;
        let place = at + bit as usize;
        if open >> bit & 1 == 1 {
            if depth == 0 {
                spot.open(buffer, place, raw)?;
            }
            depth += 1;
            continue;
        }
        depth -= 1;
        match depth {
            0 => spot.close(buffer, place, raw)?,
            -1 => {
                let ends = buffer.get(place) == Some(&b']')
                    && spot.between(buffer, place).iter().all(u8::is_ascii_whitespace);
                return Err(if ends { End::Done(place) } else { End::Odd });
            }
            _ => {}
        }
    }
    Ok(depth)
}

impl Spot {
    /// What stands between the last record, or where the array began, and a place.
    fn between<'a>(&self, buffer: &'a [u8], place: usize) -> &'a [u8] {
        buffer.get(self.end..place).unwrap_or(b"?")
    }

    /// A record begins here.
    fn open(&mut self, buffer: &[u8], place: usize, raw: &Raw) -> Result<(), End> {
        let (between, first) = (self.between(buffer, place), raw.records.is_empty());
        let separated = !first && between == b"," || separates(between, first);
        if buffer.get(place) != Some(&b'{') || !separated {
            return Err(End::Odd);
        }
        self.start = place;
        Ok(())
    }

    /// The record that is open ends with this bracket.
    fn close(&mut self, buffer: &[u8], place: usize, raw: &mut Raw) -> Result<(), End> {
        if buffer.get(place) != Some(&b'}') {
            return Err(End::Odd);
        }
        let (Ok(start), Ok(end)) = (u32::try_from(self.start), u32::try_from(place + 1)) else {
            return Err(End::Odd);
        };
        self.end = place + 1;
        raw.records.push(Record { start, end });
        Ok(())
    }
}

/// Whether exactly what belongs between two records stands there.
fn separates(between: &[u8], first: bool) -> bool {
    let mut commas = 0;
    for byte in between {
        match byte {
            b',' => commas += 1,
            b' ' | b'\n' | b'\r' | b'\t' => {}
            _ => return false,
        }
    }
    commas == usize::from(!first)
}

/// Whether an escape stands for an ASCII letter or its like (U+0040 to U+007F), which the words are made of.
pub(super) fn spells_letters(buffer: &[u8], at: usize, mut slash: u64) -> bool {
    while slash != 0 {
        let place = at + slash.trailing_zeros() as usize;
        if matches!(buffer.get(place + 1..place + 5), Some([b'u', b'0', b'0', b'4'..=b'7'])) {
            return true;
        }
        slash &= slash - 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_a_loop() {
        let mut seed = 7_u64;
        let (mut carry, mut slow_carry) = (false, false);
        for _ in 0..10_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let slash = seed & seed.rotate_left(21) | seed & seed.rotate_left(40);
            let mut want = 0_u64;
            for bit in 0..64 {
                if slow_carry {
                    want |= 1 << bit;
                    slow_carry = false;
                } else if slash >> bit & 1 == 1 {
                    slow_carry = true;
                }
            }
            assert_eq!(escaped(slash, &mut carry), want);
            assert_eq!(carry, slow_carry);
        }
    }

    #[test]
    fn parity_is_that_of_a_loop() {
        let bits = 0b1001_0110_0000_0001_u64;
        let want =
            (0..64).fold(0, |mask, bit| mask | u64::from((bits << (63 - bit)).count_ones() % 2) << bit);
        assert_eq!(parity(bits), want);
    }
}
