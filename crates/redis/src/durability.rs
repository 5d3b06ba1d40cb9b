//! The settings that decide whether a server may lose writes.

use std::collections::BTreeMap;
use std::fmt;

use countersign_tokens::StoreError;
use redis::{Value, cmd, from_redis_value};

use crate::Connection;
use crate::error::failed;

/// Whether a server, or a server of a cluster, may lose writes by its settings; see the
/// [crate's documentation](crate#durability). `Display` prints what to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durability {
    weaknesses: Vec<Weakness>,
}

/// A way in which a server may lose acknowledged writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Weakness {
    /// The server drops keys when memory runs out.
    Evicts,
    /// The server writes no append-only file: a restart loses the writes after the last snapshot.
    NoAppendOnlyFile,
    /// The server syncs the append-only file after it answers: a crash of its machine loses the last
    /// second, or more.
    SyncsLater,
    /// The setting `appendfsync` could not be read: some hosts forbid `CONFIG`.
    SyncUnknown,
    /// The server forbids both `CONFIG` and `INFO`, so nothing is known.
    Unknown,
}

impl Durability {
    pub(crate) async fn of(connection: &Connection) -> Result<Self, StoreError> {
        let settings = settings(connection).await?;
        let mut weaknesses: Vec<_> = settings.iter().flat_map(weaknesses_of).collect();
        weaknesses.sort_unstable();
        weaknesses.dedup();
        Ok(Self { weaknesses })
    }

    /// Returns whether a write is on disk when it is acknowledged, and stays there.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.weaknesses.is_empty()
    }

    /// Returns the ways in which writes may be lost.
    #[must_use]
    pub fn weaknesses(&self) -> &[Weakness] {
        &self.weaknesses
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_full() {
            return f.write_str("acknowledged writes are on disk");
        }
        let all: Vec<_> = self.weaknesses.iter().map(ToString::to_string).collect();
        f.write_str(&all.join("; "))
    }
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Evicts => {
                "it drops grants when memory runs out: set `maxmemory-policy noeviction`"
            }
            Self::NoAppendOnlyFile => "a restart loses writes: set `appendonly yes`",
            Self::SyncsLater => {
                "a crash of its machine loses the last writes: set `appendfsync always`"
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

/// Returns the settings of each server.
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
                Err(error) if matches!(error.code(), Some("NOPERM" | "ERR")) => forbidden = true,
                Err(error) => return Err(failed(&error)),
            }
        }
        if !forbidden {
            return Ok(servers);
        }
    }
    Ok(vec![Settings::new()])
}

/// Reads the answer of `CONFIG GET`, or that of `INFO`, whose names have `_` for `-`.
fn read(answer: Value) -> Settings {
    if matches!(answer, Value::Array(_) | Value::Map(_)) {
        return from_redis_value(answer).unwrap_or_default();
    }
    let text: String = from_redis_value(answer).unwrap_or_default();
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.map(|(name, it)| (name.replace('_', "-"), it.trim().to_owned())).collect()
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
    // The other policies evict keys that expire, and no key of this library does.
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
