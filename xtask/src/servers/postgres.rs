use std::{fs, path::PathBuf, process::Command};

use super::{Account, Server, folder, free_port};
use crate::command::{Outcome, output};

/// PostgreSQL, as Debian packages it or as it is in the path.
pub(crate) struct Postgres;

impl Postgres {
    pub(crate) const VARIABLE: &'static str = "COUNTERSIGN_POSTGRES_URL";

    /// A cluster of its own.
    pub(crate) fn start() -> Outcome<Server> {
        let port = free_port()?;
        let folder = folder("postgres", port)?;
        let account = Account::unless_root("postgres")?;
        if let Some(account) = account {
            account.own(&folder)?;
        }
        let data = folder.join("data");
        let mut initdb = Command::new(program("initdb"));
        initdb.arg("--pgdata").arg(&data).current_dir(&folder);
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]);
        if let Some(account) = account {
            account.take(&mut initdb);
        }
        output(&mut initdb)?;
        let mut postgres = Command::new(program("postgres"));
        postgres.arg("-D").arg(&data).arg("-k").arg(&folder);
        postgres.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        // Tests end the server's processes, not the machine. One of them reads the log.
        for setting in ["fsync=off", "max_connections=400", "logging_collector=on"] {
            postgres.args(["-c", setting]);
        }
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        Server::launch(Self::VARIABLE, url, port, folder, account, &postgres)
    }
}

/// Debian keeps them out of the path, by version.
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|it| it.path().join("bin").join(name)).filter(|it| it.is_file());
    let version = |path: &PathBuf| {
        let version = path.ancestors().nth(2).and_then(|it| it.file_name()?.to_str());
        version.and_then(|it| it.parse::<u32>().ok())
    };
    found.max_by_key(version).unwrap_or_else(|| name.into())
}
