//! Through PgBouncer in transaction mode, where it is installed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use countersign_sqlx::PostgresStore;
use countersign_sqlx::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use countersign_testkit::steps::{put, record};
use countersign_tokens::{GrantKey, GrantStore, StoreErrorKind};
use tempfile::TempDir;

use crate::world::{RUNTIME, World};

/// A pooler with one connection to the server of a world. It ends when it is dropped.
struct Bouncer {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Bouncer {
    fn start(world: &World) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        // It runs under another account.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("readable");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port");
        let (port, server) = (port.port(), world.options());
        let (host, server_port) = (server.get_host().to_owned(), server.get_port());
        let (user, schema) = (server.get_username().to_owned(), world.name());
        let file = folder.path().join("pgbouncer.ini");
        let settings = format!(
            "[databases]\n* = host={host} port={server_port} user={user} \
             connect_query='SET search_path = {schema}'\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = any\npool_mode = transaction\ndefault_pool_size = 1\n\
             ignore_startup_parameters = options\n"
        );
        fs::write(&file, settings).expect("written");
        let mut command = Command::new("pgbouncer");
        if fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0)
        {
            command.args(["-u", "postgres"]);
        }
        let process = command.arg(&file).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let Ok(mut process) = process else {
            println!("skipped: PgBouncer is not installed");
            return None;
        };
        let mut log = BufReader::new(process.stderr.take().expect("piped"));
        let mut said = String::new();
        while !said.contains("process up") {
            let read = log.read_line(&mut said).expect("text");
            assert!(read > 0, "PgBouncer ended: {said}");
        }
        // Somebody has to read the rest.
        std::thread::spawn(move || log.lines().for_each(drop));
        Some(Self { process, port, _folder: folder })
    }

    fn options(&self, world: &World) -> PgConnectOptions {
        world.options().host("127.0.0.1").port(self.port).extra_float_digits(None)
    }

    fn store(&self, world: &World) -> PostgresStore {
        let pool = PgPoolOptions::new().max_connections(1).test_before_acquire(false);
        PostgresStore::new(pool.connect_lazy_with(self.options(world)))
    }

    /// Whether it knows prepared statements.
    fn is_old() -> bool {
        let told = Command::new("pgbouncer").arg("--version").output().expect("a version").stdout;
        let told = String::from_utf8_lossy(&told).into_owned();
        let version = told.split_whitespace().nth(1).expect("PgBouncer 1.18.0");
        let minor = version.split('.').nth(1).and_then(|it| it.parse().ok());
        minor.is_some_and(|minor: u32| minor < 21)
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn key() -> GrantKey {
    GrantKey::new("provider", "client", "user").expect("a key")
}

#[test]
fn listening_through_a_pooler_says_what_is_wrong() {
    let Some(world) = World::open() else { return };
    let Some(bouncer) = Bouncer::start(&world) else { return };
    RUNTIME.block_on(async {
        let pooled = bouncer.options(&world);
        let error = world.store().listening(pooled).await.expect_err("nothing comes through");
        let why = std::error::Error::source(&error).expect("why").to_string();
        assert!(why.contains("listen at the URL of the server itself"), "{why}");
    });
}

#[test]
fn a_pooler_that_keeps_no_prepared_statements_is_named() {
    let Some(world) = World::open() else { return };
    let Some(bouncer) = Bouncer::start(&world) else { return };
    RUNTIME.block_on(async {
        let (one, other) = (bouncer.store(&world), bouncer.store(&world));
        put(&one, &key(), &record("token")).await.expect("the first to prepare its statements");
        let loaded = other.load(&key()).await;
        if !Bouncer::is_old() {
            assert!(loaded.expect("loaded").record.is_some());
            return;
        }
        let error = loaded.expect_err("its statement is there already");
        assert_eq!(error.kind(), StoreErrorKind::Other);
        let why = std::error::Error::source(&error).expect("why").to_string();
        assert!(why.contains("PgBouncer does from 1.21 on"), "{why}");
    });
}
