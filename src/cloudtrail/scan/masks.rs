//! Compares 64 bytes at once, by the best instructions that the processor has. This file and `input/inflate.rs` are the only ones with unsafe code.

#[cfg(target_arch = "x86_64")]
use super::blocks::STRETCH;
use super::blocks::pass;
#[cfg(target_arch = "x86_64")]
use super::groups;
use super::records::Raw;

/// One bit for each of 64 bytes, lowest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Masks {
    pub(super) quote: u64,
    pub(super) slash: u64,
    pub(super) open: u64,
    pub(super) close: u64,
    pub(super) newline: u64,
    /// Bytes at which one of the words may stand that make a record one to look at: `AKIA` begins there; in a wide scan
    /// also `ASIA` and `IAMUser`, or `AssumeRole` began three or `FederatedUser` six bytes before. Few are no such word, none is missed.
    pub(super) words: u64,
}

/// Bytes that are looked at beyond the 64.
pub(super) const BEYOND: usize = 8;

/// A block and what follows it.
pub(super) type Block = [u8; 64 + BEYOND];

/// How far ahead of the block that is looked at the next ones are fetched, for whoever is told of a stretch: a large object
/// has left the nearer caches by the time it is inflated.
#[cfg(target_arch = "x86_64")]
const AHEAD: usize = STRETCH;

/// Brings bytes near that will be looked at soon, where the processor can be told so.
pub fn fetch(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    x86::fetch(bytes);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = bytes;
}

/// One bit for each of 64 bytes that are 0 or 1.
fn pack(bytes: &[u8; 64]) -> u64 {
    let (words, _) = bytes.as_chunks::<8>();
    // The product brings each byte's bit to a place of its own in the highest byte.
    let packed = |word: &[u8; 8]| u64::from_le_bytes(*word).wrapping_mul(0x0102_0408_1020_4080) >> 56;
    words.iter().rev().fold(0, |bits, word| bits << 8 | packed(word))
}

/// Looks at a block without any special instruction.
pub(super) fn portable<const WIDE: bool>(block: &Block) -> Masks {
    let at = |offset: usize, byte: u8| -> u64 {
        let mut is = [0_u8; 64];
        is.iter_mut().zip(block.iter().skip(offset)).for_each(|(is, b)| *is = u8::from(*b == byte));
        pack(&is)
    };
    let words = if WIDE {
        at(2, b'I') & at(3, b'A') | (at(2, b'M') | at(2, b'd')) & at(3, b'U') | at(2, b'e') & at(3, b'R')
    } else {
        at(0, b'A') & at(1, b'K')
    };
    Masks {
        quote: at(0, b'"'),
        slash: at(0, b'\\'),
        open: at(0, b'{') | at(0, b'['),
        close: at(0, b'}') | at(0, b']'),
        newline: at(0, b'\n'),
        words,
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "vector loads take pointers; each stays inside the block that it is given")]
pub(super) mod x86 {
    use super::{AHEAD, BEYOND, Block, Masks, Special};
    use std::arch::x86_64::*;

    /// # Panics
    /// Never; an offset beyond [`BEYOND`] does not compile to a load.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(in super::super) fn load512<const OFFSET: usize>(block: &Block) -> __m512i {
        const { assert!(OFFSET <= BEYOND) };
        // SAFETY: the block has 64 bytes from each offset up to `BEYOND`, and the load needs no alignment.
        unsafe { _mm512_loadu_epi8(block.as_ptr().add(OFFSET).cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(in super::super) fn is512(bytes: __m512i, byte: u8) -> u64 {
        _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(byte.cast_signed()))
    }

    /// Eight words as one vector.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(in super::super) fn load_words(words: &[u64; 8]) -> __m512i {
        // SAFETY: the words have the 64 bytes that are loaded, and the load needs no alignment.
        unsafe { _mm512_loadu_epi64(words.as_ptr().cast()) }
    }

    /// The same back.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(in super::super) fn store_words(vector: __m512i, words: &mut [u64; 8]) {
        // SAFETY: the words have room for the 64 bytes that are stored, and the store needs no alignment.
        unsafe { _mm512_storeu_epi64(words.as_mut_ptr().cast(), vector) }
    }

    /// Fetches what lies [`AHEAD`] of a block.
    #[inline]
    pub(in super::super) fn fetch_ahead(block: &Block) {
        // SAFETY: a prefetch reads nothing, wherever the address leads.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(block.as_ptr().wrapping_add(AHEAD).cast()) }
    }

    /// Brings bytes near, one out of each line of the cache.
    pub(super) fn fetch(bytes: &[u8]) {
        for line in bytes.chunks(64) {
            // SAFETY: as above.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) }
        }
    }

    /// The same by AVX-512.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) fn avx512<const WIDE: bool>(block: &Block) -> Masks {
        let words = if WIDE {
            let (second, third) = (load512::<2>(block), load512::<3>(block));
            is512(second, b'I') & is512(third, b'A')
                | (is512(second, b'M') | is512(second, b'd')) & is512(third, b'U')
                | is512(second, b'e') & is512(third, b'R')
        } else {
            keys512(block)
        };
        fetch_ahead(block);
        let bytes = load512::<0>(block);
        // The bit 0x20 is all that tells `[` from `{` and `]` from `}`.
        let folded = _mm512_or_si512(bytes, _mm512_set1_epi8(0x20));
        Masks {
            quote: is512(bytes, b'"'),
            slash: is512(bytes, b'\\'),
            open: is512(folded, b'{'),
            close: is512(folded, b'}'),
            newline: is512(bytes, b'\n'),
            words,
        }
    }

    /// Where the id of a key may begin.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(in super::super) fn keys512(block: &Block) -> u64 {
        is512(load512::<0>(block), b'A') & is512(load512::<1>(block), b'K')
    }

    /// The first letters of pairs, and the second ones: a bit for each pair. A letter's place is its lower six bits, as
    /// that is what the instruction looks at; what else has these bits is rare next to each other.
    #[allow(clippy::indexing_slicing, reason = "worked out by the compiler, which would say so")]
    static PAIRS: [[i8; 64]; 2] = {
        let mut pairs = [[0; 64]; 2];
        pairs[0][(b'I' & 63) as usize] = 1;
        pairs[1][(b'A' & 63) as usize] = 1;
        pairs[0][(b'M' & 63) as usize] = 2;
        pairs[0][(b'd' & 63) as usize] = 2;
        pairs[1][(b'U' & 63) as usize] = 2;
        pairs[0][(b'e' & 63) as usize] = 4;
        pairs[1][(b'R' & 63) as usize] = 4;
        pairs
    };

    /// Where words of wide scans may stand: three instructions find all the pairs.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    pub(in super::super) fn tables512(block: &Block) -> u64 {
        let [first, second] = &PAIRS;
        // SAFETY: each table has the 64 bytes that are loaded.
        let (first, second) =
            unsafe { (_mm512_loadu_epi8(first.as_ptr()), _mm512_loadu_epi8(second.as_ptr())) };
        let first = _mm512_permutexvar_epi8(load512::<2>(block), first);
        let second = _mm512_permutexvar_epi8(load512::<3>(block), second);
        _mm512_test_epi8_mask(first, second)
    }

    /// What is special among 64 bytes.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) fn special512(block: &[u8; 64]) -> Special {
        // SAFETY: the block has the 64 bytes that are loaded, and the load needs no alignment.
        let bytes = unsafe { _mm512_loadu_epi8(block.as_ptr().cast()) };
        let slash = is512(bytes, b'\\');
        let control = _mm512_cmplt_epu8_mask(bytes, _mm512_set1_epi8(0x20));
        Special {
            marks: is512(bytes, b'"') | slash | control,
            slash,
            beyond_ascii: _mm512_movepi8_mask(bytes),
        }
    }

    /// The same.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn special256(block: &[u8; 64]) -> Special {
        let start = block.as_ptr();
        // SAFETY: the block has the 64 bytes that the two loads take.
        let halves = unsafe { [_mm256_loadu_si256(start.cast()), _mm256_loadu_si256(start.add(32).cast())] };
        let control = |bytes| _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1f)), bytes);
        let mask = |halves: [__m256i; 2]| {
            let [low, high] = halves.map(|half| u64::from(_mm256_movemask_epi8(half).cast_unsigned()));
            low | high << 32
        };
        let slash = is256(halves, b'\\');
        let marks = is256(halves, b'"') | slash | mask(halves.map(control));
        Special { marks, slash, beyond_ascii: mask(halves) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load256<const OFFSET: usize>(block: &Block) -> [__m256i; 2] {
        const { assert!(OFFSET <= BEYOND) };
        let start = block.as_ptr();
        // SAFETY: as above; the second half begins 32 bytes on and ends where the first load would with 64 bytes.
        unsafe {
            [_mm256_loadu_si256(start.add(OFFSET).cast()), _mm256_loadu_si256(start.add(OFFSET + 32).cast())]
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn is256([low, high]: [__m256i; 2], byte: u8) -> u64 {
        let wanted = _mm256_set1_epi8(byte.cast_signed());
        let half = |bytes| u64::from(_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, wanted)).cast_unsigned());
        half(low) | half(high) << 32
    }

    /// The same by AVX2.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn avx2<const WIDE: bool>(block: &Block) -> Masks {
        fetch_ahead(block);
        let bytes = load256::<0>(block);
        let bit = _mm256_set1_epi8(0x20);
        let folded = bytes.map(|half| _mm256_or_si256(half, bit));
        let words = if WIDE {
            let (second, third) = (load256::<2>(block), load256::<3>(block));
            is256(second, b'I') & is256(third, b'A')
                | (is256(second, b'M') | is256(second, b'd')) & is256(third, b'U')
                | is256(second, b'e') & is256(third, b'R')
        } else {
            is256(bytes, b'A') & is256(load256::<1>(block), b'K')
        };
        Masks {
            quote: is256(bytes, b'"'),
            slash: is256(bytes, b'\\'),
            open: is256(folded, b'{'),
            close: is256(folded, b'}'),
            newline: is256(bytes, b'\n'),
            words,
        }
    }
}

/// The first quote, backslash or control character of sixteen bytes.
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "SSE2 is part of every 64-bit x86, which the compiler does not take for granted"
)]
#[inline]
pub(in super::super) fn first_special(chunk: &[u8; 16]) -> Option<usize> {
    #[inline]
    #[target_feature(enable = "sse2")]
    fn by_sse2(chunk: &[u8; 16]) -> u32 {
        use std::arch::x86_64::*;
        let whole = u128::from_le_bytes(*chunk);
        let bytes = _mm_set_epi64x(((whole >> 64) as u64).cast_signed(), (whole as u64).cast_signed());
        let quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"'.cast_signed()));
        let slash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\'.cast_signed()));
        let control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
        _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), control)).cast_unsigned()
    }
    // SAFETY: every 64-bit x86 processor has SSE2.
    let found = unsafe { by_sse2(chunk) };
    (found != 0).then(|| found.trailing_zeros() as usize)
}

/// The same, eight bytes at a time: the lowest marked byte is exact, whatever borrows do above it.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub(in super::super) fn first_special(chunk: &[u8; 16]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let whole = u128::from_le_bytes(*chunk);
    for (word, from) in [(whole as u64, 0), ((whole >> 64) as u64, 8)] {
        let quote = word ^ (ONES * 0x22);
        let slash = word ^ (ONES * 0x5c);
        let found = (quote.wrapping_sub(ONES) & !quote)
            | (slash.wrapping_sub(ONES) & !slash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        if found & HIGH != 0 {
            return Some(from + ((found & HIGH).trailing_zeros() / 8) as usize);
        }
    }
    None
}

/// A bit for each of 64 bytes of a record, lowest first.
#[derive(Clone, Copy)]
struct Special {
    /// Quotes, backslashes and control characters.
    marks: u64,
    /// Backslashes alone.
    slash: u64,
    /// Bytes that are not ASCII.
    beyond_ascii: u64,
}

/// A text that has been looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Marked<'a> {
    /// The text.
    pub(in super::super) text: &'a str,
    /// How many words of marks were written.
    pub(in super::super) words: usize,
    /// Whether there is no backslash in it.
    pub(in super::super) plain: bool,
}

/// Marks quotes, backslashes and control characters of a text, a bit for each byte, as far as there is room. Nothing where
/// it is no UTF-8.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "functions for special instructions are called where the processor has them")]
fn marked_by<'a>(by: Instructions, text: &'a [u8], out: &mut [u64]) -> Option<Marked<'a>> {
    #[target_feature(enable = "avx512f,avx512bw")]
    fn by_avx512<'a>(text: &'a [u8], out: &mut [u64]) -> Option<Marked<'a>> {
        mark_words(text, out, |block| x86::special512(block))
    }
    #[target_feature(enable = "avx2")]
    fn by_avx2<'a>(text: &'a [u8], out: &mut [u64]) -> Option<Marked<'a>> {
        mark_words(text, out, |block| x86::special256(block))
    }
    let wide = by >= Instructions::Avx512;
    if wide && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") {
        // SAFETY: the processor has what the function needs, as was just asked.
        unsafe { by_avx512(text, out) }
    } else if by >= Instructions::Avx2 && is_x86_feature_detected!("avx2") {
        // SAFETY: as above.
        unsafe { by_avx2(text, out) }
    } else {
        mark_words(text, out, special)
    }
}

/// The same.
#[cfg(not(target_arch = "x86_64"))]
fn marked_by<'a>(_: Instructions, text: &'a [u8], out: &mut [u64]) -> Option<Marked<'a>> {
    mark_words(text, out, special)
}

/// The same by the best instructions.
pub(in super::super) fn marked<'a>(text: &'a [u8], out: &mut [u64]) -> Option<Marked<'a>> {
    marked_by(Instructions::Avx512Groups, text, out)
}

#[allow(unsafe_code, reason = "what was seen to be ASCII need not be looked through once more")]
#[inline(always)]
fn mark_words<'a>(
    bytes: &'a [u8],
    out: &mut [u64],
    special: impl Fn(&[u8; 64]) -> Special,
) -> Option<Marked<'a>> {
    let (blocks, rest) = bytes.as_chunks::<64>();
    let (mut words, mut slash, mut beyond_ascii) = (0, 0, 0);
    let mut note = |block: &[u8; 64], word: &mut u64| {
        let found = special(block);
        *word = found.marks;
        slash |= found.slash;
        beyond_ascii |= found.beyond_ascii;
        words += 1;
    };
    let room = out.len();
    for (block, word) in blocks.iter().zip(&mut *out) {
        note(block, word);
    }
    if let Some(word) = out.get_mut(blocks.len()).filter(|_| !rest.is_empty()) {
        let mut last = [b' '; 64];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        note(&last, word);
    }
    // What there was no room for.
    let beyond = bytes.get(room * 64..).unwrap_or_default();
    let plain = slash == 0 && memchr::memchr(b'\\', beyond).is_none();
    let text = if beyond_ascii == 0 && beyond.is_ascii() {
        // SAFETY: every byte is ASCII: those of blocks and of the rest as was noted, those beyond as was just asked.
        unsafe { str::from_utf8_unchecked(bytes) }
    } else {
        str::from_utf8(bytes).ok()?
    };
    Some(Marked { text, words, plain })
}

fn special(block: &[u8; 64]) -> Special {
    let mask = |is: fn(&u8) -> bool| {
        let mut bytes = [0; 64];
        bytes.iter_mut().zip(block).for_each(|(to, byte)| *to = u8::from(is(byte)));
        pack(&bytes)
    };
    Special {
        marks: mask(|b| matches!(b, b'"' | b'\\' | 0..0x20)),
        slash: mask(|b| *b == b'\\'),
        beyond_ascii: mask(|b| !b.is_ascii()),
    }
}

/// Each bit becomes the parity of itself and all below it.
pub(super) fn parity(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// Which instructions to scan by; of those that the processor has not, the next best are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instructions {
    /// No special ones.
    Portable,
    /// AVX2.
    Avx2,
    /// AVX-512.
    Avx512,
    /// AVX-512 with what came to it later: table lookups, and counts and products in vectors, of eight blocks at once.
    Avx512Groups,
}

impl Instructions {
    /// All of them, plainest first.
    pub const ALL: [Self; 4] = [Self::Portable, Self::Avx2, Self::Avx512, Self::Avx512Groups];
}

/// The pass over an object.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "functions for special instructions are called where the processor has them")]
pub(super) fn pass_by<const WIDE: bool>(
    by: Instructions,
    buffer: &[u8],
    len: usize,
    at: usize,
    raw: &mut Raw,
    ahead: &mut dyn FnMut(usize),
) -> Option<usize> {
    /// Carry-less multiplication by all ones is that parity.
    #[inline]
    #[target_feature(enable = "pclmulqdq")]
    fn quick_parity(bits: u64) -> u64 {
        use std::arch::x86_64::{_mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_set_epi64x, _mm_set1_epi8};
        let bits = _mm_set_epi64x(0, bits.cast_signed());
        _mm_cvtsi128_si64(_mm_clmulepi64_si128::<0>(bits, _mm_set1_epi8(-1))).cast_unsigned()
    }
    #[target_feature(enable = "avx512f,avx512bw,bmi1,bmi2,popcnt,lzcnt,pclmulqdq")]
    fn by_avx512<const WIDE: bool>(
        buffer: &[u8],
        len: usize,
        at: usize,
        raw: &mut Raw,
        ahead: &mut dyn FnMut(usize),
    ) -> Option<usize> {
        pass(buffer, len, at, raw, ahead, |block| x86::avx512::<WIDE>(block), |bits| quick_parity(bits))
    }
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt,pclmulqdq")]
    fn by_avx2<const WIDE: bool>(
        buffer: &[u8],
        len: usize,
        at: usize,
        raw: &mut Raw,
        ahead: &mut dyn FnMut(usize),
    ) -> Option<usize> {
        pass(buffer, len, at, raw, ahead, |block| x86::avx2::<WIDE>(block), |bits| quick_parity(bits))
    }
    let bits = is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("pclmulqdq");
    let avx2 = by >= Instructions::Avx2 && bits && is_x86_feature_detected!("avx2");
    let wide = by >= Instructions::Avx512
        && bits
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw");
    let groups = by >= Instructions::Avx512Groups
        && wide
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512vpopcntdq")
        && is_x86_feature_detected!("vpclmulqdq");
    // SAFETY: each function is called only where the processor has what it needs, as was just asked.
    unsafe {
        match (groups, wide, avx2) {
            (true, ..) => groups::pass::<WIDE>(buffer, len, at, raw, ahead),
            (_, true, _) => by_avx512::<WIDE>(buffer, len, at, raw, ahead),
            (.., true) => by_avx2::<WIDE>(buffer, len, at, raw, ahead),
            _ => pass(buffer, len, at, raw, ahead, portable::<WIDE>, parity),
        }
    }
}

/// The pass over an object.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn pass_by<const WIDE: bool>(
    _: Instructions,
    buffer: &[u8],
    len: usize,
    at: usize,
    raw: &mut Raw,
    ahead: &mut dyn FnMut(usize),
) -> Option<usize> {
    pass(buffer, len, at, raw, ahead, portable::<WIDE>, parity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_bytes_are_the_same_by_all_instructions() {
        let mut seed = 7_u64;
        for len in 0..400 {
            let odd = [&b"\"\\\x1f\x20"[..], b"\"\x1f\x20x", "\u{e4}\"".as_bytes(), b"\xff\\\" "][len % 4];
            let mut text = Vec::new();
            while text.len() < len {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                // All of ASCII but backslashes, and often what is looked for.
                match seed >> 60 {
                    0 => text.extend(odd.get(..(seed >> 50) as usize % 5).unwrap_or(odd)),
                    _ => text.push(((seed >> 33) as u8 & 0x7f).max(0x0a) & 0x5b),
                }
            }
            for room in [0, 1, 3, 8] {
                let all = Instructions::ALL.map(|by| {
                    let mut out = vec![0; room];
                    (marked_by(by, &text, &mut out), out)
                });
                assert!(
                    all.windows(2).all(|pair| pair[0] == pair[1]),
                    "{len} bytes, room for {room}: {all:?}"
                );
                let (marked, out) = &all[0];
                let Some(marked) = marked else {
                    assert!(str::from_utf8(&text).is_err());
                    continue;
                };
                assert_eq!(str::from_utf8(&text), Ok(marked.text));
                assert_eq!(marked.plain, !text.contains(&b'\\'));
                assert_eq!(marked.words, room.min(text.len().div_ceil(64)));
                for (at, byte) in text.iter().enumerate().take(room * 64) {
                    let is_marked = out[at / 64] >> (at % 64) & 1 == 1;
                    assert_eq!(is_marked, matches!(byte, b'"' | b'\\' | 0..0x20), "{byte} at {at}");
                }
            }
        }
    }
}
