//! Merging states with the same future loses no state: see "Fewer states" in the README.

use countersign_model::runs;

#[test]
fn merging_loses_nothing() {
    for name in [
        "small, faults",
        "small, withdrawn",
        "small, never",
        "removed, two losses",
        "new, small",
        "small grace, no loss",
    ] {
        let fleet = runs::named(name).unwrap();
        let (merged, apart) = (fleet.clone().forms(true), fleet.forms(false));
        let mut differing = merged.symmetric_difference(&apart);
        assert_eq!(differing.next(), None, "{name}");
        println!("{name}: {} states", merged.len());
    }
}
