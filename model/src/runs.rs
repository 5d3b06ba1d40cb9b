//! The fleets that are checked.

use std::time::Duration;

use countersign_tokens::protocol::{Rules, Spending};

use crate::fleet::Fleet;
use crate::state::Budget;

/// A fleet and its name.
pub type Run = (&'static str, fn() -> Fleet);

/// The fleets in which every property holds. The arguments are the attempts of each process, and how
/// often what [`Budget`] names may happen: crashes, losses, withdrawals, inserts, removals, reseals.
pub const WHOLE: &[Run] = &[
    ("strict", || fleet(2, [1, 1, 1, 1, 0, 0])),
    ("everything", || fleet(1, [1, 1, 1, 1, 1, 1])),
    ("losses", || fleet(2, [1, 2, 1, 0, 0, 0])),
    ("never", || never(2, [1, 1, 1, 0, 0, 0])),
    ("new grant", || new_grant(1, [1, 2, 0, 2, 1, 0])),
    ("new grants and losses", || new_grant(1, [1, 3, 0, 1, 2, 0])),
    ("new grants and more", || new_grant(1, [1, 3, 0, 2, 2, 0])),
    ("grace", || grace(2, [0, 2, 0, 0, 0, 0])),
    ("grace and a crash", || grace(2, [1, 1, 0, 0, 0, 0])),
    ("long grace", || with_grace(4, 9, 9, 2, [0, 2, 0, 0, 0, 0])),
    ("grace and more", || grace(2, [1, 2, 0, 0, 0, 0])),
    ("two and more", || fleet(1, [2, 2, 1, 1, 1, 1])),
    ("many losses", || fleet(2, [2, 3, 0, 0, 0, 1])),
    ("three", || three(1, [1, 1, 1, 1, 0, 0])),
    ("three again and again", || three(2, [1, 1, 0, 0, 0, 0])),
    ("three and removal", || three(1, [1, 1, 1, 1, 1, 0])),
    ("three and everything", || three(1, [1, 2, 0, 0, 1, 1])),
    ("memory", || Fleet { memory: &[0], ..fleet(2, [1, 1, 1, 1, 0, 1]) }),
    ("memory and grace", || from_memory(&[0])),
    ("memory and grace, late", || from_memory(&[0, -1])),
    ("reports", || Fleet { reports: true, ..fleet(1, [1, 1, 1, 1, 1, 1]) }),
    ("reports and grace", || Fleet { reports: true, ..grace(2, [1, 1, 0, 0, 0, 0]) }),
];

/// Fleets that show what a rule is for: `cargo xtask model --without` takes the rule away. In the
/// whole code, every property holds in all but the first.
pub const SMALL: &[Run] = &[
    // A used token is sent again: a process takes the store's clock to be ahead of where it is.
    ("memory and grace, early", || from_memory(&[0, 1])),
    ("small", || fleet(1, [0; 6])),
    ("small, reports", || Fleet { reports: true, ..fleet(1, [0; 6]) }),
    ("small, a crash", || fleet(1, [1, 0, 0, 0, 0, 0])),
    ("small, a loss", || fleet(1, [0, 1, 0, 0, 0, 0])),
    ("small, an insert", || fleet(1, [0, 0, 0, 1, 0, 0])),
    ("small, withdrawn", || fleet(1, [0, 0, 1, 1, 0, 0])),
    ("small, resealed", || fleet(1, [1, 0, 0, 0, 0, 1])),
    ("small, faults", || Fleet { reports: true, ..fleet(1, [1, 1, 0, 0, 0, 1]) }),
    ("small, never", || never(1, [1, 1, 0, 0, 0, 0])),
    ("removed", || fleet(0, [0, 1, 0, 1, 1, 0])),
    ("removed, two losses", || fleet(0, [0, 2, 0, 1, 1, 0])),
    ("new, no attempts", || new_grant(0, [1, 2, 0, 2, 1, 0])),
    ("new, small", || new_grant(0, [1, 2, 0, 1, 1, 0])),
    ("small grace", || grace(1, [0, 1, 0, 0, 0, 0])),
    ("small grace, reports", || Fleet { reports: true, ..grace(1, [0; 6]) }),
    ("small grace, no loss", || Fleet { memory: &[0], ..grace(1, [0; 6]) }),
];

fn fleet(attempts: u8, budget: [u8; 6]) -> Fleet {
    let [crashes, losses, withdrawals, inserts, removals, reseals] = budget;
    let budget = Budget { crashes, losses, withdrawals, inserts, removals, reseals };
    Fleet { budget, ..Fleet::new(attempts) }
}

fn three(attempts: u8, budget: [u8; 6]) -> Fleet {
    Fleet { processes: 3, ..fleet(attempts, budget) }
}

fn new_grant(attempts: u8, budget: [u8; 6]) -> Fleet {
    Fleet { is_there: false, ..fleet(attempts, budget) }
}

fn never(attempts: u8, budget: [u8; 6]) -> Fleet {
    let fleet = fleet(attempts, budget);
    Fleet { rules: Rules { spending: Spending::Never, ..fleet.rules }, ..fleet }
}

/// The grace window is the shortest in which another process can take over from one that has died.
fn grace(attempts: u8, budget: [u8; 6]) -> Fleet {
    with_grace(3, 7, 8, attempts, budget)
}

fn with_grace(lease: u64, window: u64, ticks: u8, attempts: u8, budget: [u8; 6]) -> Fleet {
    let fleet = fleet(attempts, budget);
    let rules = Rules {
        spending: Spending::Grace(Duration::from_millis(window)),
        lease: Duration::from_millis(lease),
        request: Duration::from_millis(1),
        margin: Duration::from_millis(1),
        ..fleet.rules
    };
    Fleet { rules, ticks: Some(ticks), ..fleet }
}

fn from_memory(memory: &'static [i8]) -> Fleet {
    Fleet { memory, ..grace(2, [0, 1, 0, 0, 0, 0]) }
}

/// Returns the fleet of this name.
pub fn named(name: &str) -> Option<Fleet> {
    WHOLE.iter().chain(SMALL).find(|it| it.0 == name).map(|it| it.1())
}
