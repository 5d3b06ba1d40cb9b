use clap::{Parser, ValueEnum};
use serde::{Deserialize, Serialize};

/// Lets processes race for the tokens of the same grants, and counts what became of them.
#[derive(Debug, Clone, Parser)]
#[command(name = "countersign-race")]
pub(crate) struct Args {
    /// The store that the processes share.
    #[arg(long)]
    pub(crate) store: Kind,
    /// Where the store is: a database's URL, SQLite's file, the folder of files. By default what
    /// COUNTERSIGN_POSTGRES_URL or COUNTERSIGN_REDIS_URL says, or a temporary place.
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// Encrypt what the store keeps.
    #[arg(long)]
    pub(crate) sealed: bool,
    /// How many there are at once.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) processes: u16,
    /// How many they share.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) grants: u32,
    /// How often every grant expires.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) expiries: u32,
    /// Kill processes, and start others.
    #[arg(long)]
    pub(crate) kill: bool,
    /// Stop processes for longer than the lease.
    #[arg(long)]
    pub(crate) pause: bool,
    /// Cut processes off from the store (a database) or from the provider.
    #[arg(long)]
    pub(crate) partition: bool,
    /// What becomes of a refresh token that is used.
    #[arg(long, default_value = "strict")]
    pub(crate) rotate: Rotate,
    /// The grace window of `--rotate grace`, in seconds. By default it outlasts lease, requests and
    /// faults.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) grace: Option<u64>,
    /// How long access tokens live, in seconds.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) life: Option<u64>,
    /// The time limit of a request and of a step of the store, in milliseconds: 1000 with faults,
    /// 5000 without.
    #[arg(long, value_parser = clap::value_parser!(u64).range(100..=60_000))]
    pub(crate) limit: Option<u64>,
    /// Which faults strike. Drawn and told when it is not given.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// End with one line of JSON rather than with a table.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Args {
    pub(crate) fn has_faults(&self) -> bool {
        self.kill || self.pause || self.partition
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Postgres,
    Redis,
    Sqlite,
    File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Rotate {
    Strict,
    Grace,
    Never,
}
