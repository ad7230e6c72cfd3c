//! Numbers with their nouns, as people write them.

/// `1 key`, `2 keys`. The noun takes a plain `s`.
pub fn counted(n: impl TryInto<u64>, noun: &str) -> String {
    let n = n.try_into().unwrap_or(u64::MAX);
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_and_many() {
        assert_eq!([counted(0, "key"), counted(1, "key"), counted(2, "key")], ["0 keys", "1 key", "2 keys"]);
    }
}
