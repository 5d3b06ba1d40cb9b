//! TLS, with an authority of the test's own. The system's authorities are those of the file that
//! `SSL_CERT_FILE` names, which is read once: so a process of its own connects.

use std::env;
use std::error::Error;
use std::fs;
use std::process::Command;

use countersign_redis::{Connection, RedisStore};
use countersign_testkit::steps::{put, record};
use countersign_tokens::StoreErrorKind;

use crate::own::key;
use crate::server::{DURABLE, Server};
use crate::world::RUNTIME;

/// Where the process that connects finds the URL.
const URL: &str = "COUNTERSIGN_TEST_TLS_URL";

#[test]
fn a_certificate_is_believed_by_the_authority_that_it_is_from() {
    if let Ok(url) = env::var(URL) {
        let store = RUNTIME.block_on(RedisStore::connect(&url)).expect("a connection");
        RUNTIME.block_on(put(&store, &key("user"), &record("token"))).expect("written");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name).to_str().expect("a path").to_owned();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    fs::write(file("cert.pem"), made.cert.pem()).expect("written");
    fs::write(file("key.pem"), made.signing_key.serialize_pem()).expect("written");
    let (cert, key) = (file("cert.pem"), file("key.pem"));
    let tls = ["--tls-auth-clients", "no", "--tls-cert-file", &cert, "--tls-key-file", &key];
    let Some(server) = Server::start_tls(&[DURABLE, &tls].concat()) else { return };
    let url = format!("rediss://localhost:{}/", server.port());

    let error = RUNTIME.block_on(Connection::open(&url)).expect_err("nobody's certificate");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let told = error.source().expect("a source").to_string();
    assert!(told.contains("certificate"), "{told}");

    let myself = env::current_exe().expect("this program");
    let name = "tls::a_certificate_is_believed_by_the_authority_that_it_is_from";
    let mut child = Command::new(myself);
    child.args(["--exact", name]).env(URL, &url).env("SSL_CERT_FILE", &cert);
    let output = child.output().expect("run");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
