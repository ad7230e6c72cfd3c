//! Inflates whole gzip files from one buffer into another, by libdeflate.
//!
//! libdeflate's safe wrapper cannot tell how much of the input a gzip member took, and would pass over every member
//! but the first; that is why this file calls the library itself.

#![allow(unsafe_code, reason = "calls into libdeflate, a C library")]

use libdeflate_sys::{
    libdeflate_alloc_decompressor, libdeflate_crc32, libdeflate_decompressor,
    libdeflate_deflate_decompress_ex, libdeflate_free_decompressor, libdeflate_gzip_decompress_ex,
    libdeflate_result, libdeflate_result_LIBDEFLATE_INSUFFICIENT_SPACE as NO_SPACE,
    libdeflate_result_LIBDEFLATE_SUCCESS as SUCCESS,
};
use std::ffi::c_void;
use std::ptr::NonNull;

/// Bytes a deflate stream can at most become, for each of its own.
const MOST_EXPANSION: usize = 1032;

/// What was inflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inflated {
    /// Bytes of content.
    pub(crate) len: usize,
    /// What their sum has to be, where that was not compared yet.
    pub(crate) sum: Option<Sum>,
}

/// The CRC-32 that gzip files end in (RFC 1952, 2.3.1), of what has been summed up so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum(u32);

impl Sum {
    /// The sum of that and of what follows.
    pub(crate) fn with(self, more: &[u8]) -> Self {
        // SAFETY: the pointer comes with the length of its slice, which is only read.
        Self(unsafe { libdeflate_crc32(self.0, more.as_ptr().cast(), more.len()) })
    }
}

/// A header without any of the fields that a gzip file may have and logs have not: its first bytes (RFC 1952, 2.3), before
/// six that say nothing of the content.
const PLAIN_HEADER: [u8; 4] = [0x1f, 0x8b, 8, 0];

/// What libdeflate inflates by: with a gzip member's header and sum, or a stream without them.
type Call = unsafe extern "C" fn(
    *mut libdeflate_decompressor,
    *const c_void,
    usize,
    *mut c_void,
    usize,
    *mut usize,
    *mut usize,
) -> libdeflate_result;

/// libdeflate's own state; one for each thread.
pub(crate) struct Inflater {
    state: NonNull<libdeflate_decompressor>,
}

// SAFETY: the state is plain memory of its own, which only its owner uses.
unsafe impl Send for Inflater {}

impl Inflater {
    /// Nothing where memory is short.
    pub(crate) fn new() -> Option<Self> {
        // SAFETY: the function takes nothing and returns a state or null.
        NonNull::new(unsafe { libdeflate_alloc_decompressor() }).map(|state| Self { state })
    }

    /// Inflates all members of a gzip file into `out`, which is grown to at most `limit` bytes plus `padding` and
    /// never shrunk. Returns the length of the content; nothing where the file is damaged, is something else, or is
    /// larger than that.
    pub(crate) fn gzip(
        &mut self,
        file: &[u8],
        out: &mut Vec<u8>,
        limit: usize,
        padding: usize,
    ) -> Option<usize> {
        // The length modulo 2^32 of the last member (RFC 1952, 2.3.1); mostly there is only one.
        let tail = file.last_chunk::<4>()?;
        let claimed = usize::try_from(u32::from_le_bytes(*tail)).ok()?;
        let most = limit.min(file.len().saturating_mul(MOST_EXPANSION));
        if claimed > most {
            return None;
        }
        grow(out, claimed + padding);
        let (mut from, mut len) = (0, 0);
        while from < file.len() {
            let rest = file.get(from..)?;
            let space = out.get_mut(len..)?;
            let room = space.len().checked_sub(padding)?;
            match self.member(libdeflate_gzip_decompress_ex, rest, space.get_mut(..room)?) {
                Ok((taken, made)) => {
                    from += taken;
                    len += made;
                }
                Err(NO_SPACE) if out.len() - padding < most => {
                    let more = (out.len() * 2).clamp(64 << 10, most + padding);
                    grow(out, more);
                }
                Err(_) => return None,
            }
        }
        Some(len)
    }

    /// The same, and leaves the sum of a plain file to be compared by who looks through the content anyway.
    pub(crate) fn unsummed(
        &mut self,
        file: &[u8],
        out: &mut Vec<u8>,
        limit: usize,
        padding: usize,
    ) -> Option<Inflated> {
        match self.one_plain(file, out, limit, padding) {
            Some(inflated) => Some(inflated),
            None => self.gzip(file, out, limit, padding).map(|len| Inflated { len, sum: None }),
        }
    }

    /// Nothing where the file is anything but one undamaged member with a plain header.
    fn one_plain(
        &mut self,
        file: &[u8],
        out: &mut Vec<u8>,
        limit: usize,
        padding: usize,
    ) -> Option<Inflated> {
        let body = file.strip_prefix(&PLAIN_HEADER)?.get(6..)?;
        let (body, [a, b, c, d, len @ ..]) = body.split_last_chunk::<8>()?;
        let len = usize::try_from(u32::from_le_bytes(*len)).ok()?;
        if len > limit.min(file.len().saturating_mul(MOST_EXPANSION)) {
            return None;
        }
        grow(out, len + padding);
        let done = self.member(libdeflate_deflate_decompress_ex, body, out.get_mut(..len)?);
        let sum = Sum(u32::from_le_bytes([*a, *b, *c, *d]));
        (done == Ok((body.len(), len))).then_some(Inflated { len, sum: Some(sum) })
    }

    /// Bytes taken and bytes made by one member, or by one deflate stream.
    fn member(&mut self, call: Call, from: &[u8], to: &mut [u8]) -> Result<(usize, usize), u32> {
        let (mut taken, mut made) = (0, 0);
        // SAFETY: both pointers come with the lengths of their slices, which do not overlap; the results are written
        // to variables of this function; the state is this one's own and not in use; both functions that are called take the same.
        let result = unsafe {
            call(
                self.state.as_ptr(),
                from.as_ptr().cast(),
                from.len(),
                to.as_mut_ptr().cast(),
                to.len(),
                &raw mut taken,
                &raw mut made,
            )
        };
        if result == SUCCESS && taken > 0 { Ok((taken, made)) } else { Err(result) }
    }
}

impl Drop for Inflater {
    fn drop(&mut self) {
        // SAFETY: the state came from the library and is not used again.
        unsafe { libdeflate_free_decompressor(self.state.as_ptr()) }
    }
}

fn grow(out: &mut Vec<u8>, len: usize) {
    if out.len() < len {
        out.resize(len, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, GzBuilder, write::GzEncoder};
    use std::io::Write;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_sum_is_that_of_its_parts() {
        // The check value of CRC-32 (https://reveng.sourceforge.io/crc-catalogue/all.htm#crc.cat.crc-32-iso-hdlc).
        let sum = b"123456789".chunks(2).fold(Sum::default(), |sum, part| sum.with(part));
        assert_eq!(sum, Sum(0xcbf4_3926));
    }

    #[test]
    fn members_limits_and_damage() {
        let mut inflater = Inflater::new().unwrap();
        let mut out = Vec::new();
        let mut read = |file: &[u8], limit: usize| {
            let len = inflater.gzip(file, &mut out, limit, 16);
            let summed = len.map(|len| {
                assert!(out.len() >= len + 16);
                out[..len].to_vec()
            });
            // The other way gives the same, or a sum that is another.
            out.fill(b'?');
            let unsummed = inflater.unsummed(file, &mut out, limit, 16).and_then(|Inflated { len, sum }| {
                assert!(out.len() >= len + 16);
                let content = out[..len].to_vec();
                sum.is_none_or(|sum| sum == Sum::default().with(&content)).then_some(content)
            });
            assert_eq!(summed, unsummed);
            summed
        };
        let (one, two) = (gzip(b"first "), gzip(&[b'x'; 100_000]));
        assert_eq!(read(&one, 1 << 20).as_deref(), Some(&b"first "[..]));
        // The last member's length says nothing of the others'.
        for parts in [[one.clone(), two.clone()], [two.clone(), one.clone()], [one.clone(), one.clone()]] {
            let len = read(&parts.concat(), 1 << 20).unwrap().len();
            assert!([12, 100_006].contains(&len), "{len}");
        }
        assert_eq!(read(&two, 1000), None, "larger than allowed");
        assert_eq!(read(&two[..two.len() - 9], 1 << 20), None, "truncated");
        assert_eq!(read(&[&one[..], b"garbage"].concat(), 1 << 20), None);
        let mut flipped = two.clone();
        flipped[20] ^= 1;
        assert_eq!(read(&flipped, 1 << 20), None);
        for at in 0..one.len() {
            for bit in 0..8 {
                let mut flipped = one.clone();
                flipped[at] ^= 1 << bit;
                read(&flipped, 1 << 20);
            }
            read(&one[..at], 1 << 20);
        }
        let named = GzBuilder::new()
            .filename("a.json")
            .comment("b")
            .extra("c")
            .buf_read(&b"named"[..], Compression::default());
        let named = std::io::Read::bytes(named).map(Result::unwrap).collect::<Vec<_>>();
        assert_eq!(read(&named, 1 << 20).as_deref(), Some(&b"named"[..]));
        assert_eq!(read(b"", 10), None);
        assert_eq!(read(b"\x1f\x8b", 10), None);
        assert_eq!(read(&[0xff; 40], 1 << 30), None);
    }
}
