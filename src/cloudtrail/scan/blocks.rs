//! The pass itself: tells inside from outside of strings, counts brackets and notes where records and words are.

use super::masks::{BEYOND, Block, Masks, parity};
use super::records::{Raw, Record};

/// Where the pass is among the records.
struct Spot {
    /// Where the record that is open began.
    start: usize,
    /// Where the last record ended, or the array began.
    end: usize,
}

/// What became of a block's brackets.
enum Walked {
    /// So many are open inside the array of records.
    On(i64),
    /// The array ends here.
    Done(usize),
    /// The text is not what it should be.
    Odd,
}

/// The bytes that an odd number of backslashes stands before.
fn escaped(slash: u64, carry: &mut bool) -> u64 {
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
    masks: impl Fn(&Block) -> Masks,
    parity: impl Fn(u64) -> u64,
) -> Option<usize> {
    // What goes from block to block stays in registers: whether a string is open (all ones) and how many brackets are.
    let (mut in_string, mut depth) = (0_u64, 0_i64);
    let mut spot = Spot { start: at, end: at };
    // What only blocks with backslashes or line breaks change: whether the next block's first byte is escaped, and
    // whether there was anything that is not JSON, which is asked once, at the end.
    let (mut carry, mut odd) = (0_u64, 0_u64);
    let mut last = [b' '; 64 + BEYOND];
    let mut at = at;
    while at < len {
        let block = if len - at < 64 {
            // What stands behind the content must not be seen.
            let rest = buffer.get(at..len)?;
            last.get_mut(..rest.len())?.copy_from_slice(rest);
            &last
        } else {
            buffer.get(at..)?.first_chunk::<{ 64 + BEYOND }>()?
        };
        let found = masks(block);
        let mut quotes = found.quote;
        if found.slash | found.newline | carry != 0 {
            // By value, so that nothing of the usual way has to be in memory for it.
            let rare = Rare { quote: quotes, slash: found.slash, newline: found.newline, in_string, carry };
            let more;
            (quotes, carry, more) = rare.quotes(buffer, at)?;
            odd |= more;
        }
        let inside = parity(quotes) ^ in_string;
        in_string = (inside.cast_signed() >> 63).cast_unsigned();
        let mut words = found.words;
        while words != 0 {
            raw.words.push(u32::try_from(at + words.trailing_zeros() as usize).ok()?);
            words &= words - 1;
        }
        let (open, close) = (found.open & !inside, found.close & !inside);
        let closing = i64::from(close.count_ones());
        if depth > closing {
            depth += i64::from(open.count_ones()) - closing;
        } else {
            match brackets(buffer, at, (open, close), depth, &mut spot, raw) {
                Walked::On(open) => depth = open,
                Walked::Done(end) => return (odd == 0).then_some(end),
                Walked::Odd => return None,
            }
        }
        at += 64;
    }
    None
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
    /// The quotes that are not escaped, the new carry, and what is not JSON; nothing where letters are spelled as escapes.
    #[cold]
    #[inline(never)]
    fn quotes(self, buffer: &[u8], at: usize) -> Option<(u64, u64, u64)> {
        if self.slash != 0 && spells_letters(buffer, at, self.slash) {
            return None;
        }
        let mut carry = self.carry != 0;
        let quotes = self.quote & !escaped(self.slash, &mut carry);
        let inside = parity(quotes) ^ self.in_string;
        // Neither is JSON, and what it means to a reader that goes on differs.
        Some((quotes, u64::from(carry), self.newline & inside | self.slash & !inside))
    }
}

/// Goes through the brackets of a block one by one.
#[inline(never)]
fn brackets(
    buffer: &[u8],
    at: usize,
    (open, close): (u64, u64),
    mut depth: i64,
    spot: &mut Spot,
    raw: &mut Raw,
) -> Walked {
    let mut both = open | close;
    while both != 0 {
        let bit = both.trailing_zeros();
        both &= both - 1;
        let place = at + bit as usize;
        let byte = buffer.get(place).copied().unwrap_or_default();
        let since = || buffer.get(spot.end..place).unwrap_or(b"?");
        if open >> bit & 1 == 1 {
            if depth == 0 {
                if byte != b'{' || !separates(since(), raw.records.is_empty()) {
                    return Walked::Odd;
                }
                spot.start = place;
            }
            depth += 1;
            continue;
        }
        depth -= 1;
        match depth {
            0 if byte == b'}' => {
                let (Ok(start), Ok(end)) = (u32::try_from(spot.start), u32::try_from(place + 1)) else {
                    return Walked::Odd;
                };
                spot.end = place + 1;
                raw.records.push(Record { start, end });
            }
            0 => return Walked::Odd,
            -1 if byte == b']' && since().iter().all(u8::is_ascii_whitespace) => return Walked::Done(place),
            -1 => return Walked::Odd,
            _ => {}
        }
    }
    Walked::On(depth)
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
fn spells_letters(buffer: &[u8], at: usize, mut slash: u64) -> bool {
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
