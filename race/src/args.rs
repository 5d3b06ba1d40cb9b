use clap::{Parser, ValueEnum};
use serde::{Deserialize, Serialize};

/// Lets processes race for the tokens of the same grants, and counts the outcomes.
#[derive(Debug, Clone, Parser)]
#[command(name = "countersign-race")]
pub(crate) struct Args {
    /// The store that the processes share.
    #[arg(long)]
    pub(crate) store: Kind,
    /// Where the store is: the URL of a database, the file of SQLite, or the folder of files.
    /// Defaults to COUNTERSIGN_POSTGRES_URL or COUNTERSIGN_REDIS_URL, or to a temporary place.
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// Seal the payloads in the store.
    #[arg(long)]
    pub(crate) sealed: bool,
    /// How many processes run at a time.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) processes: u16,
    /// How many grants the processes share.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) grants: u32,
    /// How often every grant expires.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) expiries: u32,
    /// Kill processes, and start others.
    #[arg(long)]
    pub(crate) kill: bool,
    /// End processes by SIGTERM, at which they close their managers, and start others.
    #[arg(long)]
    pub(crate) close: bool,
    /// Stop processes for longer than the lease, and let them go on.
    #[arg(long)]
    pub(crate) pause: bool,
    /// Cut processes off from the store (a database) or from the provider.
    #[arg(long)]
    pub(crate) partition: bool,
    /// What the provider does with a refresh token that was used.
    #[arg(long, default_value = "strict")]
    pub(crate) rotate: Rotate,
    /// The grace window of `--rotate grace`, in seconds. The default is longer than lease, requests
    /// and faults together.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) grace: Option<u64>,
    /// The lifetime of access tokens, in seconds.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) life: Option<u64>,
    /// The time limit of a request and of a step of the store, in milliseconds. Defaults to 1000
    /// with faults and 5000 without.
    #[arg(long, value_parser = clap::value_parser!(u64).range(100..=60_000))]
    pub(crate) limit: Option<u64>,
    /// The seed of the faults. It is drawn at random if it is not given, and printed.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Print the report as one line of JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Args {
    pub(crate) fn has_faults(&self) -> bool {
        self.close || self.may_lose()
    }

    /// Whether the faults can cost the answer to a refresh.
    pub(crate) fn may_lose(&self) -> bool {
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
