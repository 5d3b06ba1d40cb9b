//! Whether a server keeps what it has accepted.

use std::collections::BTreeMap;
use std::fmt;

use countersign_tokens::StoreError;
use redis::{RedisError, Value, cmd};

use crate::Connection;
use crate::error::failed;

/// What the settings of a server, or of each of a cluster's, say of how it keeps grants: see the
/// [crate's documentation](crate#durability). `Display` says what to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durability {
    weaknesses: Vec<Weakness>,
}

/// How a server may lose what it has accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Weakness {
    /// When memory runs out it drops keys.
    Evicts,
    /// It writes no append-only file: a restart loses what came after the last snapshot.
    NoAppendOnlyFile,
    /// It syncs that file later than it answers: a crash of its machine loses the last second, or
    /// more.
    SyncsLater,
    /// The setting `appendfsync` could not be read, as with hosts that forbid `CONFIG`.
    SyncUnknown,
    /// Neither `CONFIG` nor `INFO` may be asked for: nothing is known.
    Unknown,
}

impl Durability {
    pub(crate) async fn of(connection: &Connection) -> Result<Self, StoreError> {
        let mut weaknesses = Vec::new();
        for server in settings(connection).await? {
            weaknesses.extend(weaknesses_of(&server));
        }
        Ok(Self::with(weaknesses))
    }

    fn with(mut weaknesses: Vec<Weakness>) -> Self {
        weaknesses.sort_unstable();
        weaknesses.dedup();
        Self { weaknesses }
    }

    /// Whether an accepted step is on disk when it is told, and stays there.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.weaknesses.is_empty()
    }

    /// What is lacking.
    #[must_use]
    pub fn weaknesses(&self) -> &[Weakness] {
        &self.weaknesses
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_full() {
            return f.write_str("what is accepted is on disk");
        }
        for (index, weakness) in self.weaknesses.iter().enumerate() {
            write!(f, "{}{weakness}", if index > 0 { "; " } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Evicts => {
                "it drops grants when memory runs out: set `maxmemory-policy noeviction`"
            }
            Self::NoAppendOnlyFile => "a restart loses accepted steps: set `appendonly yes`",
            Self::SyncsLater => {
                "a crash of its machine loses the last steps: set `appendfsync always`"
            }
            Self::SyncUnknown => {
                "whether it syncs before it answers could not be checked: `CONFIG GET` is forbidden"
            }
            Self::Unknown => {
                "its settings could not be checked: `CONFIG GET` and `INFO` are forbidden"
            }
        })
    }
}

/// Settings by their names.
type Settings = BTreeMap<String, String>;

/// Those of each server.
async fn settings(connection: &Connection) -> Result<Vec<Settings>, StoreError> {
    let config = |pattern| cmd("CONFIG").arg("GET").arg(pattern).to_owned();
    let info = |section| cmd("INFO").arg(section).to_owned();
    let asked = [[config("maxmemory*"), config("append*")], [info("memory"), info("persistence")]];
    for commands in asked {
        let mut servers: Vec<Settings> = Vec::new();
        let mut forbidden = false;
        for command in commands {
            match connection.ask_all(&command).await {
                Ok(answers) => {
                    servers.resize_with(answers.len().max(servers.len()), Settings::new);
                    for (settings, answer) in servers.iter_mut().zip(answers) {
                        settings.extend(read(answer));
                    }
                }
                Err(error) if is_forbidden(&error) => forbidden = true,
                Err(error) => return Err(failed(&error)),
            }
        }
        if !forbidden {
            return Ok(servers);
        }
    }
    Ok(vec![Settings::new()])
}

fn is_forbidden(error: &RedisError) -> bool {
    matches!(error.code(), Some("NOPERM" | "ERR"))
}

/// The answer of `CONFIG GET`, or that of `INFO`, whose names have other signs between words.
fn read(answer: Value) -> Settings {
    let text = |value: Value| match value {
        Value::BulkString(bytes) => String::from_utf8(bytes).unwrap_or_default(),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => text,
        _ => String::new(),
    };
    match answer {
        Value::Array(values) => {
            let mut values = values.into_iter().map(text);
            std::iter::from_fn(|| Some((values.next()?, values.next()?))).collect()
        }
        Value::Map(pairs) => pairs.into_iter().map(|(name, it)| (text(name), text(it))).collect(),
        other => {
            let text = text(other);
            let pairs = text.lines().filter_map(|line| line.split_once(':'));
            pairs.map(|(name, it)| (name.replace('_', "-"), it.trim().to_owned())).collect()
        }
    }
}

fn weaknesses_of(server: &Settings) -> Vec<Weakness> {
    let setting = |name: &str| server.get(name).map(String::as_str);
    let policy = setting("maxmemory-policy");
    let appends = match (setting("appendonly"), setting("aof-enabled")) {
        (Some(it), _) => Some(it == "yes"),
        (None, it) => it.map(|it| it == "1"),
    };
    let (Some(policy), Some(appends)) = (policy, appends) else {
        return vec![Weakness::Unknown];
    };
    let mut weaknesses = Vec::new();
    // The other policies evict keys that expire, of which there is none.
    if policy.starts_with("allkeys-") {
        weaknesses.push(Weakness::Evicts);
    }
    match setting("appendfsync") {
        _ if !appends => weaknesses.push(Weakness::NoAppendOnlyFile),
        Some("always") => {}
        Some(_) => weaknesses.push(Weakness::SyncsLater),
        None => weaknesses.push(Weakness::SyncUnknown),
    }
    weaknesses
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::{Weakness, read, weaknesses_of};

    #[test]
    fn what_info_tells_is_read_where_config_is_forbidden() {
        let told = |text: &str| weaknesses_of(&read(Value::BulkString(text.into())));
        let text = "# Memory\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n";
        assert_eq!(told(text), [Weakness::SyncUnknown]);
        let text = "maxmemory_policy:allkeys-lru\r\naof_enabled:0\r\n";
        assert_eq!(told(text), [Weakness::Evicts, Weakness::NoAppendOnlyFile]);
        assert_eq!(told(""), [Weakness::Unknown]);
    }

    #[test]
    fn keys_without_an_expiry_are_safe_from_the_policies_for_those_with_one() {
        let told = |policy: &str| {
            let settings = [("maxmemory-policy", policy), ("appendonly", "yes")];
            let settings = settings.into_iter().chain([("appendfsync", "always")]);
            weaknesses_of(&settings.map(|(name, it)| (name.to_owned(), it.to_owned())).collect())
        };
        assert_eq!(told("volatile-lru"), []);
        assert_eq!(told("allkeys-random"), [Weakness::Evicts]);
    }
}
