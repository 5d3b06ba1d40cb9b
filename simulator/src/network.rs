//! The ways of a process to the store and to the provider. A message goes on although the process
//! that sent it has died.

mod to_provider;
mod to_store;

use std::fmt;
use std::sync::Arc;

use crate::executor::{Life, Micros};
use crate::world::World;
pub(crate) use to_store::grant_of;

/// The ways of one life.
#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) world: Arc<World>,
    pub(crate) life: Arc<Life>,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Network({})", self.life.number)
    }
}

/// What becomes of a request.
struct Way<E> {
    /// After how long it arrives, if it does.
    arrives: Option<Micros>,
    /// After how long it arrives once more.
    repeats: Option<Micros>,
    /// How long the answer takes.
    answers: Option<Micros>,
    /// After how long the sender gets an error.
    fails: Option<(Micros, E)>,
}
