use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroize;

/// The members of an answer that Countersign has no name for, such as HelloSign's `account_id` or
/// OpenID's `id_token`. They are those of one answer: a refresh does not carry them over.
///
/// `Debug` prints their names alone, and their text is wiped when the last clone is dropped: some
/// are tokens too. Cloning is cheap. Of an answer longer than 64 KiB they are not kept: in memory
/// they may take many times the room.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(from = "Members", into = "Members")]
pub struct Extra(Option<Arc<Members>>);

/// The longest answer whose members are kept.
pub(crate) const LONGEST_ANSWER: usize = 64 * 1024;

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Members(Map<String, Value>);

impl Extra {
    /// The member of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.as_ref()?.0.get(name)
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().flat_map(|members| members.0.iter()).map(|(name, it)| (name.as_str(), it))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl Members {
    /// Adds a member. Of two with one name the later stays.
    pub(crate) fn insert(&mut self, name: String, value: Value) {
        if let Some(mut former) = self.0.insert(name, value) {
            wipe(&mut former);
        }
    }
}

impl From<Members> for Extra {
    fn from(members: Members) -> Self {
        Self((!members.0.is_empty()).then(|| Arc::new(members)))
    }
}

impl From<Extra> for Members {
    fn from(extra: Extra) -> Self {
        extra.0.map(|members| Self::clone(&members)).unwrap_or_default()
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
