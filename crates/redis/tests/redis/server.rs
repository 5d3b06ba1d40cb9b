//! Servers of one test, on free ports, which end with the test.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// The settings of a server that loses no write.
pub(crate) const DURABLE: &[&str] =
    &["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"];

/// A server that runs until this is dropped, and its files.
pub(crate) struct Server {
    port: u16,
    folder: TempDir,
    settings: Vec<String>,
    child: Child,
}

impl Server {
    /// Returns `None`, and prints why, if no server is to be tested.
    pub(crate) fn start(settings: &[&str]) -> Option<Self> {
        Self::start_at("--port", settings)
    }

    /// As [`start`](Self::start), with TLS only.
    #[cfg(feature = "rustls")]
    pub(crate) fn start_tls(settings: &[&str]) -> Option<Self> {
        Self::start_at("--tls-port", &[settings, &["--port", "0"]].concat())
    }

    fn start_at(port_setting: &str, settings: &[&str]) -> Option<Self> {
        if std::env::var_os("COUNTERSIGN_REDIS_URL").is_none() {
            println!("skipped: COUNTERSIGN_REDIS_URL is not set");
            return None;
        }
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let folder = tempfile::tempdir().expect("a folder");
        let port_setting = [port_setting.to_owned(), port.to_string()];
        let settings = settings.iter().map(|it| (*it).to_owned());
        let settings: Vec<String> = settings.chain(port_setting).collect();
        let child = launch(folder.path(), &settings);
        Some(Self { port, folder, settings, child })
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    pub(crate) fn port(&self) -> String {
        self.port.to_string()
    }

    /// Ends the server by SIGKILL, and starts it again on its files.
    pub(crate) fn crash(&mut self) {
        self.kill();
        self.child = launch(self.folder.path(), &self.settings);
    }

    /// Ends the server by SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }

    /// Sends a signal such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        kill.arg(format!("-{name}")).arg(self.child.id().to_string());
        assert!(kill.status().expect("kill").success(), "no signal {name}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a server, and waits until it prints that it listens.
fn launch(folder: &Path, settings: &[String]) -> Child {
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--save", "", "--dir"]);
    command.arg(folder).args(settings).stdout(Stdio::piped());
    let mut child = command.spawn().expect("redis-server");
    let mut said = BufReader::new(child.stdout.take().expect("its output"));
    let mut line = String::new();
    while !line.contains("Ready to accept connections") {
        line.clear();
        assert!(said.read_line(&mut line).expect("a line") > 0, "it ended before it listened");
    }
    // A thread reads the rest, so that the server does not block.
    std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
    child
}
