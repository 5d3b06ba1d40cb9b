//! The program: what it says, what it never says, and how it ends.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::support::{client, parameter, send, text};

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign-sandbox"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts it and reads what it tells.
fn start(arguments: &[&str]) -> (Child, String) {
    let mut child = program(arguments).env("RUST_LOG", "trace").spawn().expect("starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    let mut banner = String::new();
    while !banner.contains("Ctrl-C") {
        let read = stdout.read_line(&mut banner).expect("UTF-8");
        assert_ne!(read, 0, "ended early: {banner}");
    }
    (child, banner)
}

/// Ends it as a service manager or a terminal does, and reads what it logged.
fn end(mut child: Child, signal: &str) -> (ExitStatus, String) {
    let killed = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(killed.expect("kill runs").success());
    let mut log = String::new();
    let mut stderr = child.stderr.take().expect("piped");
    stderr.read_to_string(&mut log).expect("UTF-8");
    (child.wait().expect("ends"), log)
}

/// Runs it with arguments that it must not start with, and reads what it complains about.
fn refused(arguments: &[&str]) -> (ExitStatus, String) {
    let mut child = program(arguments).spawn().expect("starts");
    let mut told = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    stdout.read_line(&mut told).expect("UTF-8");
    if !told.is_empty() {
        child.kill().expect("ends");
        panic!("{arguments:?}: {told}");
    }
    let output = child.wait_with_output().expect("ends");
    (output.status, String::from_utf8_lossy(&output.stderr).into_owned())
}

fn origin(banner: &str) -> String {
    let first = banner.lines().next().unwrap_or_default();
    first.rsplit(' ').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn no_secret_is_logged() {
    let (child, banner) = start(&["--port", "0", "--client-secret", "canary-secret"]);
    assert!(!banner.contains("canary"), "{banner}");
    let (origin, http) = (origin(&banner), client());
    let page = send(http.get(format!(
        "{origin}/oauth/authorize?response_type=code&client_id=sandbox-client&state=canary-state\
         &redirect_uri=http://127.0.0.1:1/cb"
    )))
    .await;
    let request_id = page.text.split("name=\"request_id\" value=\"").nth(1);
    let request_id = request_id.and_then(|rest| rest.split('"').next()).expect("a form");
    let form = [("request_id", request_id), ("decision", "approve"), ("account", "a@b.example")];
    let approved = send(http.post(format!("{origin}/oauth/authorize")).form(&form)).await;
    let code = parameter(approved.header("location").expect("redirects"), "code").expect("a code");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("client_id", "sandbox-client"),
        ("client_secret", "canary-secret"),
    ];
    let url = format!("{origin}/oauth/token?client_secret=canary-query");
    let token = send(http.post(url).form(&form)).await.json();
    let account = http.get(format!("{origin}/v3/account"));
    let account = send(account.bearer_auth(text(&token, "access_token"))).await;
    assert_eq!(account.status, 200);
    let reset = r#"{"fault": {"kind": "reset", "when": "after"}}"#;
    let faults = http.post(format!("{origin}/_sandbox/faults"));
    send(faults.header("content-type", "application/json").body(reset)).await;
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", text(&token, "refresh_token"))];
    assert!(http.post(format!("{origin}/oauth/token")).form(&refresh).send().await.is_err());

    let (status, log) = end(child, "-TERM");
    assert!(status.success(), "{status}");
    assert!(
        log.contains("kind=TokenGenerate method=POST path=\"/oauth/token\" status=200"),
        "{log}"
    );
    assert!(log.contains("kind=TokenRefresh"), "{log}");
    let secrets = [
        "canary",
        code.as_str(),
        request_id,
        text(&token, "access_token"),
        text(&token, "refresh_token"),
    ];
    for secret in secrets {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[test]
fn an_interrupt_ends_it_cleanly() {
    let arguments = ["--port", "0", "--dialect", "rfc6749", "--rotation", "grace:30", "--no-iss"];
    let (child, banner) = start(&arguments);
    assert!(banner.contains("code_challenge_method=S256"), "{banner}");
    assert!(banner.contains("-u 'sandbox-client:sandbox-secret'"), "{banner}");
    assert!(end(child, "-INT").0.success());
}

#[test]
fn mistakes_are_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let port = taken.local_addr().expect("an address").port().to_string();
    for (arguments, told) in [
        (&["--address", "0.0.0.0"][..], "0.0.0.0 is not a loopback address"),
        (&["--port", &port], "cannot listen on 127.0.0.1"),
        (&["--port", "0", "--redirect-uri", "not a URI"], "not usable as a redirect URI"),
        (&["--port", "65536"], "65536"),
        (&["--rotation", "sometimes"], "expected never, strict or grace:SECONDS"),
        (&["--dialect", "oauth1"], "possible values: hellosign, rfc6749"),
        (&["--access-token-lifetime", "1h"], "--access-token-lifetime"),
    ] {
        let (status, said) = refused(arguments);
        assert!(!status.success(), "{arguments:?}");
        assert!(said.contains(told), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}
