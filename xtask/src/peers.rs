//! Servers that other people wrote, for tests that a server of our own cannot replace.
//!
//! A peer is started when it can be had, and its URL is handed to the tests in the environment. A
//! test whose variable is not set passes without testing anything, so [`start`] says by name what
//! could not be had, and the caller has to print it.

use std::{
    env,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::command::{Outcome, output, unstartable, works};

/// What peers there are. They are folders below `COUNTERSIGN_PEERS`, or `../shared/peers`.
const PEERS: [Peer; 2] = [
    Peer {
        check: "prism contract check",
        folder: "prism",
        entry: "openapi.json",
        variable: "COUNTERSIGN_PRISM_URL",
        command: |port| {
            let mut command = node();
            command.args(["node_modules/.bin/prism", "mock", "-h", "127.0.0.1", "-p"]);
            command.args([&port.to_string(), "--errors", "openapi.json"]);
            command
        },
    },
    Peer {
        check: "oidc-provider interoperation",
        folder: "oidc-provider",
        entry: "server.mjs",
        variable: "COUNTERSIGN_OIDC_PROVIDER_URL",
        command: |port| {
            let mut command = node();
            command.arg("server.mjs").env("AUTO", "1").env("TTL", "1200");
            command.env("PORT", port.to_string());
            command
        },
    },
];

/// How long a peer may take to listen.
const STARTUP: Duration = Duration::from_secs(60);

/// Loaded into each peer: it ends when our end of its standard input closes, so that none is left
/// behind even if this process is killed.
const EXIT_WITH_PARENT: &str = "process.stdin.resume().on('end', () => process.exit(0));\n";

struct Peer {
    check: &'static str,
    folder: &'static str,
    /// The file without which the folder is not this peer.
    entry: &'static str,
    /// Where tests find the URL.
    variable: &'static str,
    command: fn(u16) -> Command,
}

/// A running peer. It ends when this is dropped.
pub(crate) struct Running {
    pub(crate) variable: &'static str,
    pub(crate) url: String,
    child: Child,
}

/// Starts every peer that can be had. The second list says which cannot, and why.
pub(crate) fn start(root: &Path, target: &Path) -> (Vec<Running>, Vec<String>) {
    let source = env::var_os("COUNTERSIGN_PEERS")
        .map_or_else(|| root.join("../shared/peers"), PathBuf::from);
    let scratch = target.join("peers");
    let started = thread::scope(|scope| {
        PEERS
            .each_ref()
            .map(|peer| scope.spawn(|| peer.start(&source, &scratch)))
            .map(|thread| thread.join().unwrap_or_else(|_| Err("its thread panicked".into())))
    });
    let mut running = Vec::new();
    let mut skipped = Vec::new();
    for (peer, started) in PEERS.iter().zip(started) {
        match started {
            Ok(server) => running.push(server),
            Err(why) => skipped.push(format!("{}: {why}", peer.check)),
        }
    }
    (running, skipped)
}

impl Peer {
    fn start(&self, source: &Path, scratch: &Path) -> Outcome<Running> {
        let source = source.join(self.folder);
        if !source.join(self.entry).is_file() {
            return Err(format!(
                "there is no {}; COUNTERSIGN_PEERS names the folder that has it",
                Path::new(self.folder).join(self.entry).display()
            )
            .into());
        }
        for program in ["node", "npm"] {
            if !works(program, &["--version"]) {
                return Err(format!("`{program}` is not installed").into());
            }
        }
        let folder = scratch.join(self.folder);
        install(&source, &folder)?;
        self.launch(&folder)
    }

    fn launch(&self, folder: &Path) -> Outcome<Running> {
        let port = free_port()?;
        let log = folder.with_extension("log");
        let errors = File::create(&log)?;
        let mut output = errors.try_clone()?;
        let mut command = (self.command)(port);
        let mut child = command
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .map_err(|error| unstartable(&command, &error))?;
        let lines = child.stdout.take().map(BufReader::new);
        // From here on the child is ended whatever happens.
        let running =
            Running { variable: self.variable, url: format!("http://127.0.0.1:{port}"), child };

        // The pipe is read to its end, or a peer that logs much would wait for us.
        let (ready, readiness) = mpsc::channel();
        let address = format!(":{port}");
        thread::spawn(move || {
            for line in lines.into_iter().flat_map(BufRead::lines).map_while(Result::ok) {
                if line.contains("listening") && line.contains(&address) {
                    let _ = ready.send(());
                }
                let _ = writeln!(output, "{line}");
            }
        });
        readiness.recv_timeout(STARTUP).map_err(|error| {
            let problem = match error {
                mpsc::RecvTimeoutError::Timeout => format!("did not listen within {STARTUP:?}"),
                mpsc::RecvTimeoutError::Disconnected => "ended before it listened".to_owned(),
            };
            format!("{} {problem}; it logged to {}", self.folder, log.display())
        })?;
        println!("{} listens on {}", self.folder, running.url);
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Copies a peer's files to `folder` and has npm fetch what they need, once for each manifest.
fn install(source: &Path, folder: &Path) -> Outcome {
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), folder.join(entry.file_name()))?;
        }
    }
    fs::write(folder.join("exit-with-parent.cjs"), EXIT_WITH_PARENT)?;
    let manifest = fs::read(source.join("package.json"))?;
    let stamp = folder.join("node_modules/.installed-for");
    if fs::read(&stamp).is_ok_and(|installed| installed == manifest) {
        return Ok(());
    }
    println!("npm install in {}", folder.display());
    let mut npm = Command::new("npm");
    npm.current_dir(folder).arg("install").args([
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
        // Without a network this has to fail soon: the tests can do without it.
        "--fetch-retries=1",
        "--fetch-timeout=30000",
    ]);
    if output(&mut npm).is_err() {
        return Err(format!("`npm install` in {} fails, try it there", folder.display()).into());
    }
    fs::write(stamp, manifest)?;
    Ok(())
}

fn node() -> Command {
    let mut command = Command::new("node");
    command.args(["--require", "./exit-with-parent.cjs"]);
    command
}

/// A port that was free a moment ago. Should someone take it first, the peer ends before it
/// listens and its check is reported as skipped.
fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
