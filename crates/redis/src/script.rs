//! The scripts. The server runs each as one atomic step.

use std::sync::LazyLock;

use redis::{Cmd, cmd};

/// `KEYS`: the hash. Answers the time, and the record or nil.
pub(crate) static LOAD: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(include_str!("scripts/look.lua"), include_str!("scripts/load.lua")))
});

/// See the script. Answers whether the swap is done, the time, and the record or nil.
pub(crate) static SWAP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(include_str!("scripts/look.lua"), include_str!("scripts/swap.lua")))
});

/// See the script. Answers the time, and keys with their instants.
pub(crate) static DUE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/due.lua")));

/// See the script. Answers the time, and keys.
pub(crate) static LIST: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/list.lua")));

/// A script. A server that was sent its text once knows it by its hash.
pub(crate) struct Script {
    text: &'static str,
    hash: String,
}

impl Script {
    fn new(text: &'static str) -> Self {
        Self { text, hash: redis::Script::new(text).get_hash().to_owned() }
    }

    /// Returns the command that runs the script by its hash.
    pub(crate) fn call(&self, keys: &[String], arguments: &[Vec<u8>]) -> Cmd {
        Self::command("EVALSHA", &self.hash, keys, arguments)
    }

    /// Returns the command that runs the script by its text, for a server that does not know it.
    pub(crate) fn tell(&self, keys: &[String], arguments: &[Vec<u8>]) -> Cmd {
        Self::command("EVAL", self.text, keys, arguments)
    }

    fn command(name: &str, script: &str, keys: &[String], arguments: &[Vec<u8>]) -> Cmd {
        let mut command = cmd(name);
        command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
        command
    }
}
