//! What goes wrong.

use fastrand::Rng;

use crate::executor::Micros;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A process dies and starts again with nothing in memory.
    Crash,
    /// A process is closed, and ends.
    Shutdown,
    /// A process stops and goes on.
    Pause,
    /// The wall clock of a process is set.
    ClockJump,
    /// The store loses its last writes.
    FailOver,
    /// The store is away for a while.
    StoreOutage,
    /// A request to the store is lost.
    StoreLost,
    /// The store's answer is lost.
    StoreUnanswered,
    /// A request reaches the store late.
    StoreLate,
    /// A write reaches the store twice.
    StoreRepeated,
    /// The store refuses a write.
    StoreRefused,
    /// The provider cannot be reached for a while.
    ProviderOutage,
    /// No connection to the provider.
    NotConnected,
    /// 429 with `Retry-After`.
    TooManyRequests,
    /// 503 with `Retry-After`.
    Unavailable,
    /// A request to the provider is lost.
    RequestLost,
    /// The connection ends, and the request reaches the provider later.
    RequestLate,
    /// The provider's answer is lost.
    AnswerLost,
    /// 500 in the place of an answer.
    ServerError,
    /// An answer that cannot be read.
    Garbled,
    /// An answer that takes about as long as the time limit.
    Slow,
    /// A user ends a grant at the provider.
    Revoked,
    /// The API refuses good tokens.
    ApiRejects,
}

impl Fault {
    /// All kinds.
    pub const ALL: [Self; 23] = [
        Self::Crash,
        Self::Shutdown,
        Self::Pause,
        Self::ClockJump,
        Self::FailOver,
        Self::StoreOutage,
        Self::StoreLost,
        Self::StoreUnanswered,
        Self::StoreLate,
        Self::StoreRepeated,
        Self::StoreRefused,
        Self::ProviderOutage,
        Self::NotConnected,
        Self::TooManyRequests,
        Self::Unavailable,
        Self::RequestLost,
        Self::RequestLate,
        Self::AnswerLost,
        Self::ServerError,
        Self::Garbled,
        Self::Slow,
        Self::Revoked,
        Self::ApiRejects,
    ];

    /// How often a seed has the fault at all. The rare ones forgive much.
    pub(crate) fn share(self) -> f64 {
        match self {
            Self::FailOver | Self::ClockJump => 0.35,
            _ => 0.8,
        }
    }

    /// The faults that strike one request to the store.
    pub(crate) const OF_STORE: [Self; 5] = [
        Self::StoreLost,
        Self::StoreUnanswered,
        Self::StoreLate,
        Self::StoreRepeated,
        Self::StoreRefused,
    ];

    /// The faults that strike one request to the provider.
    pub(crate) const OF_PROVIDER: [Self; 9] = [
        Self::NotConnected,
        Self::TooManyRequests,
        Self::Unavailable,
        Self::RequestLost,
        Self::RequestLate,
        Self::AnswerLost,
        Self::ServerError,
        Self::Garbled,
        Self::Slow,
    ];
}

/// A point of a process at which a fault may strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// It is about to send a swap.
    Swaps,
    /// It has the store's answer to a swap.
    Swapped,
    /// It is about to send a request to the provider.
    Requests,
    /// It has the provider's answer.
    Answered,
}

impl Point {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        [Self::Swaps, Self::Swapped, Self::Requests, Self::Answered][rng.usize(0..4)]
    }
}

/// What happens to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strike {
    /// It dies, and starts again after this time.
    Crash(Micros),
    /// It stops for this time.
    Pause(Micros),
}

/// A strike that waits until a process comes to a point.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Armed {
    pub(crate) point: Point,
    /// How much later it strikes.
    pub(crate) after: Micros,
    pub(crate) strike: Strike,
}
