use std::fmt;

use super::AuthorizationFlow;
use super::state::State;
use crate::error::Error;

/// A step that was refused, and the flow as it was before it.
///
/// An error itself, and converted to [`Error`] by `?` where the flow is not needed any more.
pub struct Failed<S: State> {
    /// The flow. A [`Pending`](crate::Pending) one whose code may have been sent is spent.
    pub flow: AuthorizationFlow<S>,
    /// Why.
    pub error: Error,
}

/// A stored state that was not taken up, and why.
///
/// An error itself, and converted to [`Error`] by `?` where the state is not needed any more.
pub struct Refused<S> {
    /// The state.
    pub state: S,
    /// Why.
    pub error: Error,
}

macro_rules! error_that_gives_back {
    ($name:ident, $($bound:tt)+) => {
        impl<S: $($bound)+> fmt::Display for $name<S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.error.fmt(f)
            }
        }

        impl<S: $($bound)+> std::error::Error for $name<S> {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                self.error.source()
            }
        }

        impl<S: $($bound)+> From<$name<S>> for Error {
            fn from(refused: $name<S>) -> Self {
                refused.error
            }
        }
    };
}

/// The error first: this is what a `main` that fails prints.
impl<S: State> fmt::Debug for Failed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { flow, error } = self;
        f.debug_struct("Failed").field("error", error).field("flow", flow.state()).finish()
    }
}

impl<S: fmt::Debug> fmt::Debug for Refused<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { state, error } = self;
        f.debug_struct("Refused").field("error", error).field("state", state).finish()
    }
}

error_that_gives_back!(Failed, State);
error_that_gives_back!(Refused, fmt::Debug);
