//! Every random choice of the estate, drawn from streams that follow from the seed alone.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// What a stream of random numbers is for, so that no two purposes share one.
#[derive(Clone, Copy)]
pub(super) enum Stream {
    /// Who exists.
    Cast,
    /// One consumer's day.
    Consumer(usize),
    /// What else happens in an account on a day.
    Noise(usize),
    /// Names and sizes of a day's files.
    Files,
    /// The IAM exports and the odd files.
    Exports(usize),
}

/// A stream of random choices.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream for a purpose on a day. Seeding anew each time is what keeps memory flat: a day can be
    /// told without any other day.
    pub(super) fn new(seed: u64, stream: Stream, day: i32) -> Self {
        let (purpose, index): (u64, usize) = match stream {
            Stream::Cast => (1, 0),
            Stream::Consumer(index) => (2, index),
            Stream::Noise(index) => (3, index),
            Stream::Files => (4, 0),
            Stream::Exports(index) => (5, index),
        };
        let mut bytes = [0_u8; 32];
        let words = [seed, purpose, index as u64, u64::from(day.unsigned_abs())];
        for (slot, word) in bytes.chunks_exact_mut(8).zip(words) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(bytes))
    }

    /// A number from 0 up to, but not including, `end` (0 where `end` is 0). The bias of the product method
    /// is of no consequence here.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        let product = u64::from(self.0.next_u32()) * u64::from(end);
        u32::try_from(product >> 32).unwrap_or(0)
    }

    /// A number between the two, both included.
    pub(super) fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in `percent` of a hundred cases.
    pub(super) fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// A whole number whose mean is `mean_thousandths` / 1000.
    pub(super) fn about(&mut self, mean_thousandths: u32) -> u32 {
        mean_thousandths / 1000 + u32::from(self.below(1000) < mean_thousandths % 1000)
    }

    /// Position of one of `len` things.
    pub(super) fn position(&mut self, len: usize) -> usize {
        self.below(u32::try_from(len).unwrap_or(u32::MAX)) as usize
    }

    /// One of the texts.
    pub(super) fn pick(&mut self, texts: &[&'static str]) -> &'static str {
        let position = self.position(texts.len());
        texts.get(position).copied().unwrap_or("")
    }

    fn letters(&mut self, alphabet: &[u8], len: usize) -> String {
        (0..len)
            .map(|_| {
                let position = self.position(alphabet.len());
                alphabet.get(position).map_or('A', |byte| char::from(*byte))
            })
            .collect()
    }

    /// Lower-case hexadecimal digits.
    pub(super) fn hex(&mut self, len: usize) -> String {
        self.letters(HEX, len)
    }

    /// Letters and digits as AWS uses them in ids and in the names of log files.
    pub(super) fn base32(&mut self, len: usize) -> String {
        self.letters(BASE32, len)
    }

    /// A random (version 4) UUID.
    pub(super) fn uuid(&mut self) -> String {
        let high = self.0.next_u64() & 0xffff_ffff_ffff_0fff | 0x4000;
        let low = self.0.next_u64() & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }

    /// Raw bytes.
    pub(super) fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// An id like AKIAIOSFODNN7EXAMPLE, of a session or a user. Nobody's account can be inferred from it:
    /// that takes a fifth character from the second half of the alphabet.
    pub(super) fn example_id(&mut self, prefix: &str, middle: usize) -> String {
        let first = self.letters(BASE32.get(..16).unwrap_or(BASE32), 1);
        let rest = self.base32(middle.saturating_sub(1));
        format!("{prefix}{first}{rest}EXAMPLE")
    }

    /// The id of the `number`th static key; different numbers below 2^20 give different ids.
    pub(super) fn static_key_id(&mut self, number: usize) -> String {
        // An odd multiplier permutes the numbers modulo 2^20, which fill four of the nine characters.
        let mixed = (number as u64).wrapping_mul(0x9_e37b) & 0xf_ffff;
        let tag: String = (0..4)
            .map(|i| BASE32.get((mixed >> (5 * i) & 31) as usize).map_or('A', |byte| char::from(*byte)))
            .collect();
        let first = self.letters(BASE32.get(..16).unwrap_or(BASE32), 1);
        let rest = self.base32(4);
        format!("AKIA{first}{tag}{rest}EXAMPLE")
    }
}
