//! A transport that can be made to sin. Without sins it keeps every rule; each sin breaks the rules
//! that are named beside it, and no others. So no rule is there that cannot fail, or that fails for
//! another's reason.

#![expect(clippy::unwrap_used, reason = "a panic is how this transport fails its test")]

#[path = "sinners/call.rs"]
mod call;
#[path = "sinners/sin.rs"]
mod sin;
#[path = "sinners/tls.rs"]
mod tls;
#[path = "sinners/transport.rs"]
mod transport;
#[path = "sinners/wire.rs"]
mod wire;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;

use countersign_testkit::block_on;
use countersign_testkit::conformance::{RULES, Subject};
use sin::Sin;
use transport::Sinner;

/// The rules that a transport with this sin breaks, by what it is told.
fn broken(sin: Option<Sin>) -> BTreeSet<&'static str> {
    let broken = Mutex::new(BTreeSet::new());
    thread::scope(|scope| {
        for rule in RULES {
            let broken = &broken;
            scope.spawn(move || {
                let subject = Subject::new(|| Sinner::new(sin), |work| block_on(work));
                if let Err(how) = (rule.judge)(&subject) {
                    println!("{sin:?} breaks {}: {how}", rule.name);
                    broken.lock().unwrap().insert(rule.name);
                }
            });
        }
    });
    broken.into_inner().unwrap()
}

#[test]
fn a_transport_without_sins_keeps_every_rule() {
    assert_eq!(broken(None), BTreeSet::new());
}

#[test]
fn each_sin_breaks_its_rules_and_no_others() {
    // One that ignores the time keeps the servers waiting: they are judged beside one another.
    let wrong = Mutex::new(Vec::new());
    let sins = Mutex::new(Sin::ALL.iter());
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                loop {
                    let Some(sin) = sins.lock().unwrap().next() else { break };
                    let (expected, found) =
                        (sin.breaks().into_iter().collect(), broken(Some(*sin)));
                    if found != expected {
                        let missing: Vec<_> = expected.difference(&found).copied().collect();
                        let more: Vec<_> = found.difference(&expected).copied().collect();
                        wrong
                            .lock()
                            .unwrap()
                            .push(format!("{sin:?}: not {missing:?}, but {more:?}"));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_is_broken_by_some_sin() {
    let broken: BTreeSet<_> = Sin::ALL.iter().flat_map(|sin| sin.breaks()).collect();
    let rules: BTreeSet<_> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(rules.difference(&broken).collect::<Vec<_>>(), Vec::<&&str>::new());
}
