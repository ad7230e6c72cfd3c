//! Compares 64 bytes at once, by the best instructions that the processor has. This file and `input/inflate.rs` are the only ones with unsafe code.

use super::blocks::pass;
use super::records::Raw;

/// One bit for each of 64 bytes, lowest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Masks {
    pub(super) quote: u64,
    pub(super) slash: u64,
    pub(super) open: u64,
    pub(super) close: u64,
    pub(super) newline: u64,
    /// A backslash before a `u`.
    pub(super) unicode: u64,
    /// Bytes at which one of the words may stand that make a record one to look at: `AKIA` begins there; in a wide scan
    /// also `ASIA` and `IAMUser`, or `AssumeRole` began three or `FederatedUser` six bytes before. Few are no such word, none is missed.
    pub(super) words: u64,
}

/// Bytes that are looked at beyond the 64.
pub(super) const BEYOND: usize = 8;

/// A block and what follows it.
pub(super) type Block = [u8; 64 + BEYOND];

/// The same without any special instruction.
pub(super) fn portable<const WIDE: bool>(block: &Block) -> Masks {
    let at = |offset: usize, byte: u8| -> u64 {
        let bytes = block.iter().skip(offset).take(64);
        bytes.enumerate().fold(0, |mask, (i, b)| mask | u64::from(*b == byte) << i)
    };
    let slash = at(0, b'\\');
    let words = if WIDE {
        at(2, b'I') & at(3, b'A') | (at(2, b'M') | at(2, b'd')) & at(3, b'U') | at(2, b'e') & at(3, b'R')
    } else {
        at(0, b'A') & at(1, b'K') & at(2, b'I')
    };
    Masks {
        quote: at(0, b'"'),
        slash,
        open: at(0, b'{') | at(0, b'['),
        close: at(0, b'}') | at(0, b']'),
        newline: at(0, b'\n'),
        unicode: if slash == 0 { 0 } else { slash & at(1, b'u') },
        words,
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "vector loads take pointers; each stays inside the block that it is given")]
pub(super) mod x86 {
    use super::{BEYOND, Block, Masks};
    use std::arch::x86_64::*;

    /// # Panics
    /// Never; an offset beyond [`BEYOND`] does not compile to a load.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn load512<const OFFSET: usize>(block: &Block) -> __m512i {
        const { assert!(OFFSET <= BEYOND) };
        // SAFETY: the block has 64 bytes from each offset up to `BEYOND`, and the load needs no alignment.
        unsafe { _mm512_loadu_epi8(block.as_ptr().add(OFFSET).cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn is512(bytes: __m512i, byte: u8) -> u64 {
        _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(byte.cast_signed()))
    }

    /// By AVX-512.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) fn avx512<const WIDE: bool>(block: &Block) -> Masks {
        let bytes = load512::<0>(block);
        // The bit 0x20 is all that tells `[` from `{` and `]` from `}`.
        let folded = _mm512_or_si512(bytes, _mm512_set1_epi8(0x20));
        let words = if WIDE {
            let (second, third) = (load512::<2>(block), load512::<3>(block));
            is512(second, b'I') & is512(third, b'A')
                | (is512(second, b'M') | is512(second, b'd')) & is512(third, b'U')
                | is512(second, b'e') & is512(third, b'R')
        } else {
            // The rarest letter first: mostly it ends there.
            let k = is512(load512::<1>(block), b'K');
            if k == 0 { 0 } else { k & is512(bytes, b'A') & is512(load512::<2>(block), b'I') }
        };
        let slash = is512(bytes, b'\\');
        Masks {
            quote: is512(bytes, b'"'),
            slash,
            open: is512(folded, b'{'),
            close: is512(folded, b'}'),
            newline: is512(bytes, b'\n'),
            unicode: if slash == 0 { 0 } else { slash & is512(load512::<1>(block), b'u') },
            words,
        }
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

    /// By AVX2.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn avx2<const WIDE: bool>(block: &Block) -> Masks {
        let bytes = load256::<0>(block);
        let bit = _mm256_set1_epi8(0x20);
        let folded = bytes.map(|half| _mm256_or_si256(half, bit));
        let words = if WIDE {
            let (second, third) = (load256::<2>(block), load256::<3>(block));
            is256(second, b'I') & is256(third, b'A')
                | (is256(second, b'M') | is256(second, b'd')) & is256(third, b'U')
                | is256(second, b'e') & is256(third, b'R')
        } else {
            let k = is256(load256::<1>(block), b'K');
            if k == 0 { 0 } else { k & is256(bytes, b'A') & is256(load256::<2>(block), b'I') }
        };
        let slash = is256(bytes, b'\\');
        Masks {
            quote: is256(bytes, b'"'),
            slash,
            open: is256(folded, b'{'),
            close: is256(folded, b'}'),
            newline: is256(bytes, b'\n'),
            unicode: if slash == 0 { 0 } else { slash & is256(load256::<1>(block), b'u') },
            words,
        }
    }
}

/// Each bit becomes the parity of itself and all below it.
pub(super) fn parity(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// The pass over an object by the best instructions there are; by none special ones if `special` is false.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "functions for special instructions are called where the processor has them")]
pub(super) fn best<const WIDE: bool>(
    buffer: &[u8],
    len: usize,
    at: usize,
    raw: &mut Raw,
    special: bool,
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
    fn by_avx512<const WIDE: bool>(buffer: &[u8], len: usize, at: usize, raw: &mut Raw) -> Option<usize> {
        pass(buffer, len, at, raw, |block| x86::avx512::<WIDE>(block), |bits| quick_parity(bits))
    }
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt,pclmulqdq")]
    fn by_avx2<const WIDE: bool>(buffer: &[u8], len: usize, at: usize, raw: &mut Raw) -> Option<usize> {
        pass(buffer, len, at, raw, |block| x86::avx2::<WIDE>(block), |bits| quick_parity(bits))
    }
    let bits = special
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("pclmulqdq");
    if bits && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") {
        // SAFETY: the processor has what the function needs, as was just asked.
        unsafe { by_avx512::<WIDE>(buffer, len, at, raw) }
    } else if bits && is_x86_feature_detected!("avx2") {
        // SAFETY: as above.
        unsafe { by_avx2::<WIDE>(buffer, len, at, raw) }
    } else {
        pass(buffer, len, at, raw, portable::<WIDE>, parity)
    }
}

/// The pass over an object.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn best<const WIDE: bool>(
    buffer: &[u8],
    len: usize,
    at: usize,
    raw: &mut Raw,
    _: bool,
) -> Option<usize> {
    pass(buffer, len, at, raw, portable::<WIDE>, parity)
}
