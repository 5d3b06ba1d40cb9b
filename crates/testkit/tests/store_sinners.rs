//! A store that can be made to sin. Without sins it keeps every rule; each sin breaks the rules
//! that are named beside it, and no others. So no rule is there that cannot fail, or that fails for
//! another's reason.

#[path = "store_sinners/sin.rs"]
mod sin;
#[path = "store_sinners/store.rs"]
mod store;

use std::collections::BTreeSet;

use countersign_testkit::block_on;
use countersign_testkit::store_conformance::{Judged, RULES};
use sin::Sin;
use store::Sinner;

/// The rules that a store with this sin breaks.
fn broken(sin: Option<Sin>) -> BTreeSet<&'static str> {
    let is_broken = |how: Result<(), _>, name| match how {
        Ok(()) => None,
        Err(how) => {
            println!("{sin:?} breaks {name}: {how}");
            Some(name)
        }
    };
    let judged = || Judged::new(Sinner::stores(sin), |work| block_on(work));
    RULES.iter().filter_map(|rule| is_broken((rule.judge)(&judged()), rule.name)).collect()
}

#[test]
fn a_store_without_sins_keeps_every_rule() {
    assert_eq!(broken(None), BTreeSet::new());
}

#[test]
fn each_sin_breaks_its_rules_and_no_others() {
    let mut wrong = Vec::new();
    for sin in Sin::ALL {
        let (expected, found) = (sin.breaks().iter().copied().collect(), broken(Some(*sin)));
        let missing: Vec<_> = BTreeSet::difference(&expected, &found).collect();
        let more: Vec<_> = found.difference(&expected).collect();
        if !missing.is_empty() || !more.is_empty() {
            wrong.push(format!("{sin:?}: not {missing:?}, but {more:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_is_broken_by_some_sin() {
    let broken: BTreeSet<_> = Sin::ALL.iter().flat_map(|sin| sin.breaks()).collect();
    let unbroken: Vec<_> =
        RULES.iter().map(|it| it.name).filter(|it| !broken.contains(it)).collect();
    assert_eq!(unbroken, Vec::<&str>::new());
}
