//! Scopes as space-separated lists (RFC 6749 section 3.3), order kept.

/// What is granted when `asked` is asked for and `allowed` is registered.
pub(crate) fn granted(asked: Option<&str>, allowed: Option<&str>) -> Option<String> {
    match (asked, allowed) {
        (None, allowed) => allowed.map(str::to_owned),
        (Some(asked), None) => Some(asked.to_owned()),
        (Some(asked), Some(allowed)) => Some(
            asked
                .split_whitespace()
                .filter(|scope| contains(allowed, scope))
                .collect::<Vec<_>>()
                .join(" "),
        ),
    }
}

/// Whether every scope of `part` is one of `whole`.
pub(super) fn covers(whole: &str, part: &str) -> bool {
    part.split_whitespace().all(|scope| contains(whole, scope))
}

fn contains(list: &str, scope: &str) -> bool {
    list.split_whitespace().any(|known| known == scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_allowed_is_left_out() {
        assert_eq!(granted(Some("b x a"), Some("a b c")).as_deref(), Some("b a"));
        assert_eq!(granted(None, Some("a b")).as_deref(), Some("a b"));
        assert_eq!(granted(Some("x"), None).as_deref(), Some("x"));
        assert_eq!(granted(None, None), None);
    }

    #[test]
    fn covering_is_by_whole_names() {
        assert!(covers("read write", "write"));
        assert!(!covers("read write", "writ"));
        assert!(!covers("read", "read write"));
    }
}
