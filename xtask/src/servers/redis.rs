use std::process::Command;

use super::{Server, folder, free_port};
use crate::command::Outcome;

/// Redis, or Valkey by that name.
pub(crate) struct Redis;

impl Redis {
    pub(crate) const VARIABLE: &'static str = "COUNTERSIGN_REDIS_URL";

    /// A server of its own, which keeps what it is told as a store of grants has to.
    pub(crate) fn start() -> Outcome<Server> {
        let port = free_port()?;
        let folder = folder("redis", port)?;
        let mut redis = Command::new("redis-server");
        redis.args(["--bind", "127.0.0.1", "--port", &port.to_string()]).arg("--dir").arg(&folder);
        redis.args(["--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
        redis.args(["--maxmemory-policy", "noeviction"]);
        let url = format!("redis://127.0.0.1:{port}/");
        Server::launch(Self::VARIABLE, url, port, folder, None, &redis)
    }
}
