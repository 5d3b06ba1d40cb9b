//! What is measured, and where measuring begins and ends.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Something to be measured: [`run`](Self::run) is, [`prepare`](Self::prepare) and dropping the
/// output are not.
pub trait Operation {
    /// What one run consumes.
    type Input;
    /// What one run makes.
    type Output;

    /// Makes ready what a run consumes.
    fn prepare(&self) -> Self::Input;

    /// The operation.
    fn run(&self, input: Self::Input) -> Self::Output;
}

/// Runs `operation`, in a function of its own: callgrind counts between its beginning and its end,
/// and finds it by its name.
#[inline(never)]
pub fn measured<O: Operation>(operation: &O, input: O::Input) -> O::Output {
    operation.run(input)
}

/// The output of a future that never waits.
pub fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("the stub answers at once"),
    }
}
