//! Where a grant lies.

use countersign_tokens::{GrantKey, StoreError, StoreErrorKind};

/// How many buckets there are. Another number is another layout: grants would not be found.
const BUCKETS: u32 = 64;

/// What the names of all keys begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prefix(String);

impl Prefix {
    pub(crate) fn new(text: &str) -> Result<Self, StoreError> {
        // A brace would end the hash tag, or begin another.
        if text.is_empty() || !text.bytes().all(|it| it.is_ascii_graphic() && !b"{}".contains(&it))
        {
            return Err(StoreError::new(StoreErrorKind::Other)
                .with_source("a prefix is one or more visible ASCII characters without braces"));
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The key of a grant's hash. The text of a grant's key has no brace, and two slashes.
    pub(crate) fn record(&self, key: &GrantKey) -> String {
        format!("{}:{key}", self.tag(bucket(key)))
    }

    /// The key of the sorted set that lists what is due of the grant's bucket.
    pub(crate) fn list(&self, key: &GrantKey) -> String {
        self.list_of(bucket(key))
    }

    /// The lists of all buckets.
    pub(crate) fn lists(&self) -> Vec<String> {
        (0..BUCKETS).map(|bucket| self.list_of(bucket)).collect()
    }

    fn list_of(&self, bucket: u32) -> String {
        format!("{}:due", self.tag(bucket))
    }

    /// What decides on the slot.
    fn tag(&self, bucket: u32) -> String {
        format!("{{{}:{bucket}}}", self.0)
    }
}

impl Default for Prefix {
    fn default() -> Self {
        Self("countersign".to_owned())
    }
}

/// By FNV-1a, which is the same for every version and machine.
fn bucket(key: &GrantKey) -> u32 {
    let hash = key
        .as_str()
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash ^ (hash >> 16)) % BUCKETS
}

#[cfg(test)]
mod tests {
    use countersign_tokens::GrantKey;

    use super::{BUCKETS, Prefix, bucket};

    #[test]
    fn a_grant_is_found_where_former_versions_have_put_it() {
        let prefix = Prefix::default();
        let key = GrantKey::new("hellosign", "client id", "user 42").expect("a key");
        assert_eq!(prefix.record(&key), "{countersign:37}:hellosign/client%20id/user%2042");
        assert_eq!(prefix.list(&key), "{countersign:37}:due");
    }

    #[test]
    fn grants_are_spread_over_all_buckets() {
        let mut counts = vec![0; BUCKETS as usize];
        for user in 0..64_000 {
            let key = GrantKey::new("hellosign", "id", &format!("user {user}")).expect("a key");
            counts[bucket(&key) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (700..1300).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_prefix_has_nothing_that_breaks_the_hash_tag() {
        for text in ["", "a{b", "a}b", "a b", "\u{e4}", "a\n"] {
            assert!(Prefix::new(text).is_err(), "{text:?}");
        }
        assert!(Prefix::new("my:app").is_ok());
    }
}
