//! The messages between the controller and its workers, one line of JSON each.

use std::net::SocketAddr;

use countersign::Provider;
use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::store::Place;
use crate::time::Micros;

/// The number of a grant, from 0.
pub(crate) type Grant = usize;

/// The settings of a worker: its first line of input.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) provider: Provider,
    /// The address at which the worker reaches the provider, if it differs from the URLs.
    pub(crate) provider_at: Option<SocketAddr>,
    pub(crate) place: Place,
    pub(crate) limits: Limits,
    pub(crate) grants: usize,
    /// How many grants the worker asks for at once.
    pub(crate) concurrency: usize,
    /// Whether the worker asks again after an error that allows a retry.
    pub(crate) retries: bool,
}

/// Asks a worker for the token of every grant, in an order that follows from `order`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Ask {
    pub(crate) round: u32,
    pub(crate) order: u64,
}

/// A message of a worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Message {
    Ready,
    /// A refresh of the token of this generation has come to a point.
    At {
        point: Point,
        grant: Grant,
        generation: u64,
    },
    /// A refresh was stored, in this many steps of the store.
    Stored {
        grant: Grant,
        generation: u64,
        steps: u32,
    },
    /// An event: the grant serves from memory and is not stored, or is stored again.
    Unsaved {
        grant: Grant,
        is_unsaved: bool,
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

/// A point of a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Point {
    /// The swap that adds the attempt is about to be sent.
    Begins,
    /// The store has the attempt.
    Begun,
    /// The store does not have the attempt: the swap met another record.
    Refused,
    /// The swap that stores the answer is about to be sent.
    Saves,
    /// The attempt was removed: its request used nothing, or the provider refused the refresh token
    /// and another one takes its place.
    Cleared,
    /// The lease was ended and the attempt stays: its request may have used the refresh token.
    Left,
    /// The provider refused the refresh token, and the grant is marked.
    Marked,
    /// The answer was not stored, because another process had stored a newer one.
    Superseded,
}

/// The outcome of one call of `token`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) grant: Grant,
    pub(crate) round: u32,
    pub(crate) began: Micros,
    pub(crate) returned: Micros,
    /// The hash of the token, or the kind of the error.
    pub(crate) outcome: Result<String, String>,
    /// Whether the call waited for a refresh, its own or another process's.
    pub(crate) waited: bool,
}
