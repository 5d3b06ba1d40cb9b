//! What controller and workers tell each other, one line of JSON each.

use std::net::SocketAddr;

use countersign::Provider;
use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::store::Place;
use crate::time::Micros;

/// Which grant, counted from 0.
pub(crate) type Grant = usize;

/// What a worker is, its first line.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) provider: Provider,
    /// Where the provider is really reached.
    pub(crate) provider_at: Option<SocketAddr>,
    pub(crate) place: Place,
    pub(crate) limits: Limits,
    pub(crate) grants: usize,
    /// How many grants it asks for at once.
    pub(crate) crowd: usize,
    /// Whether it asks again when it is told to.
    pub(crate) is_patient: bool,
}

/// Ask for the token of every grant, in this order.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Ask {
    pub(crate) round: u32,
    pub(crate) order: u64,
}

/// What a worker says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Said {
    Ready,
    /// It is at this point of a refresh.
    At(Point, Grant),
    /// It has refreshed, with this many steps of the store.
    Stored {
        grant: Grant,
        steps: u32,
    },
    /// An event: the grant serves from memory alone, or does no more.
    Unsaved {
        grant: Grant,
        is_it: bool,
    },
    /// An event: the grant cannot be refreshed any more.
    Lost {
        grant: Grant,
        kind: String,
    },
    Answer(Answer),
    Done {
        round: u32,
    },
}

/// Points of a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Point {
    Begins,
    /// The store let it begin.
    Begun,
    /// The store did not.
    Refused,
    Saves,
}

/// What came of one call of `token`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) grant: Grant,
    pub(crate) round: u32,
    pub(crate) began: Micros,
    pub(crate) returned: Micros,
    /// The token's hash, or the kind of the error.
    pub(crate) outcome: Result<String, String>,
    /// Whether it had to wait for a refresh, its own or another's.
    pub(crate) waited: bool,
}
