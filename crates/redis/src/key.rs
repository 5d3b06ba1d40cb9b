//! The names of keys.

use countersign_tokens::{GrantKey, StoreError, StoreErrorKind};

/// The number of buckets. With another number, grants are not found.
pub(crate) const BUCKETS: u32 = 64;

/// The begin of the names of all keys.
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

    /// Returns the key of the hash that has the record of `key`.
    pub(crate) fn record(&self, key: &str) -> String {
        // The text of a grant's key has no brace, and two slashes.
        format!("{}:{key}", self.tag(bucket(key)))
    }

    /// Returns the keys of the two sorted sets of the bucket of `key`.
    pub(crate) fn sets(&self, key: &GrantKey) -> [String; 2] {
        ["due", "keys"].map(|name| self.set(bucket(key.as_str()), name))
    }

    /// Returns the keys of the sorted sets of this name, `due` or `keys`, of all buckets.
    pub(crate) fn all_sets(&self, name: &str) -> Vec<String> {
        (0..BUCKETS).map(|bucket| self.set(bucket, name)).collect()
    }

    fn set(&self, bucket: u32, name: &str) -> String {
        format!("{}:{name}", self.tag(bucket))
    }

    /// Returns the hash tag, which decides on the slot.
    fn tag(&self, bucket: u32) -> String {
        format!("{{{}:{bucket}}}", self.0)
    }
}

impl Default for Prefix {
    fn default() -> Self {
        Self("countersign".to_owned())
    }
}

/// Returns the bucket by FNV-1a, which is the same in every version and on every machine.
fn bucket(key: &str) -> u32 {
    let hash = key
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash ^ (hash >> 16)) % BUCKETS
}

#[cfg(test)]
mod tests {
    use countersign_tokens::GrantKey;

    use super::{BUCKETS, Prefix, bucket};

    #[test]
    fn the_layout_of_keys_does_not_change() {
        let prefix = Prefix::default();
        let key = GrantKey::new("hellosign", "client id", "user 42").expect("a key");
        let record = prefix.record(key.as_str());
        assert_eq!(record, "{countersign:37}:hellosign/client%20id/user%2042");
        assert_eq!(prefix.sets(&key), ["{countersign:37}:due", "{countersign:37}:keys"]);
    }

    #[test]
    fn grants_are_spread_over_all_buckets() {
        let mut counts = vec![0; BUCKETS as usize];
        for user in 0..64_000 {
            let key = GrantKey::new("hellosign", "id", &format!("user {user}")).expect("a key");
            counts[bucket(key.as_str()) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (700..1300).contains(count)), "{counts:?}");
    }
}
