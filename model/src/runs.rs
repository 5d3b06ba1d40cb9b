//! The fleets that are looked at whole: what is claimed of the protocol is claimed of these.

use crate::fleet::{Fleet, Timing};
use crate::provider::Rotation;
use crate::state::Budget;

/// At a strict provider, with a fault of each kind and a new grant from the user.
#[must_use]
pub fn two_processes() -> Fleet<2> {
    let budget =
        Budget { crashes: 1, losses: 1, withdrawals: 1, adoptions: 1, ..Budget::default() };
    Fleet { budget, ..Fleet::new(2) }
}

/// At a strict provider, with everything that can happen, once each.
#[must_use]
pub fn two_processes_and_everything() -> Fleet<2> {
    let budget = Budget { forgettings: 1, reseals: 1, ..two_processes().budget };
    Fleet { budget, ..Fleet::new(1) }
}

/// At a strict provider, with a store that hardly answers.
#[must_use]
pub fn two_processes_and_losses() -> Fleet<2> {
    let budget = Budget { crashes: 1, losses: 2, withdrawals: 1, ..Budget::default() };
    Fleet { budget, ..Fleet::new(2) }
}

/// A grant that is not there at first, is adopted, and forgotten.
#[must_use]
pub fn two_processes_and_a_new_grant() -> Fleet<2> {
    let budget =
        Budget { crashes: 1, losses: 2, adoptions: 2, forgettings: 1, ..Budget::default() };
    Fleet { budget, is_there: false, ..Fleet::new(1) }
}

/// At a provider whose refresh tokens stay the same.
#[must_use]
pub fn two_processes_without_rotation() -> Fleet<2> {
    let budget = Budget { adoptions: 0, ..two_processes().budget };
    Fleet { rotation: Rotation::Never, budget, ..Fleet::new(2) }
}

/// At a provider with a grace window of seven ticks, which is as short as lets a dead holder's lease
/// be taken over.
#[must_use]
pub fn two_processes_with_grace() -> Fleet<2> {
    let clock = Timing { lease: 3, limit: 1, save: 0, margin: 1, horizon: 8 };
    let budget = Budget { losses: 2, ..Budget::default() };
    Fleet { rotation: Rotation::Grace(7), clock: Some(clock), budget, ..Fleet::new(2) }
}

/// The same with a process that dies.
#[must_use]
pub fn two_processes_with_grace_and_a_crash() -> Fleet<2> {
    let budget = Budget { crashes: 1, losses: 1, ..Budget::default() };
    Fleet { budget, ..two_processes_with_grace() }
}

/// Three, at a strict provider, with a fault of each kind and a new grant from the user.
#[must_use]
pub fn three_processes() -> Fleet<3> {
    Fleet { budget: two_processes().budget, ..Fleet::new(1) }
}

/// Three that refresh again and again, one of which dies.
#[must_use]
pub fn three_processes_again_and_again() -> Fleet<3> {
    let budget = Budget { crashes: 1, losses: 1, ..Budget::default() };
    Fleet { budget, ..Fleet::new(2) }
}

/// Three, with forgetting beside: too many states for every day.
#[must_use]
pub fn three_processes_and_forgetting() -> Fleet<3> {
    let budget = Budget { forgettings: 1, ..two_processes().budget };
    Fleet { budget, ..Fleet::new(1) }
}
