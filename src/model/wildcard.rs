//! Patterns in which something stands for any run: the one walk that names, actions and ARNs are matched by.

/// Whether a pattern matches a text as a whole. `any` says which pieces stand for any run, an empty one included; `fits` whether
/// another piece stands for one element of the text. Takes time in proportion to pattern times text at most.
pub fn wildcard<P, T>(
    pattern: &[P],
    text: &[T],
    any: impl Fn(&P) -> bool,
    fits: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while let Some(element) = text.get(t) {
        match pattern.get(p) {
            Some(piece) if any(piece) => {
                star = Some((p, t));
                p += 1;
            }
            Some(piece) if fits(piece, element) => {
                p += 1;
                t += 1;
            }
            // The last run takes one more.
            _ => match star {
                Some((at, from)) => {
                    p = at + 1;
                    t = from + 1;
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_none_or(|rest| rest.iter().all(any))
}

#[cfg(test)]
mod tests {
    use super::wildcard;

    #[test]
    fn runs_are_found_wherever_they_end() {
        let matches = |pattern: &str, text: &str| {
            wildcard(pattern.as_bytes(), text.as_bytes(), |p| *p == b'*', |p, t| *p == b'?' || p == t)
        };
        for (pattern, text, want) in [
            ("", "", true),
            ("*", "", true),
            ("?", "", false),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
            ("*ab", "aab", true),
            ("a**", "a", true),
            ("ab", "abc", false),
            ("?b*", "ab", true),
        ] {
            assert_eq!(matches(pattern, text), want, "{pattern} {text}");
        }
    }
}
