//! A store with one defect at a time. Without a defect it keeps every rule. Each defect breaks the
//! rules named with it and no others, and each rule is broken by a defect.

#[path = "broken_stores/defect.rs"]
mod defect;
#[path = "broken_stores/store.rs"]
mod store;

use std::collections::BTreeSet;

use countersign_testkit::block_on;
use countersign_testkit::store_conformance::{Judged, RULES};
use defect::Defect;
use store::BrokenStore;

fn broken_rules(defect: Option<Defect>) -> BTreeSet<&'static str> {
    let broken = RULES.iter().filter(|rule| {
        let judged = Judged::new(BrokenStore::stores(defect), |work| block_on(work));
        (rule.judge)(&judged)
            .inspect_err(|how| println!("{defect:?}: {}: {how}", rule.name))
            .is_err()
    });
    broken.map(|rule| rule.name).collect()
}

#[test]
fn a_store_without_a_defect_keeps_every_rule() {
    assert_eq!(broken_rules(None), BTreeSet::new());
}

#[test]
fn each_defect_breaks_its_rules_and_no_others() {
    let mut wrong = Vec::new();
    for (defect, rules) in Defect::ALL {
        let (expected, found) = (rules.iter().copied().collect(), broken_rules(Some(*defect)));
        if found != expected {
            wrong.push(format!("{defect:?} breaks {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_rule_is_broken_by_a_defect() {
    let broken: BTreeSet<_> = Defect::ALL.iter().flat_map(|(_, rules)| *rules).collect();
    let rules: BTreeSet<_> = RULES.iter().map(|rule| &rule.name).collect();
    assert_eq!(broken, rules);
}
