//! The scripts, each of which is one step. What they demand and do is what
//! [`Rules`](countersign_tokens::Rules) say.

use std::sync::LazyLock;

use redis::{Cmd, cmd};

macro_rules! script {
    (reads: $file:literal) => {
        Script::new(&[
            include_str!("scripts/look.lua"),
            include_str!("scripts/read.lua"),
            include_str!($file),
        ])
    };
    (usually: $usual:literal, changes: $file:literal) => {
        Script::new(&[
            include_str!("scripts/look.lua"),
            include_str!($usual),
            include_str!("scripts/read.lua"),
            include_str!("scripts/change.lua"),
            include_str!($file),
        ])
    };
    (changes: $file:literal) => {
        Script::new(&[
            include_str!("scripts/look.lua"),
            include_str!("scripts/read.lua"),
            include_str!("scripts/change.lua"),
            include_str!($file),
        ])
    };
}

pub(crate) static LOAD: LazyLock<Script> = LazyLock::new(|| script!(reads: "scripts/load.lua"));
pub(crate) static BEGIN: LazyLock<Script> =
    LazyLock::new(|| script!(usually: "scripts/usual_begin.lua", changes: "scripts/begin.lua"));
pub(crate) static SAVE: LazyLock<Script> =
    LazyLock::new(|| script!(usually: "scripts/usual_save.lua", changes: "scripts/save.lua"));
pub(crate) static CLEAR: LazyLock<Script> = LazyLock::new(|| script!(changes: "scripts/clear.lua"));
pub(crate) static RENEW: LazyLock<Script> = LazyLock::new(|| script!(changes: "scripts/renew.lua"));
pub(crate) static MARK: LazyLock<Script> = LazyLock::new(|| script!(changes: "scripts/mark.lua"));
pub(crate) static RESEAL: LazyLock<Script> =
    LazyLock::new(|| script!(changes: "scripts/reseal.lua"));
pub(crate) static ADOPT: LazyLock<Script> = LazyLock::new(|| script!(changes: "scripts/adopt.lua"));
pub(crate) static FORGET: LazyLock<Script> =
    LazyLock::new(|| script!(changes: "scripts/forget.lua"));
pub(crate) static PURGE: LazyLock<Script> = LazyLock::new(|| script!(changes: "scripts/purge.lua"));
pub(crate) static DUE: LazyLock<Script> =
    LazyLock::new(|| Script::new(&[include_str!("scripts/due.lua")]));

/// A script, which a server is told once and then knows by its hash.
pub(crate) struct Script {
    text: String,
    hash: String,
}

impl Script {
    fn new(parts: &[&str]) -> Self {
        let text = parts.concat();
        let hash = redis::Script::new(&text).get_hash().to_owned();
        Self { text, hash }
    }

    /// The command that runs it on these keys.
    pub(crate) fn call(&self, keys: &[String], arguments: &[Vec<u8>]) -> Cmd {
        Self::command("EVALSHA", &self.hash, keys, arguments)
    }

    /// The same for a server that does not know it yet, and does from then on.
    pub(crate) fn tell(&self, keys: &[String], arguments: &[Vec<u8>]) -> Cmd {
        Self::command("EVAL", &self.text, keys, arguments)
    }

    fn command(name: &str, script: &str, keys: &[String], arguments: &[Vec<u8>]) -> Cmd {
        let mut command = cmd(name);
        command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
        command
    }
}
