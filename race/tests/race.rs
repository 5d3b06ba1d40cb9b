//! Short races, run like a user runs them.

use std::env;
use std::error::Error;
use std::process::Command;

use serde_json::Value;

type TestResult = Result<(), Box<dyn Error>>;

/// Runs a race, which has to succeed, and returns its report.
fn race(args: &[&str]) -> Result<Value, Box<dyn Error>> {
    Ok(logged_race(args)?.0)
}

/// Like [`race`], with what the race logged.
fn logged_race(args: &[&str]) -> Result<(Value, String), Box<dyn Error>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign-race"));
    let output = command.args(args).arg("--json").output()?;
    let log = String::from_utf8(output.stderr)?;
    let printed = String::from_utf8(output.stdout)?;
    assert!(output.status.success(), "{log}\n{printed}");
    let report = printed.lines().last().ok_or("nothing was printed")?;
    Ok((serde_json::from_str(report)?, log))
}

/// Checks a race without faults: all counts follow from the arguments.
fn is_exact(store: &str) -> TestResult {
    let args = ["--store", store, "--processes", "3", "--grants", "8", "--expiries", "2"];
    let report = race(&[&args[..], &["--life", "3", "--seed", "1"]].concat())?;
    let waits = |key: &str| report[key].as_f64().is_some_and(|it| it > 0.0);
    assert!(waits("wait_p50_ms") && waits("wait_p99_ms"), "{report}");
    let mut counts = report.clone();
    let counts = counts.as_object_mut().ok_or("not an object")?;
    counts.retain(|key, _| !key.starts_with("wait_"));
    let expected = serde_json::json!({
        "store": store, "seed": 1, "processes": 3, "grants": 8, "expiries": 16,
        "refreshes": 16, "refreshes_per_expiry": 1.0, "double_spends": 0, "grace_replays": 0,
        "lost": 0, "lost_unreported": 0, "outcome_unknown": 0, "unknown_resolved": 0,
        "false_unknown": 0, "served_expired": 0, "round_trips_per_refresh": 2.0,
    });
    assert_eq!(Value::Object(counts.clone()), expected);
    Ok(())
}

/// Returns whether there is a server to race on, and prints if there is none.
fn is_there(variable: &str) -> bool {
    let is_there = env::var(variable).is_ok_and(|it| !it.is_empty());
    if !is_there {
        println!("skipped: {variable} is not set");
    }
    is_there
}

#[test]
fn g10_files_cost_one_refresh_for_each_expiry() -> TestResult {
    is_exact("file")
}

#[test]
fn g10_sqlite_costs_one_refresh_for_each_expiry() -> TestResult {
    is_exact("sqlite")
}

#[test]
fn g10_postgres_costs_one_refresh_for_each_expiry() -> TestResult {
    if is_there("COUNTERSIGN_POSTGRES_URL") { is_exact("postgres") } else { Ok(()) }
}

#[test]
fn g10_redis_costs_one_refresh_for_each_expiry() -> TestResult {
    if is_there("COUNTERSIGN_REDIS_URL") { is_exact("redis") } else { Ok(()) }
}

#[test]
fn g12_a_grant_that_a_killed_process_may_have_refreshed_is_reported() -> TestResult {
    let args = ["--store", "file", "--processes", "3", "--grants", "12", "--expiries", "2"];
    let report = race(
        &[&args[..], &["--kill", "--sealed", "--limit", "500", "--life", "2", "--seed", "1"]]
            .concat(),
    )?;
    assert_eq!(report["double_spends"], 0, "{report}");
    assert_eq!(report["lost_unreported"], 0, "{report}");
    Ok(())
}

/// Processes come and go under load, as at deploys.
#[test]
fn g12_processes_that_are_closed_cost_no_grant() -> TestResult {
    let args = ["--store", "file", "--processes", "3", "--grants", "12", "--expiries", "3"];
    let closing = ["--close", "--life", "2", "--seed", "1"];
    let (report, log) = logged_race(&[&args[..], &closing].concat())?;
    for zero in ["double_spends", "lost", "outcome_unknown", "served_expired"] {
        assert_eq!(report[zero], 0, "{zero}: {report}");
    }
    assert!(log.contains(": Close"), "nobody was closed: {log}");
    Ok(())
}

#[test]
fn g12_killing_loses_no_grant_if_refresh_tokens_do_not_rotate() -> TestResult {
    let args = ["--store", "sqlite", "--processes", "3", "--grants", "12", "--expiries", "2"];
    let report = race(
        &[
            &args[..],
            &["--kill", "--limit", "500", "--life", "2", "--rotate", "never", "--seed", "1"],
        ]
        .concat(),
    )?;
    assert_eq!(report["lost"], 0, "{report}");
    assert_eq!(report["outcome_unknown"], 0, "{report}");
    Ok(())
}
