//! Databases that the stores are tested and measured against: real servers of their own for one run,
//! on free ports of 127.0.0.1, with their files in a temporary folder.

mod postgres;
mod redis;

use std::{
    env,
    fs::{self, DirBuilder, File},
    io,
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::{fs::DirBuilderExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::command::{Outcome, output, unstartable};

pub(crate) use self::{postgres::Postgres, redis::Redis};

/// How long a server may take to listen.
const STARTUP: Duration = Duration::from_secs(30);

/// Runs its arguments until our end of its standard input closes, so that no server is left
/// behind even if this process is killed.
const UNTIL_PARENT_ENDS: &str = r#""$@" & server=$!; read -r _; kill -INT $server; wait $server"#;

/// A server that runs. It ends, and its files go, when this is dropped.
pub(crate) struct Server {
    /// Where tests find its URL.
    pub(crate) variable: &'static str,
    pub(crate) url: String,
    child: Child,
    folder: PathBuf,
}

/// Starts what tests and benchmarks need. A server that somebody has named by its variable is taken instead.
pub(crate) fn start_all() -> Outcome<Vec<Server>> {
    let mut servers = Vec::new();
    if env::var_os(Postgres::VARIABLE).is_none() {
        servers.push(Postgres::start()?);
    }
    if env::var_os(Redis::VARIABLE).is_none() {
        servers.push(Redis::start()?);
    }
    for server in &servers {
        println!("{} = {}", server.variable, server.url);
    }
    Ok(servers)
}

impl Server {
    /// Runs `command` in `folder` and waits until something listens on `port`.
    fn launch(
        variable: &'static str,
        url: String,
        port: u16,
        folder: PathBuf,
        account: Option<Account>,
        command: &Command,
    ) -> Outcome<Self> {
        let log = folder.join("log");
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(UNTIL_PARENT_ENDS).arg("sh");
        shell.arg(command.get_program()).args(command.get_args());
        if let Some(account) = account {
            account.take(&mut shell);
        }
        shell.current_dir(&folder).stdin(Stdio::piped());
        shell.stdout(File::create(&log)?).stderr(File::options().append(true).open(&log)?);
        let child = shell.spawn().map_err(|error| unstartable(command, &error))?;
        // From here on the child is ended whatever happens.
        let mut server = Self { variable, url, child, folder };
        server.wait(port).map_err(|problem| {
            let logged = fs::read_to_string(&log).unwrap_or_default();
            format!("{} {problem}; it logged:\n{logged}", server.variable)
        })?;
        Ok(server)
    }

    #[expect(clippy::disallowed_methods, reason = "a listening port tells nobody of itself")]
    fn wait(&mut self, port: u16) -> Outcome {
        let latest = Instant::now() + STARTUP;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("ended before it listened ({status})").into());
            }
            if Instant::now() > latest {
                return Err(format!("did not listen within {STARTUP:?}").into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The account that a server runs under, where root may not.
#[derive(Clone, Copy)]
struct Account {
    user: u32,
    group: u32,
}

impl Account {
    /// This one, if we are root.
    fn unless_root(name: &str) -> Outcome<Option<Self>> {
        let id = |args: &[&str]| -> Outcome<u32> {
            Ok(output(Command::new("id").args(args))?.trim().parse()?)
        };
        if id(&["-u"])? != 0 {
            return Ok(None);
        }
        Ok(Some(Self { user: id(&["-u", name])?, group: id(&["-g", name])? }))
    }

    fn take(self, command: &mut Command) {
        command.uid(self.user).gid(self.group);
    }

    fn own(self, path: &Path) -> io::Result<()> {
        std::os::unix::fs::chown(path, Some(self.user), Some(self.group))
    }
}

/// An empty folder that its owner alone may enter.
fn folder(name: &str, port: u16) -> io::Result<PathBuf> {
    let folder = env::temp_dir().join(format!("countersign-{name}-{port}"));
    let _ = fs::remove_dir_all(&folder);
    DirBuilder::new().mode(0o700).create(&folder)?;
    Ok(folder)
}

/// A port that was free a moment ago. Should someone take it first, the server does not start, and
/// says so.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
