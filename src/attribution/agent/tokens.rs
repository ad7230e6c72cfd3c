//! Takes user agents apart: products, their versions, and the comments in brackets between them.

/// One word of an agent: `name/value` or `name#value`, where the separators mean the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
}

/// What an agent is made of, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    pub(super) tokens: Vec<Token<'a>>,
    /// What stands in round brackets, split at semicolons.
    pub(super) comments: Vec<&'a str>,
}

/// Agents are cut at 1 KB by CloudTrail; what is longer is forged, and need not be understood.
const MOST_TOKENS: usize = 256;

/// Takes an agent apart. Nothing is refused: brackets that never close are a comment to the end.
pub(super) fn split(text: &str) -> Parts<'_> {
    let mut parts = Parts::default();
    let mut rest = text;
    while let Some(open) = rest.find('(') {
        let (before, inside) = rest.split_at(open);
        words(before, &mut parts.tokens);
        let inside = inside.get(1..).unwrap_or_default();
        let (comment, after) = inside.split_once(')').unwrap_or((inside, ""));
        let room = MOST_TOKENS.saturating_sub(parts.comments.len());
        parts.comments.extend(comment.split(';').map(str::trim).filter(|part| !part.is_empty()).take(room));
        rest = after;
    }
    words(rest, &mut parts.tokens);
    parts
}

fn words<'a>(text: &'a str, out: &mut Vec<Token<'a>>) {
    let room = MOST_TOKENS.saturating_sub(out.len());
    out.extend(text.split_whitespace().take(room).map(token));
}

/// A word's name and value. A leading `md/`, `lang/`, … keeps its name, and the rest is its value.
fn token(word: &str) -> Token<'_> {
    let word = word.trim_matches(|c| matches!(c, ',' | ';' | '"' | '\''));
    match word.find(['/', '#']) {
        Some(at) => {
            Token { name: word.get(..at).unwrap_or_default(), value: word.get(at + 1..).unwrap_or_default() }
        }
        None => Token { name: word, value: "" },
    }
}

/// A value's own name and value: `linux#6.1` in `os/linux#6.1`.
pub(super) fn pair(value: &str) -> (&str, &str) {
    value.split_once(['#', '/']).unwrap_or((value, ""))
}

/// Takes what is made up for one run off the end of a name: a UUID, or a long number or hexadecimal text behind a
/// separator. Returns the name that stays, and what was taken off.
pub(super) fn without_run_id(name: &str) -> (&str, &str) {
    if let Some(at) = name.len().checked_sub(36)
        && let Some((head, tail)) = name.split_at_checked(at)
        && is_uuid(tail)
    {
        return (head.trim_end_matches(['_', '-']), tail);
    }
    // Times as programs write them, the longest first.
    for shape in [
        "9999-99-99T99:99:99Z",
        "9999-99-99-99-99-99",
        "99999999T999999Z",
        "99999999T999999",
        "99999999-999999",
        "99999999_999999",
        "9999-99-99",
    ] {
        if let Some(at) = name.len().checked_sub(shape.len())
            && let Some((head, tail)) = name.split_at_checked(at)
            && head.len() > 1
            && head.ends_with(['_', '-', '.'])
            && tail
                .bytes()
                .zip(shape.bytes())
                .all(|(b, s)| if s == b'9' { b.is_ascii_digit() } else { b == s })
        {
            return (head.trim_end_matches(['_', '-', '.']), tail);
        }
    }
    let Some(at) = name.rfind(['_', '-']) else { return (name, "") };
    let (head, tail) = name.split_at(at);
    let tail = tail.get(1..).unwrap_or_default();
    let digits = tail.bytes().filter(u8::is_ascii_digit).count();
    let hex = tail.bytes().all(|b| b.is_ascii_hexdigit());
    // Ten digits are a time in seconds; seven hexadecimal ones of both sorts a shortened hash. Years are shorter.
    let is_run = hex && (digits >= 8 || tail.len() >= 7 && digits > 0 && digits < tail.len());
    if head.is_empty() || !is_run {
        return (name, "");
    }
    (head.trim_end_matches(['_', '-']), tail)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_comments_and_metrics() {
        let parts = split("A/1 (x; y;) b#2 m/E,b,Z,\tS3Console/0.4, c (open");
        let names: Vec<(&str, &str)> = parts.tokens.iter().map(|t| (t.name, t.value)).collect();
        assert_eq!(names, [("A", "1"), ("b", "2"), ("m", "E,b,Z"), ("S3Console", "0.4"), ("c", "")]);
        assert_eq!(parts.comments, ["x", "y", "open"]);
    }

    #[test]
    fn run_ids() {
        for (name, want) in [
            ("stratus-red-team_11a6ef34-e130-4579-a1d3-79c915cee6ec", "stratus-red-team"),
            ("grimoire_11a6ef34-e130-4579-a1d3-79c915cee6ec", "grimoire"),
            ("session-1735689600", "session"),
            ("build-3f9c2ab1", "build"),
            ("aws-sdk-go-v2", "aws-sdk-go-v2"),
            ("cert-manager", "cert-manager"),
            ("report-2026", "report-2026"),
            ("deploy-20260801T120000Z", "deploy"),
            ("t2-2026-08-01T12:00:00Z", "t2"),
            ("t8-20260801-120000", "t8"),
            ("t9_2026-08-01", "t9"),
            ("t6-0a1b2c3", "t6"),
            ("build-1234567", "build-1234567"),
            ("feed-deadbeef", "feed-deadbeef"),
            ("-12345678", "-12345678"),
            ("é_11a6ef34-e130-4579-a1d3-79c915cee6ec", "é"),
            ("", ""),
        ] {
            assert_eq!(without_run_id(name).0, want, "{name}");
        }
    }
}
