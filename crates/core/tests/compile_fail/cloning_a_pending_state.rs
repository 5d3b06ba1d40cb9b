//! There is one of each pending state, so that a code is sent once.

use countersign_core::Pending;

fn copy(state: &Pending) -> Pending {
    state.clone()
}

fn main() {}
