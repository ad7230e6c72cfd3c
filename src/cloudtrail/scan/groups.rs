//! The pass where the processor can take more at once: eight blocks are a group, and all of the arithmetic that `blocks.rs`
//! does block by block is done in vectors of eight.

use super::blocks::{End, STRETCH, Spot, brackets, escaped, note_words, spells_letters};
use super::masks::x86::{fetch_ahead, is512, keys512, load_words, load512, store_words, tables512};
use super::masks::{BEYOND, Block};
use super::records::Raw;
use std::arch::x86_64::*;

/// Blocks in a group.
const BLOCKS: usize = 8;

/// Bytes in a group.
const GROUP: usize = 64 * BLOCKS;

/// Groups that are looked at before the first of them is settled: a vector that is read soon after its words were written one
/// by one has to wait for them (what was stored is forwarded only to loads within it), and this many stay near together with
/// their text.
const GROUPS: usize = 8;

/// A group's text, and what follows it.
type Text = [u8; GROUP + BEYOND];

/// A word for each block of a group.
type Words = [u64; BLOCKS];

/// What is known of one group.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Group {
    quote: Words,
    /// Opening brackets, and once it is settled only those outside of strings.
    open: Words,
    /// Closing ones.
    close: Words,
    /// Where words may stand, as [`super::masks::Masks::words`] says; only where there are `any_words`.
    words: Words,
    /// Brackets that are open before each block, in two's complement.
    depth: Words,
    /// Whether there may be words.
    any_words: bool,
    /// Whether there is neither a backslash nor a control character.
    usual: bool,
}

/// What goes from group to group.
#[derive(Clone, Copy)]
struct State {
    /// All ones while a string is open.
    in_string: u8,
    /// Whether the next byte is escaped.
    carry: bool,
    /// How many brackets are open inside the array of records, eight times.
    depth: __m512i,
    /// Nothing but ones, which the compiler must not know: it would make them by an instruction that waits for what was in its
    /// register before, which here is the group before.
    ones: __m512i,
}

/// [`super::blocks::pass`], quicker. What stands up to a stretch of groups behind the array is looked at, too, and may be
/// refused: nothing but an object's end belongs there, which has nothing to refuse.
#[inline]
#[target_feature(
    enable = "avx512f,avx512bw,avx512dq,avx512vbmi,avx512vpopcntdq,vpclmulqdq,bmi1,bmi2,popcnt,lzcnt"
)]
pub(super) fn pass<const WIDE: bool>(
    buffer: &[u8],
    len: usize,
    start: usize,
    raw: &mut Raw,
    ahead: &mut dyn FnMut(usize),
) -> Option<usize> {
    let mut groups = [Group::default(); GROUPS];
    let ones = load_words(std::hint::black_box(&[u64::MAX; BLOCKS]));
    let mut state = State { in_string: 0, carry: false, depth: _mm512_setzero_si512(), ones };
    let mut spot = Spot { start, end: start };
    let (mut at, mut told, mut odd) = (start, 0, 0);
    let mut last = [b' '; GROUP + BEYOND];
    while at < len {
        if at >= told {
            told = len.min(at + STRETCH);
            ahead(told);
        }
        let text = buffer.get(at..)?;
        let whole = GROUPS.min((len - at) / GROUP);
        let looked = groups.get_mut(..whole)?;
        if at + STRETCH < len {
            look::<WIDE, true>(text, looked)?;
        } else {
            look::<WIDE, false>(text, looked)?;
        }
        let mut known = whole;
        if known < GROUPS {
            // What stands behind the content must not be seen.
            let rest = text.get(known * GROUP..len - at)?;
            last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            look::<WIDE, false>(&last, groups.get_mut(known..=known)?)?;
            known += 1;
        }
        let (mut noted, mut edges) = ([0; GROUPS], [0; GROUPS]);
        let found = groups.iter_mut().zip(&mut noted).zip(&mut edges).take(known);
        for (nth, ((group, noted), edges)) in found.enumerate() {
            if group.any_words {
                let words = load_words(&group.words);
                *noted = _mm512_test_epi64_mask(words, words);
            }
            if group.usual && !state.carry {
                let _ = settle(group, &mut state, edges);
            } else {
                let text = if nth < whole { text.get(nth * GROUP..)?.first_chunk()? } else { &last };
                let (behind, bad) = unusual(text, group, state, edges)?;
                state = behind;
                odd |= bad;
            }
        }
        for nth in each(noted) {
            if !note_words(at + 64 * nth, word(&groups, nth, |group| &group.words), raw) {
                return None;
            }
        }
        for nth in each(edges) {
            let of = |words| word(&groups, nth, words);
            let masks = (of(|group| &group.open), of(|group| &group.close));
            let depth = of(|group| &group.depth).cast_signed();
            match brackets(buffer, at + 64 * nth, masks, depth, &mut spot, raw) {
                Ok(_) => {}
                Err(End::Done(end)) => return (odd == 0).then_some(end),
                Err(End::Odd) => return None,
            }
        }
        at += known * GROUP;
    }
    None
}

/// The numbers of blocks, of which there is a bit for each in the bytes of their groups.
#[inline]
fn each(blocks: [u8; GROUPS]) -> impl Iterator<Item = usize> {
    let mut blocks = u64::from_le_bytes(blocks);
    std::iter::from_fn(move || {
        let nth = (blocks != 0).then(|| blocks.trailing_zeros() as usize)?;
        blocks &= blocks - 1;
        Some(nth)
    })
}

/// One of a block's words, by its number.
#[inline]
fn word(groups: &[Group; GROUPS], nth: usize, of: fn(&Group) -> &Words) -> u64 {
    groups.get(nth / BLOCKS).and_then(|group| of(group).get(nth % BLOCKS)).copied().unwrap_or_default()
}

fn block(text: &Text, nth: usize) -> Option<&Block> {
    text.get(64 * nth..)?.first_chunk()
}

/// Finds what there is in each of some groups; nothing where the text is too short. With `FAR` what lies further on is brought
/// near.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn look<const WIDE: bool, const FAR: bool>(text: &[u8], groups: &mut [Group]) -> Option<()> {
    let all = |byte: u8| _mm512_set1_epi8(byte.cast_signed());
    for (nth, group) in groups.iter_mut().enumerate() {
        let text = text.get(nth * GROUP..)?.first_chunk()?;
        // The least of all bytes, of their differences to a backslash, and to the two letters of a key id.
        let (mut least, mut slash, mut word) = (all(0xff), all(0xff), all(0xff));
        let masks = group.quote.iter_mut().zip(&mut group.open).zip(&mut group.close).zip(&mut group.words);
        for (nth, (((quote, open), close), words)) in masks.enumerate() {
            let block = block(text, nth)?;
            if FAR {
                fetch_ahead(block);
            }
            let bytes = load512::<0>(block);
            *quote = is512(bytes, b'"');
            // The bit 0x20 is all that tells `[` from `{` and `]` from `}`.
            let folded = _mm512_or_si512(bytes, all(0x20));
            *open = is512(folded, b'{');
            *close = is512(folded, b'}');
            least = _mm512_min_epu8(least, bytes);
            slash = _mm512_min_epu8(slash, _mm512_xor_si512(bytes, all(b'\\')));
            if WIDE {
                *words = tables512(block);
            } else {
                let first = _mm512_xor_si512(bytes, all(b'A'));
                // first | (second ^ 'K')
                let both = _mm512_ternarylogic_epi64::<0xf6>(first, load512::<1>(block), all(b'K'));
                word = _mm512_min_epu8(word, both);
            }
        }
        let control = _mm512_cmplt_epu8_mask(least, all(0x20));
        group.usual = control | _mm512_testn_epi8_mask(slash, slash) == 0;
        group.any_words = WIDE || _mm512_testn_epi8_mask(word, word) != 0;
        if !WIDE && group.any_words {
            for (nth, words) in group.words.iter_mut().enumerate() {
                *words = keys512(block(text, nth)?);
            }
        }
    }
    Some(())
}

/// The parity of each bit and all below it, for each byte.
#[allow(clippy::indexing_slicing, reason = "worked out by the compiler, which would say so")]
static PARITY: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let bits = byte as u8;
        let bits = bits ^ bits << 1;
        let bits = bits ^ bits << 2;
        table[byte] = bits ^ bits << 4;
        byte += 1;
    }
    table
};

/// Tells brackets inside from those outside of strings and counts them. `edges` becomes a bit for each block in which a
/// record may end or begin. Returns what is inside of strings.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vpopcntdq,vpclmulqdq")]
fn settle(group: &mut Group, state: &mut State, edges: &mut u8) -> __m512i {
    // Carry-less multiplication by all ones: each bit is the parity of itself and all below it.
    let quotes = load_words(&group.quote);
    let low = _mm512_clmulepi64_epi128::<0x00>(quotes, state.ones);
    let high = _mm512_clmulepi64_epi128::<0x01>(quotes, state.ones);
    let parity = _mm512_unpacklo_epi64(low, high);
    // From each block's last bit to all of the blocks behind it.
    let odd = usize::from(_mm512_movepi64_mask(parity));
    let open_behind = PARITY.get(odd).copied().unwrap_or_default() ^ state.in_string;
    let open_before = open_behind << 1 | state.in_string & 1;
    let inside = _mm512_mask_xor_epi64(parity, open_before, parity, state.ones);
    state.in_string = (open_behind.cast_signed() >> 7).cast_unsigned();

    let open = _mm512_andnot_si512(inside, load_words(&group.open));
    let close = _mm512_andnot_si512(inside, load_words(&group.close));
    store_words(open, &mut group.open);
    store_words(close, &mut group.close);
    let closing = _mm512_popcnt_epi64(close);
    let more = _mm512_sub_epi64(_mm512_popcnt_epi64(open), closing);
    // Sums of all up to each, by steps of one, two and four.
    let zero = _mm512_setzero_si512();
    let mut behind = _mm512_add_epi64(more, _mm512_alignr_epi64::<7>(more, zero));
    behind = _mm512_add_epi64(behind, _mm512_alignr_epi64::<6>(behind, zero));
    behind = _mm512_add_epi64(behind, _mm512_alignr_epi64::<4>(behind, zero));
    behind = _mm512_add_epi64(behind, state.depth);
    let depth = _mm512_sub_epi64(behind, more);
    store_words(depth, &mut group.depth);
    // Where just as many close as are open, an opening one before the last of them leaves some open.
    let up_to_lowest = _mm512_xor_si512(open, _mm512_add_epi64(open, state.ones));
    let closes_last = _mm512_cmpgt_epu64_mask(close, up_to_lowest);
    *edges =
        _mm512_cmplt_epi64_mask(depth, closing) | _mm512_mask_cmpeq_epi64_mask(!closes_last, depth, closing);
    state.depth = _mm512_permutexvar_epi64(_mm512_set1_epi64(7), behind);
    inside
}

/// [`settle`] where there are backslashes or control characters. Returns other than zero where that is no JSON; nothing where
/// letters are spelled as escapes.
#[cold]
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vpopcntdq,vpclmulqdq")]
fn unusual(text: &Text, group: &mut Group, mut state: State, edges: &mut u8) -> Option<(State, u8)> {
    let (mut slashes, mut newlines) = (Words::default(), Words::default());
    let masks = group.quote.iter_mut().zip(&mut slashes).zip(&mut newlines);
    for (nth, ((quote, slash), newline)) in masks.enumerate() {
        let bytes = load512::<0>(block(text, nth)?);
        (*slash, *newline) = (is512(bytes, b'\\'), is512(bytes, b'\n'));
        if *slash != 0 && spells_letters(text, 64 * nth, *slash) {
            return None;
        }
        *quote &= !escaped(*slash, &mut state.carry);
    }
    let inside = settle(group, &mut state, edges);
    // Neither is JSON, and what it means to a reader that goes on differs.
    let odd = _mm512_or_si512(
        _mm512_and_si512(load_words(&newlines), inside),
        _mm512_andnot_si512(inside, load_words(&slashes)),
    );
    Some((state, _mm512_test_epi64_mask(odd, odd)))
}
