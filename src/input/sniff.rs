//! Tells by the first bytes what a content is.

use std::io::{BufRead, Read};

/// The largest text that is held whole; a credential report's row is about 300 bytes and an account has at most
/// 5,000 users.
pub(super) const MAX_TEXT: u64 = 64 << 20;

pub(super) enum Sniffed {
    Empty,
    CredentialReport,
    Utf16,
    Archive(&'static str),
    Binary,
    Text { looks_like_logs: bool },
}

/// Looks at the first bytes without taking them. Errors are left for whoever reads on.
pub(super) fn sniff(content: &mut dyn BufRead) -> Sniffed {
    let whole = match content.fill_buf() {
        Ok([]) => return Sniffed::Empty,
        Ok(head) => head,
        Err(_) => return Sniffed::Text { looks_like_logs: false },
    };
    if whole.starts_with(b"\xff\xfe") || whole.starts_with(b"\xfe\xff") {
        return Sniffed::Utf16;
    }
    if matches!(whole, [a, 0, b, 0, ..] if *a != 0 && *b != 0)
        || matches!(whole, [0, a, 0, b, ..] if *a != 0 && *b != 0)
    {
        return Sniffed::Utf16;
    }
    // <https://www.gnu.org/software/tar/manual/html_node/Standard.html>
    if whole.get(257..262) == Some(b"ustar") {
        return Sniffed::Archive("a tar archive");
    }
    if let Some((_, what)) = ARCHIVES.iter().find(|(magic, _)| whole.starts_with(magic)) {
        return Sniffed::Archive(what);
    }
    let head = whole.get(..1024).unwrap_or(whole);
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    if head.starts_with(b"user,arn,") || head.starts_with(b"\"user\",\"arn\"") {
        return Sniffed::CredentialReport;
    }
    // NUL padding before text is known from logs that were cut and rewritten; other control bytes are not.
    let controls = head.iter().filter(|b| matches!(b, 1..=8 | 14..=31 | 127)).count();
    if controls * 20 > head.len() {
        Sniffed::Binary
    } else {
        Sniffed::Text { looks_like_logs: has_log_words(whole) }
    }
}

/// Containers that may well hold logs and that offkey does not open, by how they begin.
const ARCHIVES: &[(&[u8], &str)] = &[
    (b"SQLite format 3\0", "an SQLite database; an offkey store is read where it is named itself"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"PAR1", "Parquet"),
    (b"Obj\x01", "Avro"),
];

/// Whether bytes hold CloudTrail records in some form, so that passing over them may lose records. A mere mention of
/// its words, as in prose or configuration, is none.
pub(super) fn has_log_words(bytes: &[u8]) -> bool {
    has(bytes, b"userIdentity") && (has(bytes, b"eventTime") || has(bytes, b"eventName"))
        || has(bytes, b"accessKeyId") && has(bytes, b"AKIA")
}

pub(super) fn has(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

/// What PowerShell's `>` writes, as UTF-8; nothing where it is damaged or too large to hold.
pub(super) fn utf16(content: &mut dyn BufRead) -> Option<String> {
    let mut bytes = Vec::new();
    let n = content.take(MAX_TEXT + 1).read_to_end(&mut bytes).ok()?;
    let (mark, rest) = bytes.split_at_checked(2)?;
    let marked = matches!(mark, b"\xff\xfe" | b"\xfe\xff");
    let little = mark == b"\xff\xfe" || !marked && mark.first() != Some(&0);
    let text = if marked { rest } else { &bytes };
    let unit = |pair: &[u8]| {
        let pair = [pair.first().copied()?, pair.get(1).copied()?];
        Some(if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
    };
    let units: Vec<u16> = text.chunks(2).filter_map(unit).collect();
    if n as u64 > MAX_TEXT { None } else { String::from_utf16(&units).ok() }
}
